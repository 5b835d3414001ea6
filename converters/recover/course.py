"""A student, a teacher, and the photos between them: epoch by epoch."""

from dataclasses import replace
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from converters.child import Report
from converters.pictures import PictureSet
from converters.recover.batch_norm import reestimate
from converters.recover.layers import batch_norms
from converters.recover.lesson import Lesson
from converters.recover.loss import distillation_loss
from converters.recover.options import RecoverOptions
from converters.recover.split import hold_out
from converters.recover.state import (
    EpochRecord,
    StateFile,
    TrainingState,
    setbacks,
)
from converters.recover.teacher import Teacher
from converters.recover.training import Training, score_function
from converters.recover.views import View, ViewMaker

__all__ = ["PHASE", "Course"]

PHASE = "recovering"
"""The phase that progress is reported of."""

_STATISTICS_PHOTOS = 512
_STATISTICS_BATCH = 64
_MANY_PHOTOS = 500


class Course:
    """A student, a teacher, and the photos between them."""

    def __init__(
        self,
        student: Any,
        teacher: Any,
        lesson: Lesson,
        options: RecoverOptions,
        report: Report,
    ) -> None:
        photos, seed = lesson.photos, lesson.seed
        self.train, self.held = hold_out(
            len(photos), options.holdout, truth=photos.truth, seed=seed
        )
        options = _settled(options, len(self.train))
        self._options, self._seed, self._report = options, seed, report
        self._student = student
        self._truth = _truth(photos)
        self._batch = min(options.batch, len(self.train))
        self._maker = ViewMaker(photos.pixels, lesson.spec, seed=seed)
        self._teacher = Teacher(
            teacher, self._maker, lesson.scores, batch=options.batch
        )
        self._score = score_function(student, lesson.scores, batch=options.batch)
        self._steps = max(1, len(self.train) // self._batch)
        self._training = Training(
            student,
            options,
            steps=self._steps * options.epochs,
            scores=lesson.scores,
            seed=seed,
        )

    def run(self, file: StateFile) -> TrainingState:
        """Return the state after the last epoch; the student is the best one's."""
        keras.utils.set_random_seed(self._seed % 2**32)
        state = file.read()
        if state is None:
            state = self._beginning()
            file.write(state)
        else:
            self._training.restore(state.variables, state.optimizer)
        flip = self._flips() if self._options.epochs else False
        while not self._is_over(state):
            epoch = len(state.history)
            self._training.slow_down(len(setbacks(state.history)))
            self._learn(epoch, self._view(epoch, flip=flip))
            state = self._next(state, self._judge(epoch))
            file.write(state)
        self._training.restore(state.best)
        self._training.finish()
        return state

    def _beginning(self) -> TrainingState:
        """Estimate batch norm anew, if it helps."""
        before, untouched = self._training.variables(), self._judge(0)
        if batch_norms(self._student):
            some = self.train[:: max(1, len(self.train) // _STATISTICS_PHOTOS)]
            size = min(_STATISTICS_BATCH, len(some))
            whole = some[: len(some) // size * size]
            reestimate(self._student, self._maker.batches(whole, size))
        record = self._judge(0)
        if not record.loss < untouched.loss:
            self._training.restore(before)
            record = untouched
        return self._state((record,), self._training.variables())

    def _is_over(self, state: TrainingState) -> bool:
        epoch = state.history[-1].epoch
        waited = epoch - state.best_record.epoch
        return epoch >= self._options.epochs or waited >= self._options.patience

    def _next(self, state: TrainingState, record: EpochRecord) -> TrainingState:
        """Return the state after an epoch; after a bad one, back at the best one."""
        history = (*state.history, record)
        is_better = record.loss < state.best_record.loss
        best = self._training.variables() if is_better else state.best
        if record.epoch in setbacks(history):
            self._training.restore(best)
        return self._state(history, best)

    def _state(self, history: tuple[EpochRecord, ...], best: Any) -> TrainingState:
        return TrainingState(
            history=history,
            variables=self._training.variables(),
            optimizer=self._training.optimizer_variables(),
            best=best,
        )

    def _flips(self) -> bool:
        if self._options.flip == "auto":
            return self._teacher.sees_mirrored()
        return self._options.flip == "always"

    def _view(self, epoch: int, *, flip: bool) -> View:
        number = (epoch - 1) % self._options.views
        if number == 0:
            return View()
        return View(number=number, zoom=self._options.zoom, flip=flip)

    def _learn(self, epoch: int, view: View) -> None:
        soft = self._teacher.logits(view)
        order = np.random.default_rng([self._seed, epoch]).permutation(self.train)
        for step in range(self._steps):
            some = order[step * self._batch : (step + 1) * self._batch]
            inputs = self._maker.batch(some, view)
            self._training.step(inputs, soft[some], self._truth[some])
            done = (epoch - 1 + (step + 1) / self._steps) / self._options.epochs
            self._report(PHASE, done)

    def _judge(self, epoch: int) -> EpochRecord:
        """Return how the student does on the photos that were held out."""
        expected = self._teacher.logits(View())[self.held]
        batches = self._maker.batches(self.held, self._options.batch)
        given = np.concatenate([self._score(each) for each in batches])
        truth = self._truth[self.held]
        loss = float(distillation_loss(given, expected, truth, self._options))
        top = given.argmax(axis=1)
        accuracy = None if truth[0] < 0 else float(np.mean(top == truth))
        return EpochRecord(
            epoch=epoch,
            loss=loss if np.isfinite(loss) else float("inf"),
            agreement=float(np.mean(top == expected.argmax(axis=1))),
            accuracy=accuracy,
        )


def _settled(options: RecoverOptions, photos: int) -> RecoverOptions:
    """Return the options with the statistics that fit the number of photos.

    Measured: 250 photos of EfficientNet-Lite0 come nearer with fixed numbers, 1,080
    digits of a small MobileNetV2 with each batch's own.
    """
    if options.statistics != "auto":
        return options
    return replace(options, statistics="fixed" if photos < _MANY_PHOTOS else "batch")


def _truth(photos: PictureSet) -> NDArray[np.int32]:
    if photos.truth is None:
        return np.full(len(photos), -1, np.int32)
    return photos.truth.astype(np.int32)

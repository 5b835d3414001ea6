"""Deciding: in the loop's own thread, or by several workers at once, in order."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic_ns
from typing import Final, Protocol, TypeAlias, TypeVar

from edgeclf.stream.capture import Arrival
from edgeclf.stream.decision import Decision, FrameClassifier, decide
from edgeclf.stream.event import Event
from edgeclf.stream.intake import LOOK_UP_S, Intake
from edgeclf.stream.order import Order
from edgeclf.stream.stop import Stop

__all__ = ["Decider", "Outcome", "SoleDecider", "Workers"]

Outcome: TypeAlias = Decision | Event
Result = TypeVar("Result")


class Decider(Protocol):
    """Makes decisions of the frames that an intake gives."""

    def outcomes(self) -> Iterator[Outcome]:
        """Yield every decision and event, in the order of the frames.

        Raises:
            SourceError: Frames cannot be had.
            BackendError: The engine failed.
        """
        ...

    def close(self) -> None:
        """Take no further frame; never waits."""
        ...

    def join(self, wait_s: float) -> None:
        """Wait until nothing is decided any more, but not longer than that."""
        ...


class SoleDecider:
    """Decides in the thread that asks: nothing is handed from one to another.

    Args:
        classifier: Left open.
        intake: Where frames come from.
    """

    def __init__(self, classifier: FrameClassifier, intake: Intake) -> None:
        self._classifier = classifier
        self._intake = intake

    def outcomes(self) -> Iterator[Outcome]:
        """Yield every decision and event; see ``Decider``."""
        while (taken := self._intake.take()) is not None:
            if isinstance(taken, Event):
                yield taken
            else:
                yield decide(self._classifier, taken)

    def close(self) -> None:
        """Take no further frame."""
        self._intake.close()

    def join(self, wait_s: float) -> None:
        """Nothing is decided but in ``outcomes``."""


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a worker met, to be raised where the others' results are used."""

    error: BaseException


class _Nothing:
    """Nothing follows."""


_NOTHING: Final = _Nothing()


class Workers:
    """Several threads, each with a classifier of its own; results come in order.

    One worker at a time takes a frame, and decides it while the next takes another. The
    engines let go of the GIL, so capture, preprocess and invoke of different frames
    overlap. At most two frames a worker are under way.

    Args:
        classifiers: One a worker, of the same model; left open.
        intake: Where frames come from.
        stop: Where the end may be asked for.
    """

    def __init__(
        self, classifiers: Sequence[FrameClassifier], intake: Intake, stop: Stop
    ) -> None:
        self._intake = intake
        self._stop = stop
        self._turn = threading.Lock()
        self._order: Order[Outcome | _Failure | _Nothing] = Order(2 * len(classifiers))
        self._threads = [
            threading.Thread(
                target=self._work,
                args=(classifier,),
                name=f"edgeclf-worker-{number}",
                daemon=True,
            )
            for number, classifier in enumerate(classifiers)
        ]

    def outcomes(self) -> Iterator[Outcome]:
        """Yield every decision and event, in the order of the frames; see ``Decider``.

        What follows a frame that failed is not given: the end is the same as if one
        worker had decided all.
        """
        for thread in self._threads:
            thread.start()
        while True:
            outcome = self._order.take(LOOK_UP_S)
            if isinstance(outcome, _Failure):
                raise outcome.error
            if isinstance(outcome, _Nothing):
                return
            if outcome is not None:
                yield outcome
            elif not self._stop.patience_s("frames"):
                return  # a worker hangs in a read that nobody can end

    def close(self) -> None:
        """Let no worker take a further frame; never waits."""
        self._intake.close()
        self._order.close()

    def join(self, wait_s: float) -> None:
        """Wait for the workers, together not longer than that."""
        ends_ns = monotonic_ns() + round(wait_s * 1e9)
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(max(0.0, (ends_ns - monotonic_ns()) / 1e9))

    def _work(self, classifier: FrameClassifier) -> None:
        while self._take_and_decide(classifier):
            pass

    def _take_and_decide(self, classifier: FrameClassifier) -> bool:
        """Do one round, and return whether there may be another."""
        with self._turn:
            number = self._order.draw()
            if number is None:
                return False
            taken = _kept(self._take)
            if isinstance(taken, _Failure):
                self._intake.close()  # nobody else reads on
        outcome = (
            _kept(partial(decide, classifier, taken))
            if isinstance(taken, Arrival)
            else taken
        )
        self._order.put(number, outcome)
        return not isinstance(outcome, _Failure | _Nothing)

    def _take(self) -> Arrival | Event | _Nothing:
        taken = self._intake.take()
        return _NOTHING if taken is None else taken


def _kept(call: Callable[[], Result]) -> Result | _Failure:
    """Return what a call returns, or what it raises."""
    try:
        return call()
    except BaseException as error:  # noqa: BLE001 - raised again in the loop's thread
        return _Failure(error)

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from edgeclf.classifier import Classifier
from edgeclf.errors import BackendError, SourceError
from edgeclf.sources import FramePair
from edgeclf.stream import LoresAgreement, Stop, measure_lores, run_loop
from edgeclf.testing import FakeBackend, FakeSource
from edgeclf.types import Frame, Prediction
from tests.live_sources import MODEL, PIXELS, Instant, Scripted, Told, give

CAT, DOG, BIRD = range(3)


class Pairs(Scripted):
    """Gives so many pairs, then does what it is told.

    Attributes:
        given: How many it gave.
        after: Called when there are no more; ``None`` is what it then gives.
        on_pair: Called before each.
    """

    def __init__(
        self,
        count: int,
        *,
        after: Callable[[], None] = lambda: None,
        on_pair: Callable[[int], object] = lambda _: None,
    ) -> None:
        super().__init__([give] * 3, clock=lambda: 1)
        self.given = 0
        self._count = count
        self._after = after
        self._on_pair = on_pair

    def take_pair(self, wait_s: float) -> FramePair | None:
        assert wait_s > 0
        if self.given == self._count:
            return self._after()
        self._on_pair(self.given)
        self.given += 1
        return FramePair(lores=picture(self.given, 4), main=picture(self.given, 8))


def picture(sequence: int, height: int) -> Frame:
    return Frame(
        pixels=np.zeros((height, 6, 3), np.uint8),
        captured_ns=1,
        timestamp_origin="sensor",
        sequence=sequence,
    )


def saying(*answers: dict[int, float]) -> Classifier:
    """Return a classifier that gives these scores in turns: small, main, small, …"""
    classes = MODEL.spec.output.shape[1]
    scores: Sequence[Sequence[float]] = [
        [each.get(index, 0.0) for index in range(classes)] for each in answers
    ]
    spec = dataclasses.replace(
        MODEL.spec,
        output=dataclasses.replace(
            MODEL.spec.output, dtype="float32", quantization=None
        ),
    )
    model = dataclasses.replace(MODEL, spec=spec)
    return Classifier(model, backend=FakeBackend(spec, scores=scores), top_k=1)


SURE = {CAT: 0.9, DOG: 0.1}


def test_equal_decisions_are_counted_and_the_largest_difference_is_kept() -> None:
    classifier = saying(
        *(SURE, SURE),
        *({CAT: 0.7, DOG: 0.3}, {CAT: 0.5, DOG: 0.25, BIRD: 0.25}),
        *({CAT: 0.45, DOG: 0.55}, {CAT: 0.55, DOG: 0.45}),
        *(SURE, {CAT: 0.8, DOG: 0.2}),
    )

    found = measure_lores(Pairs(4), classifier, stop=Stop(), pairs=4)

    assert (found.pairs, found.equal, found.share) == (4, 3, 0.75)
    # Of a label that no decision shows.
    assert found.largest_difference == pytest.approx(0.25)


def test_both_pictures_of_a_pair_go_the_same_way() -> None:
    classifier = saying(SURE)
    seen: list[int] = []
    classify = classifier.classify

    class Watched(Instant):
        def classify(self, frame: Frame) -> Prediction:
            seen.append(frame.pixels.shape[0])
            return classify(frame)

    watched = Watched(lambda: 1, model=classifier.model)
    found = measure_lores(Pairs(9), watched, stop=Stop(), pairs=3)

    assert seen == [4, 8] * 3
    assert str(found) == (
        "3 of 3 decisions are those of the main stream, scores differ by at most 0.00"
    )


def test_thirty_pairs_are_taken_and_no_more() -> None:
    source = Pairs(100)

    assert measure_lores(source, saying(SURE), stop=Stop()).pairs == 30
    assert source.given == 30
    assert source.handed == []


def test_a_stop_cuts_it_short_with_what_was_measured() -> None:
    stop = Stop()
    source = Pairs(100, on_pair=lambda number: stop.request() if number == 4 else None)

    assert measure_lores(source, saying(SURE), stop=stop).pairs == 5


def test_a_camera_that_is_lost_leaves_what_was_measured() -> None:
    def lost() -> None:
        raise SourceError("the cable is out")

    assert measure_lores(Pairs(2, after=lost), saying(SURE), stop=Stop()).pairs == 2
    nothing = measure_lores(Pairs(0, after=lost), saying(SURE), stop=Stop())
    assert nothing == LoresAgreement(pairs=0, equal=0, largest_difference=None)
    assert str(nothing) == "nothing was measured: no pictures came"
    assert nothing.to_dict() == {
        "pairs": 0,
        "equal": 0,
        "share": None,
        "largest_difference": None,
    }


def test_a_camera_that_gives_nothing_is_not_waited_for_for_ever() -> None:
    found = measure_lores(Pairs(0), saying(SURE), stop=Stop(), at_most_s=0.05)

    assert found.pairs == 0


def test_an_engine_that_fails_is_told() -> None:
    classifier = saying(SURE)
    classifier.close()

    with pytest.raises(BackendError, match="closed"):
        measure_lores(Pairs(3), classifier, stop=Stop())


def test_a_classifier_without_raw_scores_is_refused() -> None:
    with pytest.raises(ValueError, match="must set raw_scores"):
        measure_lores(Pairs(3), Instant(lambda: 1), stop=Stop())


@pytest.mark.parametrize(
    ("pairs", "equal", "largest_difference"), [(3, 4, 0.1), (0, 0, 0.1), (3, 3, None)]
)
def test_an_agreement_that_contradicts_itself_is_refused(
    pairs: int, equal: int, largest_difference: float | None
) -> None:
    with pytest.raises(ValueError, match=f"of {pairs}"):
        LoresAgreement(pairs=pairs, equal=equal, largest_difference=largest_difference)


def test_the_loop_reports_it_to_every_sink() -> None:
    found = LoresAgreement(pairs=30, equal=29, largest_difference=0.08)
    told = Told()

    report = run_loop(
        FakeSource([PIXELS] * 2), Instant(lambda: 1 << 62), lores=found, sinks=[told]
    )

    assert report.to_dict()["lores"] == {
        "pairs": 30,
        "equal": 29,
        "share": 29 / 30,
        "largest_difference": 0.08,
    }
    assert told.reports == [report]

"""Events of labels: when they start and end, and the laws that they obey."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeclf import Classifier
from edgeclf.errors import SpecError
from edgeclf.stream import Event
from edgeclf.types import ScoreKind
from edgeclf.watch import EventRule, LabelWatcher, Smoothing, Thresholds
from tests.models import TfliteKind, tiny_model
from tests.streams import LAW, MS, S, decision, names_and_phases, open_starts

MODEL = tiny_model("float32", classes=3)
NONE = Smoothing(kind="none")
AT_ONCE = Thresholds(enter=0.6, exit=0.4, min_duration_ms=0, hold_ms=0)

Curve = list[tuple[int, float]]


def curve_of(values: list[float], every_ms: int = 100) -> Curve:
    return [(S + index * every_ms * MS, value) for index, value in enumerate(values)]


def watch(rule: EventRule, curve: Curve, *, finish: bool = True) -> list[Event]:
    """Watch the first label; the second has what is left."""
    watcher = LabelWatcher(rule, MODEL)
    events: list[Event] = []
    for sequence, (moment, value) in enumerate(curve):
        scores = (value, 1 - value, 0.0)
        events += watcher.watch(decision(sequence, moment, scores=scores))
    if finish:
        events += watcher.finish(curve[-1][0] + 20 * MS if curve else 0)
    return events


def only_first(rule: EventRule) -> EventRule:
    return replace(rule, watched=("class 0",))


CURVES = st.lists(
    st.tuples(st.integers(0, 2000), st.sampled_from([0.1, 0.35, 0.5, 0.55, 0.7, 0.9])),
    max_size=25,
).map(
    lambda steps: [
        (S + int(moment) * MS, value)
        for moment, (_, value) in zip(
            np.cumsum([gap for gap, _ in steps]), steps, strict=True
        )
    ]
)
RULES = st.builds(
    EventRule,
    smoothing=st.sampled_from(
        [
            NONE,
            Smoothing(kind="ewma", time_constant_ms=300),
            Smoothing(kind="majority", frames=3),
        ]
    ),
    thresholds=st.builds(
        Thresholds,
        enter=st.sampled_from([0.5, 0.6, 0.8]),
        exit=st.sampled_from([0.2, 0.4, 0.5]),
        min_duration_ms=st.sampled_from([0, 100, 1000]),
        hold_ms=st.sampled_from([0, 100, 1000]),
    ),
    max_gap_ms=st.sampled_from([1500, 10_000]),
)


@LAW
@given(CURVES, RULES)
def test_every_start_has_one_end_and_nothing_overlaps(
    curve: Curve, rule: EventRule
) -> None:
    events = watch(rule, curve)

    assert not list(open_starts(events))
    assert all(event.noticed_ns >= event.at_ns for event in events)


@LAW
@given(CURVES, RULES)
def test_finish_ends_exactly_what_is_going_on(curve: Curve, rule: EventRule) -> None:
    before = watch(rule, curve, finish=False)

    ends = watch(rule, curve)[len(before) :]

    assert sorted(event.name for event in ends) == sorted(open_starts(before))
    assert all(event.phase == "end" and event.sequence is None for event in ends)


@LAW
@given(CURVES, RULES, st.floats(0, 0.5))
def test_raising_enter_never_adds_an_event(
    curve: Curve, rule: EventRule, higher: float
) -> None:
    enter = rule.thresholds.enter
    stricter = replace(rule.thresholds, enter=min(1.0, enter + higher))

    lower = watch(only_first(rule), curve)
    raised = watch(only_first(replace(rule, thresholds=stricter)), curve)

    assert len(raised) <= len(lower)


@LAW
@given(CURVES, RULES)
def test_a_label_that_is_not_watched_changes_nothing_for_the_others(
    curve: Curve, rule: EventRule
) -> None:
    alone = watch(only_first(rule), curve)

    assert alone == [event for event in watch(rule, curve) if event.name == "class 0"]


def test_an_event_begins_with_the_first_frame_of_its_run_and_is_noticed_later() -> None:
    thresholds = replace(AT_ONCE, min_duration_ms=200, hold_ms=100)
    rule = only_first(EventRule(smoothing=NONE, thresholds=thresholds))
    curve = curve_of([0.1, 0.7, 0.3, 0.7, 0.7, 0.7, 0.5, 0.1, 0.5, 0.1, 0.1, 0.1])

    start, end = watch(rule, curve)

    assert (start.at_ns, start.sequence) == (curve[3][0], 5)
    assert start.noticed_ns == curve[5][0] + 5 * MS
    assert start.score == pytest.approx(0.7)
    assert (end.at_ns, end.sequence) == (curve[9][0], 10)


def test_between_the_thresholds_nothing_changes() -> None:
    rule = only_first(EventRule(smoothing=NONE, thresholds=AT_ONCE))

    events = watch(rule, curve_of([0.5, 0.61, 0.41, 0.59, 0.41, 0.39, 0.59]))

    assert [(event.phase, event.sequence) for event in events] == [
        ("start", 1),
        ("end", 5),
    ]


def test_a_label_has_thresholds_of_its_own() -> None:
    own = {"class 1": Thresholds(enter=0.95, exit=0.9, min_duration_ms=0, hold_ms=0)}
    rule = EventRule(smoothing=NONE, thresholds=AT_ONCE, labels=own)

    events = watch(rule, curve_of([0.1, 0.04, 0.1, 0.7]))

    assert names_and_phases(events) == [
        "class 1 start",
        "class 1 end",
        "class 0 start",
        "class 0 end",
    ]


def test_what_goes_on_ends_with_the_last_frame_before_a_gap() -> None:
    rule = only_first(EventRule(smoothing=NONE, thresholds=AT_ONCE, max_gap_ms=5000))
    curve = [(S, 0.9), (2 * S, 0.9), (8 * S, 0.9), (9 * S, 0.1)]

    _, first_end, second_start, _ = watch(rule, curve)

    assert (first_end.at_ns, first_end.sequence) == (2 * S, 2)
    assert "no frame for 6.0 s" in first_end.detail
    assert second_start.at_ns == 8 * S


def test_the_end_of_the_stream_ends_an_event_with_its_last_frame() -> None:
    rule = only_first(EventRule(smoothing=NONE, thresholds=AT_ONCE))

    end = watch(rule, curve_of([0.9, 0.9]))[-1]

    assert (end.at_ns, end.noticed_ns) == (S + 100 * MS, S + 120 * MS)
    assert end.detail == "the stream ended"


def test_a_clock_that_jumps_back_stands_still() -> None:
    rule = only_first(EventRule(smoothing=NONE, thresholds=AT_ONCE))

    events = watch(rule, [(5 * S, 0.9), (2 * S, 0.9), (3 * S, 0.1)])

    assert [event.at_ns for event in events] == [5 * S, 5 * S]


def test_a_recording_is_judged_by_its_own_time() -> None:
    thresholds = replace(AT_ONCE, min_duration_ms=1000)
    rule = only_first(EventRule(smoothing=NONE, thresholds=thresholds))
    watcher = LabelWatcher(rule, MODEL)
    events: list[Event] = []
    for index in range(5):  # read a hundred times as fast as it was made
        media_ns, now_ns = index * S // 2, S + index * 5 * MS
        events += watcher.watch(
            decision(index, now_ns, scores=(0.9, 0.1, 0.0), media_ns=media_ns)
        )

    [start] = events
    assert (start.sequence, start.at_ns) == (2, S)


def test_two_classes_with_one_name_are_one_label() -> None:
    model = replace(MODEL, labels=("crane", "dog", "crane"))
    watcher = LabelWatcher(EventRule(smoothing=NONE, thresholds=AT_ONCE), model)

    [event] = watcher.watch(decision(0, S, scores=(0.4, 0.3, 0.3)))

    assert event.name == "crane"
    assert event.score == pytest.approx(0.7)


def test_a_label_that_the_model_does_not_have_is_refused_with_the_close_ones() -> None:
    rule = EventRule(labels={"clas 1": AT_ONCE})

    with pytest.raises(SpecError, match=r"no label 'clas 1'; did you mean 'class 1'"):
        LabelWatcher(rule, MODEL)


def test_a_prediction_without_raw_scores_is_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="must set raw_scores"):
        LabelWatcher(EventRule(), MODEL).watch(decision(0, S))


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("scores", ["logits", "probabilities"])
def test_a_classifiers_own_predictions_make_events(
    kind: TfliteKind, scores: ScoreKind
) -> None:
    model = tiny_model(kind, scores=scores)
    with Classifier(model, top_k=10) as classifier:
        seen = decision(0, S, pixels=np.full((40, 40, 3), 99, np.uint8))
        prediction = classifier.classify(seen.frame)
    least = Thresholds(enter=1e-9, exit=1e-9, min_duration_ms=0, hold_ms=0)
    watcher = LabelWatcher(EventRule(smoothing=NONE, thresholds=least), model)

    events = watcher.watch(replace(seen, prediction=prediction))

    expected = {each.label: each.score for each in prediction.top if each.score > 1e-9}
    assert {event.name: event.score for event in events} == pytest.approx(expected)

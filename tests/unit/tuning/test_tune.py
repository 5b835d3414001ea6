"""Tuning: what counts as right, what is chosen, and what is said of it."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from edgeclf.errors import SpecError
from edgeclf.tuning import Goal, Material, TuneOptions, TuneReport, tune
from edgeclf.tuning.crossings import Occurrences
from edgeclf.tuning.material import Span, Truth
from edgeclf.tuning.outcome import Windows, compare, windows_of
from edgeclf.watch import Smoothing
from tests.models import tiny_model
from tests.streams import MS, S

MODEL = tiny_model(classes=3)
EVERY_NS = 100 * MS
ONE_AN_HOUR = Goal(max_false_alarms_per_hour=1)
FEW = tuple(map(Smoothing.parse, ["none", "ewma:200", "ewma:800", "majority:5"]))


def truth(*spans: tuple[float, float]) -> Truth:
    starts, ends = np.array([(a * S, b * S) for a, b in spans], np.int64).T
    return Truth(starts_ns=starts, ends_ns=ends)


def material(seconds: float, *truths: Truth, flicker: float = 0.0) -> Material:
    """Return what a good model says of a clip, and with a flicker a worse one.

    Where a label is there its score is about 0.8, else about 0.1; now and then, for a
    single frame, it is the other way round.
    """
    rng = np.random.default_rng(0)
    moments = np.arange(round(seconds * 10)) * EVERY_NS
    columns = []
    for each in truths:
        is_there = np.zeros(len(moments), np.bool_)
        for start, end in zip(each.starts_ns, each.ends_ns, strict=True):
            is_there |= (moments >= start) & (moments < end)
        is_there ^= rng.random(len(moments)) < flicker
        noise = rng.uniform(-0.05, 0.05, len(moments))
        columns.append(np.where(is_there, 0.8, 0.1) + noise)
    scores = np.stack(columns, axis=1)
    return Material(
        labels=tuple(f"class {place}" for place in range(len(truths))),
        moments_ns=moments,
        scores=scores,
        best=scores.argmax(axis=1),
        places=tuple(range(len(truths))),
        clips=(Span(path="yard.mp4", first=0, start_ns=0, end_ns=int(moments[-1])),),
        truths=truths,
    )


def tuned(
    seen: Material, goal: Goal = ONE_AN_HOUR, *, per_label: bool = False
) -> TuneReport:
    options = TuneOptions(goal=goal, per_label=per_label, smoothings=FEW)
    return tune(seen, MODEL, clips_sha256="0" * 64, options=options)


def told(*spans: tuple[float, float]) -> Occurrences:
    """Return events that start and end at these seconds, a frame each tenth."""
    starts, ends = (np.array(spans) * 10).astype(np.int64).T
    return Occurrences(starts, starts, ends, ends)


WINDOWS = windows_of(
    material(40, truth((10, 12), (20, 25))), truth((10, 12), (20, 25)), 0.5
)
MOMENTS = np.arange(400, dtype=np.int64) * EVERY_NS


@pytest.mark.parametrize(
    ("events", "delays_s", "false_alarms", "repeats"),
    [
        pytest.param([(10.3, 12), (20, 25)], (0.3, 0), 0, 0, id="right"),
        pytest.param([(9.6, 11), (25.4, 26)], (0, 5.4), 0, 0, id="at the edges"),
        pytest.param([(9.4, 11), (25.6, 26)], (None, None), 2, 0, id="just outside"),
        pytest.param([(1, 30)], (None, None), 1, 0, id="an alarm that never ends"),
        pytest.param([(10, 24)], (0, None), 0, 0, id="one that hides the next"),
        pytest.param([(10, 11), (11.5, 12)], (0, None), 0, 1, id="told twice"),
        pytest.param([(15, 16), (20, 21)], (None, 0), 1, 0, id="one false"),
    ],
)
def test_an_event_is_right_when_it_starts_while_there_is_something(
    events: list[tuple[float, float]],
    delays_s: tuple[float | None, ...],
    false_alarms: int,
    repeats: int,
) -> None:
    outcome = compare(told(*events), WINDOWS, MOMENTS)

    expected = [np.inf if each is None else each * 1000 for each in delays_s]
    assert outcome.delays_ms.tolist() == pytest.approx(expected)
    assert np.count_nonzero(~outcome.is_right) == false_alarms
    assert outcome.repeats == repeats


def test_the_time_without_events_leaves_out_their_surroundings() -> None:
    assert WINDOWS.negative_hours == pytest.approx((39.9 - 3 - 6) / 3600)


def test_two_windows_meet_halfway() -> None:
    near = truth((10, 12), (12.4, 14))

    windows: Windows = windows_of(material(40, near), near, 0.5)

    assert windows.closes_ns[0] == 12.2 * S
    assert windows.opens_ns[1] == 12.2 * S + 1


SEEN = truth(*((start, start + 4) for start in range(10, 290, 14)))
OTHER = truth(*((start, start + 3) for start in range(15, 290, 28)))


def test_a_good_model_is_told_at_once_and_without_a_false_alarm() -> None:
    report = tuned(material(300, SEEN))

    assert report.rule is not None
    assert report.figures is not None
    assert (report.figures.missed, report.figures.false_alarms) == ((), ())
    assert report.figures.median_delay_ms == 0


def test_a_flickering_model_gets_smoothing_or_a_minimum_duration() -> None:
    report = tuned(material(300, SEEN, flicker=0.1), Goal(max_false_alarms_per_hour=0))

    assert report.rule is not None
    assert report.figures is not None
    assert report.figures.rate == 0
    assert len(report.figures.missed) <= 1
    assert 0 < report.figures.median_delay_ms < 1500  # type: ignore[operator] # told
    assert report.flips_per_minute == 0  # of one label there is always the same best
    thresholds = report.rule.thresholds
    assert report.rule.smoothing.kind != "none" or thresholds.min_duration_ms > 0


def test_the_curve_pays_for_fewer_false_alarms_with_delay_or_misses() -> None:
    curve = tuned(material(300, SEEN, OTHER, flicker=0.1)).curve

    assert len(curve) >= 2
    for fewer, more in pairwise(curve):
        assert fewer.rate <= more.rate
        assert (fewer.missed, fewer.delay_ms) > (more.missed, more.delay_ms)


def test_a_limit_of_the_delay_takes_the_fewest_false_alarms_below_it() -> None:
    seen = material(300, SEEN, flicker=0.1)

    quick = tuned(seen, Goal(max_delay_s=0.2)).figures
    slow = tuned(seen, Goal(max_delay_s=1.5)).figures

    assert quick is not None
    assert slow is not None
    assert (quick.median_delay_ms or 0) <= 200
    assert slow.rate <= quick.rate


def test_no_setting_that_keeps_the_limits_is_no_rule() -> None:
    blind = replace(material(300, SEEN), scores=np.full((3000, 1), 0.5))

    report = tuned(blind, Goal(max_false_alarms_per_hour=5))

    assert (report.rule, report.figures, report.notes) == (None, None, ())
    assert report.curve == ()


def test_each_label_can_have_thresholds_of_its_own() -> None:
    seen = material(300, SEEN, OTHER)
    shy = seen.scores * [1.0, 0.2]  # the second label never comes above 0.2

    report = tuned(replace(seen, scores=shy), per_label=True)

    assert report.rule is not None
    assert report.figures is not None
    assert report.figures.missed == ()
    assert report.rule.of("class 1").enter < 0.2 < report.rule.of("class 0").enter


def test_little_material_is_said_in_words_with_an_interval() -> None:
    report = tuned(material(60, truth((10, 12), (30, 33))))

    text = " ".join(report.notes)
    assert "0 false alarms in 0.01 h without events" in text
    assert "does not show that it stays below 1 an hour: it would take 3.7 h" in text
    assert "0 of 2 events missed: the true share is 0% to 66% (95 %)" in text
    assert "2 events are few" in text
    assert report.rule is not None
    assert report.rule.measured is not None
    assert report.rule.measured.false_alarms_per_hour_high > 100


def test_a_label_that_is_always_there_cannot_be_tuned() -> None:
    with pytest.raises(SpecError, match="seen in every clip all the time"):
        tuned(material(60, truth((0, 60))))

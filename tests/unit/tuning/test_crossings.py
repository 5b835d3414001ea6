"""Whole curves at once give the events that the loop gives frame by frame."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeclf.tuning import Material, predict
from edgeclf.tuning.material import Span, Truth
from edgeclf.watch import EventRule, LabelWatcher, Smoothing, Thresholds
from tests.models import tiny_model
from tests.streams import LAW, MS, S, decision

LABELS = ("class 2", "class 0")
MODEL = tiny_model("float32", classes=3)
NOTHING = Truth(starts_ns=np.array([0]), ends_ns=np.array([1]))

Told = list[tuple[str, str, int, int]]
"""Label, phase, number of the first frame that shows it, number of that which told it:
the number of frames when the end of the clip did."""


@st.composite
def streams(draw: st.DrawFn) -> list[list[tuple[int, list[float]]]]:
    """Return clips of frames: moments in nanoseconds, and scores of three labels."""
    values = st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.55, 0.7, 0.9, 1.0])
    frames = st.lists(
        st.tuples(st.sampled_from([0, 33, 40, 100, 700, 2500]), values, values, values),
        min_size=1,
        max_size=20,
    )
    clips = []
    for clip in draw(st.lists(frames, min_size=1, max_size=3)):
        moments = np.cumsum([gap for gap, *_ in clip]) * MS
        clips.append(
            [(int(at), scores) for at, (_, *scores) in zip(moments, clip, strict=True)]
        )
    return clips


def material_of(clips: list[list[tuple[int, list[float]]]]) -> Material:
    moments: list[int] = []
    spans = []
    for clip in clips:
        start_ns = moments[-1] + 86_400 * S if moments else 0
        first = len(moments)
        moments += [start_ns + at for at, _ in clip]
        spans.append(Span(path="", first=first, start_ns=start_ns, end_ns=moments[-1]))
    # As the engine stores them, and the head reads them.
    raw = np.array([scores for clip in clips for _, scores in clip], np.float32)
    scores = raw.astype(np.float64)
    return Material(
        labels=LABELS,
        moments_ns=np.array(moments, np.int64),
        scores=scores[:, [2, 0]],
        best=scores.argmax(axis=1),
        places=(2, 0),
        clips=tuple(spans),
        truths=(NOTHING, NOTHING),
    )


def lived(rule: EventRule, clip: list[tuple[int, list[float]]]) -> Told:
    """Return what a watcher tells, frame after frame."""
    watcher = LabelWatcher(rule, MODEL)
    events = []
    for number, (moment, scores) in enumerate(clip):
        # The frame's own clock counts frames, so that ``at_ns`` names one.
        events += watcher.watch(
            decision(number, number, scores=scores, media_ns=moment)
        )
    events += watcher.finish(len(clip))
    return [
        (each.name, each.phase, each.at_ns, len(clip))
        if each.sequence is None
        else (each.name, each.phase, each.at_ns, each.sequence)
        for each in events
    ]


def predicted(rule: EventRule, material: Material, clip: Span, frames: int) -> Told:
    told: Told = []
    last = clip.first + frames
    for label, found in zip(material.labels, predict(rule, material), strict=True):
        for start, since, end, end_since in zip(*found, strict=True):
            if clip.first <= start < last:
                first = clip.first
                told.append((label, "start", int(since) - first, int(start) - first))
                told.append((label, "end", int(end_since) - first, int(end) - first))
    order = {label: place for place, label in enumerate(LABELS)}
    return sorted(told, key=lambda each: (each[3], each[1] == "start", order[each[0]]))


SMOOTHINGS = st.sampled_from(
    [
        Smoothing(kind="none"),
        Smoothing(kind="ewma", time_constant_ms=0),
        Smoothing(kind="ewma", time_constant_ms=70),
        Smoothing(kind="ewma", time_constant_ms=900),
        Smoothing(kind="majority", frames=1),
        Smoothing(kind="majority", frames=4),
    ]
)
THRESHOLDS = st.builds(
    Thresholds,
    enter=st.sampled_from([0.5, 0.55, 0.75]),
    exit=st.sampled_from([0.25, 0.45, 0.5]),
    min_duration_ms=st.sampled_from([0, 33, 100, 1000]),
    hold_ms=st.sampled_from([0, 33, 100, 1000]),
)


@LAW
@given(streams(), SMOOTHINGS, THRESHOLDS, THRESHOLDS, st.sampled_from([500, 10_000]))
def test_what_is_predicted_is_what_the_watcher_tells(
    clips: list[list[tuple[int, list[float]]]],
    smoothing: Smoothing,
    thresholds: Thresholds,
    own: Thresholds,
    max_gap_ms: int,
) -> None:
    rule = EventRule(
        smoothing=smoothing,
        thresholds=thresholds,
        labels={"class 0": own},
        watched=LABELS,
        max_gap_ms=max_gap_ms,
    )
    material = material_of(clips)

    for clip, span in zip(clips, material.clips, strict=True):
        assert predicted(rule, material, span, len(clip)) == lived(rule, clip)


def test_a_prediction_has_something_in_it() -> None:
    rule = EventRule(
        smoothing=Smoothing(kind="none"),
        thresholds=Thresholds(enter=0.5, exit=0.5, min_duration_ms=0, hold_ms=0),
        watched=LABELS,
    )
    clip = [
        (each * 100 * MS, [0.0, 0.0, value]) for each, value in enumerate([0.9, 0, 1])
    ]
    material = material_of([clip])

    assert predicted(rule, material, material.clips[0], 3) == [
        ("class 2", "start", 0, 0),
        ("class 2", "end", 1, 1),
        ("class 2", "start", 2, 2),
        ("class 2", "end", 2, 3),
    ]
    assert lived(replace(rule, watched=("class 2",)), clip)[0][:2] == (
        "class 2",
        "start",
    )

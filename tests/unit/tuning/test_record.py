"""What was tuned is what the live loop does: the same events of the same clip."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf import Classifier
from edgeclf.errors import InputFileError, SpecError
from edgeclf.stream import Decision, Event, LoopReport, run_loop
from edgeclf.tuning import (
    ClipTable,
    Goal,
    Material,
    TuneOptions,
    open_clip,
    predict,
    read_clips,
    record,
    tune,
)
from edgeclf.types import Uint8Image
from edgeclf.watch import LabelWatcher, Smoothing, parse_rule, rule_toml
from tests.models import TfliteKind, tiny_model

COLOURS = [(230, 20, 20), (20, 230, 20), (20, 20, 230), (230, 230, 20), (0, 0, 0)]
RNG_SEED = 5


def picture(colour: tuple[int, int, int], rng: np.random.Generator) -> Uint8Image:
    noise = rng.normal(0, 25, (40, 40, 3))
    return np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(params=["float32", "int8"])
def classifier(request: pytest.FixtureRequest) -> Iterator[Classifier]:
    kind: TfliteKind = request.param
    with Classifier(tiny_model(kind, seed=3), top_k=10) as opened:
        yield opened


@pytest.fixture
def table(classifier: Classifier, tmp_path: Path) -> ClipTable:
    """Two clips in which a colour comes and goes that the model tells from another."""
    rng = np.random.default_rng(RNG_SEED)
    labels = [
        classifier.classify(picture(colour, rng)).best.label for colour in COLOURS
    ]
    other = next(place for place, label in enumerate(labels) if label != labels[0])
    rows = ["clip,start_s,end_s,label"]
    for name, spans in (("a", [(8, 14), (30, 34)]), ("b", [(5, 25)])):
        write_clip(tmp_path / name, rng, spans, COLOURS[0], COLOURS[other])
        rows += [
            f"{name},{times[start]},{times[end]},{labels[0]}"
            for times in [frame_times(45)]
            for start, end in spans
        ]
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    return read_clips(tmp_path / "clips.csv")


def frame_times(frames: int) -> list[float]:
    """Return uneven times, in seconds."""
    gaps = np.random.default_rng(1).choice([0.033, 0.04, 0.1, 0.25], frames)
    return [round(float(each), 4) for each in np.cumsum(gaps) - gaps[0]]


def write_clip(
    folder: Path,
    rng: np.random.Generator,
    spans: list[tuple[int, int]],
    there: tuple[int, int, int],
    away: tuple[int, int, int],
) -> None:
    folder.mkdir()
    lines = ["image,time_s"]
    for number, time_s in enumerate(frame_times(45)):
        is_there = any(start <= number < end for start, end in spans)
        if number % 11 == 7:
            is_there = not is_there  # a flicker
        image = Image.fromarray(picture(there if is_there else away, rng))
        image.save(folder / f"{number:03}.png")
        lines.append(f"{number:03}.png,{time_s}")
    (folder / "times.csv").write_text("\n".join(lines))


class Told:
    """A sink that keeps the events, and the time of each frame in its recording."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.media_ns: dict[int, int] = {}

    def decision(self, decision: Decision) -> None:
        frame = decision.frame
        assert frame.media_ns is not None
        # Two frames may be taken within one tick of the clock.
        self.media_ns.setdefault(frame.captured_ns, frame.media_ns)

    def event(self, event: Event) -> None:
        self.events.append(event)

    def report(self, report: LoopReport) -> None: ...

    @property
    def lines(self) -> list[tuple[str, int | None, int]]:
        return [
            (each.phase, each.sequence, self.media_ns[each.at_ns])
            for each in self.events
        ]


def predicted(
    found: Material,
    number: int,
    told: tuple[np.ndarray[tuple[int], np.dtype[np.int64]], ...],
) -> list[tuple[str, int | None, int]]:
    clip, frames = found.clips[number], len(found.moments_ns)
    after = found.clips[number + 1].first if number + 1 < len(found.clips) else frames
    lines: list[tuple[str, int | None, int]] = []
    for start, since, end, end_since in zip(*told, strict=True):
        if not clip.first <= start < after:
            continue
        for phase, frame, shown in (("start", start, since), ("end", end, end_since)):
            sequence = None if frame == after else int(frame) - clip.first
            lines.append(
                (phase, sequence, int(found.moments_ns[shown]) - clip.start_ns)
            )
    return lines


@pytest.mark.parametrize("smoothing", ["none", "ewma:100", "majority:3"])
def test_the_tuned_rule_makes_in_the_loop_the_events_that_were_predicted(
    classifier: Classifier, table: ClipTable, smoothing: str
) -> None:
    found = record(table, classifier)
    options = TuneOptions(
        goal=Goal(max_false_alarms_per_hour=1000),
        smoothings=(Smoothing.parse(smoothing),),
        tolerance_s=0.2,
    )
    report = tune(found, classifier.model, clips_sha256=table.sha256, options=options)
    assert report.rule is not None
    rule = parse_rule(rule_toml(report.rule))
    [told] = predict(rule, found)

    for number, clip in enumerate(table.clips):
        sink = Told()
        decode = classifier.model.spec.preprocess.decode
        with open_clip(clip, table.folder, decode=decode) as source:
            run_loop(
                source,
                classifier,
                sinks=[sink],
                watchers=[LabelWatcher(rule, classifier.model)],
            )

        assert sink.lines == predicted(found, number, told)
        assert sink.lines


def test_a_label_that_the_model_does_not_have_is_refused(
    classifier: Classifier, table: ClipTable
) -> None:
    [first, _] = table.clips
    event = replace(first.events[0], label="klass 3")

    with pytest.raises(SpecError, match="no label 'klass 3'; did you mean 'class 3'"):
        record(replace(table, clips=(replace(first, events=(event,)),)), classifier)


def test_a_table_without_a_label_has_nothing_to_find(
    classifier: Classifier, table: ClipTable
) -> None:
    empty = replace(table, clips=(replace(table.clips[0], events=()),))

    with pytest.raises(SpecError, match="no clip has a label"):
        record(empty, classifier)


def test_a_label_beyond_the_end_of_its_clip_is_refused(
    classifier: Classifier, table: ClipTable
) -> None:
    [first, _] = table.clips
    late = replace(first.events[0], end_s=999.0)

    with pytest.raises(InputFileError, match=r"until 999.0 s, and the clip ends at"):
        record(replace(table, clips=(replace(first, events=(late,)),)), classifier)

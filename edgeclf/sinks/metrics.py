"""What Prometheus is told of a running loop."""

from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from edgeclf.sinks import FrameCounts
from edgeclf.sinks.record import Record
from edgeclf.stream import Fate, Phase, SinkCounts

__all__ = ["LiveMetrics"]

_STAGE_BUCKETS_S: Final = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5),
)
"""From a head's 100 µs to a large model on the smallest board."""

_AGE_BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0)
"""Below one frame at 60 a second up to a stream that hangs."""


class LiveMetrics:
    """Takes records by one thread; is read by as many as there are scrapes.

    Attributes:
        registry: What is exposed.
    """

    def __init__(
        self,
        *,
        model_name: str,
        others: Callable[[], Sequence[SinkCounts]],
        frames: FrameCounts | None = None,
        temperature_c: Callable[[], float | None],
    ) -> None:
        """Begin with nothing.

        Args:
            model_name: Of the model that decides.
            others: Returns what each sink did so far.
            frames: Returns what became of the frames so far; ``None``: not told.
            temperature_c: Returns the processor's, where it is known.
        """
        self.registry = CollectorRegistry()
        self._others = others
        self._frames = frames
        self._temperature_c = temperature_c
        self._newest: Record | None = None
        made: dict[str, Any] = {"registry": self.registry}
        self._decisions = Counter("edgeclf_decisions", "Frames decided.", **made)
        self._stages = Histogram(
            "edgeclf_stage_seconds",
            "Time of a stage of one frame.",
            ["stage"],
            buckets=_STAGE_BUCKETS_S,
            **made,
        )
        self._age = Histogram(
            "edgeclf_age_seconds",
            "From when the picture was taken to the decision.",
            buckets=_AGE_BUCKETS_S,
            **made,
        )
        self._events = Counter(
            "edgeclf_events",
            "What began and what ended.",
            ["kind", "name", "phase"],
            **made,
        )
        self._going_on = Gauge(
            "edgeclf_going_on", "1 from start to end.", ["kind", "name"], **made
        )
        # There from the beginning: an alert on something that is missing stays silent,
        # and of a counter that begins at 1 no increase is seen.
        self._going_on.labels("source", "lost")
        for phase in get_args(Phase):
            self._events.labels("source", "lost", phase)
        Gauge("edgeclf_model_info", "The model.", ["model"], **made).labels(
            model_name
        ).set(1)
        ProcessCollector(registry=self.registry)
        self.registry.register(self)

    def take(self, record: Record) -> None:
        """Count a decision or an event."""
        if record.kind == "decision":
            self._take_decision(record)
        elif record.kind == "event":
            self._take_event(record)

    def collect(self) -> Iterator[Metric]:
        """Yield what is only true now."""
        if self._newest is not None:
            yield from _now(self._newest)
        temperature_c = self._temperature_c()
        if temperature_c is not None:
            yield GaugeMetricFamily(
                "edgeclf_temperature_celsius", "Of the processor.", value=temperature_c
            )
        if self._frames is not None:
            yield from _frames(self._frames())
        yield from _sinks(self._others())

    def _take_decision(self, record: Record) -> None:
        body = record.body
        self._decisions.inc()
        for stage, duration_ns in body["stage_ns"].items():
            self._stages.labels(stage).observe(duration_ns / 1e9)
        self._age.observe(body["age_ns"] / 1e9)
        self._newest = record

    def _take_event(self, record: Record) -> None:
        kind, name, phase = (record.body[each] for each in ("kind", "name", "phase"))
        self._events.labels(kind, name, phase).inc()
        self._going_on.labels(kind, name).set(phase == "start")


def _now(newest: Record) -> Iterator[Metric]:
    best = newest.body["top"][0]
    label = GaugeMetricFamily(
        "edgeclf_label", "1 for the label of the newest frame.", labels=["label"]
    )
    label.add_metric([best["label"]], 1)
    yield label
    yield GaugeMetricFamily(
        "edgeclf_score", "Of that label, 0 to 1.", value=best["score"]
    )
    yield GaugeMetricFamily(
        "edgeclf_last_decision_timestamp_seconds",
        "When the newest frame was decided, since 1970.",
        value=datetime.fromisoformat(newest.body["utc"]).timestamp(),
    )


def _frames(counts: Mapping[str, int]) -> Iterator[Metric]:
    """Yield what became of the frames.

    The fates are a sum: with what is under way, all frames that there were.
    """
    yield CounterMetricFamily(
        "edgeclf_frames_captured",
        "Frames that the loop got from the source.",
        value=counts["captured"],
    )
    fates = CounterMetricFamily(
        "edgeclf_frames", "Frames by what became of them.", labels=["fate"]
    )
    for fate in (*get_args(Fate), "skipped"):
        fates.add_metric([fate], counts[fate])
    yield fates
    yield GaugeMetricFamily(
        "edgeclf_frames_under_way",
        "Frames that came and were not decided yet.",
        value=counts["left"],
    )


def _sinks(counts: Sequence[SinkCounts]) -> Iterator[Metric]:
    families = {
        what: CounterMetricFamily(
            f"edgeclf_sink_{what}",
            f"Records that the sink has {what}.",
            labels=["sink"],
        )
        for what in ("taken", "delivered", "lost")
    }
    seen = Tally[str]()
    for each in counts:
        seen[each.sink] += 1
        again = f" ({seen[each.sink]})" if seen[each.sink] > 1 else ""
        for what, family in families.items():
            family.add_metric([each.sink + again], getattr(each, what))
    yield from families.values()

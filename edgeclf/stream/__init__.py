"""The loop that turns frames into decisions, and what it says of itself."""

from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event, EventKind, Phase, Watcher
from edgeclf.stream.loop import FrameClassifier, Sink, run_loop
from edgeclf.stream.report import Counts, Ended, LoopReport
from edgeclf.stream.sink_counts import CountingSink, SinkCounts, settle_sinks
from edgeclf.stream.sinks import JsonSink, TextSink
from edgeclf.stream.stop import Stop, StopWaiting, stop_on_signals

__all__ = [
    "CountingSink",
    "Counts",
    "Decision",
    "Ended",
    "Event",
    "EventKind",
    "FrameClassifier",
    "JsonSink",
    "LoopReport",
    "Phase",
    "Sink",
    "SinkCounts",
    "Stop",
    "StopWaiting",
    "TextSink",
    "Watcher",
    "run_loop",
    "settle_sinks",
    "stop_on_signals",
]

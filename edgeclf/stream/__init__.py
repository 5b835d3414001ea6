"""The loop that turns frames into decisions, and what it says of itself."""

from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event, EventKind, Phase, Watcher
from edgeclf.stream.loop import FrameClassifier, Sink, run_loop
from edgeclf.stream.report import Counts, Ended, LoopReport
from edgeclf.stream.sinks import JsonSink, TextSink
from edgeclf.stream.stop import Stop, StopWaiting, stop_on_signals

__all__ = [
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
    "Stop",
    "StopWaiting",
    "TextSink",
    "Watcher",
    "run_loop",
    "stop_on_signals",
]

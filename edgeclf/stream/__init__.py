"""The loop that turns frames into decisions, and what it says of itself."""

from edgeclf.stream.agreement import LoresAgreement
from edgeclf.stream.auto import chosen_workers, sample_frames
from edgeclf.stream.choice import Candidate, Measured, WorkerChoice, candidates_for
from edgeclf.stream.counts import Counts, Fate, Ledger
from edgeclf.stream.decision import Decision, FrameClassifier
from edgeclf.stream.event import Event, EventKind, Phase, Watcher
from edgeclf.stream.gate import ChangeLimits
from edgeclf.stream.heat import HeatMonitor, HeatWatcher, OnThrottle
from edgeclf.stream.loop import Sink, run_loop
from edgeclf.stream.lores import measure_lores
from edgeclf.stream.outage import Backoff, Recovery, Unopened
from edgeclf.stream.report import Ended, LoopReport
from edgeclf.stream.sink_counts import CountingSink, SinkCounts, settle_sinks
from edgeclf.stream.sinks import JsonSink, TextSink
from edgeclf.stream.stop import Stop, StopWaiting, stop_on_signals

__all__ = [
    "Backoff",
    "Candidate",
    "ChangeLimits",
    "CountingSink",
    "Counts",
    "Decision",
    "Ended",
    "Event",
    "EventKind",
    "Fate",
    "FrameClassifier",
    "HeatMonitor",
    "HeatWatcher",
    "JsonSink",
    "Ledger",
    "LoopReport",
    "LoresAgreement",
    "Measured",
    "OnThrottle",
    "Phase",
    "Recovery",
    "Sink",
    "SinkCounts",
    "Stop",
    "StopWaiting",
    "TextSink",
    "Unopened",
    "Watcher",
    "WorkerChoice",
    "candidates_for",
    "chosen_workers",
    "measure_lores",
    "run_loop",
    "sample_frames",
    "settle_sinks",
    "stop_on_signals",
]

"""Watching a stream: when a label comes and goes, when the camera cannot be trusted.

watcher = LabelWatcher(read_rule(Path("events.toml")), classifier.model)
run_loop(source, classifier, sinks=sinks, watchers=[watcher, CameraWatcher()])
"""

from edgeclf.watch.camera_watcher import CAMERA_THRESHOLDS, CameraWatcher
from edgeclf.watch.decay import left_after
from edgeclf.watch.hysteresis import Change, Hysteresis, Thresholds
from edgeclf.watch.label_scores import LabelScores
from edgeclf.watch.label_watcher import LabelWatcher
from edgeclf.watch.rule import EventRule, Measured, unknown_label
from edgeclf.watch.rule_file import parse_rule, read_rule, rule_toml
from edgeclf.watch.smoothing import MOST_VOTES, Smoother, Smoothing, SmoothingKind
from edgeclf.watch.spans import moment_of

__all__ = [
    "CAMERA_THRESHOLDS",
    "MOST_VOTES",
    "CameraWatcher",
    "Change",
    "EventRule",
    "Hysteresis",
    "LabelScores",
    "LabelWatcher",
    "Measured",
    "Smoother",
    "Smoothing",
    "SmoothingKind",
    "Thresholds",
    "left_after",
    "moment_of",
    "parse_rule",
    "read_rule",
    "rule_toml",
    "unknown_label",
]

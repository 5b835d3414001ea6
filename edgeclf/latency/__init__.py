"""What a stage takes, what it may take, and whether it does.

``StageTimer`` measures, ``LatencyBudget`` says what is allowed, ``LatencyReport``
compares the two.
"""

from edgeclf.latency.budget import (
    SAMPLES_NEEDED,
    STATISTICS,
    LatencyBudget,
    StageLimit,
    Statistic,
)
from edgeclf.latency.cells import cell_width_ns, upper_edge_ns
from edgeclf.latency.judgement import Judgement, Readings
from edgeclf.latency.report import LatencyReport, Verdict
from edgeclf.latency.summary import StageSummary
from edgeclf.latency.timer import STAGES, StageTimer

__all__ = [
    "SAMPLES_NEEDED",
    "STAGES",
    "STATISTICS",
    "Judgement",
    "LatencyBudget",
    "LatencyReport",
    "Readings",
    "StageLimit",
    "StageSummary",
    "StageTimer",
    "Statistic",
    "Verdict",
    "cell_width_ns",
    "upper_edge_ns",
]

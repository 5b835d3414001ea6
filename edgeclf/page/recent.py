"""How long the newest decisions took, and how that stands to a budget."""

import threading
from collections import deque
from typing import Final

from edgeclf.latency import LatencyBudget, LatencyReport, Readings, StageTimer
from edgeclf.stream import Decision

__all__ = ["WINDOW", "RecentTimes"]

WINDOW: Final = 1024
"""Decisions that count: what a p99 needs to be judged."""


class RecentTimes:
    """Keeps the times of the newest decisions; any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durations: deque[dict[str, int]] = deque(maxlen=WINDOW)
        self._decided: deque[int] = deque(maxlen=WINDOW)

    def add(self, decision: Decision, *, decided_ns: int) -> None:
        """Take a decision in; the oldest beyond the window is forgotten."""
        durations_ns = {**decision.stage_ns, "age": decision.age_ns}
        with self._lock:
            self._durations.append(durations_ns)
            self._decided.append(decided_ns)

    def report(self, budget: LatencyBudget | None, readings: Readings) -> LatencyReport:
        """Return the percentiles, beside the budget."""
        with self._lock:
            kept = tuple(self._durations)
        timer = StageTimer()
        for durations_ns in kept:
            for name, duration_ns in durations_ns.items():
                timer.record(name, duration_ns)
        return LatencyReport.from_timer(timer, budget, readings=readings)

    def per_s(self, now_ns: int, *, since_ns: int) -> float:
        """Return how many decisions a second were made since then.

        When more were made than are kept, the speed is that of those that are.
        """
        with self._lock:
            made = sum(each >= since_ns for each in self._decided)
            if made == WINDOW:
                since_ns = self._decided[0]
        return made * 1e9 / (now_ns - since_ns) if now_ns > since_ns else 0.0

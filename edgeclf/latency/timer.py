"""Measuring the stages of one loop."""

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType, TracebackType
from typing import Final

from edgeclf.latency.samples import DEFAULT_CAPACITY, Samples

__all__ = ["STAGES", "StageTimer"]

STAGES: Final = ("capture", "preprocess", "invoke", "head", "total", "age")
"""The stages of a frame's way, in the order that they are shown.

``capture``: buffer ready to RGB, waiting not counted. ``total``: capture start to
decision. ``age``: from when the picture was taken to the decision, queues included.
"""


class StageTimer:
    """Collects how long each stage took, in integer nanoseconds.

    One timer belongs to one thread. A stage may hold other stages, not itself. A stage
    that an exception leaves is not recorded: it did not do its work.

        timer = StageTimer()
        with timer.stage("invoke"):
            backend.run(tensor)

    Args:
        clock: Returns nanoseconds, and never runs backwards.
        capacity: Durations a stage keeps exactly; see ``Samples``.
    """

    __slots__ = ("_capacity", "_clock", "_stages")

    def __init__(
        self,
        clock: Callable[[], int] = time.perf_counter_ns,
        *,
        capacity: int = DEFAULT_CAPACITY,
    ) -> None:
        self._clock = clock
        self._capacity = capacity
        self._stages: dict[str, _Stage] = {}

    def stage(self, name: str) -> "_Stage":
        """Return a context manager that times what happens inside it."""
        try:
            return self._stages[name]
        except KeyError:
            made = self._stages[name] = _Stage(self._clock, Samples(self._capacity))
            return made

    def record(self, name: str, duration_ns: int) -> None:
        """Take in a duration that somebody else measured.

        Raises:
            ValueError: It is negative.
        """
        self.stage(name).samples.add(duration_ns)

    @property
    def samples(self) -> Mapping[str, Samples]:
        """What was measured so far, in the order of ``STAGES``, then of appearance."""
        known = [name for name in STAGES if name in self._stages]
        others = [name for name in self._stages if name not in STAGES]
        return MappingProxyType(
            {name: self._stages[name].samples for name in (*known, *others)}
        )


class _Stage:
    """Times one stage, again and again: made once, as a new one a frame costs more."""

    __slots__ = ("_clock", "_started_ns", "samples")

    def __init__(self, clock: Callable[[], int], samples: Samples) -> None:
        self._clock = clock
        self._started_ns = 0
        self.samples = samples

    def __enter__(self) -> None:
        self._started_ns = self._clock()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        ended_ns = self._clock()
        if kind is None:
            self.samples.add(ended_ns - self._started_ns)

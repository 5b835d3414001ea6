"""Durations of a run, counted second by second."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from edgeclf.latency import upper_edge_ns
from edgeclf.stream import Decision, Event, LoopReport

__all__ = ["BLOCK_LIMIT", "BlockCounter", "DurationBlocks"]

BLOCK_LIMIT: Final = 128
"""Blocks kept: when a run has more, two become one, and each lasts twice as long."""

_LONGEST_NS = 2**62


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationBlocks:
    """How often each duration came in each stretch of a run.

    Attributes:
        block_s: How long a stretch is, in seconds.
        stages: By stage, a block for each stretch, oldest first; a block maps the
            upper edge of a cell, in nanoseconds, to how many durations fell into it.
            It is empty where nothing was decided.
    """

    block_s: int
    stages: Mapping[str, tuple[Mapping[int, int], ...]]

    def __post_init__(self) -> None:
        if self.block_s < 1:
            raise ValueError(f"a block lasts a second or more, got {self.block_s} s")
        for name, blocks in self.stages.items():
            for block in blocks:
                for ns, count in block.items():
                    if not (0 <= ns <= _LONGEST_NS and 0 < count <= _LONGEST_NS):
                        raise ValueError(f"{name}: {count} durations of {ns} ns")

    def pooled(self, stage: str) -> dict[int, int]:
        """Return the histogram of a whole stage, shortest first; empty if unknown."""
        total: Counter[int] = Counter()
        for block in self.stages.get(stage, ()):
            total.update(block)
        return dict(sorted(total.items()))

    def to_dict(self) -> dict[str, Any]:
        """Return the blocks, JSON-ready."""
        return {
            "block_s": self.block_s,
            "stages": {
                name: [
                    {"ns": sorted(block), "counts": [block[ns] for ns in sorted(block)]}
                    for block in blocks
                ]
                for name, blocks in self.stages.items()
            },
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> "DurationBlocks":
        """Return what ``to_dict`` wrote.

        Raises:
            ValueError: It is something else.
        """
        try:
            stages = {
                str(name): tuple(
                    {
                        _whole(ns): _whole(count)
                        for ns, count in zip(block["ns"], block["counts"], strict=True)
                    }
                    for block in blocks
                )
                for name, blocks in value["stages"].items()
            }
            return cls(block_s=_whole(value["block_s"]), stages=stages)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not blocks of durations: {error}") from error


class BlockCounter:
    """A sink that counts durations by second.

    Its memory does not grow with the run: a duration is counted in a cell at most
    1/256 of its value wide, and there are at most ``limit`` blocks.

    Args:
        limit: Most blocks, an even number.
    """

    def __init__(self, limit: int = BLOCK_LIMIT) -> None:
        if limit < 2 or limit % 2:
            raise ValueError(f"limit must be even and at least 2, got {limit}")
        self._limit = limit
        self._block_s = 1
        self._first_ns: int | None = None
        self._blocks: list[dict[str, Counter[int]]] = []

    def decision(self, decision: Decision) -> None:
        """Count one decision."""
        decided_ns = decision.prediction.decided_ns
        if self._first_ns is None:
            self._first_ns = decided_ns
        block = self._block_at(max(0, decided_ns - self._first_ns))
        for stage, duration_ns in decision.stage_ns.items():
            block.setdefault(stage, Counter())[upper_edge_ns(duration_ns)] += 1
        block.setdefault("age", Counter())[upper_edge_ns(decision.age_ns)] += 1

    def event(self, _: Event) -> None:
        """Events are not measured."""

    def report(self, _: LoopReport) -> None:
        """Nothing follows the run."""

    @property
    def blocks(self) -> DurationBlocks:
        """What was counted so far."""
        names = dict.fromkeys(name for block in self._blocks for name in block)
        return DurationBlocks(
            block_s=self._block_s,
            stages={
                name: tuple(dict(block.get(name, {})) for block in self._blocks)
                for name in names
            },
        )

    def _block_at(self, elapsed_ns: int) -> dict[str, Counter[int]]:
        while elapsed_ns >= self._limit * self._block_s * 1_000_000_000:
            self._halve()
        index = elapsed_ns // (self._block_s * 1_000_000_000)
        while len(self._blocks) <= index:
            self._blocks.append({})
        return self._blocks[index]

    def _halve(self) -> None:
        """Make one block of every two."""
        self._block_s *= 2
        old = self._blocks
        self._blocks = old[::2]
        for block, later in zip(self._blocks, old[1::2], strict=False):
            for stage, counts in later.items():
                block.setdefault(stage, Counter()).update(counts)


def _whole(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"expected a whole number, got {value!r}")
    return value

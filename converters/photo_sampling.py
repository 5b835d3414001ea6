"""Drawing photos: seeded, in proportion from every class, independent of their order."""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol, TypeVar

__all__ = ["Named", "stratified"]


class Named(Protocol):
    """What is drawn: something with a name, of a group."""

    @property
    def name(self) -> str:
        """What the draw depends on."""
        ...

    @property
    def stratum(self) -> str:
        """Its class, or the like."""
        ...


Item = TypeVar("Item", bound=Named)


def stratified(
    items: Sequence[Item], count: int, seed: int, *, one_of_each: bool
) -> list[Item]:
    """Return ``count`` items, shared out among the groups by Sainte-Laguë's method.

    Args:
        items: With different names.
        count: All are returned when there are no more.
        seed: Decides which.
        one_of_each: Begin with one of every group, if ``count`` allows.
    """
    groups: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[item.stratum].append(item)
    if count >= len(items):
        return list(items)
    start = 1 if one_of_each and count >= len(groups) else 0
    taken = dict.fromkeys(groups, start)
    queue = [
        (_priority(len(group), start), _rank(seed, name), name)
        for name, group in groups.items()
    ]
    heapq.heapify(queue)
    for _ in range(count - start * len(groups)):
        _, rank, name = heapq.heappop(queue)
        taken[name] += 1
        heapq.heappush(queue, (_priority(len(groups[name]), taken[name]), rank, name))
    return [
        item
        for name, group in groups.items()
        for item in sorted(group, key=lambda each: _rank(seed, each.name))[
            : taken[name]
        ]
    ]


def _priority(size: int, taken: int) -> float:
    """Return a group's claim to the next place, the smallest first; used up: last."""
    return -size / (2 * taken + 1) if taken < size else 0.0


def _rank(seed: int, name: str) -> bytes:
    text = f"{seed}\0{name}".encode("utf-8", "surrogateescape")
    return hashlib.sha256(text).digest()

"""Which channels stand or fall together: what is found out while a graph is walked.

Each channel of each tensor has two numbers. Channels with the same *identity* are
removed together. Channels with the same *scale* are multiplied by one factor together;
a *pinned* scale is one that must stay 1.
"""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Channels", "IntArray", "Ledger", "Role", "Use"]

IntArray: TypeAlias = npt.NDArray[np.intp]
Role: TypeAlias = Literal["writer", "carrier", "reader"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Channels:
    """The last axis of a tensor.

    Attributes:
        ids: The identity of each channel, shape (channels,).
        scales: The scale of each channel, same shape.
        writers: Names of the layers whose weights made it.
    """

    ids: IntArray
    scales: IntArray
    writers: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, index: IntArray) -> "Channels":
        """Return the channels at these places, in that order."""
        return Channels(
            ids=self.ids[index], scales=self.scales[index], writers=self.writers
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Use:
    """One axis of one weight, and the channels along it.

    Attributes:
        layer: The layer's name.
        weight: The variable's own name.
        axis: Counted from 0.
        role: What the weight does with the channels.
        channels: Along that axis.
        power: Where channels are multiplied by s, this weight is by s to this power.
    """

    layer: str
    weight: str
    axis: int
    role: Role
    channels: Channels
    power: int


class _Classes:
    """Union-find over whole numbers; the smallest of a class stands for it."""

    def __init__(self) -> None:
        self._parents: list[int] = []

    def fresh(self, count: int) -> IntArray:
        first = len(self._parents)
        self._parents += range(first, first + count)
        return np.arange(first, first + count)

    def join(self, some: IntArray, others: IntArray) -> None:
        for one, other in zip(some.tolist(), others.tolist(), strict=True):
            first, second = sorted((self._root(one), self._root(other)))
            self._parents[second] = first

    def roots(self, ids: IntArray) -> IntArray:
        return np.array([self._root(one) for one in ids.tolist()], dtype=np.intp)

    def _root(self, one: int) -> int:
        parents = self._parents
        while parents[one] != one:
            parents[one] = parents[parents[one]]
            one = parents[one]
        return one


@dataclass(slots=True, eq=False)
class Ledger:
    """What the layers met so far say of their channels.

    Attributes:
        uses: Every weight's axis that channels run along; one entry for each, whatever
            the number of calls.
        gates: Names of the layers whose output only multiplies other channels.
    """

    uses: dict[tuple[str, str, int], Use] = field(default_factory=dict)
    gates: set[str] = field(default_factory=set)
    _identities: _Classes = field(default_factory=_Classes)
    _scales: _Classes = field(default_factory=_Classes)
    _born: list[str] = field(default_factory=list)
    _fixed: list[tuple[IntArray, str]] = field(default_factory=list)
    _pinned: set[int] = field(default_factory=set)

    def fresh(self, count: int, name: str, *, writes: bool = False) -> Channels:
        """Return new channels, independent of all others, made by a layer."""
        self._born += [name] * count
        return Channels(
            ids=self._identities.fresh(count),
            scales=self._scales.fresh(count),
            writers=frozenset({name}) if writes else frozenset(),
        )

    def rescaled(self, channels: Channels) -> Channels:
        """Return the same channels with a scale of their own."""
        return Channels(
            ids=channels.ids,
            scales=self._scales.fresh(len(channels)),
            writers=channels.writers,
        )

    def pinned(self, channels: Channels) -> Channels:
        """Return the channels behind something that only holds for a scale of 1."""
        self.pin(channels)
        return channels

    def pin(self, channels: Channels) -> None:
        """Let the channels' scales stay 1."""
        self._pinned.update(channels.scales.tolist())

    def is_pinned(self, channels: Channels) -> bool:
        """Return whether every one of the scales is known to stay 1 by now."""
        roots = set(self.scale_roots(channels).tolist())
        return roots <= self._pinned or roots <= set(self.pinned_roots().tolist())

    def fix(self, channels: Channels, reason: str) -> None:
        """Let the channels never be removed, nor scaled."""
        self._fixed.append((channels.ids, reason))
        self.pin(channels)

    def join(self, some: Channels, others: Channels, *, scales: bool = True) -> None:
        """Let channels be removed together, one by one, and scaled together too."""
        self._identities.join(some.ids, others.ids)
        if scales:
            self._scales.join(some.scales, others.scales)

    def use(
        self,
        place: tuple[str, str, int],
        channels: Channels,
        *,
        role: Role,
        power: int = 0,
    ) -> None:
        """Note that channels run along an axis of a weight.

        Args:
            place: Layer, weight, axis.
            channels: Along the axis. In a second call of the same layer they are
                joined with those of the first.
            role: What the weight does with them.
            power: Of the scale, in the weight.
        """
        known = self.uses.get(place)
        if known is None:
            layer, weight, axis = place
            self.uses[place] = Use(
                layer=layer,
                weight=weight,
                axis=axis,
                role=role,
                channels=channels,
                power=power,
            )
            return
        self.join(known.channels, channels)
        if known.power != power:
            self.pin(channels)

    def roots(self, ids: IntArray) -> IntArray:
        """Return one number for each class of channels that are removed together."""
        return self._identities.roots(ids)

    def scale_roots(self, channels: Channels) -> IntArray:
        """Return one number for each class of channels that are scaled together."""
        return self._scales.roots(channels.scales)

    def pinned_roots(self) -> IntArray:
        """Return the scale classes that must stay 1."""
        roots = self._scales.roots(np.array(sorted(self._pinned), np.intp))
        self._pinned.update(roots.tolist())
        return np.unique(roots)

    def reasons(self) -> dict[int, str]:
        """Return why a class of channels cannot be removed, for each that cannot."""
        found: dict[int, str] = {}
        for ids, reason in self._fixed:
            for root in np.unique(self.roots(ids)).tolist():
                found.setdefault(root, reason)
        return found

    @property
    def count(self) -> int:
        """How many channels there are, coupled or not."""
        return len(self._born)

    def birthplace(self, root: int) -> str:
        """Return the layer that made the first channel of a class."""
        return self._born[root]

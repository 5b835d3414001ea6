"""Groups of channels that are coupled: removed together, scaled together."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.graph.channels import Channels, IntArray, Ledger, Role, Use
from converters.graph.flat_model import FlatModel, Tensor
from converters.graph.flattening import flatten_model
from converters.graph.rules import follow_channels

__all__ = ["ChannelGraph", "ChannelGroup", "Slot", "channel_graph", "channel_groups"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slot:
    """Where a group's channels lie in one weight.

    Attributes:
        layer: The layer's name, as ``named_layers`` has it.
        weight: The variable's own name: ``kernel``, ``gamma``, …
        axis: Counted from 0.
        members: The group's channel at each place of the axis, -1 where another
            group's is; shape (length of the axis,). A channel is at several places
            behind Flatten or a depth multiplier.
        power: When channels are multiplied by s, this weight is multiplied by s to
            this power: 1, 0 or -1; always 0 in a group that is not linear.
    """

    layer: str
    weight: str
    axis: int
    members: IntArray
    power: int

    @property
    def is_whole(self) -> bool:
        """Whether the axis is the group's channels, each once and in order."""
        return np.array_equal(self.members, np.arange(len(self.members)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelGroup:
    """Channels that are made, carried and read by the same weights.

    Attributes:
        name: Of the layer that makes them first; unique in the model.
        size: How many channels.
        writers: Make the channels: kernel, bias, and the batch norm straight after.
        carriers: Take them one by one: depthwise kernel, batch norm, the gate of
            squeeze-and-excitation.
        readers: Take them in.
        is_linear: Whether ``scale_group`` with any s > 0 leaves the model's function
            as it is.
        prunable: Whether channels may be removed.
        reason: Why not; empty where they may.
    """

    name: str
    size: int
    writers: tuple[Slot, ...]
    carriers: tuple[Slot, ...]
    readers: tuple[Slot, ...]
    is_linear: bool
    prunable: bool
    reason: str

    @property
    def slots(self) -> tuple[Slot, ...]:
        """All of them."""
        return (*self.writers, *self.carriers, *self.readers)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ChannelGraph:
    """A model, its groups, and which channels run along each tensor.

    Attributes:
        model: As a flat list of calls.
        groups: In the order in which their channels are made.
        tensors: For each tensor, the number of the group and the channel in it at each
            place of the last axis, shape (channels, 2).
    """

    model: FlatModel
    groups: tuple[ChannelGroup, ...]
    tensors: Mapping[Tensor, IntArray]


def channel_groups(model: Any) -> tuple[ChannelGroup, ...]:
    """Return the groups of coupled channels of a Keras model.

    Args:
        model: Functional or Sequential, built, with a fixed input size and channels
            last.

    Returns:
        In the order in which the channels are made; the model's input and its scores
        are among them, and not prunable.

    Raises:
        ConversionError: A layer cannot be followed; the message names it.

    Source:
        Dependency graphs of coupled layers: Fang et al. 2023, arXiv:2301.12900.
    """
    return channel_graph(model).groups


def channel_graph(model: Any) -> ChannelGraph:
    """Return ``channel_groups`` with the graph they were found in.

    Raises:
        ConversionError: As ``channel_groups``.
    """
    flat = flatten_model(model)
    ledger, tensors = follow_channels(flat)
    sorter = _Sorter(ledger, tensors)
    return ChannelGraph(
        model=flat, groups=tuple(sorter.groups()), tensors=sorter.places()
    )


class _Sorter:
    """Sorts the classes of coupled channels into groups with the same uses."""

    def __init__(self, ledger: Ledger, tensors: Mapping[Tensor, Channels]) -> None:
        self._ledger = ledger
        self._tensors = tensors
        self._pinned = ledger.pinned_roots()
        self._reasons = ledger.reasons()
        self._uses = [
            (use, ledger.roots(use.channels.ids)) for use in ledger.uses.values()
        ]
        self._powers = [self._power(use) for use, _ in self._uses]
        self._classes = self._grouped()
        self._group_of = np.full(ledger.count, -1, np.intp)
        self._index_of = np.full(ledger.count, -1, np.intp)
        for number, roots in enumerate(self._classes):
            self._group_of[roots] = number
            self._index_of[roots] = np.arange(len(roots))

    def groups(self) -> Iterator[ChannelGroup]:
        names: set[str] = set()
        slots = self._slots()
        for number, roots in enumerate(self._classes):
            name = _unused(self._ledger.birthplace(roots[0]), names)
            names.add(name)
            yield self._group(name, roots, slots[number])

    def places(self) -> Mapping[Tensor, IntArray]:
        found = {}
        for tensor, channels in self._tensors.items():
            roots = self._ledger.roots(channels.ids)
            found[tensor] = np.stack([self._group_of[roots], self._index_of[roots]], 1)
        return found

    def _power(self, use: Use) -> IntArray:
        is_pinned = np.isin(self._ledger.scale_roots(use.channels), self._pinned)
        return np.where(is_pinned, 0, use.power)

    def _grouped(self) -> list[list[int]]:
        """Return the classes of each group, groups and classes in order."""
        signatures: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, ((_, roots), powers) in enumerate(
            zip(self._uses, self._powers, strict=True)
        ):
            for root, first in zip(*np.unique(roots, return_index=True), strict=True):
                signatures[int(root)].append((number, int(powers[first])))
        groups: dict[Any, list[int]] = defaultdict(list)
        for root in sorted(signatures):
            key = (tuple(signatures[root]), self._reasons.get(root, ""))
            groups[key].append(root)
        return sorted(groups.values())

    def _slots(self) -> Mapping[int, list[tuple[Role, Slot]]]:
        found: dict[int, list[tuple[Role, Slot]]] = defaultdict(list)
        for (use, roots), powers in zip(self._uses, self._powers, strict=True):
            owners = self._group_of[roots]
            for owner in np.unique(owners).tolist():
                is_own = owners == owner
                slot = Slot(
                    layer=use.layer,
                    weight=use.weight,
                    axis=use.axis,
                    members=np.where(is_own, self._index_of[roots], -1),
                    power=int(powers[is_own][0]),
                )
                found[owner].append((self._role(use), slot))
        return found

    def _role(self, use: Use) -> Role:
        is_gate = use.role == "writer" and use.layer in self._ledger.gates
        return "carrier" if is_gate else use.role

    def _group(
        self, name: str, roots: list[int], slots: list[tuple[Role, Slot]]
    ) -> ChannelGroup:
        reason = self._reasons.get(roots[0], "")
        if not reason and len(roots) < 2:
            reason = "it is the only one of its layer"
        return ChannelGroup(
            name=name,
            size=len(roots),
            writers=_of(slots, "writer"),
            carriers=_of(slots, "carrier"),
            readers=_of(slots, "reader"),
            is_linear=any(slot.power for _, slot in slots),
            prunable=not reason,
            reason=reason,
        )


def _of(slots: list[tuple[Role, Slot]], wanted: Role) -> tuple[Slot, ...]:
    return tuple(slot for role, slot in slots if role == wanted)


def _unused(name: str, names: set[str]) -> str:
    number, found = 1, name
    while found in names:
        number += 1
        found = f"{name}_{number}"
    return found

"""Channels of a group in the order in which they go, and what fewer of them save."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.graph.channels import IntArray
from converters.graph.groups import ChannelGroup

__all__ = ["Pile"]


@dataclass(slots=True, kw_only=True, eq=False)
class Pile:
    """A group's channels, the ones worth least on top.

    Attributes:
        name: Of the group.
        order: Its channels, shape (size,).
        worth: Score of the first n of them together, shape (size + 1,).
        lengths: By kernel and axis, how many places the first n take, shape (size + 1,).
        tile: How many go at a time.
        floor: How many stay.
        gone: How many are gone.
    """

    name: str
    order: IntArray
    worth: npt.NDArray[np.float64]
    lengths: Mapping[tuple[str, str], Mapping[int, IntArray]]
    tile: int
    floor: int
    gone: int = 0

    @classmethod
    def of(
        cls,
        group: ChannelGroup,
        scores: Any,
        *,
        round_to: int,
        min_keep: float,
    ) -> "Pile":
        """Return a group's pile: see ``plan_removal``."""
        order = np.argsort(scores, kind="stable")
        lengths: dict[tuple[str, str], dict[int, IntArray]] = defaultdict(dict)
        for slot in group.slots:
            places = np.bincount(slot.members[slot.members >= 0], minlength=group.size)
            running = np.concatenate([[0], np.cumsum(places[order])])
            lengths[slot.layer, slot.weight][slot.axis] = running
        return cls(
            name=group.name,
            order=order,
            worth=np.concatenate([[0.0], np.cumsum(np.asarray(scores)[order])]),
            lengths=lengths,
            tile=round_to if group.size >= 2 * round_to else 1,
            floor=max(1, math.ceil(min_keep * group.size)),
        )

    def next_tile(self) -> int:
        """Return how many channels go next; 0 when no more may."""
        stays = len(self.order) - self.gone
        fewer = (stays - 1) // self.tile * self.tile
        return stays - fewer if fewer >= self.floor else 0

    def cuts(self, place: tuple[str, str], count: int) -> Mapping[int, int]:
        """Return how much shorter a kernel's axes are without the next channels."""
        return {
            axis: int(lengths[self.gone + count] - lengths[self.gone])
            for axis, lengths in self.lengths[place].items()
        }

"""Which channels go, for a target: the ones that are worth least for what they cost."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from converters.graph.groups import ChannelGroup
from converters.graph.macs import KernelCost, kernel_costs
from converters.prune.importance import Scores
from converters.prune.piles import Pile
from edgeclf.errors import ConversionError

__all__ = ["TOLERANCE", "Removal", "plan_removal"]

TOLERANCE = 0.005
"""How far from the target the removed share may be, in shares of the model's MACs."""


_NEARLY = 2.0
"""How much more a tile may be worth than the best and be taken for fitting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What goes, and what that saves.

    Attributes:
        channels: By group name, in ascending order; only groups that lose some.
        macs_before: Multiply-accumulates a picture of the model as it is.
        macs_after: Of the model without the channels, exactly.
    """

    channels: Mapping[str, tuple[int, ...]]
    macs_before: int
    macs_after: int

    @property
    def share(self) -> float:
        """Share of the multiply-accumulates that goes."""
        return 1 - self.macs_after / self.macs_before


def plan_removal(
    model: Any,
    groups: Iterable[ChannelGroup],
    scores: Scores,
    *,
    target_macs_share: float,
    round_to: int = 8,
    min_keep: float = 0.1,
) -> Removal:
    """Return the channels to remove so that a share of the MACs goes.

    Greedy: again and again the channels that are worth least for the MACs they save
    just then, from whichever group. Of a group a whole tile goes at a time, so that
    what is left is a multiple of ``round_to``: engines compute channels in tiles and
    a part of one costs as much as a whole. Groups under two tiles, where that would be
    most of them, go one by one, and so does the last tile, in order to meet the target.

    Args:
        model: The model that the groups are of.
        groups: Of ``channel_groups``.
        scores: Of ``channel_importance``; groups without scores stay whole.
        target_macs_share: Share of the multiply-accumulates to remove, 0 to below 1.
        round_to: Channels in a tile; 1 to round nothing.
        min_keep: Smallest share of a group that stays.

    Returns:
        A plan whose share is within ``TOLERANCE`` of the target, or as near as one
        channel of the smallest effect allows.

    Raises:
        ConversionError: ``min_keep`` does not allow the target.
        ValueError: An argument is out of its range.

    Source:
        Importance for each unit of cost: Molchanov et al. 2017, arXiv:1611.06440,
        section 2.2 (FLOPs regularisation). Tiles: XNNPACK's kernels make 8 or 16
        output channels at a time (``f32-gemm/4x8``, ``qs8-gemm/4x16``), its
        depthwise kernels 4 to 16.
    """
    _check(target_macs_share, round_to, min_keep)
    piles = [
        Pile.of(group, scores[group.name], round_to=round_to, min_keep=min_keep)
        for group in groups
        if group.prunable and group.name in scores
    ]
    plan = _Plan(piles, kernel_costs(model))
    before = plan.macs()
    plan.remove(target_macs_share * before, slack=TOLERANCE * before)
    gone = {
        pile.name: tuple(sorted(pile.order[: pile.gone].tolist()))
        for pile in piles
        if pile.gone
    }
    return Removal(channels=gone, macs_before=before, macs_after=plan.macs())


def _check(share: float, round_to: int, min_keep: float) -> None:
    if not 0 <= share < 1:
        raise ValueError(f"the share must be 0 or more and below 1, got {share}")
    if round_to < 1:
        raise ValueError(f"round_to must be 1 or more, got {round_to}")
    if not 0 < min_keep <= 1:
        raise ValueError(f"min_keep must be above 0, up to 1, got {min_keep}")


class _Plan:
    """Takes channels from piles until a target is met."""

    def __init__(
        self, piles: Sequence[Pile], costs: Mapping[tuple[str, str], KernelCost]
    ) -> None:
        self._piles = piles
        self._costs = costs
        self._offers: dict[str, tuple[float, int]] = {}

    def macs(self) -> int:
        """Return what the model takes by now."""
        return sum(cost.macs() for cost in self._costs.values())

    def remove(self, target: float, *, slack: float) -> None:
        """Take channels until about ``target`` multiply-accumulates are saved.

        Raises:
            ConversionError: There are not enough.
        """
        before, left = self.macs(), target
        while left > 0:
            pile = self._best(left + slack)
            if pile is None:
                self._take_part(left, slack)
                return
            saved = self._saving(pile, pile.next_tile())
            if left <= slack and saved - left > left:
                return
            self._take(pile, pile.next_tile())
            left = target - (before - self.macs())

    def _best(self, most: float) -> Pile | None:
        """Return the pile to take from: the best, or one nearly as good that fits."""
        offers = sorted(
            ((*self._offer(pile), pile) for pile in self._piles if pile.next_tile()),
            key=lambda offer: offer[:2],
        )
        if not offers:
            raise ConversionError(
                "so much cannot be removed: every group is down to what must stay; "
                "prune less"
            )
        good = (offer for offer in offers if offer[0] <= _NEARLY * offers[0][0])
        return next((pile for _, saving, pile in good if saving <= most), None)

    def _take_part(self, left: float, slack: float) -> None:
        """Take single channels, of the best pile where that comes near enough."""
        piles = [pile for pile in self._piles if pile.next_tile()]
        nearest = [self._nearest(pile, left) for pile in piles]
        by_worth = sorted(nearest, key=lambda found: self._offer(found[2])[0])
        near_enough = (found for found in by_worth if found[0] <= slack)
        fallback = min(nearest, key=lambda found: found[0])
        _, count, pile = next(near_enough, fallback)
        self._take(pile, count)

    def _nearest(self, pile: Pile, left: float) -> tuple[float, int, Pile]:
        counts = range(pile.next_tile() + 1)
        misses = [abs(self._saving(pile, count) - left) for count in counts]
        best = int(np.argmin(misses))
        return misses[best], best, pile

    def _offer(self, pile: Pile) -> tuple[float, int]:
        """Return what a pile's next tile is worth for each MAC it saves, and these."""
        known = self._offers.get(pile.name)
        if known is None:
            count = pile.next_tile()
            saving = self._saving(pile, count)
            worth = float(pile.worth[pile.gone + count] - pile.worth[pile.gone])
            known = self._offers[pile.name] = (worth / max(saving, 1), saving)
        return known

    def _saving(self, pile: Pile, count: int) -> int:
        return sum(
            cost.macs() - cost.macs(pile.cuts(place, count))
            for place in pile.lengths
            if (cost := self._costs.get(place)) is not None
        )

    def _take(self, pile: Pile, count: int) -> None:
        for place in pile.lengths:
            cost = self._costs.get(place)
            for axis, cut in pile.cuts(place, count).items() if cost else ():
                self._costs[place].shape[axis] -= cut
        pile.gone += count
        for other in self._piles:
            if not other.lengths.keys().isdisjoint(pile.lengths):
                self._offers.pop(other.name, None)

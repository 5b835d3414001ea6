"""What the prune pass lets one choose."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["Importance", "PruneOptions"]

Importance: TypeAlias = Literal["l1", "batch-norm", "taylor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneOptions:
    """How much of a model goes, and by what the rest is chosen.

    Attributes:
        share: Of the multiply-accumulates that is removed, in 0…1; ``None`` when
            ``target_ms`` says it. A resolved recipe has it.
        target_ms: What one picture may take on the profile's board, in milliseconds.
        importance: What a channel is ranked by: the size of its weights (``l1``), of
            its batch norm's gain (``batch-norm``), or what the loss on calibration
            photos would change by (``taylor``, first order).
        multiple: Channels are kept in multiples of it, which kernels are fast at.
        min_kept: Smallest share of any group's channels that stays.
        images: Calibration photos that ``taylor`` and ``refit`` look at.
        refit: Whether the weights that read what goes are fitted anew on photos, where
            there are any.
        min_speedup: Below this times faster, the pass fails on the profile's own
            board.
    """

    share: float | None = None
    target_ms: float | None = None
    importance: Importance = "taylor"
    multiple: int = 8
    min_kept: float = 0.1
    images: int = 256
    refit: bool = True
    min_speedup: float = 1.10

    def __post_init__(self) -> None:
        if (self.share is None) == (self.target_ms is None):
            raise ValueError(
                "give the share of MACs to remove or target_ms, one of both"
            )
        if self.share is not None and not 0 <= self.share < 1:
            raise ValueError(f"share must be 0 or more and below 1, got {self.share}")
        if self.target_ms is not None and not 0 < self.target_ms < 1e6:
            raise ValueError(f"target_ms must be above 0, got {self.target_ms}")
        if self.multiple < 1 or self.images < 1:
            raise ValueError("multiple and images must be 1 or more")
        if not 0 < self.min_kept <= 1:
            raise ValueError(f"min_kept must be above 0, up to 1: {self.min_kept}")
        if not self.min_speedup >= 0:
            raise ValueError(f"min_speedup must be 0 or more: {self.min_speedup}")

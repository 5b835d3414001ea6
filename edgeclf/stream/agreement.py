"""How far what is decided on a camera's small stream is what its main one shows."""

from dataclasses import dataclass
from typing import Any

__all__ = ["LoresAgreement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoresAgreement:
    """What became of pictures that were decided twice: small, and as the main stream.

    Attributes:
        pairs: Moments that were compared; 0 where the camera gave none.
        equal: Those of them with the same best label.
        largest_difference: Between the two scores of one label, 0 to 1, the largest
            over all labels and pairs; ``None`` without pairs.
    """

    pairs: int
    equal: int
    largest_difference: float | None

    def __post_init__(self) -> None:
        if not 0 <= self.equal <= self.pairs:
            raise ValueError(
                f"equal must be 0 to pairs, got {self.equal} of {self.pairs}"
            )
        if (self.largest_difference is None) != (self.pairs == 0):
            raise ValueError(
                "there is a difference where there are pairs, got "
                f"{self.largest_difference} of {self.pairs}"
            )

    @property
    def share(self) -> float | None:
        """The share of pairs with the same best label; ``None`` without pairs."""
        return self.equal / self.pairs if self.pairs else None

    def __str__(self) -> str:
        """Return one line for people."""
        if self.largest_difference is None:
            return "nothing was measured: no pictures came"
        return (
            f"{self.equal} of {self.pairs} decisions are those of the main stream, "
            f"scores differ by at most {self.largest_difference:.2f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return everything, JSON-ready."""
        return {
            "pairs": self.pairs,
            "equal": self.equal,
            "share": self.share,
            "largest_difference": self.largest_difference,
        }

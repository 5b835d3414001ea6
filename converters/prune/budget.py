"""From a time on a board to a number of multiply-accumulates, with the ground for it."""

import functools
import sys
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from edgeclf.errors import SpecError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["TimeLaw", "estimated_share", "published_law"]

_FARTHEST = 2.0
"""How far beyond the published models' sizes an estimate may be made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLaw:
    """How time grows with multiply-accumulates, over published models of one board.

    ``ms = factor * macs ** exponent``, fitted to logarithms by least squares.

    Attributes:
        factor: Milliseconds.
        exponent: Below 1: memory, and what a layer costs whatever its size, count too.
        spread: Largest factor between the law and a published time.
        smallest: Multiply-accumulates of the smallest model.
        largest: Of the largest.
        points: How many models.
        source: Who measured, and what.
    """

    factor: float
    exponent: float
    spread: float
    smallest: float
    largest: float
    points: int
    source: str

    def milliseconds(self, macs: float) -> float:
        """Return the time of a model of this size."""
        return float(self.factor * macs**self.exponent)

    def macs(self, milliseconds: float) -> float:
        """Return the size of a model that takes this time."""
        return float((milliseconds / self.factor) ** (1 / self.exponent))

    def covers(self, macs: float) -> bool:
        """Whether a model of this size is near the published ones."""
        return self.smallest / _FARTHEST <= macs <= self.largest * _FARTHEST


def published_law(profile: str, engine: str, *, is_int8: bool) -> TimeLaw | None:
    """Return the law of a board's published times, or ``None`` where there are none.

    Args:
        profile: The board's name.
        engine: That runs the model there.
        is_int8: Whether the model computes in int8, else in float.
    """
    table = _tables().get(profile, {}).get("int8" if is_int8 else "float")
    if table is None or engine not in table["engines"]:
        return None
    macs = np.array([point["macs"] for point in table["points"]], np.float64)
    times = np.array([point["ms"] for point in table["points"]], np.float64)
    exponent, offset = np.polyfit(np.log(macs), np.log(times), 1)
    residuals = np.log(times) - offset - exponent * np.log(macs)
    return TimeLaw(
        factor=float(np.exp(offset)),
        exponent=float(exponent),
        spread=float(np.exp(np.abs(residuals).max())),
        smallest=float(macs.min()),
        largest=float(macs.max()),
        points=len(macs),
        source=f"{table['source']}: {table['statistic']}",
    )


def estimated_share(
    target_ms: float, macs: float, law: TimeLaw, *, board: str
) -> tuple[float, str]:
    """Return the share of multiply-accumulates to remove, and what that rests on.

    Args:
        target_ms: What one picture may take.
        macs: Of the model as it is.
        law: Of the board's published times.
        board: For messages.

    Raises:
        SpecError: The model is far from the published ones in size, or would have to
            lose nearly all.
    """
    if not law.covers(macs):
        raise SpecError(
            f"--prune-to: this model's {macs / 1e6:.0f} million multiply-accumulates "
            f"are far from those of the models published for {board} "
            f"({law.smallest / 1e6:.0f} to {law.largest / 1e6:.0f} million): give "
            "--prune SHARE and measure on the board"
        )
    now = law.milliseconds(macs)
    share = max(0.0, 1 - law.macs(target_ms) / macs)
    if share > 0.9:
        raise SpecError(
            f"--prune-to {target_ms:g} ms: about {now:.3g} ms are estimated for this "
            f"model on {board}, and pruning would have to remove {share:.0%} of it: "
            "begin with a smaller model"
        )
    words = (
        f"an estimate, not a measurement: about {now:.3g} ms on {board} before pruning, "
        f"from {law.points} published models, which lie within a factor of "
        f"{law.spread:.2g} of ms = {law.factor:.3g} · MACs^{law.exponent:.2f} "
        f"({law.source})"
    )
    return share, words


@functools.cache
def _tables() -> dict[str, Any]:
    path = resources.files("converters.prune") / "published_times.toml"
    return tomllib.loads(path.read_text("utf-8"))

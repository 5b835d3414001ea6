"""Bars on scores: an artefact without 8-bit rounding must compute what its source does."""

from converters.gate.comparison import Comparison
from converters.pass_options import VerifyOptions
from edgeclf.errors import OutOfBoundsError

__all__ = ["require_parity"]


def require_parity(
    comparison: Comparison, options: VerifyOptions, *, name: str
) -> None:
    """Refuse an artefact whose scores are too far from its source's.

    Args:
        comparison: With the model that was exported.
        options: The bar; a bar of 0 is none.
        name: Of the source, for the message.

    Raises:
        OutOfBoundsError: It is; nothing must be written.
    """
    error = comparison.relative_error()
    if 0 < options.max_score_error < error:
        raise OutOfBoundsError(
            f"out of parity: a score differs from {name}'s by {error:.2g} of their "
            f"range, the recipe allows {options.max_score_error:.2g}; no bundle was "
            "written"
        )

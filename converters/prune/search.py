"""Looking for the share of a model to remove so that it takes a given time."""

from collections.abc import Callable

import numpy as np

from edgeclf.errors import SpecError

__all__ = ["share_for_time"]

_MOST = 0.9
_TRIES = 4
_NEAR = 0.05


def share_for_time(
    target_ms: float, time_of: Callable[[float], float]
) -> tuple[float, float]:
    """Return a share to remove, and the time without it, at most the target.

    Times are taken to lie on a line between those measured, and each guess is measured
    in its turn; some tries come within 5 % of the target as a rule.

    Args:
        target_ms: What a picture may take.
        time_of: Measures the model without a share.

    Raises:
        SpecError: Even the smallest model takes longer.
    """
    known = {0.0: time_of(0.0)}
    if known[0.0] <= target_ms:
        return 0.0, known[0.0]
    guess = min(_MOST, 1 - target_ms / known[0.0])
    for _ in range(_TRIES):
        known[guess] = time_of(guess)
        if target_ms * (1 - _NEAR) <= known[guess] <= target_ms:
            break
        guess = _between(known, target_ms)
        if guess in known:
            break
    enough = [share for share, ms in known.items() if ms <= target_ms]
    if not enough:
        fastest = min(known.values())
        raise SpecError(
            f"--prune-to {target_ms:g} ms: without {max(known):.0%} of its "
            f"multiply-accumulates the model still takes {fastest:.3g} ms: begin with "
            "a smaller model"
        )
    return min(enough), known[min(enough)]


def _between(known: dict[float, float], target_ms: float) -> float:
    """Return where a line through the nearest times meets just below the target."""
    slow = max(share for share, ms in known.items() if ms > target_ms)
    fast = min(
        (share for share, ms in known.items() if ms <= target_ms and share > slow),
        default=None,
    )
    aim = target_ms * (1 - _NEAR / 2)
    if fast is None:
        return _MOST if slow >= _MOST / 2 else min(_MOST, 2 * slow)
    return float(np.interp(-aim, [-known[slow], -known[fast]], [slow, fast]))

"""By how much to multiply each channel of a group, from what it holds and is read by."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["WEIGHT_SHARE", "channel_scales"]

WEIGHT_SHARE = 0.25
"""How much of the difficulty moves from the activations to the weights that read them."""

_MOST = 1e6

_Numbers = NDArray[np.float64]


def channel_scales(
    reach: _Numbers, weight: _Numbers, *, share: float = WEIGHT_SHARE
) -> _Numbers:
    """Return the factor of each channel.

    All channels of a tensor share one step; a channel of a small reach loses most of
    its levels. Factors of 1 over the reach make all reaches alike, but enlarge the
    weights that read quiet channels, and a filter's weights share one step too. So
    channels that are read by small weights even then keep a smaller reach. Whatever
    channels were multiplied by beforehand, the factors undo it.

    Args:
        reach: The largest absolute value of each channel, shape (channels,).
        weight: How large the weights are that read each channel, were all reaches
            alike, beside the largest of their filter: 0 to 1, same shape.
        share: 0 makes reaches alike, 1 the weights.

    Returns:
        Above 0, same shape; the largest reach stays what it was. 1 for a channel that
        nothing reads, or that holds nothing.

    Source:
        Xiao et al. 2023, arXiv:2211.10438, equation 4 (there for matrix products).
    """
    is_alive = (reach > 0) & (weight > 0)
    if not is_alive.any():
        return np.ones_like(reach)
    wanted = np.maximum(weight[is_alive], weight.max() / _MOST) ** share
    wanted *= reach.max() / wanted.max()
    factors = np.ones_like(reach)
    factors[is_alive] = wanted / reach[is_alive]
    return factors

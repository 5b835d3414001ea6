"""How much a count of false alarms or misses can say: intervals, without scipy."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

__all__ = ["HOURS_FOR_NONE", "Interval", "rate_interval", "share_interval"]

_Z: Final = 1.959963984540054
_TAIL: Final = 0.025


class Interval(NamedTuple):
    """Ends of a two-sided 95 % interval; ``high`` may be infinite."""

    low: float
    high: float


def rate_interval(counts: Sequence[int], hours: Sequence[float]) -> Interval:
    """Return the interval of a sum of rates, each a count over a time of its own.

    For one count it is the exact interval of a Poisson count: none in an hour leaves
    up to 3.69 an hour.

    Args:
        counts: What was seen.
        hours: How long was watched for each, above 0.

    Source:
        Garwood 1936, doi:10.1093/biomet/28.3-4.437; for sums Fay and Feuer 1997,
        doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#.
    """
    weights = [1 / each for each in hours]
    rate = sum(count * weight for count, weight in zip(counts, weights, strict=True))
    variance = sum(
        count * weight**2 for count, weight in zip(counts, weights, strict=True)
    )
    largest = max(weights)
    low = _scaled_gamma(rate, variance, _TAIL) if rate else 0.0
    return Interval(
        low, _scaled_gamma(rate + largest, variance + largest**2, 1 - _TAIL)
    )


def share_interval(count: int, total: int) -> Interval:
    """Return Wilson's interval of a share, both ends 0 to 1.

    Source:
        Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    share, spread = count / total, _Z**2 / total
    middle = (share + spread / 2) / (1 + spread)
    half = math.sqrt(share * (1 - share) * spread + spread**2 / 4) / (1 + spread)
    return Interval(max(0.0, middle - half), min(1.0, middle + half))


def _scaled_gamma(mean: float, variance: float, probability: float) -> float:
    """Return a quantile of the gamma distribution with a mean and a variance."""
    shape, scale = mean**2 / variance, variance / mean
    low, high = 0.0, shape + 10 * math.sqrt(shape) + 10
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _gamma_share(shape, middle) < probability:
            low = middle
        else:
            high = middle
    return scale * high


def _gamma_share(shape: float, value: float) -> float:
    """Return the regularised lower incomplete gamma function, by its series.

    Source:
        DLMF 8.11.4, https://dlmf.nist.gov/8.11.E4.
    """
    if value <= 0:
        return 0.0
    term = math.exp(shape * math.log(value) - value - math.lgamma(shape + 1))
    total, divisor = term, shape
    while term > 1e-17 * total:
        divisor += 1
        term *= value / divisor
        total += term
    return min(total, 1.0)


HOURS_FOR_NONE: Final = -math.log(_TAIL)
"""Hours without a false alarm that leave less than one an hour; for another limit,
divide by it."""

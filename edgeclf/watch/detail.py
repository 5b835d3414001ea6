"""How much detail a camera shows: at all, and compared with what it usually shows."""

import math
from typing import Final

import numpy as np

from edgeclf.watch.decay import left_after
from edgeclf.watch.picture_measures import Structure
from edgeclf.watch.smoothing import Smoothing

__all__ = ["DetailOverTime"]

_AVERAGED_MS: Final = 2000
_USUAL_NS: Final = 600 * 10**9
_LEARNING_NS: Final = 60 * 10**9

_CUT: Final = 4.0
"""A change of the detail by this factor from one frame to the next is another scene."""

_NO_DETAIL: Final = 0.0002
"""Largest squared contrast over 8 of 640 pixels, free of noise, that is no detail:
1.4 %. Real photos have 0.0004 (all of it out of focus) to 0.65; a hand before the lens
0 to 0.0001, a wall with a texture of 1 % 0.0001."""

_LEAST_SIGNAL: Final = 0.01
"""Smallest part of the noise that can be seen in an average over 2 s."""

_LEAST_USUAL: Final = 0.05
"""Likewise for sharpness, which is compared with a quarter of what is usual."""


class DetailOverTime:
    """Follows one camera's detail; what it says is free of light and noise.

    Structure is compared with the square of the light, as all of it fades with the
    light. Averages go over 2 s. What is usual is an average over 10 minutes of what
    was not blurred, known after the first minute; dusk and weather become usual, a
    lens that fell out of focus does not.
    """

    def __init__(self) -> None:
        self._usual = 0.0
        self._observed_ns = 0
        self.start()

    def start(self) -> None:
        """Forget the last seconds, and keep what is usual."""
        self._average = Smoothing(kind="ewma", time_constant_ms=_AVERAGED_MS).start()
        self._last_ns: int | None = None
        self._far: float | None = None

    def see(self, moment_ns: int, seen: Structure) -> tuple[float, float]:
        """Take one picture in.

        Returns:
            How featureless the pictures are, ``1 / (1 + detail / limit)``, and how
            blurred, ``1 / (1 + 4 * sharpness / usual)``: 0 to 1, or NaN where noise or
            darkness hides it. What is featureless cannot be blurred.
        """
        if self._far is not None and not (
            self._far / _CUT <= seen.far <= self._far * _CUT
        ):
            # A lens is covered at once: what was before must not hide it for long.
            self.start()
        light, near, middle, far = self._average.step(
            moment_ns, np.array([seen.level**2, seen.near, seen.middle, seen.far])
        ).tolist()
        elapsed_ns = 0 if self._last_ns is None else moment_ns - self._last_ns
        self._last_ns, self._far = moment_ns, far
        featureless = _featureless(light, near, far)
        if light <= 0 or featureless >= 0.5:
            return featureless, math.nan
        sharpness = max(0.0, middle - near) / light
        blurred = self._blurred(sharpness, noise=near / light)
        if not blurred >= 0.5:
            self._learn(sharpness, elapsed_ns)
        return featureless, blurred

    def _blurred(self, sharpness: float, noise: float) -> float:
        is_known = self._observed_ns >= _LEARNING_NS
        if not is_known or self._usual <= _LEAST_USUAL * noise:
            return math.nan
        return 1 / (1 + 4 * sharpness / self._usual)

    def _learn(self, sharpness: float, elapsed_ns: int) -> None:
        self._observed_ns += elapsed_ns
        if not self._observed_ns:
            self._usual = sharpness
            return
        # An average of all there was, until that is longer than what it shall go over.
        span_ns = min(self._observed_ns, _USUAL_NS)
        self._usual += (1 - left_after(elapsed_ns / span_ns)) * (
            sharpness - self._usual
        )


def _featureless(light: float, near: float, far: float) -> float:
    limit, detail = _NO_DETAIL * light, max(0.0, far - near)
    # What is near may be noise or detail: it hides something only where there is little.
    hidden = _LEAST_SIGNAL * near
    if limit <= 0 or (limit < hidden and detail < 2 * limit + 3 * hidden):
        return math.nan
    return 1 / (1 + detail / limit)

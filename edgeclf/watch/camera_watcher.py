"""Watches the camera itself: a picture that cannot be trusted is an event, too."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np

from edgeclf.stream.decision import Decision
from edgeclf.stream.event import Event
from edgeclf.types import Uint8Image
from edgeclf.watch.detail import DetailOverTime
from edgeclf.watch.hysteresis import Hysteresis, Thresholds
from edgeclf.watch.picture_measures import (
    SMALLEST_SIDE,
    Grid,
    Plane,
    clipped_share,
    dark_share,
    structure,
    unchanged_share,
)
from edgeclf.watch.smoothing import Scores
from edgeclf.watch.spans import Spans

__all__ = ["CAMERA_THRESHOLDS", "CameraWatcher"]

CAMERA_THRESHOLDS: Final[Mapping[str, Thresholds]] = MappingProxyType(
    {
        # Share of patches that are dark: a lamp, a window or a screen is more than 1 %.
        "black": Thresholds(enter=0.99, exit=0.9, min_duration_ms=2000, hold_ms=1000),
        # Share of clipped samples: backlit and snowy scenes stay below a half, and
        # exposure control needs a few seconds when a light goes on.
        "over-exposed": Thresholds(
            enter=0.6, exit=0.4, min_duration_ms=5000, hold_ms=2000
        ),
        # Share of samples that did not change: noise moves a tenth at least, a clock
        # in the picture a hundredth. Longer than most encoders go without a whole
        # picture; between two of those, a scene at rest may stand still bit by bit.
        "frozen": Thresholds(enter=0.995, exit=0.98, min_duration_ms=10_000, hold_ms=0),
        # 1 / (1 + detail / limit): a half at the limit, a third at twice the limit.
        "covered": Thresholds(
            enter=0.5, exit=1 / 3, min_duration_ms=5000, hold_ms=2000
        ),
        # 1 / (1 + 4 * sharpness / usual): a half at a quarter, a third at a half.
        # Longer than somebody stands before the lens, or autofocus searches.
        "blurred": Thresholds(
            enter=0.5, exit=1 / 3, min_duration_ms=15_000, hold_ms=3000
        ),
    }
)
"""When each condition starts and ends; what the numbers are is said beside them."""

_NAMES = tuple(CAMERA_THRESHOLDS)
_MAX_GAP_MS = 10_000
_UNKNOWN = math.nan
_DETAIL_EVERY_NS: Final = 150_000_000
"""Detail is averaged over seconds, and takes most of the time."""


class CameraWatcher:
    """Makes events of pictures that show nothing, or not what is there now.

    Black, over-exposed, frozen, covered (no detail at all) and blurred (a quarter of
    the detail that this camera usually shows). What cannot be judged stays as it is:
    in the dark and under noise, detail cannot; in black and white, standing still
    cannot. Pictures with a side below 64 pixels are not judged.

    It takes a tenth to two tenths of a millisecond a frame, whatever its size.
    """

    def __init__(self) -> None:
        self._spans = Spans(
            "camera",
            _NAMES,
            Hysteresis(list(CAMERA_THRESHOLDS.values())),
            max_gap_ms=_MAX_GAP_MS,
            has_scores=False,
        )
        self._grid = Grid.of(SMALLEST_SIDE, SMALLEST_SIDE)
        self._size = (0, 0)
        self._previous: Plane | None = None
        self._detail = DetailOverTime()
        self._detail_due_ns = 0
        self._detail_found = (_UNKNOWN, _UNKNOWN)

    def watch(self, decision: Decision) -> list[Event]:
        """Return what began or ended with this decision."""
        pixels = decision.frame.pixels
        height, width = pixels.shape[:2]
        if min(height, width) < SMALLEST_SIDE:
            return []
        moment_ns, is_first, ended = self._spans.arrive(decision)
        if is_first or (height, width) != self._size:
            self._size = (height, width)
            self._grid = Grid.of(height, width)
            self._previous = None
            self._detail.start()
            self._detail_due_ns = moment_ns
        found = self._judge(pixels, moment_ns)
        return ended + self._spans.step(
            decision,
            moment_ns,
            found,
            detail=lambda position: _WORDS[_NAMES[position]](found[position]),
        )

    def finish(self, now_ns: int) -> list[Event]:
        """Return the ends of all that is still going on; nothing follows."""
        return self._spans.finish(now_ns)

    def _judge(self, pixels: Uint8Image, moment_ns: int) -> Scores:
        """Return one number a condition, in the order of their names."""
        green = self._grid.take(pixels, 1)
        dark = dark_share(pixels, self._grid, green)
        clipped = clipped_share(pixels, self._grid, green)
        frozen = _UNKNOWN
        if self._previous is not None:
            frozen = unchanged_share(green, self._previous)
        self._previous = green
        if dark >= _BLACK.exit or clipped >= _OVER_EXPOSED.exit:
            return np.array([dark, clipped, frozen, _UNKNOWN, _UNKNOWN])
        if moment_ns >= self._detail_due_ns:
            seen = structure(pixels, self._grid, green)
            self._detail_found = self._detail.see(moment_ns, seen)
            self._detail_due_ns = moment_ns + _DETAIL_EVERY_NS
        return np.array([dark, clipped, frozen, *self._detail_found])


_BLACK = CAMERA_THRESHOLDS["black"]
_OVER_EXPOSED = CAMERA_THRESHOLDS["over-exposed"]
_WORDS: Mapping[str, Callable[[float], str]] = {
    "black": lambda share: f"{share:.0%} of the picture is dark",
    "over-exposed": lambda share: f"{share:.0%} of the picture is clipped",
    "frozen": lambda share: f"{share:.1%} of the picture is as it was a frame before",
    "covered": lambda _: "the picture has no detail",
    "blurred": lambda score: f"{(1 / score - 1) / 4:.0%} of its usual sharpness",
}

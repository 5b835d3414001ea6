"""Resizing by Pillow: its filters are antialiased, on the half-pixel grid."""

import numpy as np
from PIL import Image

from edgeclf.preprocess.geometry import ResizePlan
from edgeclf.types import ResizeSpec, Uint8Image

__all__ = ["PillowKernel"]

_FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}


_MOST_PIXELS = 32_000_000
"""Slivers of pictures, scaled, would fill the memory to have a corner kept."""


class PillowKernel:
    """``Image.resize``, and then the crop.

    Args:
        spec: A combination that ``serves`` accepts.
    """

    name = "pillow"

    def __init__(self, spec: ResizeSpec) -> None:
        self._filter = _FILTERS[spec.filter]

    @staticmethod
    def serves(spec: ResizeSpec) -> bool:
        """Say whether Pillow's filters are this one, within one step.

        Of the others' filters only bilinear is: its weights are never negative, so
        that there is nothing to clip between the passes.
        """
        if spec.filter not in _FILTERS or not spec.antialias:
            return False
        return spec.arithmetic == "pillow" or spec.filter == "bilinear"

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        """Write the kept part of the resized picture into ``out``.

        Args:
            source: Shape ``plan.source.size`` + (3,), any strides.
            plan: Sizes.
            out: Shape ``plan.kept.size`` + (3,), any strides.
        """
        image = Image.fromarray(np.ascontiguousarray(source))
        (height, width), kept = plan.scaled, plan.kept
        if height * width > _MOST_PIXELS:
            resized = image.resize((kept.width, kept.height), self._filter, _box(plan))
            np.copyto(out, np.asarray(resized))
            return
        # Asking Pillow for the kept part alone saves a third of the time, but moves
        # the filter by a hair, which its rounding between the passes makes 2 steps.
        resized = image.resize((width, height), self._filter)
        np.copyto(out, np.asarray(resized)[kept.slices])


def _box(plan: ResizePlan) -> tuple[float, float, float, float]:
    """Return the kept window in source pixels: left, top, right, bottom."""
    (height, width), kept = plan.source.size, plan.kept
    down, across = height / plan.scaled[0], width / plan.scaled[1]
    return (
        kept.left * across,
        kept.top * down,
        min((kept.left + kept.width) * across, width),
        min((kept.top + kept.height) * down, height),
    )

"""Ten ways to get preprocessing wrong; a parity check that misses one is worthless."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from edgeclf.preprocess import Preprocessor, preset
from edgeclf.preprocess.geometry import ResizePlan
from edgeclf.preprocess.numpy_kernel import NumpyKernel
from edgeclf.types import (
    CropSpec,
    PreprocessSpec,
    QuantParams,
    ResizeSpec,
    TensorSpec,
    Uint8Image,
)
from tests.preprocess_reference import tensor_spec

__all__ = ["LITE", "LITE_INT8", "WRONG_VARIANTS", "WrongVariant"]

LITE = preset("efficientnet-lite", size=(224, 224))
LITE_INT8 = replace(LITE, dtype="int8")
_TIMM = preset("timm", size=(224, 224))
_OBLONG = preset("keras", size=(160, 224))
_INT8_INPUT = QuantParams(scale=1 / 128, zero_point=-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrongVariant:
    """A right spec and a preprocessor that gets it wrong.

    Attributes:
        right: What was asked.
        tensor: The model's input.
        make: Makes the wrong preprocessor.
    """

    right: PreprocessSpec
    tensor: TensorSpec
    make: Callable[[], Preprocessor]


class _SwapsSides(NumpyKernel):
    """Resizes to (width, height) and reads the result as (height, width)."""

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        height, width = out.shape[:2]
        turned = np.empty((width, height, 3), np.uint8)
        kept = replace_window(plan, (width, height))
        super().resize(source, kept, turned)
        np.copyto(out, turned.reshape(out.shape))


def replace_window(plan: ResizePlan, size: tuple[int, int]) -> ResizePlan:
    """Return a plan that gives a picture of another size."""
    window = plan.kept._replace(height=size[0], width=size[1])
    return plan._replace(scaled=size, kept=window, placed=window)


class _IgnoresStride(NumpyKernel):
    """Takes the rows to follow each other without a gap."""

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        packed = np.lib.stride_tricks.as_strided(
            source, strides=(3 * source.shape[1], 3, 1)
        )
        super().resize(packed, plan, out)


def _specified(right: PreprocessSpec, wrong: PreprocessSpec) -> WrongVariant:
    tensor = tensor_spec(right)
    return WrongVariant(
        right=right, tensor=tensor, make=lambda: Preprocessor(wrong, tensor)
    )


def _computed(right: PreprocessSpec, kernel: NumpyKernel) -> WrongVariant:
    tensor = tensor_spec(right)
    return WrongVariant(
        right=right,
        tensor=tensor,
        make=lambda: Preprocessor(right, tensor, resizer=kernel),
    )


def _resized(spec: PreprocessSpec, resize: ResizeSpec) -> WrongVariant:
    return _specified(spec, replace(spec, resize=resize))


def _without_zero_point() -> WrongVariant:
    wrong = tensor_spec(LITE_INT8, replace(_INT8_INPUT, zero_point=0))
    return WrongVariant(
        right=LITE_INT8,
        tensor=tensor_spec(LITE_INT8, _INT8_INPUT),
        make=lambda: Preprocessor(LITE_INT8, wrong),
    )


_CROPS_AFTER = CropSpec(
    kind="size", size=(224, 224), when="after-resize", offset_rounding="ceil"
)

WRONG_VARIANTS: Mapping[str, WrongVariant] = {
    "bgr-for-rgb": _specified(LITE, replace(LITE, colour_order="bgr")),
    "squash-for-crop": _specified(LITE, replace(LITE, crop=CropSpec())),
    "crop-after-resize-for-before": _specified(
        LITE,
        replace(LITE, resize=replace(LITE.resize, size=(256, 256)), crop=_CROPS_AFTER),
    ),
    "nearest-for-bilinear": _resized(LITE, replace(LITE.resize, filter="nearest")),
    "missing-antialias": _resized(
        _TIMM, replace(_TIMM.resize, antialias=False, arithmetic="float")
    ),
    "over-255-for-minus-127-over-128": _specified(
        LITE, replace(LITE, mean=(0.0, 0.0, 0.0), std=(255.0, 255.0, 255.0))
    ),
    "height-and-width-swapped": _computed(_OBLONG, _SwapsSides(_OBLONG.resize)),
    "missing-zero-point": _without_zero_point(),
    "row-stride-ignored": _computed(LITE, _IgnoresStride(LITE.resize)),
    "half-pixel-for-old-grid": _resized(LITE, replace(LITE.resize, half_pixel=True)),
}
"""By name, each with the spec that it gets wrong."""

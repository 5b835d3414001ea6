"""What preprocessing must give, computed slowly and straight from the definitions."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeclf.preprocess import Preprocessor
from edgeclf.types import (
    PreprocessSpec,
    QuantParams,
    ResizeSpec,
    Tensor,
    TensorSpec,
    Uint8Image,
)

__all__ = [
    "ONE_STEP",
    "reference_pixels",
    "reference_tensor",
    "steps_apart",
    "tensor_spec",
]

ONE_STEP = 1.001
"""Largest difference allowed, in steps; the rest is float32."""

Float64 = NDArray[np.float64]
Resize = Callable[[Uint8Image, tuple[int, int], ResizeSpec], Float64]

_PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}


def tensor_spec(
    spec: PreprocessSpec, quantization: QuantParams | None = None
) -> TensorSpec:
    """Return the input of a model that agrees with a spec."""
    height, width = spec.size
    shape = (1, height, width, 3) if spec.layout == "nhwc" else (1, 3, height, width)
    return TensorSpec(
        name="input", shape=shape, dtype=spec.dtype, quantization=quantization
    )


def steps_apart(
    preprocessor: Preprocessor, reference: Tensor, pixels: Uint8Image, std: float
) -> float:
    """Return the largest difference from a reference tensor.

    Returns:
        In steps of the stored integer, or in pixel steps when the tensor is float.
    """
    tensor = preprocessor(pixels)
    if tensor.shape != reference.shape:
        return float("inf")
    unit = std if tensor.dtype == np.float32 else 1.0
    apart = np.abs(tensor.astype(np.float64) - reference.astype(np.float64)).max()
    return float(apart) * unit


def reference_tensor(
    pixels: Uint8Image, spec: PreprocessSpec, tensor: TensorSpec
) -> Tensor:
    """Return the tensor by the formulas, from unhurried float64."""
    values = np.rint(reference_pixels(pixels, spec))
    if spec.colour_order == "bgr":
        values = values[..., ::-1]
    real = (values - np.array(spec.mean)) / np.array(spec.std)
    if spec.normalization == "graph":
        real = values
    if spec.layout == "nchw":
        real = real.transpose(2, 0, 1)
    if tensor.dtype == "float32":
        stored = real
    else:
        quantization = tensor.quantization or QuantParams(scale=1.0, zero_point=0)
        limits = np.iinfo(tensor.dtype)
        stored = np.rint(real / quantization.scale) + quantization.zero_point
        stored = np.clip(stored, limits.min, limits.max)
    result: Tensor = stored[None].astype(tensor.dtype)
    return result


def reference_pixels(pixels: Uint8Image, spec: PreprocessSpec) -> Float64:
    """Return the pixels after crop and resize, float64 in 0…255."""
    resize = _by_pillow if spec.resize.arithmetic == "pillow" else _by_matrices
    if spec.crop.when == "before-resize":
        pixels = pixels[_centre(pixels, spec)]
    if spec.resize.mode == "shorter-side":
        height, width = pixels.shape[:2]
        short = min(spec.resize.size)
        longer = int(short * max(height, width) / min(height, width))
        size = (short, longer) if height <= width else (longer, short)
    else:
        size = spec.resize.size
    resized = resize(pixels, size, spec.resize)
    if spec.crop.when == "after-resize":
        resized = resized[_centre(resized, spec)]
    return np.clip(resized, 0, 255)


def _centre(image: NDArray[Any], spec: PreprocessSpec) -> tuple[slice, slice]:
    crop = spec.crop
    height, width = image.shape[:2]
    if crop.kind == "none":
        return slice(None), slice(None)
    if crop.kind == "fraction":
        side = max(1, int(np.float32(crop.fraction) * np.float32(min(height, width))))
        wanted = (side, side)
    else:
        assert crop.size is not None
        wanted = (min(crop.size[0], height), min(crop.size[1], width))
    margins = (height - wanted[0], width - wanted[1])
    top, left = (
        {
            "floor": margin // 2,
            "ceil": (margin + 1) // 2,
            "half-even": round(margin / 2.0),
        }[crop.offset_rounding]
        for margin in margins
    )
    return slice(top, top + wanted[0]), slice(left, left + wanted[1])


def _by_pillow(pixels: Uint8Image, size: tuple[int, int], spec: ResizeSpec) -> Float64:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    resized = image.resize((size[1], size[0]), _PILLOW[spec.filter])
    return np.asarray(resized).astype(np.float64)


def _by_matrices(
    pixels: Uint8Image, size: tuple[int, int], spec: ResizeSpec
) -> Float64:
    down = _matrix(pixels.shape[0], size[0], spec)
    across = _matrix(pixels.shape[1], size[1], spec)
    result: Float64 = np.einsum("yh,hwc,xw->yxc", down, pixels, across, optimize=True)
    return result


@lru_cache(maxsize=128)
def _matrix(inputs: int, outputs: int, spec: ResizeSpec) -> Float64:
    """Return the weight of every input for every output, one by one."""
    matrix = np.zeros((outputs, inputs))
    scale = inputs / outputs
    stretch = max(1.0, scale) if spec.antialias else 1.0
    offset = 0.5 if spec.half_pixel else 0.0
    drops = spec.antialias or (spec.half_pixel and spec.cubic_a == -0.5)
    for output in range(outputs):
        centre = (output + offset) * scale - offset
        if spec.filter == "nearest":
            # TensorFlow's nearest is a question of float32.
            position = np.float32(output + offset) * np.float32(scale)
            matrix[output, min(int(position), inputs - 1)] = 1.0
            continue
        reach = int(3 * stretch) + 1
        near = np.arange(int(centre) - reach, int(centre) + reach + 1)
        weights = _weights(np.abs(near - centre) / stretch, spec)
        if drops or spec.filter == "lanczos3":
            weights[(near < 0) | (near >= inputs)] = 0.0
        np.add.at(matrix[output], near.clip(0, inputs - 1), weights)
        matrix[output] /= matrix[output].sum()
    return matrix


def _weights(distance: Float64, spec: ResizeSpec) -> Float64:
    if spec.filter == "bilinear":
        return np.maximum(0.0, 1.0 - distance)
    if spec.filter == "lanczos3":
        lobes = np.sinc(distance) * np.sinc(distance / 3)
        return np.where(distance < 3, lobes, 0.0)
    a = spec.cubic_a
    near = (a + 2) * distance**3 - (a + 3) * distance**2 + 1
    far = a * (distance**3 - 5 * distance**2 + 8 * distance - 4)
    return np.where(distance < 1, near, np.where(distance < 2, far, 0.0))

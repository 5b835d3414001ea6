"""What each of the 256 pixel values becomes in the model's tensor."""

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import PreprocessSpec, QuantParams, Tensor, TensorSpec

__all__ = ["is_identity", "real_values", "stored_line", "stored_values"]


def real_values(spec: PreprocessSpec) -> NDArray[np.float64]:
    """Return ``(pixel - mean) / std`` for each channel in the model's colour order.

    Returns:
        Shape (3, 256).
    """
    pixel = np.arange(256, dtype=np.float64)
    mean, std = np.array(spec.mean)[:, None], np.array(spec.std)[:, None]
    result: NDArray[np.float64] = (pixel - mean) / std
    return result


def stored_values(spec: PreprocessSpec, tensor: TensorSpec) -> Tensor:
    """Return what the tensor stores for each pixel value and channel.

    A model that normalises in its graph takes the pixel as it is. Otherwise an
    integer tensor stores ``clip(round_half_even(real / scale) + zero_point)``, with
    scale 1 and zero point 0 when it has no quantization; a float tensor stores the
    real number.

    Returns:
        Shape (3, 256), channels in the model's colour order, dtype of the tensor.

    Source:
        Jacob et al. 2018, arXiv:1712.05877, equation 1, solved for the stored value.
    """
    if spec.normalization == "graph":
        return np.tile(np.arange(256, dtype=tensor.dtype), (3, 1))
    real = real_values(spec)
    if tensor.dtype == "float32":
        return real.astype(np.float32)
    params = tensor.quantization or QuantParams(scale=1.0, zero_point=0)
    limits = np.iinfo(tensor.dtype)
    stored: Tensor = np.rint(real / params.scale) + params.zero_point
    return stored.clip(limits.min, limits.max).astype(tensor.dtype)


def stored_line(
    spec: PreprocessSpec, tensor: TensorSpec
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the line that an integer tensor's table rounds and clips.

    Returns:
        Slope and start of ``stored = slope * pixel + start``, one a channel in the
        model's colour order, shape (3,) each.
    """
    params = tensor.quantization or QuantParams(scale=1.0, zero_point=0)
    slope = 1 / (np.array(spec.std) * params.scale)
    return slope, params.zero_point - np.array(spec.mean) * slope


def is_identity(stored: Tensor) -> bool:
    """Say whether every pixel value is stored as the byte that it is."""
    return stored.dtype == np.uint8 and bool(np.all(stored == np.arange(256)))

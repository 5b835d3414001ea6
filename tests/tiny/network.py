"""The one network behind every tiny model: its weights, and its answers in numpy.

A 3x3 convolution with stride 2 and ReLU6, global average pooling, one dense layer and,
for probabilities, a softmax. The real numbers it takes are ``(pixel - 127) / 128``.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import ScoreKind

__all__ = [
    "CHANNELS",
    "LOGIT_SCALE",
    "MEAN",
    "RELU6_SCALE",
    "STD",
    "FloatArray",
    "Weights",
    "float_scores",
    "weights_for",
]

MEAN = 127.0
STD = 128.0
CHANNELS = 8
RELU6_SCALE = 6.0 / 255.0
LOGIT_SCALE = 1.0 / 8.0

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    conv: FloatArray  # (out, 3, 3, in)
    conv_bias: FloatArray
    dense: FloatArray  # (classes, channels)
    dense_bias: FloatArray


def weights_for(seed: int, classes: int) -> Weights:
    random = np.random.default_rng(seed)

    def normal(scale: float, *shape: int) -> FloatArray:
        values = random.standard_normal(shape) * scale
        return values.astype(np.float32)

    return Weights(
        conv=normal(0.4, CHANNELS, 3, 3, 3),
        conv_bias=normal(0.5, CHANNELS) + np.float32(0.5),
        dense=normal(1.5, classes, CHANNELS),
        dense_bias=normal(0.5, classes),
    )


def float_scores(
    pixels: NDArray[np.uint8],
    *,
    classes: int = 10,
    scores: ScoreKind = "probabilities",
    seed: int = 0,
) -> FloatArray:
    """Return what every kind should say, computed by numpy in float.

    Args:
        pixels: uint8, shape (height, width, 3), RGB, already at the input's size.

    Returns:
        Float32, shape (classes,).
    """
    weights = weights_for(seed, classes)
    real = (pixels.astype(np.float32) - MEAN) / STD
    height, width = ((side + 1) // 2 for side in pixels.shape[:2])
    # SAME: what is missing to cover the picture, the larger half at the end.
    missing = [
        max(0, (out - 1) * 2 + 3 - side)
        for out, side in zip((height, width), pixels.shape[:2], strict=True)
    ]
    padded = np.pad(real, [*((n // 2, n - n // 2) for n in missing), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 1))[..., 0]
    conv = np.einsum("hwcij,oijc->hwo", windows[::2, ::2], weights.conv)
    pooled = np.clip(conv + weights.conv_bias, 0, 6).mean(axis=(0, 1))
    logits = weights.dense @ pooled + weights.dense_bias
    if scores == "logits":
        return np.asarray(logits, np.float32)
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum(), np.float32)

"""A layer as a matrix: its weights as rows, and what of its input each output saw."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.quantize.tflite_file import TfliteFile, TfliteLayer
from converters.quantize.windows import WindowAxis, same_padding

__all__ = ["as_rows", "from_rows", "is_one_matrix", "output_count", "seen_inputs"]

_SAME = 0
"""The schema's number of the padding that keeps the size."""


def is_one_matrix(file: TfliteFile, layer: TfliteLayer) -> bool:
    """Return whether every output channel sees all input channels, or one of its own."""
    inputs = int(file.graph.tensors[layer.source].shape[-1])
    shape = file.graph.tensors[layer.weights].shape
    if layer.kind == "depthwise":
        return bool(shape[-1] % inputs == 0)
    return bool(shape[-1] == inputs)


def as_rows(layer: TfliteLayer, weights: NDArray[Any]) -> NDArray[np.float64]:
    """Return weights as (output channels, inputs of one output)."""
    real = weights.astype(np.float64)
    if layer.kind == "depthwise":
        return np.ascontiguousarray(real.reshape(-1, real.shape[-1]).T)
    return real.reshape(len(real), -1)


def from_rows(
    layer: TfliteLayer, rows: NDArray[Any], shape: tuple[int, ...]
) -> NDArray[Any]:
    """Return the weights that ``as_rows`` made rows of."""
    flat = rows.T if layer.kind == "depthwise" else rows
    return np.ascontiguousarray(flat).reshape(shape)


def output_count(file: TfliteFile, layer: TfliteLayer) -> int:
    """Return how many outputs a channel has in one picture."""
    shape = file.graph.tensors[layer.output].shape
    return int(np.prod(shape[1:-1]))


def seen_inputs(
    file: TfliteFile,
    layer: TfliteLayer,
    picture: NDArray[np.float32],
    places: NDArray[np.intp],
) -> NDArray[np.float32]:
    """Return what of a layer's input some of its outputs are computed from.

    Args:
        file: Has the layer.
        layer: Any.
        picture: Its input, shape (1, ..., channels).
        places: Numbers of outputs, counted along rows; a dense layer has one an input.

    Returns:
        Shape (places, inputs); for ``depthwise`` (channels, places, window).
    """
    if layer.kind == "dense":
        return picture.reshape(-1, picture.shape[-1])[places]
    height, width = file.graph.tensors[layer.weights].shape[1:3]
    vertical = _axis(layer.options, picture.shape[1], int(height), "H")
    horizontal = _axis(layer.options, picture.shape[2], int(width), "W")
    rows, columns = np.divmod(places, horizontal.outputs)
    seen = _pixels(picture[0], vertical.taps(rows), horizontal.taps(columns))
    if layer.kind == "conv":
        return seen.reshape(len(places), -1)
    own = np.ascontiguousarray(seen.transpose(2, 0, 1))
    channels = int(file.graph.tensors[layer.weights].shape[-1])
    return own if channels == len(own) else np.repeat(own, channels // len(own), axis=0)


def _pixels(
    picture: NDArray[np.float32], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.float32]:
    """Return the pixels of each place's window, row by row; 0 outside of the picture.

    Args:
        picture: Shape (height, width, channels).
        rows: Shape (places, window's height).
        columns: Shape (places, window's width).

    Returns:
        Shape (places, pixels of the window, channels).
    """
    height, width = picture.shape[:2]
    down, across = rows.clip(0, height - 1), columns.clip(0, width - 1)
    found = picture[down[:, :, None], across[:, None, :]]
    is_inside = (down == rows)[:, :, None] & (across == columns)[:, None, :]
    if not is_inside.all():
        found *= is_inside[..., None]
    return np.reshape(found, (len(rows), -1, picture.shape[-1]))


def _axis(options: Any, size: int, window: int, side: str) -> WindowAxis:
    stride = int(getattr(options, f"stride{side}"))
    dilation = int(getattr(options, f"dilation{side}Factor"))
    padding = (0, 0)
    if options.padding == _SAME:
        padding = same_padding(
            size=size, window=window, stride=stride, dilation=dilation
        )
    return WindowAxis(
        size=size, window=window, stride=stride, dilation=dilation, padding=padding
    )

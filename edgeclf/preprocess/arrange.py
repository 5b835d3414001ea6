"""From resized RGB pixels to the model's colour order, layout and stored values."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgeclf.preprocess.kernels import load_opencv
from edgeclf.preprocess.straight import straight_steps
from edgeclf.preprocess.table import is_identity, stored_values
from edgeclf.types import PreprocessSpec, Tensor, TensorSpec, Uint8Image

__all__ = ["Arrangement", "arrange"]

Step = Callable[[], object]
_Bytes = NDArray[np.uint8]


class Arrangement(NamedTuple):
    """Buffers that are used again for every picture, and the way between them.

    Attributes:
        pixels: Where resized pixels are put, uint8, shape (height, width, 3), RGB.
        tensor: What the model takes; the memory of ``pixels`` where nothing is to do.
        steps: Called in order, they fill ``tensor`` from ``pixels``.
    """

    pixels: Uint8Image
    tensor: Tensor
    steps: tuple[Step, ...]


def arrange(
    spec: PreprocessSpec, tensor: TensorSpec, *, opencv: bool = True
) -> Arrangement:
    """Return the buffers and steps for a model.

    Args:
        spec: Colour order, layout and normalisation.
        tensor: The model's input.
        opencv: Whether OpenCV may be used where it is installed.
    """
    batch: Tensor = np.empty(tensor.shape, tensor.dtype)
    picture = batch[0]
    moves = spec.colour_order == "bgr" or spec.layout == "nchw"
    if not moves and is_identity(stored_values(spec, tensor)):
        return Arrangement(pixels=picture, tensor=batch, steps=())
    pixels = np.empty((*spec.size, 3), np.uint8)
    if tensor.dtype == "float32":
        steps = _float_steps(spec, pixels, picture, opencv=opencv)
    else:
        steps = _integer_steps(spec, tensor, pixels, picture, opencv=opencv)
    return Arrangement(pixels=pixels, tensor=batch, steps=tuple(steps))


def _integer_steps(
    spec: PreprocessSpec,
    tensor: TensorSpec,
    pixels: Uint8Image,
    picture: Tensor,
    *,
    opencv: bool,
) -> list[Step]:
    stored = stored_values(spec, tensor)
    target = picture.view(np.uint8)
    if is_identity(stored):
        return [_move(spec, pixels, target, opencv=opencv)]
    moved, steps = _moved(spec, pixels, opencv=opencv)
    if opencv and spec.layout == "nhwc" and not _flips_top_bit(stored):
        straight = straight_steps(spec, tensor, moved, target)
        if straight is not None:
            return [*steps, *straight]
    bytes_ = stored.view(np.uint8)
    return [*steps, _look_up(bytes_, moved, target, spec.layout, opencv=opencv)]


def _float_steps(
    spec: PreprocessSpec, pixels: Uint8Image, picture: Tensor, *, opencv: bool
) -> list[Step]:
    moved, steps = _moved(spec, pixels, opencv=opencv)
    lines = _lines_together(spec.size[0])
    run = lines * spec.size[1] * 3
    shape = (-1, run) if spec.layout == "nhwc" else picture.shape
    floats, bytes_ = picture.reshape(shape), moved.reshape(shape)
    steps.append(partial(np.copyto, floats, bytes_))
    # A subtraction and a division round as the trainer's own do.
    if any(spec.mean):
        mean = _per_channel(spec.mean, spec.layout, run)
        steps.append(partial(np.subtract, floats, mean, out=floats))
    if any(value != 1 for value in spec.std):
        std = _per_channel(spec.std, spec.layout, run)
        steps.append(partial(np.divide, floats, std, out=floats))
    return steps


def _lines_together(height: int) -> int:
    """Return how many lines to treat as one: numpy likes its runs long."""
    return max(lines for lines in range(1, 33) if height % lines == 0)


def _per_channel(
    values: tuple[float, float, float], layout: str, run: int
) -> NDArray[np.float32]:
    """Return one number a channel in a shape that broadcasts over the tensor."""
    channels = np.array(values, np.float32)
    if len(set(values)) == 1:
        return channels[:1]
    if layout == "nchw":
        return channels.reshape(3, 1, 1)
    return np.tile(channels, run // 3)


def _moved(
    spec: PreprocessSpec, pixels: Uint8Image, *, opencv: bool
) -> tuple[_Bytes, list[Step]]:
    """Return bytes in the model's colour order and layout, and how they get there."""
    if spec.colour_order == "rgb" and spec.layout == "nhwc":
        return pixels, []
    height, width = spec.size
    shape = (height, width, 3) if spec.layout == "nhwc" else (3, height, width)
    moved: _Bytes = np.empty(shape, np.uint8)
    return moved, [_move(spec, pixels, moved, opencv=opencv)]


def _move(
    spec: PreprocessSpec, pixels: Uint8Image, target: _Bytes, *, opencv: bool
) -> Step:
    library = load_opencv() if opencv else None
    if spec.layout == "nhwc":
        if library is not None:
            step: Step = library.bind_swap(pixels, target)
            return step
        return partial(_copy_channels, pixels[..., ::-1], target)
    planes = target[::-1] if spec.colour_order == "bgr" else target
    if library is not None:
        return partial(library.split, pixels, planes)
    return partial(np.copyto, planes, pixels.transpose(2, 0, 1))


def _copy_channels(pixels: _Bytes, target: _Bytes) -> None:
    # Channel by channel: numpy is three times slower on runs of three bytes.
    for channel in range(3):
        target[..., channel] = pixels[..., channel]


def _look_up(
    stored: _Bytes, moved: _Bytes, target: _Bytes, layout: str, *, opencv: bool
) -> Step:
    first = stored[0]
    if np.array_equal(stored, np.broadcast_to(first, stored.shape)):
        return _look_up_one(first, moved, target, opencv=opencv)
    if layout == "nchw":
        planes = [
            _look_up_one(
                stored[channel], moved[channel], target[channel], opencv=opencv
            )
            for channel in range(3)
        ]
        return partial(_call_all, planes)
    library = load_opencv() if opencv else None
    if library is not None:
        working = np.empty((3, *moved.shape[:2]), np.uint8)
        return partial(library.look_up_each, stored, moved, working, target)
    offsets = np.tile(np.arange(3) * 256, moved.shape[1]).reshape(moved.shape[1], 3)
    flat = stored.ravel()
    return lambda: np.copyto(target, flat[moved + offsets])


def _flips_top_bit(stored: Tensor) -> bool:
    """Say whether this is int8 that stores pixel - 128: done at the speed of a copy."""
    return bool(np.all(stored.view(np.uint8) == np.arange(256, dtype=np.uint8) ^ 128))


def _look_up_one(
    stored: _Bytes, moved: _Bytes, target: _Bytes, *, opencv: bool
) -> Step:
    """Return a step that applies one table to all of ``moved``."""
    if _flips_top_bit(stored):
        return partial(np.bitwise_xor, moved, np.uint8(128), out=target)
    library = load_opencv() if opencv else None
    if library is not None:
        step: Step = library.bind_look_up(stored, moved, target)
        return step
    return partial(np.take, stored, moved, out=target, mode="clip")


def _call_all(steps: list[Step]) -> None:
    for step in steps:
        step()

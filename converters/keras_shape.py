"""The shapes that a Keras image classifier must have."""

from pathlib import Path
from typing import Any

import keras

from edgeclf.errors import ConversionError, SpecError

__all__ = ["class_count", "with_fixed_input"]


def with_fixed_input(path: Path, model: Any, size: tuple[int, int] | None) -> Any:
    """Return the model with input (None, height, width, 3), its weights shared.

    Args:
        path: Its file, for messages.
        model: As Keras read it.
        size: (height, width) where it leaves them open.

    Raises:
        ConversionError: It has not one float input of colour pictures.
        SpecError: Its size is open and none is given, or another one is.
    """
    shape = _input_shape(path, model)
    height, width = _size(path, shape, size)
    if shape == (None, height, width, 3):
        return model
    image = keras.Input((height, width, 3), name="image", dtype="float32")
    try:
        scores = model(image, training=False)
    except (ValueError, TypeError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ConversionError(
            f"{path}: it does not take {height}x{width} pixels: {reason}"
        ) from error
    return keras.Model(image, scores, name=model.name)


def _input_shape(path: Path, model: Any) -> tuple[int | None, ...]:
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ConversionError(
            f"{path}: its input shape is open; build the model before saving it"
        )
    if len(inputs) != 1:
        raise ConversionError(f"{path}: it has {len(inputs)} inputs; only one can be")
    shape = tuple(inputs[0].shape)
    if len(shape) != 4 or shape[3] != 3:
        raise ConversionError(
            f"{path}: its input is {_text(shape)}; expected pictures, "
            "(batch, height, width, 3)"
        )
    if not str(inputs[0].dtype).startswith("float"):
        raise ConversionError(
            f"{path}: its input is {inputs[0].dtype}; build it with a float32 input"
        )
    return shape


def _size(
    path: Path, shape: tuple[int | None, ...], size: tuple[int, int] | None
) -> tuple[int, int]:
    fixed = (shape[1], shape[2])
    if size is None:
        if None in fixed:
            raise SpecError(
                f"{path}: its input size is open, {_text(shape)}; give --size"
            )
        return int(shape[1] or 0), int(shape[2] or 0)
    if any(own not in (None, side) for own, side in zip(fixed, size, strict=True)):
        raise SpecError(
            f"{path}: its input is {_text(shape)}, not {size[0]}x{size[1]}; "
            "leave out --size"
        )
    return size


def class_count(path: Path, model: Any) -> int:
    """Return how many scores the model gives.

    Raises:
        ConversionError: It has not one output with at least two scores.
    """
    if len(model.outputs) != 1:
        raise ConversionError(
            f"{path}: it has {len(model.outputs)} outputs; only one can be"
        )
    shape = tuple(model.outputs[0].shape)
    if len(shape) != 2 or shape[1] is None:
        raise ConversionError(
            f"{path}: its output is {_text(shape)}, not one score a class: "
            "this is not a classifier"
        )
    if shape[1] < 2:
        raise ConversionError(
            f"{path}: it has one output; give each of the two classes its own score"
        )
    return int(shape[1])


def _text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"

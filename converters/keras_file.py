"""A user's own ``.keras`` or ``.h5`` model, checked to be an image classifier."""

import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np

from converters.keras_applications import APPLICATIONS
from converters.keras_graph import first_normalisation, last_activation
from converters.source_model import (
    KerasFileOptions,
    SourceModel,
    imagenet_labels,
    imagenet_synsets,
)
from edgeclf.errors import ConversionError, InputFileError, SpecError
from edgeclf.files import read_file
from edgeclf.preprocess import PRESETS, preset
from edgeclf.types import PreprocessSpec, ScoreKind, Task

__all__ = ["load", "read_labels"]

_LIMIT = 4 * 1024**3
_LABELS_LIMIT = 16 * 1024**2


def load(path: Path, options: KerasFileOptions) -> SourceModel:
    """Return the model in a file, with what the options say of it.

    A model that ``keras.applications`` made with its 1,000 classes is recognised by its
    name and needs no options. One that normalises inside takes pixels as they are.

    Raises:
        ConversionError: It is not an image classifier with one input and one output.
        InputFileError: The file is missing, damaged, or no whole Keras model.
        SpecError: It leaves something open that no option says.
    """
    data = read_file(path, what="a .keras or .h5 model", limit=_LIMIT)
    _check_is_model(path, data)
    model = _with_fixed_input(path, _read(path), options.size)
    classes = _classes(path, model)
    labels, synsets = _labels(path, model, options, classes)
    source = SourceModel(
        name=path.stem,
        keras_model=model,
        preprocess=_preprocessing(path, model, options, classes),
        task=Task(scores=options.scores or _scores(path, model)),
        labels=labels,
        synsets=synsets,
        sha256=hashlib.sha256(data).hexdigest(),
    )
    _check_runs(path, source)
    return source


def read_labels(path: Path, *, classes: int) -> tuple[str, ...]:
    """Return the labels of a text file: one a line, as many as classes.

    Raises:
        InputFileError: It is missing or not text.
        SpecError: There are more or fewer than classes, empty ones, or two alike.
    """
    data = read_file(path, what="a file of labels", limit=_LABELS_LIMIT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputFileError(f"{path}: the labels are not UTF-8 text") from error
    labels = tuple(line.strip() for line in text.rstrip("\n").split("\n"))
    if len(labels) != classes:
        raise SpecError(
            f"{path}: {len(labels)} labels for a model of {classes} classes; "
            "write one a line"
        )
    seen: set[str] = set()
    for number, label in enumerate(labels, start=1):
        if not label or label in seen:
            fault = f"label {label!r} again" if label else "an empty label"
            raise SpecError(f"{path}: {fault} in line {number}; labels must differ")
        seen.add(label)
    return labels


def _check_is_model(path: Path, data: bytes) -> None:
    is_hdf5 = data.startswith(b"\x89HDF\r\n\x1a\n")
    if not is_hdf5 and not _is_keras_zip(data):
        raise InputFileError(
            f"{path}: not a Keras model; save one with model.save('NAME.keras')"
        )
    endings = (".h5", ".hdf5") if is_hdf5 else (".keras",)
    if path.suffix not in endings:
        raise InputFileError(
            f"{path}: by its content this is a {endings[0]} file; rename it so"
        )


def _is_keras_zip(data: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "config.json" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def _read(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:
        # Whatever a file makes Keras raise (ValueError, TypeError, KeyError, OSError,
        # AttributeError, …), the file is at fault.
        raise _refusal(path, str(error)) from error


def _refusal(path: Path, reason: str) -> Exception:
    if "Lambda" in reason or "unsafe" in reason or "lambda" in reason:
        return ConversionError(
            f"{path}: it holds a Lambda layer, which is code and is not run; "
            "use layers in its place and save it again"
        )
    if "Could not locate class" in reason or "Unknown layer" in reason:
        return ConversionError(
            f"{path}: it holds a layer that Keras does not know; "
            "build it from Keras's own layers"
        )
    if "No model config" in reason:
        return InputFileError(
            f"{path}: it holds weights only; save the whole model with "
            "model.save('NAME.keras')"
        )
    first = reason.partition("\n")[0].partition(". ")[0]
    return InputFileError(f"{path}: Keras cannot read this model: {first}")


def _with_fixed_input(path: Path, model: Any, size: tuple[int, int] | None) -> Any:
    """Return the model with input (None, height, width, 3), its weights shared."""
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


def _classes(path: Path, model: Any) -> int:
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


def _scores(path: Path, model: Any) -> ScoreKind:
    activation = last_activation(model)
    if activation == "softmax":
        return "probabilities"
    if activation == "linear":
        return "logits"
    if activation == "sigmoid":
        raise ConversionError(
            f"{path}: it ends in a sigmoid, a score of its own for each label; "
            "only models where exactly one label is right can be converted"
        )
    kinds = " or ".join(get_args(ScoreKind))
    raise SpecError(
        f"{path}: it ends in {activation}, which does not tell what its scores are; "
        f"give --scores {kinds}"
    )


def _preprocessing(
    path: Path, model: Any, options: KerasFileOptions, classes: int
) -> PreprocessSpec:
    height, width = model.inputs[0].shape[1:3]
    layer = first_normalisation(model)
    name = options.preset or _known_preset(model, classes)
    if name is None and layer is not None:
        name = "keras-raw"  # Keras's own loader, and the model does the rest
    if name is None:
        raise SpecError(
            f"{path}: how was it trained? give --preset, one of {', '.join(PRESETS)}"
        )
    spec = preset(name, size=(height, width))
    if layer is not None and (spec.mean, spec.std) != ((0.0,) * 3, (1.0,) * 3):
        raise SpecError(
            f"{path}: its layer {layer!r} normalises already and preset {name!r} "
            "would do it again; use --preset keras-raw"
        )
    return spec


def _labels(
    path: Path, model: Any, options: KerasFileOptions, classes: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return labels and, for ImageNet's, synsets."""
    by_name = options.labels is not None and str(options.labels) == "imagenet"
    known = options.labels is None and _known_preset(model, classes) is not None
    if by_name or known:
        if classes != 1000:
            raise SpecError(
                f"{path}: ImageNet has 1000 labels, this model {classes} classes; "
                "give --labels FILE"
            )
        return imagenet_labels(), imagenet_synsets()
    if options.labels is None:
        raise SpecError(
            f"{path}: what are its {classes} classes? give --labels FILE, one a line"
        )
    return read_labels(options.labels, classes=classes), ()


def _known_preset(model: Any, classes: int) -> str | None:
    """Return the preset of a whole model of ``keras.applications``, by its name."""
    for application in APPLICATIONS.values():
        if application.model_name == model.name and classes == 1000:
            return application.preset
    return None


def _check_runs(path: Path, source: SourceModel) -> None:
    height, width = source.preprocess.size
    scores = source.keras_model(np.zeros((1, height, width, 3), np.float32))
    if not np.all(np.isfinite(np.asarray(scores))):
        raise ConversionError(
            f"{path}: its scores are not finite; its weights are damaged"
        )


def _text(shape: tuple[int | None, ...]) -> str:
    return "(" + ", ".join("?" if side is None else str(side) for side in shape) + ")"

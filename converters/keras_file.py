"""A user's own ``.keras`` or ``.h5`` model, checked to be an image classifier."""

import hashlib
import io
import warnings
import zipfile
from pathlib import Path
from typing import Any, get_args

import keras
import numpy as np

from converters.keras_application_table import APPLICATIONS
from converters.keras_graph import first_normalisation, last_activation
from converters.keras_shape import class_count, with_fixed_input
from converters.source_model import (
    IMAGENET,
    KerasFileOptions,
    SourceModel,
    imagenet_labels,
    imagenet_synsets,
)
from edgeclf.errors import ConversionError, InputFileError, SpecError
from edgeclf.files import read_file
from edgeclf.modelfile import FileMetadata
from edgeclf.packing.labels_file import resolve_labels
from edgeclf.preprocess import PRESETS, preset
from edgeclf.types import PreprocessSpec, ScoreKind, Task

__all__ = ["load"]

_LIMIT = 4 * 1024**3


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
    model = with_fixed_input(path, _read(path), options.size)
    classes = class_count(path, model)
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


def _check_is_model(path: Path, data: bytes) -> None:
    if data[4:8] == b"TFL3" or path.suffix == ".onnx":
        raise InputFileError(
            f"{path}: this is a converted model already; put it into a bundle with "
            "edgeclf pack"
        )
    is_hdf5 = data.startswith(b"\x89HDF\r\n\x1a\n")
    members = frozenset() if is_hdf5 else _zip_members(path, data)
    if "manifest.json" in members:
        raise InputFileError(
            f"{path}: this is a bundle already; give the Keras model that it was made of"
        )
    if not is_hdf5 and "config.json" not in members:
        raise InputFileError(
            f"{path}: not a Keras model; save one with model.save('NAME.keras')"
        )
    endings = (".h5", ".hdf5") if is_hdf5 else (".keras",)
    if path.suffix not in endings:
        raise InputFileError(
            f"{path}: by its content this is a {endings[0]} file; rename it so"
        )


def _zip_members(path: Path, data: bytes) -> frozenset[str]:
    """Return the names in a zip, none for what is no zip."""
    if not data.startswith(b"PK\x03\x04"):
        return frozenset()
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return frozenset(archive.namelist())
    except zipfile.BadZipFile as error:
        raise InputFileError(
            f"{path}: the file is damaged or cut short; copy or save it again"
        ) from error


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
    by_name = options.labels is not None and str(options.labels) == IMAGENET
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
    labels = resolve_labels(
        options.labels, FileMetadata(), name=str(path), classes=classes
    )
    return labels, ()


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

"""Opening whatever model a user names: a bundle, or a bare model file with flags."""

import hashlib
from dataclasses import replace
from pathlib import Path

from edgeclf.bundle import Bundle, parse_bundle
from edgeclf.errors import SpecError
from edgeclf.files import read_file
from edgeclf.modelfile import ModelFile, read_model_file
from edgeclf.packing.flags import ModelFlags
from edgeclf.packing.known import what_is_known
from edgeclf.packing.labels_file import resolve_labels
from edgeclf.packing.preprocessing import resolve_preprocess
from edgeclf.packing.scores import resolve_scores
from edgeclf.preprocess import PRESETS
from edgeclf.types import Model, ModelSpec, Task

__all__ = ["load_model", "model_from_file", "read_bundle_or_file"]

_WHAT = "a bundle (.edgeclf) or a .tflite or .onnx model"
_LARGEST = 768 << 20
_ZIP = b"PK\x03\x04"
_FIRST_MEMBER = b"manifest.json"
_NAME_AT = 30


def load_model(path: Path, *, flags: ModelFlags | None = None) -> Model:
    """Return the model in a file, told by its content and not by its name.

    Args:
        path: A bundle, or a bare model file.
        flags: What a bare file does not say itself.

    Raises:
        InputFileError: The file is missing, damaged, or neither.
        SpecError: A flag is missing, contradicts the file, or was given for a bundle.
    """
    flags = flags or ModelFlags()
    opened = read_bundle_or_file(path)
    if isinstance(opened, tuple):
        data, file = opened
        return _model(path, data, file, flags)
    if flags.given:
        raise SpecError(
            f"{path} is a bundle and knows its labels and preprocessing: leave "
            f"{', '.join(flags.given)} out"
        )
    return opened.model


def model_from_file(path: Path, *, flags: ModelFlags | None = None) -> Model:
    """Return the model in a bare ``.tflite`` or ``.onnx`` file.

    Args:
        path: The file.
        flags: What it does not say itself.

    Raises:
        InputFileError: The file is missing, damaged, or no such model.
        SpecError: It is a bundle, or a flag is missing, or contradicts the file.
    """
    data = read_file(path, what="a .tflite or .onnx model", limit=_LARGEST)
    if _is_bundle(data, path):
        raise SpecError(
            f"{path} is a bundle already; expected a .tflite or .onnx model"
        )
    file = read_model_file(data, name=str(path))
    return _model(path, data, file, flags or ModelFlags())


def read_bundle_or_file(path: Path) -> Bundle | tuple[bytes, ModelFile]:
    """Return a bundle, or a bare model file's bytes and what it says.

    Raises:
        InputFileError: The file is missing, damaged, or neither.
    """
    data = read_file(path, what=_WHAT, limit=_LARGEST)
    if _is_bundle(data, path):
        return parse_bundle(data, path=path)
    return data, read_model_file(data, name=str(path))


def _is_bundle(data: bytes, path: Path) -> bool:
    """Tell a bundle by its first member, and a damaged one by the file's name."""
    if data[4:8] == b"TFL3":
        return False
    first = data[_NAME_AT : _NAME_AT + len(_FIRST_MEMBER)]
    is_ours = data.startswith(_ZIP) and first == _FIRST_MEMBER
    return is_ours or path.suffix == ".edgeclf"


def _model(path: Path, data: bytes, file: ModelFile, flags: ModelFlags) -> Model:
    image, scores = file.input, file.output
    name = str(path)
    _require_flags(name, file, flags)
    try:
        preprocess = resolve_preprocess(flags, file.metadata, image, name=name)
        if preprocess.normalization == "graph":
            # Raw pixels go in; what the file does with them is its own business.
            image = replace(image, quantization=None)
        return Model(
            name=path.stem,
            spec=ModelSpec(
                format=file.format, input=image, output=scores, preprocess=preprocess
            ),
            task=Task(
                scores=resolve_scores(
                    flags.scores, file, overrides=flags.override_metadata
                )
            ),
            labels=resolve_labels(
                flags.labels, file.metadata, name=name, classes=scores.shape[-1]
            ),
            data=data,
            digest=hashlib.sha256(data).hexdigest(),
        )
    except ValueError as error:
        raise SpecError(f"{path}: {error}") from error


def _require_flags(name: str, file: ModelFile, flags: ModelFlags) -> None:
    """Ask for all that is missing at once; for one flag its own message says more."""
    missing = [
        example
        for example in what_is_known(file).missing
        if example.partition(" ")[0] not in flags.given
    ]
    if len(missing) > 1:
        raise SpecError(
            f"{name} does not say all that is needed: give {' '.join(missing)} "
            f"(presets: {', '.join(PRESETS)})"
        )

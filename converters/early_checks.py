"""What can be refused in a second and would otherwise fail after minutes."""

import importlib.util
import tempfile
from collections.abc import Mapping
from pathlib import Path

from converters.contradictions import require_photos
from converters.photos import PhotoSet
from converters.recipe import Recipe, Target
from converters.request import ConversionRequest
from converters.source_model import IMAGENET
from converters.zoo import load_source, source_names
from edgeclf.errors import (
    InputFileError,
    MissingDependencyError,
    OutputFileError,
)
from edgeclf.files import check_output
from edgeclf.install import install_line
from edgeclf.packing.labels_file import read_labels

__all__ = ["check_early", "check_tools"]

_TOOLS: Mapping[Target, tuple[str, ...]] = {
    "tflite": ("tensorflow", "keras"),
    "onnx": ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime"),
}


def check_early(request: ConversionRequest, recipe: Recipe) -> None:
    """Refuse a conversion that cannot come to a good end.

    Args:
        request: What is wanted.
        recipe: What follows from it.

    Raises:
        OutputFileError: The bundle cannot be written where it shall go.
        InputFileError: The source, a folder of photos or the labels are missing.
        ConversionError: There is no model of that name.
        MissingDependencyError: A package is not installed.
        CalibrationError: int8 without photos.
    """
    check_tools(recipe.target)
    inputs = (request.source, request.weights, request.labels, request.recipe)
    check_output(request.output, inputs=[Path(each) for each in inputs if each])
    _check_space(request.output)
    _check_source(request.source)
    _check_labels(request.labels)
    require_photos(request, recipe.precision)
    for folder in _folders(request):
        if folder is not None:
            PhotoSet.scan(folder)


def _folders(request: ConversionRequest) -> tuple[Path | None, ...]:
    return request.calibrate, request.evaluate, request.golden, request.finetune


def _check_labels(path: Path | None) -> None:
    if path is not None and str(path) != IMAGENET:
        read_labels(path)


def _check_space(path: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=path.resolve().parent) as probe:
            probe.write(bytes(4096))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise OutputFileError(f"cannot write {path}: {reason}") from error


def _check_source(source: str) -> None:
    path = Path(source)
    if source in source_names() or path.is_file():
        return
    if path.suffix in {".keras", ".h5", ".hdf5"} or path.exists():
        kind = "is a directory" if path.is_dir() else "no such file"
        raise InputFileError(f"{source}: {kind}; expected a .keras or .h5 model")
    load_source(source)  # knows how to say that there is no such model


def check_tools(target: Target) -> None:
    """Look for the packages that make this kind of file, without importing them.

    Raises:
        MissingDependencyError: One is not installed.
    """
    for module in _TOOLS[target]:
        if importlib.util.find_spec(module) is None:
            raise MissingDependencyError(
                f"converting needs {module}: {install_line('convert')}"
            )

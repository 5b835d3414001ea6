"""Models by name or by file: one table, one loader each, imported when used."""

import difflib
import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from converters.quiet import import_tensorflow
from converters.source_model import KerasFileOptions, SourceModel
from edgeclf.errors import ConversionError, InputFileError, MissingDependencyError
from edgeclf.install import install_line

__all__ = [
    "KerasFileOptions",
    "SourceModel",
    "check_source_options",
    "load_source",
    "source_names",
]

_KERAS_SUFFIXES = frozenset({".keras", ".h5", ".hdf5"})

_LITE = "converters.efficientnet_lite:load"
_APPLICATION = "converters.keras_applications:load"
_KERAS_FILE = "converters.keras_file:load"

_LOADERS: Mapping[str, str] = {
    "efficientnet-lite0": _LITE,
    "efficientnet-lite1": _LITE,
    "efficientnet-lite2": _LITE,
    "efficientnet-b0": _APPLICATION,
    "efficientnet-b1": _APPLICATION,
    "efficientnet-b2": _APPLICATION,
    "efficientnet-b3": _APPLICATION,
    "efficientnet-b4": _APPLICATION,
    "efficientnet-b5": _APPLICATION,
    "efficientnet-b6": _APPLICATION,
    "efficientnet-b7": _APPLICATION,
    "efficientnet-v2-b0": _APPLICATION,
    "efficientnet-v2-b1": _APPLICATION,
    "efficientnet-v2-b2": _APPLICATION,
    "efficientnet-v2-b3": _APPLICATION,
    "efficientnet-v2-s": _APPLICATION,
    "efficientnet-v2-m": _APPLICATION,
    "efficientnet-v2-l": _APPLICATION,
    "mobilenet": _APPLICATION,
    "mobilenet-v2": _APPLICATION,
    "mobilenet-v3-small": _APPLICATION,
    "mobilenet-v3-large": _APPLICATION,
}


def source_names() -> tuple[str, ...]:
    """Return the names that :func:`load_source` knows."""
    return tuple(_LOADERS)


def load_source(
    name_or_path: str,
    *,
    weights: str | None = None,
    options: KerasFileOptions | None = None,
) -> SourceModel:
    """Return a trained model with its preprocessing and labels.

    Args:
        name_or_path: One of :func:`source_names`, or a ``.keras`` or ``.h5`` file.
        weights: For a name: a file of weights instead of the published ones, or
            ``"none"`` for random weights, for trials.
        options: For a file: what it does not say of itself.

    Raises:
        ConversionError: The name is unknown, the weights cannot be had, or the model
            is not an image classifier.
        InputFileError: A file is missing or damaged.
        MissingDependencyError: The ``convert`` extra is not installed.
        SpecError: A file needs options that were not given.
    """
    options = options or KerasFileOptions()
    check_source_options(name_or_path, weights=weights, options=options)
    if name_or_path in _LOADERS:
        return _import_loader(_LOADERS[name_or_path])(name_or_path, weights=weights)
    path = Path(name_or_path)
    if path.suffix.lower() in _KERAS_SUFFIXES or path.exists():
        return _import_loader(_KERAS_FILE)(path, options)
    raise _unknown(name_or_path)


def check_source_options(
    name_or_path: str, *, weights: str | None, options: KerasFileOptions
) -> None:
    """Refuse options that a source has no use for, without looking at it.

    Args:
        name_or_path: As ``load_source`` takes it.
        weights: Likewise.
        options: Likewise.

    Raises:
        ConversionError: A name is given a file's options, or a file a name's.
    """
    if name_or_path not in _LOADERS:
        if weights is not None:
            raise ConversionError(
                f"{name_or_path}: a model file has its own weights; leave out --weights"
            )
        return
    given = [f"--{name}" for name, value in asdict(options).items() if value]
    if given:
        raise ConversionError(
            f"{name_or_path} carries its own size, preprocessing and labels; leave out "
            f"{' and '.join(given)}"
        )


def _import_loader(target: str) -> Callable[..., SourceModel]:
    module, _, attribute = target.partition(":")
    try:
        import_tensorflow()
        loader: Callable[..., SourceModel] = getattr(
            importlib.import_module(module), attribute
        )
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "converters":
            raise
        raise MissingDependencyError(
            f"converting needs {error.name}: {install_line('convert')}"
        ) from error
    return loader


def _unknown(name: str) -> Exception:
    if "/" in name or "." in Path(name).name:
        return InputFileError(f"{name}: no such file; expected a .keras or .h5 model")
    close = difflib.get_close_matches(name.lower().replace("_", "-"), _LOADERS, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(_LOADERS)}"
    return ConversionError(f"there is no model {name!r}; {hint}")

"""Every MobileNet and EfficientNet of ``keras.applications``, by name.

Each name carries the input size, the preprocessing and the labels that Keras documents
for it. The weights are Keras's own, from its cache or the net, or a file.
"""

import contextlib
import socket
import sys
import warnings
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import keras
import numpy as np

from converters.keras_application_table import APPLICATIONS, Application
from converters.source_model import (
    RANDOM_WEIGHTS,
    SourceModel,
    imagenet_labels,
    imagenet_synsets,
    weights_digest,
)
from edgeclf.errors import ConversionError, InputFileError
from edgeclf.files import read_file
from edgeclf.preprocess import preset
from edgeclf.types import Task

__all__ = ["load"]

_LIMIT = 2 * 1024**3
_SILENCE_S = 30.0


def load(name: str, *, weights: str | None = None) -> SourceModel:
    """Return a model of ``keras.applications``; it gives probabilities.

    Args:
        name: Key of ``APPLICATIONS``.
        weights: A file that Keras can load into this model; Keras's own ImageNet
            weights when left out; ``"none"`` for random weights, for trials.

    Raises:
        ConversionError: The weights cannot be downloaded, or are of another model.
        InputFileError: The weights' file is missing or damaged.
    """
    application = APPLICATIONS[name]
    if weights == "none":
        keras.utils.set_random_seed(0)
        model = _build(application)
        source = _source(name, application, model, digest=weights_digest(model))
        return replace(source, notes=(RANDOM_WEIGHTS,))
    path = _own_weights(name, application) if weights is None else Path(weights)
    data = read_file(path, what="a file of Keras weights", limit=_LIMIT)
    _check_is_weights(path, data)
    model = _build(application)
    _load_weights(model, path, name=name)
    _undo_double_scaling(model)
    return _source(name, application, model, digest=sha256(data).hexdigest())


def _build(application: Application) -> Any:
    # The shape is given because Keras leaves MobileNetV3's open.
    function = getattr(keras.applications, application.function)
    shape = (application.size, application.size, 3)
    return function(weights=None, input_shape=shape)


def _source(
    name: str, application: Application, model: Any, *, digest: str
) -> SourceModel:
    return SourceModel(
        name=name,
        keras_model=model,
        preprocess=preset(application.preset, size=(application.size,) * 2),
        task=Task(scores="probabilities"),
        labels=imagenet_labels(),
        synsets=imagenet_synsets(),
        sha256=digest,
    )


def _own_weights(name: str, application: Application) -> Path:
    """Return Keras's own weights from its cache, downloaded if they are not there."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SILENCE_S)  # Keras would wait for ever
    try:
        # Keras shows its progress on stdout, where results belong.
        with contextlib.redirect_stdout(sys.stderr):
            path = keras.utils.get_file(
                application.weights_file,
                application.weights_url,
                cache_subdir="models",
                file_hash=application.weights_md5,
            )
    except Exception as error:
        # Keras raises bare Exception when an address cannot be reached.
        reason = str(error).rpartition(" -- ")[2] or type(error).__name__
        raise ConversionError(
            f"{name}: its weights could not be downloaded ({reason}); fetch "
            f"{application.weights_url} elsewhere and give it with --weights FILE"
        ) from error
    finally:
        socket.setdefaulttimeout(before)
    return Path(path)


def _load_weights(model: Any, path: Path, *, name: str) -> None:
    try:
        with warnings.catch_warnings():
            # Keras only warns when layers keep their random weights.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(path)
    except (OSError, KeyError) as error:
        raise InputFileError(
            f"{path}: not a whole file of Keras weights; get a new copy of it"
        ) from error
    except (ValueError, UserWarning) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0]
        raise ConversionError(
            f"{path}: these are not the weights of {name}: {reason}"
        ) from error


def _check_is_weights(path: Path, data: bytes) -> None:
    if not data.startswith(b"\x89HDF\r\n\x1a\n"):
        raise InputFileError(
            f"{path}: not a file of Keras weights; expected .h5 or .weights.h5"
        )
    if path.suffix != ".h5":
        raise InputFileError(
            f"{path}: a file of Keras weights must be named .h5 for Keras to read it; "
            "rename it"
        )


def _undo_double_scaling(model: Any) -> None:
    """Fold in the Rescaling layer that Keras adds only to ImageNet EfficientNets.

    With ``weights="imagenet"`` Keras divides by the square root of the channel's
    deviation once more, because the published files store deviations where its
    Normalization layer expects variances; with a file it leaves that out, and the same
    file is silently wrong. Models made with ``weights=None`` and never adapted have
    variance 1 and are right as they are.
    """
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Normalization) or not layer.weights:
            continue
        mean, variance, *count = layer.get_weights()
        if np.all(mean == 0) and np.all(variance == 1):
            continue
        deviation = np.asarray([0.229, 0.224, 0.225], variance.dtype)
        layer.set_weights([mean, variance * deviation, *count])
        layer.finalize_state()

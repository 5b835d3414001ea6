"""Batch norms put into the convolutions before them, as every converter does."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from converters.graph.flat_model import FlatModel, Step, Tensor
from converters.graph.flattening import flatten_model
from converters.graph.rebuilding import Arguments, Copies, rebuilt

__all__ = ["fold_batch_norms"]

_Numbers = npt.NDArray[np.float64]

_KERNELS: Mapping[str, tuple[str, int]] = {
    "Conv2D": ("kernel", 1),
    "Conv2DTranspose": ("kernel", -1),
    "Dense": ("kernel", 1),
    "DepthwiseConv2D": ("kernel", 2),
    "SeparableConv2D": ("pointwise_kernel", 1),
}
"""The weight that makes a layer's channels, and how many of its last axes they are;
-1 stands for the last but one."""


def fold_batch_norms(model: Any) -> Any:
    """Return a plain Keras model without the batch norms that follow a convolution.

    Each goes into the kernel and the bias of the convolution, depthwise convolution or
    dense layer whose output it alone takes. Others stay: after something else, in a
    layer that is called twice, or called as in training.

    Args:
        model: Functional or Sequential, with a fixed input size; it is left as it is.

    Returns:
        The same function but for float rounding; nested models are laid out flat. It is
        not compiled.

    Raises:
        ConversionError: The model is no graph of layers.

    Source:
        Jacob et al. 2018, arXiv:1712.05877, section 3.2, equation 14.
    """
    flat = flatten_model(model)
    return rebuilt(flat, _Folder(_foldable(flat)))


class _Folder:
    """Makes a model's calls, a convolution and its batch norm as one."""

    def __init__(self, norms: Mapping[str, Step]) -> None:
        self._norms = norms
        self._folded = {step.name for step in norms.values()}
        self._copies = Copies()

    def __call__(self, step: Step, arguments: Arguments) -> Any:
        if step.name in self._folded:
            (args, kwargs) = arguments
            return next(iter([*args, *kwargs.values()]))
        if step.name not in self._norms:
            return self._copies(step, arguments)
        return _folded(step, self._norms[step.name].operation, arguments)


def _folded(step: Step, norm: Any, arguments: Arguments) -> Any:
    source = step.operation
    config = {**source.get_config(), "name": step.name, "use_bias": True}
    layer = type(source).from_config(config)
    args, kwargs = arguments
    output = layer(*args, **kwargs)
    factor, shift = _line(norm)
    weights = {one.name: one.numpy() for one in source.weights}
    name, axes = _KERNELS[step.kind]
    weights[name] = _scaled(weights[name].astype(np.float64), factor, axes)
    weights["bias"] = weights.get("bias", np.float64(0)) * factor + shift
    layer.set_weights([weights[one.name] for one in layer.weights])
    return output


def _line(norm: Any) -> tuple[_Numbers, _Numbers]:
    """Return (factor, shift): a batch norm gives ``factor * x + shift``."""
    numbers = {one.name: one.numpy().astype(np.float64) for one in norm.weights}
    mean, variance = numbers["moving_mean"], numbers["moving_variance"]
    factor = numbers.get("gamma", 1.0) / np.sqrt(variance + norm.epsilon)
    return factor, numbers.get("beta", 0.0) - mean * factor


def _scaled(kernel: _Numbers, factor: _Numbers, axes: int) -> _Numbers:
    if axes < 0:
        return kernel * factor[:, None]
    return kernel * factor.reshape(kernel.shape[kernel.ndim - axes :])


def _foldable(flat: FlatModel) -> Mapping[str, Step]:
    """Return the batch norm to fold into each layer, by the layer's name."""
    makers = {tensor: step for step in flat.steps for tensor in step.outputs}
    takers = Counter(tensor for step in flat.steps for tensor in step.inputs)
    takers.update(flat.outputs)
    calls = Counter(step.name for step in flat.steps)
    found: dict[str, Step] = {}
    for norm in flat.steps:
        maker = _maker(norm, makers)
        if maker is None or takers[norm.inputs[0]] != 1:
            continue
        if calls[norm.name] == calls[maker.name] == 1:
            found[maker.name] = norm
    return found


def _maker(norm: Step, makers: Mapping[Tensor, Step]) -> Step | None:
    """Return the convolution before a batch norm that only shifts and scales it."""
    if norm.kind != "BatchNormalization" or norm.kwargs.get("training"):
        return None
    maker = makers.get(norm.inputs[0])
    if len(norm.inputs) != 1 or maker is None or maker.kind not in _KERNELS:
        return None
    layer = maker.operation
    is_last = norm.operation.axis in (-1, len(norm.output.shape) - 1)
    is_first = getattr(layer, "data_format", "") == "channels_first"
    activation = getattr(layer.activation, "__name__", "linear")
    return maker if is_last and not is_first and activation == "linear" else None

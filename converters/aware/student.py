"""A model that computes as its int8 file will, made from a plain one."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.aware.layers import RoundedLayer, RoundedTensor
from converters.graph.flat_model import Step, Tensor
from converters.graph.flattening import flatten_model
from converters.graph.observing import ChannelRange, observe_channels
from converters.graph.rebuilding import Arguments, rebuilt
from converters.graph.stored import stored_tensors

__all__ = ["AwareStudent"]

_KERNELS: Mapping[str, Mapping[str, int]] = {
    "Conv2D": {"kernel": 1},
    "Dense": {"kernel": 1},
    "DepthwiseConv2D": {"kernel": 2},
    "SeparableConv2D": {"depthwise_kernel": 2, "pointwise_kernel": 1},
}
"""The weights that become int8, and how many of their last axes count the filters."""

_DROPPING = frozenset(
    {"AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise", "SpatialDropout2D"}
)


class AwareStudent:
    """A plain model's twin that rounds where an int8 engine does.

    Nothing drops out in it: the rounding is noise enough, and it learns from a teacher.

    Args:
        plain: From ``fold_batch_norms``.
        batches: Calibration pictures as the model takes them; they set the ranges,
            which then stay.

    Attributes:
        model: What is trained.

    Raises:
        ConversionError: The model is no graph of layers.
        ValueError: There are no batches.
    """

    def __init__(self, plain: Any, batches: Iterable[NDArray[np.float32]]) -> None:
        flat = flatten_model(plain)
        made = {tensor for step in flat.steps for tensor in step.outputs}
        self._stored = stored_tensors(flat) & made
        wanted = [*self._stored, *(step.output for step in flat.steps if _learns(step))]
        self._ranges = observe_channels(flat, dict.fromkeys(wanted), batches)
        self._layers: dict[str, RoundedLayer] = {}
        self.model = rebuilt(flat, self._call)

    def hand_back(self) -> None:
        """Give the plain model the weights that were learned, not rounded."""
        for layer in self._layers.values():
            layer.hand_back()

    def _call(self, step: Step, arguments: Arguments) -> Any:
        args, kwargs = arguments
        if step.kind in _DROPPING:
            return next(iter([*args, *kwargs.values()]))
        output = self._layer(step)(*args, **kwargs)
        return self._rounded(step.output, output)

    def _layer(self, step: Step) -> Any:
        if not _learns(step):
            return step.operation
        if step.name not in self._layers:
            self._layers[step.name] = RoundedLayer(
                step.operation,
                _KERNELS[step.kind],
                self._ranges[step.output].reach,
                name=f"{step.name}_rounded",
            )
        return self._layers[step.name]

    def _rounded(self, tensor: Tensor, output: Any) -> Any:
        if tensor not in self._stored:
            return output
        low, high = _ends(self._ranges[tensor])
        return RoundedTensor(low, high)(output)


def _learns(step: Step) -> bool:
    return step.kind in _KERNELS


def _ends(seen: ChannelRange) -> tuple[float, float]:
    return min(0.0, float(seen.low.min())), max(0.0, float(seen.high.max()))

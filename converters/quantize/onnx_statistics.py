"""What a float ONNX file computes on photos: ranges, and moments of layers' inputs."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from converters.quantize.moments import MomentSums
from converters.quantize.onnx_layers import layers_of
from converters.quantize.ranges import RangeObserver
from converters.quantize.statistics import MOST_INPUTS, PLACES, Statistics, observe
from edgeclf.errors import CalibrationError

__all__ = ["measured_statistics"]

_VALUES = 8192
"""Values of a tensor that are counted in a picture; its ends are taken from all."""

_CLIPS = ("Clip", "Relu")
"""What the quantizer makes part of the layer before it."""


def measured_statistics(
    data: bytes, pictures: Iterable[NDArray[np.float32]]
) -> Statistics[str]:
    """Return the statistics of a float file.

    There are ranges of the input and of what every node makes. What only a Clip or Relu
    reads has the range of what that gives: it is never stored.

    Args:
        data: The model file, with the shapes of its tensors.
        pictures: What it is given, one after another.

    Raises:
        CalibrationError: There are no pictures, or the model gives no numbers.
    """
    model = onnx.load_from_string(data)
    layers = [layer for layer in layers_of(model) if layer.inputs <= MOST_INPUTS]
    sums = {layer.name: MomentSums() for layer in layers}
    ranged, clipped = _ranged(model), _clipped(model)
    names = [name for name in ranged if name not in clipped]
    observers = {name: RangeObserver() for name in names}
    (image,) = model.graph.input
    session = _session(model, names)
    numbers = np.random.default_rng(0)
    seen_any = False
    for picture in pictures:
        seen_any = True
        made = session.run(names[1:], {image.name: picture})
        values = dict(zip(names, (picture, *made), strict=True))
        for name, observer in observers.items():
            some = _thinned(values[name])
            observe(observer, values[name], some, name=name)
        for layer in layers:
            seen = layer.samples(values[layer.source], PLACES, numbers)
            sums[layer.name].add(seen)
    if not seen_any:
        raise CalibrationError("there are no photos to measure ranges on")
    moments = {name: each.moments() for name, each in sums.items()}
    ranges = {name: observers[_stored(name, clipped)] for name in ranged}
    return Statistics(ranges=ranges, moments=moments)


def _stored(name: str, clipped: Mapping[str, str]) -> str:
    while name in clipped:
        name = clipped[name]
    return name


def _clipped(model: Any) -> dict[str, str]:
    """Return what a Clip or Relu gives, by the tensor that it alone reads."""
    readers = Counter(value for node in model.graph.node for value in node.input)
    readers.update(output.name for output in model.graph.output)
    return {
        node.input[0]: node.output[0]
        for node in model.graph.node
        if node.op_type in _CLIPS and readers[node.input[0]] == 1
    }


def _ranged(model: Any) -> list[str]:
    """Return the names of the input and of every float tensor that a node makes."""
    graph = model.graph
    types = {
        value.name: value.type.tensor_type.elem_type
        for value in (*graph.value_info, *graph.output)
    }
    made = [name for node in graph.node for name in node.output]
    is_float = [types.get(name) == onnx.TensorProto.FLOAT for name in made]
    kept = [name for name, keep in zip(made, is_float, strict=True) if keep]
    return [graph.input[0].name, *kept]


def _session(model: Any, names: list[str]) -> Any:
    known = {output.name for output in model.graph.output}
    for name in names[1:]:
        if name not in known:
            model.graph.output.append(onnx.ValueInfoProto(name=name))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def _thinned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return some values, spread over all channels and places."""
    step = max(1, values.size // _VALUES)
    while step > 1 and values.shape[-1] % step == 0:
        step += 1
    return values.ravel()[::step]

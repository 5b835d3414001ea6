"""What a float ``.tflite`` file computes on photos: ranges, and moments of inputs.

Without sharing memory between tensors, each shows its own values; the converter's own
calibration sees sums where an addition is done in place.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from converters.quantize.moments import MomentSums
from converters.quantize.ranges import RangeObserver
from converters.quantize.statistics import MOST_INPUTS, PLACES, Statistics, observe
from converters.quantize.tflite_file import TfliteFile, TfliteLayer
from converters.quantize.tflite_layers import (
    is_one_matrix,
    output_count,
    seen_inputs,
)
from converters.quantize.windows import some_places
from edgeclf.errors import CalibrationError

__all__ = ["measured_statistics"]

_VALUES = 16384
"""Values of a tensor that are counted in a picture; ends are taken from all."""


def measured_statistics(
    data: bytes, pictures: Iterable[NDArray[np.float32]]
) -> Statistics[int]:
    """Return the statistics of a float file: ranges by number of the tensor.

    Args:
        data: The model file, with ranges where quantization needs some.
        pictures: What it is given, one after another.

    Raises:
        CalibrationError: There are no pictures, or the model gives no numbers.
    """
    file = TfliteFile(data)
    layers = [layer for layer in file.layers() if _is_followed(file, layer)]
    sums = {layer.name: MomentSums() for layer in layers}
    observers = {tensor: RangeObserver() for tensor in file.ranged()}
    sources = {layer.source for layer in layers}
    numbers = np.random.default_rng(0)
    seen_any = False
    for interpreter in _runs(data, pictures):
        seen_any = True
        values = {
            tensor: interpreter.get_tensor(tensor)
            for tensor in sources.union(observers)
        }
        for tensor, observer in observers.items():
            some = _thinned(values[tensor])
            observe(observer, values[tensor], some, name=file.name(tensor))
        for layer in layers:
            places = some_places(output_count(file, layer), PLACES, numbers)
            seen = seen_inputs(file, layer, values[layer.source], places)
            sums[layer.name].add(seen)
    if not seen_any:
        raise CalibrationError("there are no photos to measure ranges on")
    moments = {name: each.moments() for name, each in sums.items()}
    return Statistics(ranges=observers, moments=moments)


def _runs(data: bytes, pictures: Iterable[NDArray[np.float32]]) -> Iterator[Any]:
    """Yield the interpreter after each picture; the fast kernels keep no tensors."""
    interpreter = Interpreter(
        model_content=data,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        num_threads=1,
    )
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    for picture in pictures:
        interpreter.set_tensor(entry["index"], picture)
        interpreter.invoke()
        yield interpreter


def _is_followed(file: TfliteFile, layer: TfliteLayer) -> bool:
    weights = file.array(layer.weights)
    if weights is None or not is_one_matrix(file, layer):
        return False
    outputs = weights.shape[-1 if layer.kind == "depthwise" else 0]
    return bool(weights.size // outputs <= MOST_INPUTS)


def _thinned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return some values, of every channel as many."""
    step = max(1, values.size // _VALUES)
    while math.gcd(step, values.shape[-1] if values.ndim else 1) > 1:
        step += 1
    return values.ravel()[::step]

"""What a float ``.tflite`` file computes on photos: ranges, and moments of inputs.

One run over the photos, with every tensor kept, serves every setting: it is written to
a file and read again. Without sharing memory between tensors, each shows its own values;
the converter's own calibration sees sums where an addition is done in place.
"""

import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray

from converters.quantize.moments import InputMoments, MomentSums
from converters.quantize.ranges import RangeObserver
from converters.quantize.tflite_file import TfliteFile, TfliteLayer
from converters.quantize.tflite_layers import (
    is_one_matrix,
    output_count,
    seen_inputs,
)
from edgeclf.errors import CalibrationError
from edgeclf.files import write_atomically

__all__ = ["Statistics", "measured_statistics"]

_PLACES = 32
"""Outputs of a layer that are looked at in a picture: 300 pictures give some 10,000
samples, several for each of at most about 1,500 inputs."""

_VALUES = 16384
"""Values of a tensor that are counted in a picture; ends are taken from all."""

_MOST_INPUTS = 4096
"""Above that, second moments would need more than 128 MiB a layer."""

_STATE = ("ends", "place", "counts")
"""What ``RangeObserver.state`` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Of a file on photos.

    Attributes:
        ranges: By number of the tensor.
        moments: By the layer's name; of ``depthwise``, a group a channel.
    """

    ranges: Mapping[int, RangeObserver]
    moments: Mapping[str, InputMoments]


def measured_statistics(
    data: bytes, pictures: Iterable[NDArray[np.float32]], *, kept: Path
) -> Statistics:
    """Return the statistics of a float file, from the file ``kept`` if it is there.

    Args:
        data: The model file, with ranges where quantization needs some.
        pictures: What it is given, one after another.
        kept: Where they are kept.

    Raises:
        CalibrationError: There are no pictures, or the model gives no numbers.
    """
    if not kept.exists():
        write_atomically(kept, _to_bytes(_measure(data, pictures)))
    return _from_file(kept)


def _measure(data: bytes, pictures: Iterable[NDArray[np.float32]]) -> Statistics:
    file = TfliteFile(data)
    layers = [layer for layer in file.layers() if _is_followed(file, layer)]
    sums = {layer.name: MomentSums() for layer in layers}
    observers = {tensor: RangeObserver() for tensor in file.ranged()}
    numbers = np.random.default_rng(0)
    seen_any = False
    for interpreter in _runs(data, pictures):
        seen_any = True
        for tensor, observer in observers.items():
            _observe(observer, interpreter.get_tensor(tensor), tensor, file)
        for layer in layers:
            places = _some_places(output_count(file, layer), numbers)
            picture = interpreter.get_tensor(layer.source)
            sums[layer.name].add(seen_inputs(file, layer, picture, places))
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
    return bool(weights.size // outputs <= _MOST_INPUTS)


def _observe(
    observer: RangeObserver, values: NDArray[np.float32], tensor: int, file: TfliteFile
) -> None:
    try:
        observer.cover(float(values.min()), float(values.max()))
        observer.add(_thinned(values))
    except ValueError as error:
        raise CalibrationError(
            f"the model computes something that is not a number for a photo, in "
            f"{file.name(tensor)!r}: {error}"
        ) from error


def _thinned(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return some values, of every channel as many."""
    step = max(1, values.size // _VALUES)
    while math.gcd(step, values.shape[-1] if values.ndim else 1) > 1:
        step += 1
    return values.ravel()[::step]


def _some_places(count: int, numbers: np.random.Generator) -> NDArray[np.intp]:
    if count <= _PLACES:
        return np.arange(count)
    return np.sort(numbers.choice(count, _PLACES, replace=False))


def _to_bytes(statistics: Statistics) -> bytes:
    arrays: dict[str, NDArray[Any]] = {}
    for tensor, observer in statistics.ranges.items():
        for key, value in observer.state().items():
            arrays[f"{tensor}/{key}"] = value
    for index, moments in enumerate(statistics.moments.values()):
        arrays[f"mean/{index}"] = moments.mean
        arrays[f"covariance/{index}"] = moments.covariance
    names = json.dumps([list(statistics.ranges), list(statistics.moments)])
    arrays["names"] = np.array(names)
    target = io.BytesIO()
    np.savez(target, **arrays)  # type: ignore[arg-type]  # numpy's stub has no such **
    return target.getvalue()


def _from_file(path: Path) -> Statistics:
    with np.load(path, allow_pickle=False) as arrays:
        tensors, layers = json.loads(str(arrays["names"]))
        return Statistics(
            ranges={
                tensor: RangeObserver.from_state(
                    {key: arrays[f"{tensor}/{key}"] for key in _STATE}
                )
                for tensor in tensors
            },
            moments={
                name: InputMoments(
                    mean=arrays[f"mean/{index}"],
                    covariance=arrays[f"covariance/{index}"],
                )
                for index, name in enumerate(layers)
            },
        )

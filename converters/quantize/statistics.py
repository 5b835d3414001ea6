"""What a float model computes on photos: ranges, and moments of layers' inputs."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from converters.calibration import calibration_tensors
from converters.kept import kept_file
from converters.quantize.moments import InputMoments
from converters.quantize.ranges import RangeObserver
from converters.workpiece import Workpiece
from edgeclf.errors import CalibrationError

__all__ = ["MOST_INPUTS", "PLACES", "Statistics", "kept_statistics", "observe"]

Key = TypeVar("Key", int, str)

PLACES = 32
"""Outputs of a layer that are looked at in a picture: 300 pictures give some 10,000
samples, several for each of at most about 1,500 inputs."""

MOST_INPUTS = 4096
"""Of a layer with moments; above that they would need more than 128 MiB."""

_STATE = ("ends", "place", "counts")
"""What ``RangeObserver.state`` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Generic[Key]):
    """Of a float model on photos.

    Attributes:
        ranges: By the tensor's number or name.
        moments: By the layer's name; of a layer whose channels see inputs of their own,
            a group each.
    """

    ranges: Mapping[Key, RangeObserver]
    moments: Mapping[str, InputMoments]


def kept_statistics(
    work: Workpiece,
    model: bytes,
    measure: Callable[[Iterable[NDArray[np.float32]]], Statistics[Key]],
    *,
    versions: Iterable[str],
    covariances: DTypeLike = np.float64,
) -> Statistics[Key]:
    """Return a model's statistics on the calibration photos, measured once.

    One run over the photos with every tensor kept serves every setting, and the next
    process of the conversion: the numbers are written to a file and read again, the
    first time too.

    Args:
        work: Has the photos, and the folder for what is kept.
        model: The model file.
        measure: Runs it on the photos' tensors.
        versions: Of what runs it.
        covariances: In which they are stored.

    Raises:
        CalibrationError: There are no photos, or the model gives no numbers.
    """

    def parts() -> Iterable[bytes | memoryview]:
        yield json.dumps([*versions, np.__version__]).encode()
        yield model
        yield from (tensor.data for tensor in calibration_tensors(work))

    def make() -> bytes:
        return _to_bytes(measure(calibration_tensors(work)), covariances)

    path = kept_file(work.common_folder, "statistics", parts(), make)
    with np.load(path, allow_pickle=False) as arrays:
        return _from_arrays(arrays)


def observe(
    observer: RangeObserver,
    values: NDArray[np.float32],
    some: NDArray[np.float32],
    *,
    name: str,
) -> None:
    """Let a tensor's range reach over all its values, and count some of them.

    Args:
        observer: Of the tensor.
        values: Of one photo.
        some: Of these, those to count.
        name: Of the tensor, for the message.

    Raises:
        CalibrationError: One is not finite.
    """
    try:
        observer.cover(float(values.min()), float(values.max()))
        observer.add(some)
    except ValueError as error:
        raise CalibrationError(
            f"the model computes something that is not a number for a photo, in "
            f"{name!r}: {error}"
        ) from error


def _to_bytes(statistics: Statistics[Any], covariances: DTypeLike) -> bytes:
    arrays: dict[str, NDArray[Any]] = {}
    for index, observer in enumerate(statistics.ranges.values()):
        for key, value in observer.state().items():
            arrays[f"{key}/{index}"] = value
    for index, moments in enumerate(statistics.moments.values()):
        arrays[f"mean/{index}"] = moments.mean
        arrays[f"covariance/{index}"] = moments.covariance.astype(covariances)
    names = json.dumps([list(statistics.ranges), list(statistics.moments)])
    arrays["names"] = np.array(names)
    target = io.BytesIO()
    np.savez(target, **arrays)  # type: ignore[arg-type]  # numpy's stub has no such **
    return target.getvalue()


def _from_arrays(arrays: Mapping[str, NDArray[Any]]) -> Statistics[Any]:
    tensors, layers = json.loads(str(arrays["names"]))
    return Statistics(
        ranges={
            tensor: RangeObserver.from_state(
                {key: arrays[f"{key}/{index}"] for key in _STATE}
            )
            for index, tensor in enumerate(tensors)
        },
        moments={
            name: InputMoments(
                mean=arrays[f"mean/{index}"],
                covariance=arrays[f"covariance/{index}"].astype(np.float64),
            )
            for index, name in enumerate(layers)
        },
    )

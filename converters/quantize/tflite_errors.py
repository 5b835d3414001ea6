"""What each layer of a ``.tflite`` file loses in eight bits, from statistics alone."""

import numpy as np

from converters.quantize import LayerError
from converters.quantize.moments import InputMoments
from converters.quantize.ranges import RangeMethod
from converters.quantize.rounding import nearest_errors, output_error
from converters.quantize.statistics import Statistics
from converters.quantize.tflite_file import TfliteFile, TfliteLayer
from converters.quantize.tflite_layers import as_rows, output_count

__all__ = ["measured_errors"]

_SMALLEST = float(np.finfo(np.float32).tiny)


def measured_errors(
    file: TfliteFile, statistics: Statistics[int], ranges: RangeMethod
) -> tuple[LayerError, ...]:
    """Return what each layer loses when it alone computes in int8, in running order.

    Its input, its weights and its output are rounded; the three errors do not depend
    on each other and their powers add up. All come from the moments of its input and
    the histograms of both ends, so no picture is run again.

    Args:
        file: The float file, its layers' names as they are to be reported.
        statistics: Of it on photos.
        ranges: How the ranges of activations are chosen.

    Source:
        Signal-to-noise ratio of uniform quantization by moments: Lin et al. 2016,
        arXiv:1511.06393, section 3.
    """
    noise = {
        tensor: observer.error(ranges)
        for tensor, observer in statistics.ranges.items()
        if observer.count
    }
    return tuple(
        _layer_error(file, layer, statistics.moments[layer.name], noise)
        for layer in file.layers()
        if layer.name in statistics.moments
    )


def _layer_error(
    file: TfliteFile,
    layer: TfliteLayer,
    moments: InputMoments,
    noise: dict[int, float],
) -> LayerError:
    stored = file.array(layer.weights)
    assert stored is not None  # noqa: S101 - layers() yields none without
    weights = as_rows(layer, stored)
    errors = nearest_errors(weights)
    bias = None if layer.bias is None else file.array(layer.bias)
    mean = np.sum(weights * moments.mean, axis=1) + (0.0 if bias is None else bias)
    power = (output_error(weights, moments.covariance) + np.square(mean)).mean()
    lost = (
        output_error(errors, moments.covariance).mean()
        + np.square(weights).sum(axis=1).mean() * noise.get(layer.source, 0.0)
        + noise.get(layer.output, 0.0)
    )
    return LayerError(
        layer=layer.name,
        error=float(lost / max(power, _SMALLEST)),
        macs=output_count(file, layer) * weights.size,
    )

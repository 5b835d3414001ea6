"""What each layer of an ONNX file loses in eight bits, from statistics alone."""

from typing import Any

import numpy as np

from converters.quantize import LayerError
from converters.quantize.onnx_layers import OnnxLayer, constants_of, layers_of
from converters.quantize.ranges import RangeMethod
from converters.quantize.rounding import nearest_errors, output_error
from converters.quantize.statistics import Statistics

__all__ = ["measured_errors"]

_SMALLEST = float(np.finfo(np.float32).tiny)


def measured_errors(
    model: Any, statistics: Statistics[str], ranges: RangeMethod
) -> tuple[LayerError, ...]:
    """Return what each layer loses when it alone computes in int8, in running order.

    Its input, its weights and its output are rounded; the three errors do not depend
    on each other and their powers add up. All come from the moments of its input and
    the histograms of both ends, so no picture is run again. A Clip or Relu behind it is
    part of it, as the quantizer has it.

    Args:
        model: The float ``onnx.ModelProto``.
        statistics: Of it on photos.
        ranges: How the ranges of activations are chosen.

    Source:
        Signal-to-noise ratio of uniform quantization by moments: Lin et al. 2016,
        arXiv:1511.06393, section 3.
    """
    noise = {
        name: observer.error(ranges) for name, observer in statistics.ranges.items()
    }
    weights = constants_of(model)
    return tuple(
        LayerError(
            layer=layer.name,
            error=_share_lost(
                layer,
                layer.as_rows(weights[layer.weights]),
                statistics,
                noise.get(layer.source, 0.0),
                noise.get(layer.output, 0.0),
            ),
            macs=layer.macs,
        )
        for layer in layers_of(model)
        if layer.name in statistics.moments
    )


def _share_lost(
    layer: OnnxLayer,
    weights: np.ndarray[Any, np.dtype[np.float64]],
    statistics: Statistics[str],
    noise_in: float,
    noise_out: float,
) -> float:
    spread = layer.by_row(statistics.moments[layer.name].covariance)
    errors = nearest_errors(weights)
    lost = (
        output_error(errors, spread).mean()
        + np.square(weights).sum(axis=1).mean() * noise_in
        + noise_out
    )
    return float(lost / max(output_error(weights, spread).mean(), _SMALLEST))

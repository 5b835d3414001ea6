"""ONNX Runtime's int8 with better numbers: own ranges, rounding and biases."""

from dataclasses import replace
from functools import partial

import numpy as np
import onnx
import onnxruntime

from converters.calibration import calibration_tensors
from converters.onnx_edits import with_float16_weights
from converters.pass_options import OnnxQuantizeOptions
from converters.quantize import LayerError
from converters.quantize.onnx_errors import measured_errors
from converters.quantize.onnx_int8 import plain_int8, quantized_model
from converters.quantize.onnx_layers import layers_of
from converters.quantize.onnx_names import layer_names
from converters.quantize.onnx_statistics import measured_statistics
from converters.quantize.onnx_unsigned import with_unsigned_weights
from converters.quantize.onnx_weights import store_weights
from converters.quantize.statistics import Statistics, kept_statistics
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError

__all__ = ["OnnxQuantizer"]


class OnnxQuantizer:
    """Quantizer of float ``.onnx`` files."""

    def __call__(self, work: Workpiece, options: OnnxQuantizeOptions) -> bytes:
        """Return the model file; with nothing chosen, ONNX Runtime's own.

        Raises:
            CalibrationError: int8 without photos.
            ConversionError: A layer's name is not known.
        """
        assert work.exported is not None  # noqa: S101 - the export pass made it
        if options.weights != "int8":
            model = onnx.load(work.exported)
            if options.weights == "float16":
                model = with_float16_weights(model)
            return bytes(model.SerializeToString())
        model = self._int8(work, options)
        if options.unsigned_weights and options.activations == "uint8":
            model = with_unsigned_weights(model)
        return bytes(model.SerializeToString(deterministic=True))

    def _int8(self, work: Workpiece, options: OnnxQuantizeOptions) -> onnx.ModelProto:
        assert work.exported is not None  # noqa: S101 - the export pass made it
        if options.is_plain:
            target = work.folder / "int8.onnx"
            return plain_int8(work.exported, target, calibration_tensors(work), options)
        statistics = _statistics(work)
        source = onnx.load(work.exported)
        model = quantized_model(
            work.exported,
            _ranges(source, statistics, options),
            options,
            excluded=_nodes_of(work, source, options.float_layers),
        )
        if options.bias_correction or options.rounding == "output":
            store_weights(model, source, statistics.moments, options)
        return model

    def layer_errors(
        self, work: Workpiece, options: OnnxQuantizeOptions
    ) -> tuple[LayerError, ...]:
        """Return what every layer with weights loses in int8, worst first.

        Raises:
            CalibrationError: There are no photos.
        """
        assert work.exported is not None  # noqa: S101 - the export pass made it
        model = onnx.load(work.exported)
        names = layer_names(work.scoring_model, layers_of(model))
        errors = measured_errors(model, _statistics(work), options.ranges)
        named = [replace(each, layer=names[each.layer]) for each in errors]
        return tuple(sorted(named, key=lambda each: -each.error))


def _statistics(work: Workpiece) -> Statistics[str]:
    assert work.exported is not None  # noqa: S101 - the export pass made it
    data = work.exported.read_bytes()
    return kept_statistics(
        work,
        data,
        partial(measured_statistics, data),
        versions=[f"onnxruntime {onnxruntime.__version__}"],
        covariances=np.float32,
    )


def _ranges(
    model: onnx.ModelProto, statistics: Statistics[str], options: OnnxQuantizeOptions
) -> dict[str, tuple[float, float]]:
    """Return the range of each tensor.

    Input and output keep all of theirs: pixels have a range of their own, and cutting
    off high scores would change decisions.
    """
    ends = {value.name for value in (*model.graph.input, *model.graph.output)}
    return {
        name: observer.range("min-max" if name in ends else options.ranges)
        for name, observer in statistics.ranges.items()
    }


def _nodes_of(
    work: Workpiece, model: onnx.ModelProto, wanted: tuple[str, ...]
) -> set[str]:
    """Return the names of the nodes of layers."""
    names = layer_names(work.scoring_model, layers_of(model))
    unknown = sorted(set(wanted) - set(names.values()))
    if unknown:
        raise ConversionError(
            f"float_layers names {unknown[0]!r}, which is no layer with weights of "
            f"{work.source.name}; it has {', '.join(sorted(names.values()))}"
        )
    return {node for node, name in names.items() if name in wanted}

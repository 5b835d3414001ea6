"""TensorFlow's int8 with better numbers: own ranges, rounding and biases.

TensorFlow's quantizer decides the form of the file, as in the plain conversion. The
ranges it is given are measured here, and the integers of weights and biases that it
wrote are replaced.
"""

from dataclasses import replace

import tensorflow as tf
from tensorflow.lite.python.convert import mlir_quantize

from converters.calibration import calibration_tensors
from converters.pass_options import TfliteQuantizeOptions
from converters.quantize import LayerError
from converters.quantize.statistics import Statistics
from converters.quantize.tflite_calibrated import (
    calibrated_file,
    calibration_statistics,
    converted,
    converter_for,
    refusal,
)
from converters.quantize.tflite_errors import measured_errors
from converters.quantize.tflite_file import TfliteFile
from converters.quantize.tflite_names import layer_names
from converters.quantize.tflite_scores import with_float_scores
from converters.quantize.tflite_weights import store_weights
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError

__all__ = ["TfliteQuantizer"]

_DTYPES = {"float32": tf.float32, "uint8": tf.uint8, "int8": tf.int8}


class TfliteQuantizer:
    """Quantizer of SavedModels."""

    def __call__(self, work: Workpiece, options: TfliteQuantizeOptions) -> bytes:
        """Return the model file; with nothing chosen, the converter's own.

        Raises:
            CalibrationError: int8 without photos.
            ConversionError: The converter refuses, or a layer's name is not known.
        """
        if options.is_plain:
            return _plain(work, options)
        statistics = calibration_statistics(work)
        source = _with_ranges(work, statistics, options)
        file = TfliteFile(_quantized(source.to_bytes(), work, options))
        moments = statistics.moments
        store_weights(file, source, moments, options)
        if options.scores == "float32":
            corrects = options.bias_correction
            with_float_scores(file, source, moments if corrects else {})
        return file.to_bytes()

    def layer_errors(
        self, work: Workpiece, options: TfliteQuantizeOptions
    ) -> tuple[LayerError, ...]:
        """Return what every layer with weights loses in int8, worst first.

        Raises:
            CalibrationError: There are no photos.
            ConversionError: The converter refuses.
        """
        file = TfliteFile(calibrated_file(work))
        names = layer_names(work.scoring_model, file.layers())
        errors = measured_errors(file, calibration_statistics(work), options.ranges)
        named = [replace(each, layer=names[each.layer]) for each in errors]
        return tuple(sorted(named, key=lambda each: -each.error))


def _plain(work: Workpiece, options: TfliteQuantizeOptions) -> bytes:
    """Return what TensorFlow's converter makes by itself."""
    converter = converter_for(work)
    if options.weights != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if options.weights == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if options.activations == "int8":
        converter.representative_dataset = lambda: (
            [tensor] for tensor in calibration_tensors(work)
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = _DTYPES[options.scores]
    return converted(converter, work)


def _with_ranges(
    work: Workpiece, statistics: Statistics[int], options: TfliteQuantizeOptions
) -> TfliteFile:
    """Return the float file with the ranges of its activations.

    Input and output keep all of theirs: pixels have a range of their own, and cutting
    off high scores would change decisions.
    """
    file = TfliteFile(calibrated_file(work))
    ends = {int(index) for index in (*file.graph.inputs, *file.graph.outputs)}
    for tensor, observer in statistics.ranges.items():
        method = "min-max" if tensor in ends else options.ranges
        file.set_range(tensor, *observer.range(method))
    return file


def _quantized(data: bytes, work: Workpiece, options: TfliteQuantizeOptions) -> bytes:
    try:
        made: bytes = mlir_quantize(
            data,
            input_data_type=tf.uint8,
            output_data_type=_DTYPES[options.scores],
            denylisted_nodes=_tensors_of(data, work, options.float_layers),
        )
    except (RuntimeError, ValueError) as error:
        raise refusal(work, error) from error
    return made


def _tensors_of(
    data: bytes, work: Workpiece, wanted: tuple[str, ...]
) -> set[str] | None:
    """Return the names that the converter knows layers by."""
    if not wanted:
        return None
    names = layer_names(work.scoring_model, TfliteFile(data).layers())
    unknown = sorted(set(wanted) - set(names.values()))
    if unknown:
        raise ConversionError(
            f"float_layers names {unknown[0]!r}, which is no layer with weights of "
            f"{work.source.name}; it has {', '.join(sorted(names.values()))}"
        )
    return {tensor for tensor, name in names.items() if name in wanted}

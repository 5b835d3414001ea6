"""The float ``.tflite`` file that quantization starts from, and its statistics."""

from functools import partial
from typing import Any

import ai_edge_litert
import tensorflow as tf

from converters.calibration import calibration_tensors
from converters.quantize.statistics import Statistics, kept_statistics
from converters.quantize.tflite_statistics import measured_statistics
from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError
from edgeclf.files import write_atomically

__all__ = [
    "calibrated_file",
    "calibration_statistics",
    "converted",
    "converter_for",
    "refusal",
]


def converter_for(work: Workpiece) -> Any:
    """Return TensorFlow's converter of a workpiece's export, with nothing set."""
    return tf.lite.TFLiteConverter.from_saved_model(str(work.exported))


def converted(converter: Any, work: Workpiece) -> bytes:
    """Return what a converter makes.

    Raises:
        ConversionError: It refuses.
    """
    try:
        data: bytes = converter.convert()
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise refusal(work, error) from error
    return data


def refusal(work: Workpiece, error: Exception) -> ConversionError:
    """Return the error that says what TensorFlow's converter does not take."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ConversionError(
        f"the TensorFlow converter refuses {work.source.name}: {reason}"
    )


def calibrated_file(work: Workpiece) -> bytes:
    """Return the float file in the form that is quantized, made once a workpiece.

    Its tensors have places for ranges, filled from one photo only: what stands there
    comes from ``calibration_statistics``.

    Raises:
        CalibrationError: There are no photos.
        ConversionError: The converter refuses.
    """
    kept = work.folder / "calibrated.tflite"
    if not kept.exists():
        converter = converter_for(work)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        first = next(calibration_tensors(work))
        converter.representative_dataset = lambda: [[first]]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter._experimental_calibrate_only = True  # noqa: SLF001 - the debugger's way to the float file
        write_atomically(kept, converted(converter, work))
    return kept.read_bytes()


def calibration_statistics(work: Workpiece) -> Statistics[int]:
    """Return what that file computes on the calibration photos, measured once.

    Raises:
        CalibrationError: There are no photos.
    """
    data = calibrated_file(work)
    return kept_statistics(
        work,
        data,
        partial(measured_statistics, data),
        versions=[f"ai-edge-litert {ai_edge_litert.__version__}"],
    )

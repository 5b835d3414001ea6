"""Keras to ONNX: tf2onnx, ONNX Runtime's quantizer, and one canonical file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import tf2onnx
from numpy.typing import NDArray
from onnxruntime import quantization

from converters.calibration import calibration_tensors
from converters.finishing import finished, require_raw_pixels
from converters.onnx_canonical import canonical_bytes
from converters.onnx_edits import take_raw_pixels, with_float16_weights
from converters.pass_options import (
    CompileOptions,
    OnnxExportOptions,
    OnnxQuantizeOptions,
)
from converters.serving import serving_function
from converters.workpiece import Workpiece, require_weights
from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.modelfile import read_model_file

__all__ = ["ExportOnnx", "FinishOnnx", "QuantizeOnnx"]

_PROVIDERS = ["CPUExecutionProvider"]
_TYPES = {
    "uint8": quantization.QuantType.QUInt8,
    "int8": quantization.QuantType.QInt8,
}
_RANGES = {
    "min-max": quantization.CalibrationMethod.MinMax,
    "entropy": quantization.CalibrationMethod.Entropy,
    "percentile": quantization.CalibrationMethod.Percentile,
}


@dataclass(frozen=True, slots=True)
class ExportOnnx:
    """Keras to a float ``.onnx`` with constants folded and normalisation fused."""

    options: OnnxExportOptions

    def requires(self, work: Workpiece) -> None:
        """Accept every source: its loader has fixed the sides."""

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the float model."""
        serve = serving_function(work.scoring_model, work.boundary, size=work.size)
        try:
            model, _ = tf2onnx.convert.from_function(
                serve, input_signature=serve.input_signature, opset=self.options.opset
            )
        except (NotImplementedError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise ConversionError(
                f"tf2onnx refuses {work.source.name}: {reason}; try --target tflite"
            ) from error
        path = work.folder / "float.onnx"
        path.write_bytes(canonical_bytes(model, name=work.source.name))
        _optimize(path)
        return replace(work, exported=path)

    def ensures(self, work: Workpiece) -> None:
        """Refuse a file without the weights."""
        assert work.exported is not None  # noqa: S101 - call() made it
        _require_weights(work.exported.read_bytes(), work)


@dataclass(frozen=True, slots=True)
class QuantizeOnnx:
    """Float ``.onnx`` to the recipe's numbers."""

    options: OnnxQuantizeOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse int8 without photos."""
        if self.options.weights == "int8" and work.calibration is None:
            raise CalibrationError("int8 needs photos: give --calibrate DIR")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the quantized model."""
        assert work.exported is not None  # noqa: S101 - the export pass made it
        if self.options.weights == "int8":
            return replace(work, quantized=self._to_int8(work.exported, work))
        model = onnx.load(work.exported)
        if self.options.weights == "float16":
            model = with_float16_weights(model)
        return replace(work, quantized=model.SerializeToString())

    def ensures(self, work: Workpiece) -> None:
        """Refuse a file without the weights."""
        _require_weights(work.quantized or b"", work)

    def _to_int8(self, path: Path, work: Workpiece) -> bytes:
        target = work.folder / "int8.onnx"
        options = self.options
        quantization.quantize_static(
            path,
            target,
            _Photos(onnx.load(path).graph.input[0].name, calibration_tensors(work)),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=options.per_channel,
            reduce_range=options.reduce_range,
            activation_type=_TYPES[options.activations],
            weight_type=quantization.QuantType.QInt8,
            calibrate_method=_RANGES[options.ranges],
        )
        return target.read_bytes()


@dataclass(frozen=True, slots=True)
class FinishOnnx:
    """The quantized model to the file that the board opens, with its metadata.

    It takes uint8 pixels, its names and their order are ours, and the shape of every
    tensor is in it.
    """

    options: CompileOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse a workpiece without a file."""
        if work.quantized is None:
            raise ConversionError("there is no .onnx file to finish")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with its artefact."""
        model = onnx.load_from_string(work.quantized or b"")
        boundary = work.boundary
        if boundary.quantization is not None:
            take_raw_pixels(model, boundary.quantization)
            # An ONNX input has no scale of its own: its graph begins with it.
            graph = replace(boundary.preprocess, normalization="graph", dtype="uint8")
            work = replace(work, boundary=replace(boundary, preprocess=graph))
        data = canonical_bytes(model, name=work.source.name)
        return finished(work, data, "onnx")

    def ensures(self, work: Workpiece) -> None:
        """Refuse an artefact that does not take the pixels as they are."""
        assert work.artefact is not None  # noqa: S101 - call() made it
        require_raw_pixels(work, work.artefact.spec.input)


class _Photos(quantization.CalibrationDataReader):  # type: ignore[misc]  # untyped base
    """Hands the photos to the quantizer one at a time."""

    def __init__(self, name: str, tensors: Iterator[NDArray[np.float32]]) -> None:
        self._name = name
        self._tensors = tensors

    def get_next(self) -> dict[str, Any] | None:
        """Return the next photo's tensor by input name, or ``None`` at the end."""
        tensor = next(self._tensors, None)
        return None if tensor is None else {self._name: tensor}


def _optimize(path: Path) -> None:
    """Fold constants and fuse what is fused on every machine, in place."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    )
    options.optimized_model_filepath = str(path)
    options.log_severity_level = 4
    onnxruntime.InferenceSession(path.read_bytes(), options, providers=_PROVIDERS)


def _require_weights(data: bytes, work: Workpiece) -> None:
    model = read_model_file(data, name=".onnx file")
    require_weights(model.name, model.parameters, work)

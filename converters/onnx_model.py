"""Keras to ONNX: tf2onnx, ONNX Runtime's quantizer, and one canonical file."""

from dataclasses import dataclass, replace
from pathlib import Path

import onnx
import onnxruntime
import tf2onnx

from converters.finishing import finished, require_raw_pixels
from converters.onnx_canonical import canonical_bytes
from converters.onnx_edits import take_raw_pixels
from converters.pass_options import (
    CompileOptions,
    OnnxExportOptions,
    OnnxQuantizeOptions,
)
from converters.quantize.onnx_quantizer import OnnxQuantizer
from converters.serving import serving_function
from converters.workpiece import Workpiece, require_weights
from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.modelfile import read_model_file

__all__ = ["ExportOnnx", "FinishOnnx", "QuantizeOnnx"]

_PROVIDERS = ["CPUExecutionProvider"]


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
        fused = onnx.load(path)
        path.write_bytes(canonical_bytes(fused, name=work.source.name))
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
        return replace(work, quantized=OnnxQuantizer()(work, self.options))

    def ensures(self, work: Workpiece) -> None:
        """Refuse a file without the weights."""
        _require_weights(work.quantized or b"", work)


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

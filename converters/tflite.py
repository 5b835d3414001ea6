"""Keras to TensorFlow Lite: a static SavedModel, the converter, and its result checked."""

from dataclasses import dataclass, replace

import keras

from converters.finishing import finished, require_raw_pixels
from converters.pass_options import (
    CompileOptions,
    TfliteExportOptions,
    TfliteQuantizeOptions,
)
from converters.quantize.tflite_quantizer import TfliteQuantizer
from converters.serving import serving_function
from converters.workpiece import Workpiece, require_weights
from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.modelfile import read_model_file

__all__ = ["ExportSavedModel", "FinishTflite", "QuantizeTflite"]


@dataclass(frozen=True, slots=True)
class ExportSavedModel:
    """Keras to a SavedModel of one endpoint with every side fixed.

    ``from_keras_model`` fails on a fixed batch and ``from_concrete_functions`` loses
    the weights; a SavedModel of a static endpoint has neither trouble.
    """

    options: TfliteExportOptions

    def requires(self, work: Workpiece) -> None:
        """Accept every source: its loader has fixed the sides."""

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with a SavedModel."""
        folder = work.folder / "saved_model"
        archive = keras.export.ExportArchive()
        archive.track(work.scoring_model)
        serve = serving_function(work.scoring_model, work.boundary, size=work.size)
        archive.add_endpoint("serve", serve)
        archive.write_out(str(folder), verbose=False)
        return replace(work, exported=folder)

    def ensures(self, work: Workpiece) -> None:
        """Refuse a SavedModel that was not written."""
        if work.exported is None or not (work.exported / "saved_model.pb").exists():
            raise ConversionError("the export wrote no SavedModel; report this model")


@dataclass(frozen=True, slots=True)
class QuantizeTflite:
    """SavedModel to ``.tflite`` in the recipe's numbers."""

    options: TfliteQuantizeOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse int8 without photos."""
        if self.options.activations == "int8" and work.calibration is None:
            raise CalibrationError("int8 needs photos: give --calibrate DIR")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the converter's file."""
        return replace(work, quantized=TfliteQuantizer()(work, self.options))

    def ensures(self, work: Workpiece) -> None:
        """Refuse a file without the weights, or that computes in other numbers."""
        model = read_model_file(work.quantized or b"", name=".tflite file")
        require_weights(model.name, model.parameters, work)
        if model.output.dtype != self.options.scores:
            raise ConversionError(
                f"the .tflite file gives {model.output.dtype} scores, the recipe asks "
                f"for {self.options.scores}; report this model"
            )


@dataclass(frozen=True, slots=True)
class FinishTflite:
    """The converter's file to the one that the board opens, with TFLite Metadata."""

    options: CompileOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse a workpiece without a file."""
        if work.quantized is None:
            raise ConversionError("there is no .tflite file to finish")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with its artefact."""
        return finished(work, work.quantized or b"", "tflite")

    def ensures(self, work: Workpiece) -> None:
        """Refuse an artefact that does not take the pixels as they are."""
        assert work.artefact is not None  # noqa: S101 - call() made it
        require_raw_pixels(work, work.artefact.spec.input)

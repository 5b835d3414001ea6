"""Quantizers: what makes a float export small, and tells what each layer loses."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from converters.recipe import Target
    from converters.workpiece import Workpiece

__all__ = ["QUANTIZERS", "LayerError", "Quantizer", "open_quantizer"]

QUANTIZERS: Mapping["Target", str] = {
    "tflite": "converters.quantize.tflite_quantizer:TfliteQuantizer",
    "onnx": "converters.quantize.onnx_quantizer:OnnxQuantizer",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerError:
    """What a layer loses when it alone computes in eight bits.

    Attributes:
        layer: Its name, as the option ``float_layers`` takes it.
        error: Power of the error of its output over the power of its float output: 1
            over the signal-to-noise ratio; 0 or more.
        macs: Its multiply-accumulates for one picture.
    """

    layer: str
    error: float
    macs: int


class Quantizer(Protocol):
    """Makes model files of a workpiece's export, with options of its target's kind.

    What does not depend on the options is kept in the workpiece's folder, so that a
    second call with others is cheap. The same workpiece and options give the same
    bytes.
    """

    def __call__(self, work: "Workpiece", options: Any, /) -> bytes:
        """Return the model file.

        Raises:
            ConversionError: The tool behind it refuses the model.
            CalibrationError: There are no photos.
        """
        ...

    def layer_errors(
        self, work: "Workpiece", options: Any, /
    ) -> tuple[LayerError, ...]:
        """Return what every layer loses, worst first.

        Raises:
            ConversionError: It cannot be measured.
            CalibrationError: There are no photos.
        """
        ...


def open_quantizer(target: "Target") -> Quantizer:
    """Return the quantizer of a target."""
    module, _, name = QUANTIZERS[target].partition(":")
    opened: Quantizer = getattr(importlib.import_module(module), name)()
    return opened

"""What each pass of a recipe lets one choose."""

from dataclasses import dataclass
from typing import Literal

from converters.quantize.ranges import RangeMethod

__all__ = [
    "AwareOptions",
    "CompileOptions",
    "EqualizeOptions",
    "OnnxExportOptions",
    "OnnxQuantizeOptions",
    "PackOptions",
    "TfliteExportOptions",
    "TfliteQuantizeOptions",
    "VerifyOptions",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualizeOptions:
    """Ranges of coupled channels made alike: nothing to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwareOptions:
    """Training that knows of the quantization to come.

    Attributes:
        epochs: How often each labelled photo is seen.
    """

    epochs: int = 3

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be 1 or more, got {self.epochs}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteExportOptions:
    """Keras to SavedModel: nothing to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxExportOptions:
    """Keras to float ONNX.

    Attributes:
        opset: Version of the operator set; old engines know only old ones.
    """

    opset: int

    def __post_init__(self) -> None:
        if not 13 <= self.opset <= 18:
            raise ValueError(f"opset must be 13 to 18, got {self.opset}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TfliteQuantizeOptions:
    """What the TensorFlow converter stores numbers as.

    Attributes:
        weights: Of the file; int8 is symmetric, one scale a channel.
        activations: What the engine computes in.
        scores: The output's dtype.
        ranges: How calibration sets the ranges of activations; of an int8 model.
        bias_correction: Move biases so that each channel's mean is the float model's.
        float_layers: Kept in float, by the names that ``layer_errors`` gives them.
    """

    weights: Literal["float32", "float16", "int8"]
    activations: Literal["float32", "int8"]
    scores: Literal["float32", "uint8", "int8"]
    ranges: RangeMethod = "min-max"
    bias_correction: bool = False
    float_layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.activations == "int8") != (self.weights == "int8"):
            raise ValueError(
                "int8 activations go with int8 weights, and only with them"
            )
        if self.activations == "float32" and self.scores != "float32":
            raise ValueError("a float model gives float32 scores")


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxQuantizeOptions:
    """What ONNX Runtime's quantizer does.

    Attributes:
        weights: Of the file; int8 is symmetric.
        activations: What the engine computes in. uint8 has the fast kernels on x86.
        per_channel: One weight scale a channel; one a tensor loses 8 points.
        reduce_range: 7-bit weights, for x86 without VNNI, where the fast kernels
            saturate; it costs accuracy everywhere else.
        ranges: How calibration sets the ranges of activations.
        bias_correction: Move biases so that each channel's mean is the float model's.
        float_layers: Kept in float, by the names that ``layer_errors`` gives them.
    """

    weights: Literal["float32", "float16", "int8"]
    activations: Literal["float32", "uint8", "int8"]
    per_channel: bool
    reduce_range: bool
    ranges: RangeMethod = "min-max"
    bias_correction: bool = False
    float_layers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.activations != "float32") != (self.weights == "int8"):
            raise ValueError(
                "int8 weights go with 8-bit activations, and only with them"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class CompileOptions:
    """The quantized model to the file that the board opens: nothing to choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """What the artefact must reach on its engine against the source model.

    Attributes:
        photos_to_judge: With fewer photos agreement is printed and not judged.
        min_agreement: Share of photos with the source's top-1; 0 reports it only.
        synthetic_inputs: Seeded pictures, used where there are no photos.
        max_score_error: Largest relative score error on those; 0 reports it only.
    """

    photos_to_judge: int
    min_agreement: float
    synthetic_inputs: int
    max_score_error: float

    def __post_init__(self) -> None:
        if self.photos_to_judge < 1 or self.synthetic_inputs < 1:
            raise ValueError("photos_to_judge and synthetic_inputs must be 1 or more")
        if not 0 <= self.min_agreement <= 1:
            raise ValueError(f"min_agreement must be 0 to 1, got {self.min_agreement}")
        if self.max_score_error < 0:
            raise ValueError(
                f"max_score_error must be 0 or more: {self.max_score_error}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """The artefact to a bundle: nothing to choose."""

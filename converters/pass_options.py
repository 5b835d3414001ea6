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
    "TemperatureOptions",
    "TfliteExportOptions",
    "TfliteQuantizeOptions",
    "VerifyOptions",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualizeOptions:
    """Ranges of coupled channels made alike.

    Attributes:
        weight_share: How much of the difficulty moves from the activations to the
            weights that read them: 0 makes the ranges equal, 1 the weights.
    """

    weight_share: float = 0.25

    def __post_init__(self) -> None:
        if not 0 <= self.weight_share <= 1:
            raise ValueError(f"weight_share must be 0 to 1, got {self.weight_share}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AwareOptions:
    """Training that knows of the quantization to come.

    Attributes:
        epochs: How often each photo is seen.
        learning_rate: At the beginning, in parts of a filter's largest weight; it falls
            to 0 along half a cosine.
        label_share: Weight of the right answers beside the source's, where photos have
            labels; in 0…1.
    """

    epochs: int = 8
    learning_rate: float = 1e-3
    label_share: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs must be 1 or more, got {self.epochs}")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0: {self.learning_rate}")
        if not 0 <= self.label_share <= 1:
            raise ValueError(f"label_share must be 0 to 1, got {self.label_share}")


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
        rounding: Of weights: each to the nearest step, or together, so that the
            layer's output on the calibration photos is closest.
        float_layers: Kept in float, by the names that ``layer_errors`` gives them.
    """

    weights: Literal["float32", "float16", "int8"]
    activations: Literal["float32", "int8"]
    scores: Literal["float32", "uint8", "int8"]
    ranges: RangeMethod = "min-max"
    bias_correction: bool = False
    rounding: Literal["nearest", "output"] = "nearest"
    float_layers: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the converter's own way is asked for."""
        return self._is_unchanged and (
            self.activations == "float32" or self.scores != "float32"
        )

    @property
    def _is_unchanged(self) -> bool:
        return (
            self.ranges == "min-max"
            and self.rounding == "nearest"
            and not (self.bias_correction or self.float_layers)
        )

    def __post_init__(self) -> None:
        if (self.activations == "int8") != (self.weights == "int8"):
            raise ValueError(
                "int8 activations go with int8 weights, and only with them"
            )
        if self.activations == "float32" and self.scores != "float32":
            raise ValueError("a float model gives float32 scores")
        if self.activations == "float32" and not self._is_unchanged:
            raise ValueError(
                "ranges, rounding, bias_correction and float_layers are of int8 models"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxQuantizeOptions:
    """What ONNX Runtime's quantizer does.

    Attributes:
        weights: Of the file; int8 is symmetric.
        activations: What the engine computes in. uint8 has the fast kernels on x86.
        unsigned_weights: Store int8 weights moved up by 128, as uint8, beside uint8
            activations: the same numbers, and no x86 kernel saturates. Where there is
            VNNI, signed ones are faster.
        per_channel: One weight scale a channel; one a tensor loses 8 points.
        reduce_range: 7-bit weights, which do not saturate either where signed weights
            are asked for; it costs accuracy.
        ranges: How calibration sets the ranges of activations.
        bias_correction: Move biases so that each channel's mean is the float model's.
        rounding: Of weights: each to the nearest step, or together, so that the
            layer's output on the calibration photos is closest.
        float_scores: Give the scores as they are added up, not rounded to 256 levels;
            where the last layer is dense.
        float_layers: Kept in float, by the names that ``layer_errors`` gives them.
    """

    weights: Literal["float32", "float16", "int8"]
    activations: Literal["float32", "uint8", "int8"]
    per_channel: bool
    reduce_range: bool
    unsigned_weights: bool = True
    ranges: RangeMethod = "min-max"
    bias_correction: bool = False
    rounding: Literal["nearest", "output"] = "nearest"
    float_scores: bool = False
    float_layers: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether ONNX Runtime's own way is asked for."""
        return (
            self.ranges == "min-max"
            and self.rounding == "nearest"
            and not (self.bias_correction or self.float_scores or self.float_layers)
        )

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
        max_drop: With labelled photos: allowed drop of top-1 accuracy, as a share.
        max_class_drop: Allowed drop of the recall of any class that has 50 photos or
            more, as a share.
        min_agreement: Without labels: share of decisions that must be the source's.
        synthetic_inputs: Seeded pictures, used where there are no photos.
        max_score_error: Largest relative score error; 0 reports it only.
    """

    max_drop: float = 0.01
    max_class_drop: float = 0.02
    min_agreement: float = 0.96
    synthetic_inputs: int = 32
    max_score_error: float = 0.0

    def __post_init__(self) -> None:
        if self.synthetic_inputs < 1:
            raise ValueError(
                f"synthetic_inputs must be 1 or more, got {self.synthetic_inputs}"
            )
        for name in ("max_drop", "max_class_drop", "min_agreement"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, got {getattr(self, name)}")
        if self.max_score_error < 0:
            raise ValueError(
                f"max_score_error must be 0 or more: {self.max_score_error}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureOptions:
    """How a changed model's probabilities are made as sure as they are right.

    Attributes:
        photos: With fewer to fit on, logits are left as they are.
    """

    photos: int = 50

    def __post_init__(self) -> None:
        if self.photos < 2:
            raise ValueError(f"photos must be 2 or more, got {self.photos}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PackOptions:
    """The artefact to a bundle: nothing to choose."""

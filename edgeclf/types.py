"""The values that every room passes to the next: frames, specs, predictions.

All of them are frozen and checked when made. Sizes are (height, width), colours are
RGB unless a field says otherwise, times are integer nanoseconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Classification",
    "ColourOrder",
    "CropSpec",
    "DType",
    "DecodeSpec",
    "EngineIdentity",
    "Filter",
    "Frame",
    "Layout",
    "Model",
    "ModelFormat",
    "ModelSpec",
    "Prediction",
    "PreprocessSpec",
    "QuantParams",
    "ResizeSpec",
    "Task",
    "Tensor",
    "TensorSpec",
    "TimestampOrigin",
    "Uint8Image",
]

Uint8Image: TypeAlias = NDArray[np.uint8]
"""Pixels, uint8, shape (height, width, 3), RGB."""

Tensor: TypeAlias = NDArray[Any]
"""What an engine takes or gives, in the dtype and shape of its ``TensorSpec``."""

TimestampOrigin: TypeAlias = Literal["sensor", "driver", "arrival"]
Layout: TypeAlias = Literal["nhwc", "nchw"]
DType: TypeAlias = Literal["uint8", "int8", "float32"]
ModelFormat: TypeAlias = Literal["tflite", "onnx"]
ColourOrder: TypeAlias = Literal["rgb", "bgr"]
Filter: TypeAlias = Literal["nearest", "bilinear", "bicubic", "lanczos3"]
ResizeMode: TypeAlias = Literal["squash", "shorter-side", "letterbox"]
CropKind: TypeAlias = Literal["none", "fraction", "size"]
ScoreKind: TypeAlias = Literal["logits", "probabilities"]


def _require_choice(name: str, value: object, choices: object) -> None:
    allowed = get_args(choices)
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One picture from a source, and when it was taken.

    Attributes:
        pixels: uint8, shape (height, width, 3), RGB; owned by the frame.
        captured_ns: When the picture was taken, on CLOCK_MONOTONIC.
        timestamp_origin: Who took the time: the sensor, the driver, or this process
            on arrival.
        sequence: Number of the frame in its source, from 0; a gap is a dropped frame.
        ready_ns: When its data were ready for this process to read, on
            CLOCK_MONOTONIC: where the capture stage begins. ``None`` when the source
            does not say, and waiting cannot be told from reading.
        media_ns: When the picture is shown in its recording, counted from the
            beginning; never less than that of the frame before. ``None`` for what is
            no recording, or one that does not say.
    """

    pixels: Uint8Image
    captured_ns: int
    timestamp_origin: TimestampOrigin
    sequence: int
    ready_ns: int | None = None
    media_ns: int | None = None

    def __post_init__(self) -> None:
        if (
            self.pixels.dtype != np.uint8
            or self.pixels.ndim != 3
            or self.pixels.shape[2] != 3
            or not self.pixels.size
        ):
            raise ValueError(
                "pixels must be uint8 with shape (height, width, 3), all above 0, "
                f"got {self.pixels.dtype} {self.pixels.shape}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantParams:
    """How a tensor stores real numbers: ``real = scale * (stored - zero_point)``.

    Attributes:
        scale: Real units per step, above 0.
        zero_point: The stored integer that stands for real 0.0.

    Source:
        Jacob et al. 2018, arXiv:1712.05877, equation 1.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        if not 0 < self.scale < float("inf"):
            raise ValueError(f"scale must be finite and above 0, got {self.scale}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """The input or output of a model.

    Attributes:
        name: As the model file has it.
        shape: All dimensions, the batch of 1 included.
        dtype: How numbers are stored.
        quantization: How stored integers stand for real numbers; ``None`` when they
            are the numbers themselves (float tensors, raw uint8 pixels).
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    quantization: QuantParams | None = None

    def __post_init__(self) -> None:
        _require_choice("dtype", self.dtype, DType)
        if not self.shape or any(side < 1 for side in self.shape):
            raise ValueError(f"shape must have only sides above 0, got {self.shape}")
        if self.quantization is not None and self.dtype == "float32":
            raise ValueError("a float32 tensor has no quantization")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeSpec:
    """How an image file becomes RGB pixels: the trainer's way.

    Alpha is dropped, never blended; grey is repeated three times.

    Attributes:
        orientation: Apply the EXIF orientation, or ignore it as Keras's and
            torchvision's stock loaders do.
        sixteen_bit: How 16-bit samples become 8-bit: the high byte (TensorFlow) or
            saturated at 255 (Pillow's conversion).
    """

    orientation: Literal["apply", "ignore"] = "ignore"
    sixteen_bit: Literal["high-byte", "saturate"] = "high-byte"

    def __post_init__(self) -> None:
        _require_choice("orientation", self.orientation, Literal["apply", "ignore"])
        _require_choice(
            "sixteen_bit", self.sixteen_bit, Literal["high-byte", "saturate"]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CropSpec:
    """Which centre part of a picture is kept; never below one pixel.

    Attributes:
        kind: ``none``; ``fraction`` of the shorter side, square; or a fixed ``size``.
        when: Before or after the resize.
        fraction: With ``fraction``: in (0, 1].
        size: With ``size``: (height, width) in pixels.
        size_rounding: How a fraction of a side becomes whole pixels.
        offset_rounding: How half of an odd margin becomes whole pixels: ``floor``,
            ``ceil`` (TensorFlow's EfficientNet: ``((side - crop) + 1) // 2``) or
            ``half-even`` (torchvision: ``round(margin / 2)``).
    """

    kind: CropKind = "none"
    when: Literal["before-resize", "after-resize"] = "before-resize"
    fraction: float = 1.0
    size: tuple[int, int] | None = None
    size_rounding: Literal["floor", "half-even"] = "floor"
    offset_rounding: Literal["floor", "ceil", "half-even"] = "floor"

    def __post_init__(self) -> None:
        _require_choice("kind", self.kind, CropKind)
        _require_choice("when", self.when, Literal["before-resize", "after-resize"])
        _require_choice(
            "size_rounding", self.size_rounding, Literal["floor", "half-even"]
        )
        _require_choice(
            "offset_rounding",
            self.offset_rounding,
            Literal["floor", "ceil", "half-even"],
        )
        if not 0 < self.fraction <= 1:
            raise ValueError(f"fraction must be in (0, 1], got {self.fraction}")
        if (self.kind == "size") != (self.size is not None):
            raise ValueError("size goes with kind 'size', and only with it")
        if self.size is not None and min(self.size) < 1:
            raise ValueError(f"size must be at least 1 pixel, got {self.size}")

    def kept(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return (height, width) of what is kept of a picture, at least 1 pixel each.

        A fraction is multiplied in float32, as TensorFlow's trainers do it.

        Args:
            size: (height, width) of the picture, in pixels.
        """
        if self.kind == "none":
            return size
        if self.size is not None:
            return min(self.size[0], size[0]), min(self.size[1], size[1])
        side = np.float32(self.fraction) * np.float32(min(size))
        whole = np.floor(side) if self.size_rounding == "floor" else np.rint(side)
        return max(1, int(whole)), max(1, int(whole))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResizeSpec:
    """How a picture is brought to its size.

    Attributes:
        mode: ``squash`` to exactly ``size``; bring the ``shorter-side`` to
            ``min(size)``, the longer one truncated to whole pixels; or ``letterbox``
            into ``size`` with a border.
        size: (height, width) in pixels.
        filter: Interpolation kernel.
        antialias: Widen the kernel when shrinking (Pillow; ``tf.image`` with
            ``antialias=True``).
        half_pixel: Sample at pixel centres. ``False`` is TensorFlow 1's grid, where
            output pixel i samples input position ``i * scale``.
        cubic_a: The cubic's coefficient: -0.5 (TensorFlow, Pillow) or -0.75 (OpenCV,
            PyTorch tensors).
        arithmetic: ``float``: rounded once, at the end (TensorFlow, PyTorch tensors).
            ``pillow``: rounded and clipped to 0…255 between the passes, which beside
            sharp edges differs by up to 46 steps; ``nearest`` adds its positions up,
            so that some lie a pixel apart.
        letterbox_value: Grey level of the border, 0 to 255.
    """

    size: tuple[int, int]
    mode: ResizeMode = "squash"
    filter: Filter = "bilinear"
    antialias: bool = False
    half_pixel: bool = True
    cubic_a: float = -0.5
    arithmetic: Literal["float", "pillow"] = "float"
    letterbox_value: int = 0

    def __post_init__(self) -> None:
        _require_choice("mode", self.mode, ResizeMode)
        _require_choice("filter", self.filter, Filter)
        _require_choice("arithmetic", self.arithmetic, Literal["float", "pillow"])
        if min(self.size) < 1:
            raise ValueError(f"size must be at least 1 pixel, got {self.size}")
        if not 0 <= self.letterbox_value <= 255:
            raise ValueError(
                f"letterbox_value must be 0 to 255, got {self.letterbox_value}"
            )
        if self.antialias and not self.half_pixel:
            raise ValueError(
                "antialias needs the half-pixel grid: no trainer mixes them"
            )
        if self.arithmetic == "pillow" and not self._is_pillows():
            raise ValueError(
                "arithmetic 'pillow' goes with what Pillow does: half-pixel grid, "
                "antialias unless the filter is nearest, cubic_a -0.5"
            )

    def _is_pillows(self) -> bool:
        antialiased = self.antialias or self.filter == "nearest"
        return antialiased and self.half_pixel and self.cubic_a == -0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessSpec:
    """Everything between an image file or camera frame and the model's tensor.

    The pixels after resize and crop are rounded to uint8; every later step is a
    function of one such value: ``real = (pixel - mean) / std``, stored as the model's
    input stores it.

    Attributes:
        resize: Size, filter and grid.
        crop: The part that is kept.
        decode: How files become pixels; camera frames skip it.
        enhancement: Optional step on the pixels before the crop.
        colour_order: What the model was trained on.
        mean: One value a channel in the model's colour order, in 0…255 units.
        std: Likewise; never 0.
        normalization: ``device`` when the runtime applies mean and std; ``graph``
            when the model file does so itself and takes raw pixels.
        layout: Axis order of the tensor.
        dtype: What the tensor stores.
    """

    resize: ResizeSpec
    crop: CropSpec = field(default_factory=CropSpec)
    decode: DecodeSpec = field(default_factory=DecodeSpec)
    enhancement: Literal["none", "equalize", "denoise"] = "none"
    colour_order: ColourOrder = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    normalization: Literal["device", "graph"] = "device"
    layout: Layout = "nhwc"
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        _require_choice(
            "enhancement", self.enhancement, Literal["none", "equalize", "denoise"]
        )
        _require_choice("colour_order", self.colour_order, ColourOrder)
        _require_choice("normalization", self.normalization, Literal["device", "graph"])
        _require_choice("layout", self.layout, Layout)
        _require_choice("dtype", self.dtype, DType)
        for name, values in (("mean", self.mean), ("std", self.std)):
            if np.shape(values) != (3,) or not np.all(np.isfinite(values)):
                raise ValueError(f"{name} must be three finite numbers, got {values}")
        if any(value == 0 for value in self.std):
            raise ValueError(f"std must not be 0, got {self.std}")
        if self.normalization == "graph" and self.dtype != "uint8":
            raise ValueError("normalization in the graph means that it takes uint8")
        self._check_crop_and_resize()

    def _check_crop_and_resize(self) -> None:
        crop, resize = self.crop, self.resize
        crops_last = crop.kind != "none" and crop.when == "after-resize"
        if resize.mode == "shorter-side" and not crops_last:
            raise ValueError(
                "resize mode 'shorter-side' leaves pictures of any length: "
                "crop after the resize"
            )
        if resize.mode == "letterbox" and crops_last:
            raise ValueError(
                "resize mode 'letterbox' fills its size: crop before the resize"
            )
        if crops_last and crop.size is not None:
            height, width = self._resized
            if crop.size[0] > height or crop.size[1] > width:
                raise ValueError(
                    f"crop size {crop.size} after the resize is larger than the "
                    f"resized picture may be, {self._resized}"
                )

    @property
    def _resized(self) -> tuple[int, int]:
        """Smallest (height, width) that the resize gives."""
        if self.resize.mode == "shorter-side":
            return min(self.resize.size), min(self.resize.size)
        return self.resize.size

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of what the model sees, in pixels."""
        if self.crop.when == "after-resize":
            return self.crop.kept(self._resized)
        return self.resize.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What the scores mean.

    Attributes:
        kind: ``multiclass``: exactly one label is right. Others are refused.
        scores: Whether the model gives logits or probabilities.
        temperature: What logits are divided by before the softmax, 0.001 to 1000:
            above 1 for a model that is too sure of itself. It changes no decision.

    Source:
        Guo et al. 2017, arXiv:1706.04599, section 4.2.
    """

    kind: Literal["multiclass"] = "multiclass"
    scores: ScoreKind = "probabilities"
    temperature: float = field(default=1.0, metadata={"json": "left out if default"})

    def __post_init__(self) -> None:
        _require_choice("kind", self.kind, Literal["multiclass"])
        _require_choice("scores", self.scores, ScoreKind)
        if not 0.001 <= self.temperature <= 1000:
            raise ValueError(
                f"temperature must be 0.001 to 1000, got {self.temperature}"
            )
        if self.temperature != 1 and self.scores != "logits":
            raise ValueError("a temperature other than 1 goes with logits only")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What a model file takes and gives.

    Attributes:
        format: Which kind of engine runs it.
        input: Its one input, a batch of one picture.
        output: Its one output, shape (1, classes).
        preprocess: What turns a picture into the input.
    """

    format: ModelFormat
    input: TensorSpec
    output: TensorSpec
    preprocess: PreprocessSpec

    def __post_init__(self) -> None:
        _require_choice("format", self.format, ModelFormat)
        height, width = self.preprocess.size
        expected = {
            "nhwc": (1, height, width, 3),
            "nchw": (1, 3, height, width),
        }[self.preprocess.layout]
        if self.input.shape != expected:
            raise ValueError(
                f"the model takes {self.input.shape}, "
                f"the preprocessing gives {expected}"
            )
        if self.input.dtype != self.preprocess.dtype:
            raise ValueError(
                f"the model takes {self.input.dtype}, "
                f"the preprocessing gives {self.preprocess.dtype}"
            )

    @property
    def classes(self) -> int:
        """Number of scores."""
        return self.output.shape[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model that is ready to be opened: its bytes and all that goes with them.

    Attributes:
        name: For people: the file's stem.
        spec: What it takes and gives.
        task: What its scores mean.
        labels: One a class, in the order of the scores.
        data: The model file's bytes.
        digest: SHA-256 in hex: of ``manifest.json`` for a bundle (its identity), of
            the file's bytes for a bare model file.
    """

    name: str
    spec: ModelSpec
    task: Task
    labels: tuple[str, ...]
    data: bytes = field(repr=False)
    digest: str

    def __post_init__(self) -> None:
        if len(self.labels) != self.spec.classes:
            raise ValueError(
                f"{len(self.labels)} labels for {self.spec.classes} classes"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineIdentity:
    """What really runs a model, as read back from the running process.

    Attributes:
        engine: ``litert``, ``tflite-runtime`` or ``onnxruntime``.
        version: The engine's own.
        threads_requested: What was asked for.
        threads: What runs, the calling thread included, as seen in /proc/self/task
            and the engine's options; ``None`` where it cannot be seen.
        delegates: Delegates or providers that hold nodes of the plan, such as
            ``("xnnpack",)`` or ``("CPUExecutionProvider",)``.
    """

    engine: str
    version: str
    threads_requested: int
    threads: int | None
    delegates: tuple[str, ...]


class Classification(NamedTuple):
    """One label and its score; a tuple, because five are made for every frame.

    Attributes:
        index: Position of the class in the model's output, from 0.
        label: Its name.
        score: Probability, 0 to 1.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index
    label: str
    score: float


class Prediction(NamedTuple):
    """What a model says of one picture, and what saying so cost.

    Attributes:
        top: Best first; equal scores in the order of their index.
        stage_ns: Nanoseconds a stage: ``preprocess``, ``invoke``, ``head``.
        frame: The frame's sequence number, capture time and origin travel with the
            frame; ``None`` when bare pixels were classified.
        decided_ns: When the decision was ready, on CLOCK_MONOTONIC.
        raw_scores: Of every class, as the model stores them, shape (1, classes);
            ``Head.probabilities`` reads them. ``None`` from who has none.
    """

    top: tuple[Classification, ...]
    stage_ns: Mapping[str, int]
    decided_ns: int
    frame: Frame | None = None
    raw_scores: Tensor | None = None

    @property
    def best(self) -> Classification:
        """The label with the highest score."""
        return self.top[0]

    @property
    def age_ns(self) -> int | None:
        """From capture to decision, or ``None`` for bare pixels."""
        if self.frame is None:
            return None
        return self.decided_ns - self.frame.captured_ns

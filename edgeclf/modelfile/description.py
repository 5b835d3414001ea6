"""What a model file says of itself, whichever format it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast, get_args

from edgeclf.errors import ModelFileError
from edgeclf.modelfile.damage import DamagedError, damaged
from edgeclf.types import (
    DType,
    ModelFormat,
    PreprocessSpec,
    QuantParams,
    ScoreKind,
    TensorSpec,
)

__all__ = [
    "FileMetadata",
    "ModelFile",
    "Normalization",
    "OperatorSummary",
    "TensorInfo",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """An input or output as the file has it, whether or not edgeclf can feed it.

    Attributes:
        name: As the file has it.
        shape: All dimensions; ``None`` stands for one that is not fixed.
        dtype: ``float32``, ``uint8``, ``int8``, ``float16``, ``int64``, …
        quantization: One scale and zero point for the tensor, or ``None``.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    quantization: QuantParams | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSummary:
    """All the operators of one kind.

    Attributes:
        name: ``CONV_2D`` or ``Conv``.
        count: How many there are.
        macs: Multiply-accumulate operations of all of them for one picture; 0 for
            kinds that do none, ``None`` where a shape is not known.
    """

    name: str
    count: int
    macs: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """Mean and standard deviation of the input's channels, in 0…255 units."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMetadata:
    """What travels in a model file beside the model; anything may be missing.

    Attributes:
        name: The model's name.
        description: In words.
        version: The model's own.
        author: Who made it.
        license: Under which terms.
        labels: One a class, in the order of the scores.
        normalization: Mean and std, as TFLite Metadata have it.
        score_threshold: Scores below it are not meant to be shown.
        preprocess: The full spec, in files that edgeclf wrote.
        scores: Likewise.
        properties: Other named texts (an ONNX file's ``metadata_props``).
    """

    name: str | None = None
    description: str | None = None
    version: str | None = None
    author: str | None = None
    license: str | None = None
    labels: tuple[str, ...] | None = None
    normalization: Normalization | None = None
    score_threshold: float | None = None
    preprocess: PreprocessSpec | None = None
    scores: ScoreKind | None = None
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """A model file that is whole, and what can be told without running it.

    Attributes:
        format: Which kind of engine runs it.
        name: What messages call it: the path.
        size_bytes: Of the file.
        inputs: In the file's order.
        outputs: Likewise.
        operators: Most work first.
        parameters: Numbers stored in the file for the model.
        weights_bytes: What those numbers take.
        activations_bytes: Most bytes of results alive at one time when operators run
            in the file's order, one picture: what the engine must have at the least
            beside the weights. ``None`` where a shape or type is not known.
        final_operator: What makes the scores, looking through dequantization.
        producer: The tool or schema version that the file names.
        load_metadata: Reads what travels beside the model, which opening it for
            running does not need.
    """

    format: ModelFormat
    name: str
    size_bytes: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    operators: tuple[OperatorSummary, ...]
    parameters: int
    weights_bytes: int
    activations_bytes: int | None
    final_operator: str
    producer: str
    load_metadata: Callable[[], FileMetadata] = field(repr=False, compare=False)

    @property
    def metadata(self) -> FileMetadata:
        """What travels beside the model, read anew each time.

        Raises:
            ModelFileError: It is there and cannot be read.
        """
        try:
            return self.load_metadata()
        except DamagedError as error:
            raise damaged(self.name, error) from error

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates for one picture; ``None`` where a shape is unknown."""
        known = [item.macs for item in self.operators if item.macs is not None]
        return sum(known) if len(known) == len(self.operators) else None

    @property
    def input(self) -> TensorSpec:
        """The one input.

        Raises:
            ModelFileError: There are several, its shape is not fixed, or its type is
                not one that edgeclf feeds.
        """
        return self._only("input", self.inputs)

    @property
    def output(self) -> TensorSpec:
        """The one output, shape (1, classes).

        Raises:
            ModelFileError: There are several, or it is no row of scores.
        """
        spec = self._only("output", self.outputs)
        if len(spec.shape) != 2 or spec.shape[0] != 1:
            raise ModelFileError(
                f"{self.name}: the output {spec.name!r} has shape {spec.shape}; "
                "a classifier gives (1, classes)"
            )
        return spec

    def _only(self, role: str, tensors: tuple[TensorInfo, ...]) -> TensorSpec:
        if len(tensors) != 1:
            names = ", ".join(item.name for item in tensors) or "none"
            raise ModelFileError(
                f"{self.name}: {len(tensors)} {role}s ({names}); "
                f"edgeclf runs classifiers of one {role}"
            )
        tensor = tensors[0]
        shape = self._fixed(role, tensor)
        if tensor.dtype not in get_args(DType):
            raise ModelFileError(
                f"{self.name}: the {role} {tensor.name!r} is {tensor.dtype}; "
                f"edgeclf takes {', '.join(get_args(DType))}"
            )
        return TensorSpec(
            name=tensor.name,
            shape=shape,
            dtype=cast("DType", tensor.dtype),
            quantization=tensor.quantization,
        )

    def _fixed(self, role: str, tensor: TensorInfo) -> tuple[int, ...]:
        # A free batch is run with one picture: both engines do so as the file stands.
        shape = (1, *tensor.shape[1:]) if tensor.shape[:1] == (None,) else tensor.shape
        sides = [side for side in shape if side is not None and side > 0]
        if not shape or len(sides) != len(shape):
            seen = ", ".join(
                "?" if side is None else str(side) for side in tensor.shape
            )
            raise ModelFileError(
                f"{self.name}: the {role} {tensor.name!r} has shape ({seen}), which is "
                "not fixed; export the model again with a fixed size, such as "
                "(1, 224, 224, 3)"
            )
        return tuple(sides)

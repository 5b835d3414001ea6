"""What the numbers are that a bare model file gives."""

from edgeclf.errors import SpecError
from edgeclf.modelfile import ModelFile
from edgeclf.types import QuantParams, ScoreKind

__all__ = ["resolve_scores"]

_SOFTMAX = frozenset({"SOFTMAX", "Softmax", "QLinearSoftmax"})
_LOG_SOFTMAX = frozenset({"LOG_SOFTMAX", "LogSoftmax"})
# TensorFlow Lite's softmax always stores its result so; nothing but shares of 1 does.
_OF_PROBABILITIES = frozenset({(1 / 256, 0), (1 / 256, -128)})


def resolve_scores(
    said: ScoreKind | None, file: ModelFile, *, overrides: bool = False
) -> ScoreKind:
    """Return whether the scores are logits or probabilities.

    Args:
        said: What ``--scores`` says.
        file: The model file.
        overrides: Whether that counts before the file's metadata; never before the
            operator that the model ends with.

    Raises:
        SpecError: The file does not tell, or contradicts the flag.
    """
    known = _known(file, with_metadata=said is None or not overrides)
    if said is not None and known is not None and said != known:
        raise SpecError(
            f"--scores {said} contradicts {file.name}, which gives {known} (it ends "
            f"with {file.final_operator}): leave --scores out"
        )
    kind = said or known
    if kind is None:
        raise SpecError(
            f"{file.name} ends with {file.final_operator}, which does not tell what its "
            "scores are: give --scores probabilities if they sum to 1, or "
            "--scores logits"
        )
    return kind


def _known(file: ModelFile, *, with_metadata: bool) -> ScoreKind | None:
    if file.final_operator in _SOFTMAX:
        return "probabilities"
    if file.final_operator in _LOG_SOFTMAX:
        return "logits"
    if with_metadata and file.metadata.scores is not None:
        return file.metadata.scores
    return "probabilities" if _stores_shares(file.output.quantization) else None


def _stores_shares(quantization: QuantParams | None) -> bool:
    if quantization is None:
        return False
    return (quantization.scale, quantization.zero_point) in _OF_PROBABILITIES

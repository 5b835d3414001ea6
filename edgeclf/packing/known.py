"""What a bare model file says, and which flags it still needs, told all at once."""

from dataclasses import dataclass

from edgeclf.errors import ModelFileError, SpecError
from edgeclf.modelfile import ModelFile
from edgeclf.packing.preprocessing import picture_geometry
from edgeclf.packing.scores import resolve_scores
from edgeclf.types import PreprocessSpec, ScoreKind

__all__ = ["Known", "what_is_known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What tells a model's pictures and scores; ``None`` for what is not known.

    Attributes:
        labels: One a class.
        preprocess: What turns a picture into the input.
        scores: What the model gives.
        missing: Flags without which commands refuse the file, with an example each.
        unusable: Why no flag would help: the file is no classifier that edgeclf runs.
    """

    labels: tuple[str, ...] | None
    preprocess: PreprocessSpec | None
    scores: ScoreKind | None
    missing: tuple[str, ...] = ()
    unusable: str | None = None


def what_is_known(file: ModelFile) -> Known:
    """Return what a bare model file says of its use."""
    labels, preprocess = file.metadata.labels, file.metadata.preprocess
    unusable = _unusable(file)
    scores = None if unusable else _scores(file)
    flags = {
        "--labels labels.txt": labels,
        "--preset efficientnet-lite": preprocess,
        "--scores logits": scores,
    }
    missing = tuple(flag for flag, known in flags.items() if known is None)
    return Known(
        labels=labels,
        preprocess=preprocess,
        scores=scores,
        missing=() if unusable else missing,
        unusable=unusable,
    )


def _unusable(file: ModelFile) -> str | None:
    try:
        picture_geometry(file.input, file.name)
        _ = file.output
    except ModelFileError as error:
        return str(error)
    return None


def _scores(file: ModelFile) -> ScoreKind | None:
    try:
        return resolve_scores(None, file)
    except SpecError:
        return None

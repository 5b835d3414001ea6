"""Writing labels and preprocessing into a model file, as its format has them."""

from edgeclf.errors import ModelFileError
from edgeclf.modelfile.damage import DamagedError
from edgeclf.types import ModelSpec, Task

__all__ = ["embed_metadata"]


def embed_metadata(
    data: bytes, *, name: str, spec: ModelSpec, task: Task, labels: tuple[str, ...]
) -> bytes:
    """Return a model file that carries its labels and preprocessing.

    A ``.tflite`` gets TFLite Metadata (normalisation and labels, which MediaPipe and
    Android read), an ``.onnx`` gets ``metadata_props``; both also carry what those
    cannot say. The model itself stays byte for byte. The same arguments give the same
    bytes, and embedding in the result gives it again.

    Args:
        data: A ``.tflite`` or ``.onnx`` file, as ``spec.format`` says.
        name: The model's name, stored beside the labels.
        spec: What it takes and gives.
        task: What its scores mean.
        labels: One a class, in the order of the scores; one line each.

    Raises:
        ModelFileError: The file is damaged.
        ValueError: The labels do not fit.
    """
    if len(labels) != spec.classes:
        raise ValueError(f"{len(labels)} labels for {spec.classes} classes")
    if any("\n" in label or "\r" in label for label in labels):
        raise ValueError("a label must be one line")
    # Only making bundles needs these and flatbuffers; opening them must be quick.
    from edgeclf.modelfile.onnx_embed import embed_in_onnx  # noqa: PLC0415
    from edgeclf.modelfile.tflite_embed import embed_in_tflite  # noqa: PLC0415

    try:
        if spec.format == "tflite":
            return embed_in_tflite(data, name=name, spec=spec, task=task, labels=labels)
        return embed_in_onnx(
            data, name=name, preprocess=spec.preprocess, task=task, labels=labels
        )
    except DamagedError as error:
        raise ModelFileError(
            f"{name}: metadata cannot be put into the model file: {error}"
        ) from error

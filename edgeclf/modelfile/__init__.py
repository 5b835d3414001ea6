"""Reading model files without their frameworks, and writing metadata into them.

    model = read_model_file(data, name="model.tflite")
    model.input.shape, model.macs, model.metadata.labels

Only numpy and the pure Python ``flatbuffers`` are used. Every offset, index and size
is checked, so that a damaged file is an error here and no crash in a native engine.
"""

from edgeclf.modelfile.description import (
    FileMetadata,
    ModelFile,
    Normalization,
    OperatorSummary,
    TensorInfo,
)
from edgeclf.modelfile.embed import embed_metadata
from edgeclf.modelfile.own_metadata import decode_labels
from edgeclf.modelfile.reading import model_format, read_model_file

__all__ = [
    "FileMetadata",
    "ModelFile",
    "Normalization",
    "OperatorSummary",
    "TensorInfo",
    "decode_labels",
    "embed_metadata",
    "model_format",
    "read_model_file",
]

"""The last touch on an artefact: what it takes and gives is checked and written in."""

import hashlib
from dataclasses import replace

import numpy as np

from converters.workpiece import Workpiece
from edgeclf.errors import ConversionError
from edgeclf.modelfile import embed_metadata, read_model_file
from edgeclf.preprocess.table import is_identity, stored_values
from edgeclf.types import Model, ModelFormat, ModelSpec, TensorSpec

__all__ = ["finished", "require_raw_pixels"]


def finished(work: Workpiece, data: bytes, model_format: ModelFormat) -> Workpiece:
    """Return the workpiece with its artefact: the file, its metadata and its spec.

    Args:
        work: Up to the quantize pass.
        data: The model file.
        model_format: What it is.

    Raises:
        ConversionError: It does not take and give what the source does.
    """
    name = f".{model_format} file"
    described = read_model_file(data, name=name)
    try:
        spec = ModelSpec(
            format=model_format,
            input=described.input,
            output=described.output,
            preprocess=work.boundary.preprocess,
        )
        data = embed_metadata(
            data,
            name=work.source.name,
            spec=spec,
            task=work.task,
            labels=work.source.labels,
        )
    except ValueError as error:
        raise ConversionError(
            f"the {name} does not fit {work.source.name}: {error}; report this model"
        ) from error
    artefact = Model(
        name=work.source.name,
        spec=spec,
        task=work.task,
        labels=work.source.labels,
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
    )
    return replace(work, artefact=artefact)


def require_raw_pixels(work: Workpiece, tensor: TensorSpec) -> None:
    """Refuse an artefact that would need more of the device than a resize.

    Args:
        work: Has the boundary that was asked for.
        tensor: The artefact's input.

    Raises:
        ConversionError: It does not take the pixels as they are, or reads them in
            another range than the spec's.
    """
    boundary = work.boundary
    if not is_identity(stored_values(boundary.preprocess, tensor)):
        raise ConversionError(
            f"the artefact's input is {tensor.dtype} {tensor.quantization}, which is "
            "not the pixels themselves; report this model"
        )
    asked, made = boundary.quantization, tensor.quantization
    if asked is None or made is None:
        return
    is_close = np.isclose(made.scale, asked.scale, rtol=1e-6, atol=0)
    mean = work.source.preprocess.mean[0] if not boundary.in_graph else 0.0
    if not is_close or abs(made.zero_point - mean) > 0.5:
        raise ConversionError(
            f"the artefact reads pixels with scale {made.scale} and zero point "
            f"{made.zero_point}; the preprocessing says {asked.scale} and "
            f"{asked.zero_point}; report this model"
        )

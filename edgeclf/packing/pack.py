"""Putting a model that was found into a bundle."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata

from edgeclf.bundle import encode_bundle
from edgeclf.golden import GoldenSet
from edgeclf.golden_maker import NamedImages, make_golden
from edgeclf.modelfile import embed_metadata
from edgeclf.provenance import Provenance, Quality
from edgeclf.texts import plain_text
from edgeclf.types import Model

__all__ = ["pack_model"]


def pack_model(
    model: Model,
    *,
    name: str | None = None,
    source_name: str | None = None,
    golden_images: NamedImages | None = None,
    golden_origin: str = "synthetic:0",
    engine: str | None = None,
) -> bytes:
    """Return a bundle of a model as it was found; nothing of its quality is known.

    Labels and preprocessing are put into the model file too, and golden vectors made
    by running it here.

    Args:
        model: From :func:`~edgeclf.packing.load_model` of a bare file.
        name: For people; the model's own by default.
        source_name: Name of the file that the model was read from, without folders.
        golden_images: Name and pixels, uint8 RGB; synthetic ones by default.
        golden_origin: Where they come from: ``synthetic:SEED`` or ``folder:NAME``.
        engine: As in ``open_backend``.

    Raises:
        ModelFileError: Metadata cannot be put into the model file.
        MissingDependencyError: No engine for this model is installed.
        BackendError: The engine cannot run it.
        SpecError: The golden pictures are too few, too many or too large.
        BundleError: The parts do not fit each other.
    """
    name = plain_text(name or model.name)
    data = embed_metadata(
        model.data, name=name, spec=model.spec, task=model.task, labels=model.labels
    )
    packed = replace(
        model, name=name, data=data, digest=hashlib.sha256(data).hexdigest()
    )
    golden = make_golden(packed, golden_images, origin=golden_origin, engine=engine)
    return encode_bundle(
        name=name,
        model_bytes=data,
        labels=model.labels,
        spec=model.spec,
        task=model.task,
        golden=golden,
        provenance=Provenance(
            source_name=plain_text(source_name or f"{model.name}.{model.spec.format}"),
            source_sha256=hashlib.sha256(model.data).hexdigest(),
            tools=_tools(golden),
        ),
        quality=Quality(),
    )


def _tools(golden: GoldenSet) -> Mapping[str, str]:
    return {
        "edgeclf": metadata.version("edgeclf"),
        "pillow": metadata.version("pillow"),  # encodes the golden pictures
        golden.kernels.engine: golden.kernels.version,
    }

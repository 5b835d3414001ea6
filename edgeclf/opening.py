"""Reading a bundle to run its model: as strict as needed to trust it, and quick.

``edgeclf.bundle`` reads everything. Here the model's origin and quality stay unread,
and the model file is left to the engine that is about to load it: importing and running
those checks would take a tenth of a camera's start.
"""

import hashlib
from pathlib import Path

from edgeclf.contents import read_contents
from edgeclf.members import (
    MODELS,
    check_parts,
    check_sizes,
    named,
    read_envelope_of,
    read_members,
    take_manifest,
)
from edgeclf.types import Model

__all__ = ["read_model"]


def read_model(path: Path | str) -> Model:
    """Return the model in a bundle's file.

    Every member is held against the manifest. Not looked at are what the manifest says
    of golden vectors (but their number), provenance and quality, and the inside of the
    model file: whoever opens the model compares its tensors with ``Model.spec``.

    Raises:
        InputFileError: The file is missing, unreadable, empty or too large.
        BundleError: It must not be used; one line says why and what to do.
    """
    path = Path(path)
    with named(path):
        members = read_members(path)
        check_sizes(members)
        raw_manifest = take_manifest(members)
        read_envelope_of(members)
        contents, vectors = read_contents(raw_manifest)
        labels = check_parts(members, contents, vectors=vectors)
    return Model(
        name=contents.name,
        spec=contents.model,
        task=contents.task,
        labels=labels,
        data=members[MODELS[contents.model.format]],
        digest=hashlib.sha256(raw_manifest).hexdigest(),
    )

"""``edgeclf inspect``: what a bundle or model file is, without running a picture."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import click

from edgeclf.backends import open_backend
from edgeclf.backends.adapter import Adapter
from edgeclf.bundle import Bundle
from edgeclf.commands.console import json_option, print_json
from edgeclf.commands.model_argument import engine_option, model_path
from edgeclf.errors import BackendError, MissingDependencyError
from edgeclf.modelfile import ModelFile, read_model_file
from edgeclf.packing import Known, read_bundle_or_file, what_is_known
from edgeclf.types import EngineIdentity

__all__ = ["Inspection", "Plan", "inspect_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an engine on this machine makes of a model.

    Attributes:
        identity: What runs; ``None`` when nothing does.
        undelegated: How many operators of each kind no delegate took.
        reason: Why nothing runs.
    """

    identity: EngineIdentity | None = None
    undelegated: Counter[str] | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """All that is shown.

    Attributes:
        path: What was named.
        digest: The bundle's identity, or the SHA-256 of a bare file, in hex.
        file: What the model file says.
        known: What its pictures and scores stand for.
        bundle: The bundle around it, if there is one.
        plan: What an engine makes of it.
    """

    path: Path
    digest: str
    file: ModelFile
    known: Known
    bundle: Bundle | None
    plan: Plan


@click.command("inspect")
@model_path
@engine_option
@json_option
def inspect_model(model: Path, engine: str | None, *, as_json: bool) -> None:
    """Show what a bundle or model file is.

    Inputs, outputs, preprocessing, labels, operators with their work, parameters and
    memory, where it comes from and how good it was found; and, by loading it into an
    engine, which operators leave the delegate. No flags are needed for a bare file.

    \b
    Examples:
      edgeclf inspect model.edgeclf
      edgeclf inspect mobilenet_v2.tflite --json
    """  # noqa: D301 - click wants the control character
    inspection = _inspect(model, engine)
    if as_json:
        from edgeclf.commands.inspect_json import payload  # noqa: PLC0415 - one of two

        print_json("inspect", payload(inspection))
    else:
        from edgeclf.commands.inspect_table import print_inspection  # noqa: PLC0415

        print_inspection(inspection)


def _inspect(path: Path, engine: str | None) -> Inspection:
    opened = read_bundle_or_file(path)
    bundle = opened if isinstance(opened, Bundle) else None
    data = opened.model_bytes if isinstance(opened, Bundle) else opened[0]
    file = read_model_file(data, name=str(path))
    return Inspection(
        path=path,
        digest=hashlib.sha256(data).hexdigest() if bundle is None else bundle.digest,
        file=file,
        known=what_is_known(file) if bundle is None else _known(bundle),
        bundle=bundle,
        plan=_plan(data, file, engine),
    )


def _known(bundle: Bundle) -> Known:
    return Known(
        labels=bundle.labels,
        preprocess=bundle.manifest.model.preprocess,
        scores=bundle.manifest.task.scores,
    )


def _plan(data: bytes, file: ModelFile, engine: str | None) -> Plan:
    """Load the model; an engine that is asked for by name must be able to."""
    try:
        with open_backend(data, format=file.format, engine=engine) as backend:
            nodes = backend.undelegated() if isinstance(backend, Adapter) else ()
            return Plan(identity=backend.identity, undelegated=Counter(nodes))
    except (BackendError, MissingDependencyError) as error:
        if engine is not None:
            raise
        return Plan(reason=str(error))

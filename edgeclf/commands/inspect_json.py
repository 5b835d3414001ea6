"""What ``edgeclf inspect`` found, as JSON."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edgeclf.bundle import Bundle
from edgeclf.json_values import to_json_value
from edgeclf.modelfile import FileMetadata, TensorInfo
from edgeclf.packing import Known

if TYPE_CHECKING:
    from edgeclf.commands.inspect import Inspection, Plan

__all__ = ["payload"]

_SHOWN_LABELS = 5


def payload(inspection: "Inspection") -> dict[str, Any]:
    """Return the fields of docs/schemas/inspect-1.json."""
    file, bundle = inspection.file, inspection.bundle
    return {
        "path": str(inspection.path),
        "kind": "model" if bundle is None else "bundle",
        "digest": inspection.digest,
        "format": file.format,
        "producer": file.producer,
        "model_bytes": file.size_bytes,
        "inputs": [_tensor(tensor) for tensor in file.inputs],
        "outputs": [_tensor(tensor) for tensor in file.outputs],
        **_known(inspection.known),
        "operators": [asdict(operator) for operator in file.operators],
        "macs": file.macs,
        "parameters": file.parameters,
        "weights_bytes": file.weights_bytes,
        "activations_bytes": file.activations_bytes,
        "engine": _engine(inspection.plan),
        "metadata": _metadata(file.metadata),
        "bundle": None if bundle is None else _bundle(bundle),
    }


def _tensor(tensor: TensorInfo) -> dict[str, Any]:
    quantization = tensor.quantization
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "quantization": None if quantization is None else asdict(quantization),
    }


def _known(known: Known) -> dict[str, Any]:
    labels, preprocess = known.labels, known.preprocess
    return {
        "labels": None
        if labels is None
        else {"count": len(labels), "first": list(labels[:_SHOWN_LABELS])},
        "preprocess": None if preprocess is None else to_json_value(preprocess),
        "scores": known.scores,
        "missing_flags": list(known.missing),
        "unusable": known.unusable,
    }


def _engine(plan: "Plan") -> dict[str, Any]:
    identity = plan.identity
    return {
        "engine": None if identity is None else identity.engine,
        "version": None if identity is None else identity.version,
        "delegates": None if identity is None else list(identity.delegates),
        "undelegated": None if plan.undelegated is None else dict(plan.undelegated),
        "reason": plan.reason,
    }


def _metadata(metadata: FileMetadata) -> dict[str, Any]:
    normalization = metadata.normalization
    return {
        "name": metadata.name,
        "description": metadata.description,
        "version": metadata.version,
        "author": metadata.author,
        "license": metadata.license,
        "score_threshold": metadata.score_threshold,
        "normalization": None if normalization is None else asdict(normalization),
        "properties": sorted(metadata.properties),
    }


def _bundle(bundle: Bundle) -> dict[str, Any]:
    manifest = bundle.manifest
    return {
        "name": manifest.name,
        "format": manifest.format,
        "task": to_json_value(manifest.task),
        "members": [to_json_value(member) for member in manifest.members],
        "golden": to_json_value(manifest.golden),
        "provenance": to_json_value(manifest.provenance),
        "quality": to_json_value(manifest.quality),
        "signature": None
        if bundle.envelope is None
        else {"keyids": list(bundle.envelope.keyids), "checked": False},
    }

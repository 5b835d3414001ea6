"""``edgeclf verify``: is this bundle whole, and does it do here what it should?"""

import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from edgeclf.bundle import Bundle, GoldenVector, read_bundle
from edgeclf.commands.console import FILE, json_option, print_json, say, tracked
from edgeclf.commands.model_argument import engine_options
from edgeclf.types import EngineIdentity
from edgeclf.verification import VectorResult, VerificationReport, verify_bundle

__all__ = ["verify"]


@click.command()
@click.argument("bundle", type=FILE)
@engine_options
@json_option
def verify(bundle: Path, engine: str | None, threads: int, *, as_json: bool) -> None:
    """Check that a bundle is whole and right on this machine.

    The file is checked byte by byte against its digests. Then its golden pictures are
    replayed: each must become the stored tensor within one step, and the stored tensor
    must give the stored scores. Exits with 1 if anything does not hold.

    \b
    Examples:
      edgeclf verify model.edgeclf
      edgeclf verify model.edgeclf --engine litert --threads 2 --json
    """  # noqa: D301 - click wants the control character
    opened = read_bundle(bundle)
    report = verify_bundle(opened, engine=engine, threads=threads, watch=_progress)
    if as_json:
        print_json("verify", _payload(opened, report))
    else:
        click.echo(_text(opened, report))
    if not report.ok:
        first = report.faults[0]
        say(
            f"error: {bundle}: {len(report.faults)} of {len(report.vectors)} golden "
            f"vectors do not hold; {first.name}: {first.fault}"
        )
        sys.exit(1)


def _progress(vectors: Sequence[GoldenVector]) -> Iterator[GoldenVector]:
    return tracked(vectors, "Replaying golden vectors", total=len(vectors))


def _text(bundle: Bundle, report: VerificationReport) -> str:
    held = len(report.vectors) - len(report.faults)
    tolerance = report.tolerance
    rows = {
        "bundle": f"{bundle.path} ({bundle.manifest.name})",
        "identity": f"sha256:{report.digest}",
        "signature": _signature(bundle),
        "digests": f"ok, {len(bundle.manifest.members)} members",
        "golden": f"{held}/{len(report.vectors)} hold on this machine",
        "tensors": (
            f"worst difference {report.worst_tensor_error:.3g} pixel steps, 1 allowed"
        ),
        "scores": (
            f"worst difference {tolerance.shown(report.worst_score_error)}, "
            f"{tolerance.limit:.3g} allowed ({_kernels(report)})"
        ),
        "engine": _engine(report.identity),
    }
    lines = [f"{name:<10} {value}" for name, value in rows.items()]
    lines += [f"  {result.name}: {result.fault}" for result in report.faults]
    return "\n".join(lines)


def _engine(identity: EngineIdentity) -> str:
    delegates = ", ".join(identity.delegates) or "no delegate"
    threads = identity.threads_requested
    plural = "" if threads == 1 else "s"
    return (
        f"{identity.engine} {identity.version}, {delegates}, {threads} thread{plural}"
    )


def _signature(bundle: Bundle) -> str:
    if bundle.envelope is None:
        return "none"
    return f"present ({', '.join(bundle.envelope.keyids)}), not checked"


def _kernels(report: VerificationReport) -> str:
    if report.same_kernels:
        return "same engine and kernels as when it was made"
    made_by = report.made_by
    return f"made with {made_by.engine} {made_by.version} on {made_by.architecture}"


def _payload(bundle: Bundle, report: VerificationReport) -> dict[str, Any]:
    identity = report.identity
    made_by = report.made_by
    return {
        "ok": report.ok,
        "path": str(bundle.path),
        "name": bundle.manifest.name,
        "digest": report.digest,
        "signature": None
        if bundle.envelope is None
        else {"keyids": list(bundle.envelope.keyids), "checked": False},
        "members": len(bundle.manifest.members),
        "engine": {
            "engine": identity.engine,
            "version": identity.version,
            "threads_requested": identity.threads_requested,
            "threads": identity.threads,
            "delegates": list(identity.delegates),
        },
        "made_by": {
            "engine": made_by.engine,
            "version": made_by.version,
            "delegates": list(made_by.delegates),
            "architecture": made_by.architecture,
        },
        "same_kernels": report.same_kernels,
        "score_tolerance": {
            "limit": report.tolerance.limit,
            "unit": report.tolerance.unit,
        },
        "worst_tensor_error": _finite(report.worst_tensor_error),
        "worst_score_error": _finite(report.worst_score_error),
        "vectors": [_vector(result) for result in report.vectors],
    }


def _vector(result: VectorResult) -> dict[str, Any]:
    return {
        "name": result.name,
        "ok": result.fault is None,
        "tensor_error": _finite(result.tensor_error),
        "score_error": _finite(result.score_error),
        "top_stored": result.top_stored,
        "top_here": result.top_here,
        "fault": result.fault,
    }


def _finite(value: float) -> float | None:
    """Return ``None`` for what was no number: JSON has none for it."""
    return value if math.isfinite(value) else None

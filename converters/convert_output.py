"""What ``edgeclf convert`` says of its result, for people and for programs."""

from dataclasses import asdict
from typing import Any

from converters.gate.outcome import worst_class_words
from converters.gate.precision import target_here
from converters.gate.trials import trial_rows
from converters.pipeline import ConversionResult
from converters.search_output import (
    gate_words,
    layer_lines,
    spread_words,
    tried_payload,
)
from edgeclf.commands.spec_words import preprocess_words, tensor_words
from edgeclf.json_values import to_json_value
from edgeclf.probability_record import ProbabilityRecord
from edgeclf.provenance import Estimate, Quality

__all__ = ["result_payload", "result_text"]

_MEASURED_ON = {
    "evaluate": "photos of --evaluate",
    "calibration-holdout": "photos kept from calibration",
    "calibrate": "photos of --calibrate",
}


def result_text(result: ConversionResult) -> str:
    """Return what was written, how good it is, and what to type next."""
    bundle, recipe = result.bundle, result.recipe
    manifest = bundle.manifest
    size = len(bundle.model_bytes)
    rows = {
        "wrote": f"{bundle.path} ({manifest.name}, {recipe.precision} {recipe.target})",
        "identity": f"sha256:{bundle.digest}",
        "size": f"{size / 1e6:.2f} MB of model, {size / result.source_bytes:.2f} of the "
        "source's weights in fp32",
        "pictures": preprocess_words(manifest.model.preprocess),
        "input": tensor_words(manifest.model.input),
        "output": tensor_words(manifest.model.output),
        **_quality_rows(manifest.quality),
        "gate": _gate(result),
        "worst": _worst_class(result),
        "spread": spread_words(result.spread, manifest.quality.gate),
        "calibrated": _calibration(result),
        "ran on": _engine(result),
        "took": f"{result.seconds:.0f} s",
    }
    lines = [f"{name:<10} {value}" for name, value in rows.items() if value]
    lines += layer_lines(result.tried)
    lines += [f"{'note':<10} {note}" for note in _notes(result)]
    if result.tried:
        lines += ["", *trial_rows(result.tried)]
    return "\n".join([*lines, "", *_next(result)])


def result_payload(result: ConversionResult) -> dict[str, Any]:
    """Return the fields of ``docs/schemas/convert-1.json``."""
    bundle = result.bundle
    manifest = bundle.manifest
    size = len(bundle.model_bytes)
    provenance = to_json_value(manifest.provenance)
    return {
        "path": str(bundle.path),
        "name": manifest.name,
        "digest": bundle.digest,
        "target": result.recipe.target,
        "precision": result.recipe.precision,
        "profile": result.recipe.profile,
        "model_bytes": size,
        "share_of_fp32": size / result.source_bytes,
        "input": to_json_value(manifest.model.input),
        "output": to_json_value(manifest.model.output),
        "preprocess": to_json_value(manifest.model.preprocess),
        "scores": manifest.task.scores,
        "temperature": manifest.task.temperature,
        "quality": to_json_value(manifest.quality),
        "engine": to_json_value(manifest.golden.kernels),
        "calibration_images": provenance["calibration_images"],
        "overrides": provenance["overrides"],
        "recipe": provenance["recipe"],
        "tried": tried_payload(result.tried),
        "spread": [asdict(each) for each in result.spread],
        "notes": _notes(result),
        "seconds": round(result.seconds, 3),
    }


def _quality_rows(quality: Quality) -> dict[str, str]:
    rows = {}
    if quality.agreement is None:
        rows["agreement"] = "not measured: no photos were given"
    else:
        where = _MEASURED_ON.get(quality.measured_on or "", quality.measured_on)
        rows["agreement"] = f"{_share(quality.agreement)} {where}"
    if quality.accuracy is not None and quality.source_accuracy is not None:
        rows["accuracy"] = _share(quality.accuracy)
        rows["source's"] = _share(quality.source_accuracy)
    if quality.score_error is not None:
        on = " on synthetic pictures" if quality.agreement is None else ""
        rows["scores"] = f"at most {quality.score_error:.3g} from the source's{on}"
    if quality.probabilities is not None:
        rows["sureness"] = _sureness(quality.probabilities)
    return rows


def _sureness(found: ProbabilityRecord) -> str:
    if found.measure == "divergence":
        return (
            f"{found.after:.2g} nats from the source's probabilities "
            f"({found.before:.2g} before), {found.photos} photos"
        )
    return (
        f"off by {found.after:.2%} on average ({found.before:.2%} before, the source "
        f"{found.source:.2%}), {found.photos} photos"
    )


def _share(estimate: Estimate) -> str:
    interval = f"95 % interval {estimate.low:.1%} to {estimate.high:.1%}"
    judged = "" if estimate.judged else ", not decided: too few"
    return f"{estimate.value:.1%} ({interval}{judged}), {estimate.n}"


def _gate(result: ConversionResult) -> str:
    gate = result.bundle.manifest.quality.gate
    if gate is None and not result.recipe.is_lossy:
        return ""
    return gate_words(gate)


def _worst_class(result: ConversionResult) -> str:
    gate = result.bundle.manifest.quality.gate
    return worst_class_words(None if gate is None else gate.worst_class)


def _calibration(result: ConversionResult) -> str:
    provenance = result.bundle.manifest.provenance
    if provenance.calibration_images is None:
        return ""
    is_small = "allow-small-calibration" in provenance.overrides
    small = " (few: --allow-small-calibration)" if is_small else ""
    return f"on {provenance.calibration_images} photos, seed {provenance.seed}{small}"


def _engine(result: ConversionResult) -> str:
    kernels = result.bundle.manifest.golden.kernels
    delegates = ", ".join(kernels.delegates) or "no delegate"
    return f"{kernels.engine} {kernels.version}, {delegates}, {kernels.architecture}"


def _notes(result: ConversionResult) -> list[str]:
    notes = list(result.notes)
    agreement = result.bundle.manifest.quality.agreement
    if agreement is not None and agreement.high < 0.9:
        notes.append(
            "fewer than nine in ten decisions are the source's: look before you ship"
        )
    if result.recipe.profile is not None and not target_here(result.recipe.profile):
        notes.append(f"unverified on target: measure it on a {result.recipe.profile}")
    return notes


def _next(result: ConversionResult) -> list[str]:
    path = result.bundle.path
    profile = result.recipe.profile
    board = f" --profile {profile}" if profile is not None else ""
    return [
        "next:",
        f"  edgeclf verify {path}",
        f"  edgeclf classify {path} PHOTO.jpg",
        f"  edgeclf bench {path}{board}",
    ]

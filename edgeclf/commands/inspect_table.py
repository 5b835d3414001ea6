"""What ``edgeclf inspect`` found, as tables for people."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.table import Table

from edgeclf.bundle import Bundle
from edgeclf.commands.console import table_console
from edgeclf.commands.spec_words import preprocess_words
from edgeclf.gate_record import GateRecord
from edgeclf.modelfile import ModelFile, TensorInfo
from edgeclf.packing import Known
from edgeclf.provenance import Estimate

if TYPE_CHECKING:
    from edgeclf.commands.inspect import Inspection, Plan

__all__ = ["print_inspection"]

_Row = tuple[str, str]


def print_inspection(inspection: "Inspection") -> None:
    """Print what it is, what it takes and gives, what it costs, where it is from."""
    rows = [
        *_what(inspection),
        *_tensors(inspection.file),
        *_meaning(inspection.known, inspection.bundle),
        *_costs(inspection.file),
        *_engine(inspection.plan),
    ]
    if inspection.bundle is not None:
        rows += _origin(inspection.bundle)
    with table_console() as console:
        for name, value in rows:
            console.print(f"{name:<12} {value}", markup=False, soft_wrap=True)
        console.print()
        console.print(_operators(inspection))


def _what(inspection: "Inspection") -> Iterator[_Row]:
    file, bundle = inspection.file, inspection.bundle
    if bundle is None:
        yield "model", f"{inspection.path} (.{file.format}, {_mb(file.size_bytes)})"
    else:
        yield "bundle", f"{inspection.path} ({bundle.manifest.name}, .{file.format})"
    yield "identity", f"sha256:{inspection.digest}"
    yield "made with", file.producer
    about = file.metadata
    words = (about.name, about.description, about.author, about.license)
    if bundle is None and any(words):
        yield "about", ", ".join(word for word in words if word)


def _tensors(file: ModelFile) -> Iterator[_Row]:
    yield from (("input", _tensor(tensor)) for tensor in file.inputs)
    yield from (("output", _tensor(tensor)) for tensor in file.outputs)


def _tensor(tensor: TensorInfo) -> str:
    sides = ", ".join("?" if side is None else str(side) for side in tensor.shape)
    words = f"{tensor.dtype} ({sides}) {tensor.name}"
    if tensor.quantization is None:
        return words
    scale, zero_point = tensor.quantization.scale, tensor.quantization.zero_point
    return f"{words}, scale {scale:.6g}, zero point {zero_point}"


def _meaning(known: Known, bundle: Bundle | None) -> Iterator[_Row]:
    if known.preprocess is not None:
        yield "pictures", preprocess_words(known.preprocess)
    if known.scores is not None:
        yield "scores", known.scores
    if bundle is not None and bundle.manifest.task.temperature != 1:
        divided = "that logits are divided by before the softmax"
        yield "temperature", f"{bundle.manifest.task.temperature:.4g} {divided}"
    if known.labels is not None:
        shown = ", ".join(known.labels[:3])
        more = ", …" if len(known.labels) > 3 else ""
        yield "labels", f"{len(known.labels)}: {shown}{more}"
    if known.missing:
        yield "not said", f"to use it, give {' '.join(known.missing)}"
    if known.unusable is not None:
        yield "not usable", known.unusable


def _costs(file: ModelFile) -> Iterator[_Row]:
    macs = "not known" if file.macs is None else f"{file.macs / 1e6:.1f} million"
    yield "work", f"{macs} multiply-accumulates a picture"
    yield "parameters", f"{file.parameters:,} in {_mb(file.weights_bytes)}"
    activations = file.activations_bytes
    yield (
        "activations",
        "not known before the engine fuses operators"
        if activations is None
        else f"{_mb(activations)} at one time, at the least",
    )


def _engine(plan: "Plan") -> Iterator[_Row]:
    if plan.identity is None:
        yield "engine", f"none: {plan.reason}"
        return
    identity = plan.identity
    delegates = ", ".join(identity.delegates) or "no delegate"
    yield "engine", f"{identity.engine} {identity.version}, {delegates}"
    left: Mapping[str, int] = plan.undelegated or {}
    words = ", ".join(f"{count} {kind}" for kind, count in left.items())
    if "xnnpack" in identity.delegates:
        yield "outside it", words or "nothing: the delegate takes every operator"


def _origin(bundle: Bundle) -> Iterator[_Row]:
    provenance, quality = bundle.manifest.provenance, bundle.manifest.quality
    yield "from", f"{provenance.source_name} (sha256:{provenance.source_sha256[:16]}…)"
    how = provenance.recipe.get("name", "converted") if provenance.recipe else "packed"
    yield "how", f"{how} with {_versions(provenance.tools)}"
    if provenance.profile is not None:
        yield "for", provenance.profile
    if provenance.calibration_images is not None:
        yield "calibration", f"{provenance.calibration_images} pictures"
    if provenance.overrides:
        yield "overrides", ", ".join(provenance.overrides)
    yield "agreement", _estimate(quality.agreement)
    yield "accuracy", _estimate(quality.accuracy)
    if quality.gate is not None:
        yield "gate", _gate(quality.gate)
    golden = bundle.manifest.golden
    yield "golden", f"{len(golden.vectors)} pictures ({golden.origin})"


def _versions(tools: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in tools.items())


def _estimate(estimate: Estimate | None) -> str:
    if estimate is None:
        return "not measured"
    judged = "" if estimate.judged else ", too few to judge"
    return (
        f"{estimate.value:.1%} ({estimate.low:.1%} to {estimate.high:.1%}) "
        f"of {estimate.n} pictures{judged}"
    )


def _gate(gate: GateRecord) -> str:
    accepted = ", accepted" if gate.accepted else ""
    if gate.measure == "agreement":
        figures = f"{gate.value:.1%} ({gate.low:.1%} to {gate.high:.1%}) agree with "
        return (
            f"{gate.verdict}{accepted}: {figures}the source, {gate.bar:.1%} were asked"
        )
    low, value, high = (100 * each for each in (gate.low, gate.value, gate.high))
    return (
        f"{gate.verdict}{accepted}: top-1 dropped by {value:.2f} ({low:+.2f} to "
        f"{high:+.2f}) points, {100 * gate.bar:.2f} were allowed"
    )


def _operators(inspection: "Inspection") -> Table:
    left: Mapping[str, int] = inspection.plan.undelegated or {}
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("operator")
    table.add_column("count", justify="right")
    table.add_column("million MACs", justify="right")
    table.add_column("share", justify="right")
    table.add_column("outside the delegate", justify="right")
    total = inspection.file.macs
    for item in inspection.file.operators:
        macs = "?" if item.macs is None else f"{item.macs / 1e6:.1f}"
        share = f"{item.macs / total:.0%}" if total and item.macs is not None else ""
        outside = str(left[item.name]) if item.name in left else ""
        table.add_row(item.name, str(item.count), macs, share, outside)
    return table


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.2f} MB"

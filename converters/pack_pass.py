"""The pass that puts the artefact, its golden vectors and its history into a bundle."""

from dataclasses import dataclass, replace
from importlib import metadata

from converters.pass_options import PackOptions
from converters.recipe import Target
from converters.recipe_document import recipe_to_dict
from converters.workpiece import Workpiece
from edgeclf.bundle import encode_bundle
from edgeclf.errors import ConversionError
from edgeclf.golden import GoldenSet
from edgeclf.golden_maker import folder_images, golden_images, make_golden
from edgeclf.provenance import Provenance
from edgeclf.texts import plain_text
from edgeclf.types import Model

__all__ = ["PackBundle", "tool_versions"]

_TOOLS: dict[Target, tuple[str, ...]] = {
    "tflite": ("edgeclf", "keras", "numpy", "tensorflow"),
    "onnx": (
        "edgeclf",
        "keras",
        "numpy",
        "tensorflow",
        "tf2onnx",
        "onnx",
        "onnxruntime",
    ),
}


@dataclass(frozen=True, slots=True)
class PackBundle:
    """The verified artefact to a bundle's bytes."""

    options: PackOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse what has not been verified."""
        if work.artefact is None or work.quality is None:
            raise ConversionError("only a verified artefact goes into a bundle")

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the bundle's bytes."""
        assert work.artefact is not None  # noqa: S101 - requires() checked it
        assert work.quality is not None  # noqa: S101 - likewise
        data = encode_bundle(
            name=plain_text(work.source.name),
            model_bytes=work.artefact.data,
            labels=work.artefact.labels,
            spec=work.artefact.spec,
            task=work.artefact.task,
            golden=_golden(work, work.artefact),
            provenance=_provenance(work),
            quality=work.quality,
        )
        return replace(work, bundle=data)

    def ensures(self, work: Workpiece) -> None:
        """Refuse an empty result; whoever writes the bundle reads all of it."""
        if not work.bundle:
            raise ConversionError("there are no bundle bytes")


def tool_versions(target: Target) -> dict[str, str]:
    """Return the version of each package that shapes an artefact's bytes."""
    versions = {name: _version(name) for name in _TOOLS[target]}
    return {name: version for name, version in versions.items() if version}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # tensorflow-cpu is tensorflow too
        return None


def _golden(work: Workpiece, artefact: Model) -> GoldenSet:
    if work.golden is None:
        seed = work.recipe.seed
        return make_golden(
            artefact,
            golden_images(seed),
            origin=f"synthetic:{seed}",
            engine=work.engine,
        )
    images = folder_images(work.golden, artefact.spec.preprocess.decode)
    origin = f"folder:{work.golden.resolve().name}"
    return make_golden(artefact, images, origin=origin, engine=work.engine)


def _overrides(work: Workpiece) -> tuple[str, ...]:
    gate = None if work.quality is None else work.quality.gate
    used = {
        "allow-small-calibration": work.recipe.allow_small_calibration,
        "accept-undecided": work.recipe.accept_undecided
        and (gate is None or gate.accepted),
    }
    return tuple(name for name, is_used in used.items() if is_used)


def _provenance(work: Workpiece) -> Provenance:
    recipe, photos = work.recipe, work.calibration
    return Provenance(
        source_name=plain_text(work.source.name),
        source_sha256=work.source.sha256,
        recipe=recipe_to_dict(recipe),
        seed=recipe.seed,
        tools=tool_versions(recipe.target),
        calibration_sha256=None if photos is None else photos.sha256,
        calibration_images=None if photos is None else len(photos),
        overrides=_overrides(work),
        profile=recipe.profile,
    )

"""``edgeclf pack``: a model file that someone already has becomes a bundle."""

from pathlib import Path
from typing import Any

import click

from edgeclf.bundle import Bundle, write_bundle
from edgeclf.commands.console import FILE, json_option, print_json, progress
from edgeclf.commands.model_argument import engine_option, model_argument
from edgeclf.commands.spec_words import preprocess_words, tensor_words
from edgeclf.files import check_output
from edgeclf.golden_maker import NamedImages, folder_images
from edgeclf.json_values import to_json_value
from edgeclf.packing import ModelFlags, model_from_file, pack_model
from edgeclf.types import Model

__all__ = ["pack"]


@click.command()
@model_argument
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="FILE",
    help="The bundle; by default beside the model, with the ending .edgeclf.",
)
@click.option("--name", help="The model's name; by default its file's.")
@click.option(
    "--golden",
    type=FILE,
    metavar="DIR",
    help="Make the golden vectors from pictures of your own.",
)
@engine_option
@json_option
def pack(
    model: Path,
    model_flags: ModelFlags,
    output: Path | None,
    *,
    as_json: bool,
    **options: Any,
) -> None:
    """Put an existing .tflite or .onnx file into a bundle.

    What the file says itself is taken: sizes, types, scale and zero point, TFLite
    Metadata. What it does not say is asked for: labels, how pictures are prepared,
    what the scores are. The model runs once here to make the golden vectors that
    'edgeclf verify' replays on the board.

    \b
    Examples:
      edgeclf pack mobilenet_v2.tflite --labels labels.txt --preset keras
      edgeclf pack resnet18.onnx --labels labels.txt --preset timm --scores logits
      edgeclf pack found.tflite --labels labels.txt --preset keras -o found.edgeclf
    """  # noqa: D301 - click wants the control character
    target = output or model.with_suffix(".edgeclf")
    check_output(target, inputs=(model, model_flags.labels))
    opened = model_from_file(model, flags=model_flags)
    with progress("packing"):
        data = _packed(model, opened, **options)
        bundle = write_bundle(target, data)
    if as_json:
        print_json("pack", _payload(bundle, len(data)))
    else:
        click.echo(_text(bundle, len(data)))


def _packed(
    path: Path,
    model: Model,
    *,
    name: str | None,
    golden: Path | None,
    engine: str | None,
) -> bytes:
    images: NamedImages | None = None
    origin = "synthetic:0"
    if golden is not None:
        images = folder_images(golden, model.spec.preprocess.decode)
        origin = f"folder:{golden.resolve().name}"
    return pack_model(
        model,
        name=name,
        source_name=path.name,
        golden_images=images,
        golden_origin=origin,
        engine=engine,
    )


def _text(bundle: Bundle, size_bytes: int) -> str:
    manifest = bundle.manifest
    golden = manifest.golden
    rows = {
        "bundle": f"{bundle.path} ({size_bytes / 1e6:.2f} MB)",
        "identity": f"sha256:{bundle.digest}",
        "input": tensor_words(manifest.model.input),
        "pictures": preprocess_words(manifest.model.preprocess),
        "output": f"{tensor_words(manifest.model.output)}, {manifest.task.scores}",
        "labels": f"{len(bundle.labels)}: {', '.join(bundle.labels[:3])}, …",
        "golden": f"{len(golden.vectors)} pictures ({golden.origin}), run with "
        f"{golden.kernels.engine} {golden.kernels.version}",
        "quality": "not measured: packed as found",
    }
    lines = [f"{name:<10} {value}" for name, value in rows.items()]
    return "\n".join([*lines, "", f"next: edgeclf verify {bundle.path}"])


def _payload(bundle: Bundle, size_bytes: int) -> dict[str, Any]:
    manifest = bundle.manifest
    golden = manifest.golden
    return {
        "path": str(bundle.path),
        "name": manifest.name,
        "digest": bundle.digest,
        "size_bytes": size_bytes,
        "model": to_json_value(manifest.model),
        "task": to_json_value(manifest.task),
        "labels": len(bundle.labels),
        "golden": {
            "origin": golden.origin,
            "vectors": len(golden.vectors),
            "kernels": to_json_value(golden.kernels),
        },
        "source": {
            "name": manifest.provenance.source_name,
            "sha256": manifest.provenance.source_sha256,
        },
    }

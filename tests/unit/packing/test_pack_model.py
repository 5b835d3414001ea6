"""A packed model is a bundle that verifies, and its model file stands alone."""

from pathlib import Path

import pytest

from edgeclf.bundle import write_bundle
from edgeclf.packing import load_model, pack_model
from edgeclf.verification import verify_bundle
from tests.models import (
    ONNX_KINDS,
    TFLITE_KINDS,
    OnnxKind,
    TfliteKind,
    tiny_model,
)


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_a_packed_model_verifies(tmp_path: Path, kind: TfliteKind | OnnxKind) -> None:
    bundle = write_bundle(tmp_path / "m.edgeclf", pack_model(tiny_model(kind)))

    report = verify_bundle(bundle)

    assert report.ok
    assert bundle.manifest.quality.agreement is None
    assert bundle.manifest.provenance.recipe == {}


@pytest.mark.parametrize("kind", ["uint8", "float32", "qdq-uint8"])
def test_the_model_file_taken_out_needs_no_flags(
    tmp_path: Path, kind: TfliteKind | OnnxKind
) -> None:
    bundle = write_bundle(tmp_path / "m.edgeclf", pack_model(tiny_model(kind)))
    (tmp_path / "taken-out").write_bytes(bundle.model_bytes)

    model = load_model(tmp_path / "taken-out")

    assert model.labels == bundle.labels
    assert model.task == bundle.model.task
    assert model.spec.preprocess == bundle.model.spec.preprocess


def test_packing_twice_gives_the_same_bytes() -> None:
    assert pack_model(tiny_model("int8")) == pack_model(tiny_model("int8"))

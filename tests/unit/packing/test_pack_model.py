"""A packed model is a bundle that verifies, and its model file stands alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgeclf.bundle import write_bundle
from edgeclf.errors import BackendError
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


def test_a_model_whose_scores_are_no_numbers_is_not_packed() -> None:
    onnx = pytest.importorskip("onnx", reason="onnx, which makes the model, is absent")
    model = tiny_model("float32-nchw")
    graph = onnx.load_from_string(model.data)
    last = graph.graph.node[-1]
    last.output[0] = "before"
    # The root of what is below 0 is no number.
    graph.graph.node.append(onnx.helper.make_node("Neg", ["before"], ["below"]))
    graph.graph.node.append(
        onnx.helper.make_node("Sqrt", ["below"], [graph.graph.output[0].name])
    )
    broken = replace(model, data=graph.SerializeToString())

    with pytest.raises(BackendError, match="not finite numbers for the golden picture"):
        pack_model(broken)

"""``edgeclf inspect`` as a user runs it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from edgeclf.cli import main
from tests.bundles import edit_manifest, tiny_bundle_bytes
from tests.environments import ROOT
from tests.models import tiny_onnx, tiny_tflite

SCHEMA = json.loads((ROOT / "docs/schemas/inspect-1.json").read_text())


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def inspected(path: Path, capfd: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert run("inspect", path, "--json") == 0
    document: dict[str, Any] = json.loads(capfd.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    return document


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiny_tflite("uint8"), id="tflite"),
        pytest.param(tiny_onnx("qdq-uint8"), id="onnx"),
        pytest.param(tiny_onnx("float32-nchw", dynamic_batch=True), id="open-batch"),
        pytest.param(tiny_bundle_bytes("int8"), id="bundle"),
    ],
)
def test_json_obeys_its_schema(
    tmp_path: Path, data: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model"
    path.write_bytes(data)

    document = inspected(path, capfd)

    assert document["macs"] == 16 * 16 * 8 * 27 + 8 * 10
    assert document["engine"]["reason"] is None


def test_a_bare_file_says_which_flags_it_needs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_tflite("int8"))

    document = inspected(path, capfd)

    assert document["missing_flags"] == [
        "--labels labels.txt",
        "--preset efficientnet-lite",
    ]


def test_operators_outside_the_delegate_are_read_back_from_the_engine(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.tflite"
    path.write_bytes(tiny_tflite("float32"))
    whole = inspected(path, capfd)["engine"]
    path.write_bytes(tiny_tflite("int8"))
    partly = inspected(path, capfd)["engine"]

    assert whole["delegates"] == ["xnnpack"]
    assert whole["undelegated"] == {}
    # XNNPACK has no softmax in 8 bits.
    assert partly["undelegated"] == {"SOFTMAX": 1}


def test_people_see_a_bundle_in_words(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.edgeclf"
    path.write_bytes(tiny_bundle_bytes("int8"))

    assert run("inspect", path) == 0

    shown = capfd.readouterr().out
    assert "centre 0.875 of the shorter side, bilinear to 32x32" in shown
    assert "CONV_2D" in shown
    assert "agreement" in shown


def test_a_temperature_is_shown_to_people_and_programs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.edgeclf"
    task = {"kind": "multiclass", "scores": "logits", "temperature": 1.25}
    path.write_bytes(
        edit_manifest(tiny_bundle_bytes("int8"), lambda m: m.update(task=task))
    )

    assert inspected(path, capfd)["bundle"]["task"] == task
    assert run("inspect", path) == 0
    assert "temperature  1.25 that logits are divided by" in capfd.readouterr().out


def test_a_model_that_is_no_classifier_is_shown_with_the_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(two_outputs())

    document = inspected(path, capfd)

    assert "2 outputs" in document["unusable"]
    assert document["missing_flags"] == []
    assert document["engine"]["engine"] is None


def test_a_model_that_takes_no_rgb_picture_is_shown_with_the_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "grey.onnx"
    path.write_bytes(one_channel())

    document = inspected(path, capfd)

    assert "edgeclf feeds one RGB picture" in document["unusable"]
    assert document["missing_flags"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "empty", id="0-bytes"),
        pytest.param(b"just words\n", "a text file", id="text"),
        pytest.param(tiny_onnx("float32-nhwc")[:700], "cut short", id="truncated"),
        pytest.param(tiny_bundle_bytes("int8")[:9000], "cut short", id="cut-bundle"),
    ],
)
def test_a_wrong_file_is_one_line(
    tmp_path: Path, content: bytes, message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.edgeclf" if content[:2] == b"PK" else tmp_path / "odd.onnx"
    path.write_bytes(content)

    assert run("inspect", path) == 1

    stderr = capfd.readouterr().err
    assert stderr.count("\n") == 1
    assert message in stderr


def test_an_engine_that_cannot_run_the_file_is_an_error_when_asked_for(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(tiny_onnx("float32-nchw"))

    assert run("inspect", path, "--engine", "litert") == 1

    assert "cannot run an .onnx file" in capfd.readouterr().err


def two_outputs() -> bytes:
    from onnx import TensorProto, helper

    shape = [1, 3, 8, 8]
    names = ("boxes", "classes")
    graph = helper.make_graph(
        [helper.make_node("Relu", ["image"], [name]) for name in names],
        "detector",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n in names],
    )
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def one_channel() -> bytes:
    from onnx import TensorProto, helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["image"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["scores"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, 1])
    graph = helper.make_graph(nodes, "grey", [image], [scores])
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    data: bytes = model.SerializeToString()
    return data

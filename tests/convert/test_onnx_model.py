"""Keras to ONNX: what the file takes, gives and stores, and that its bytes are ours."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edgeclf.errors import CalibrationError, ConversionError
from edgeclf.modelfile import read_model_file
from edgeclf.preprocess import preset
from edgeclf.types import QuantParams
from tests.convert.workshop import (
    LABELS,
    SIZE,
    after,
    photo_pixels,
    recipe,
    tiny_source,
    workpiece,
)

onnx: Any = pytest.importorskip("onnx")
canonical: Any = pytest.importorskip("converters.onnx_canonical")
edits: Any = pytest.importorskip("converters.onnx_edits")

if TYPE_CHECKING:
    from converters.recipe import Precision
    from converters.workpiece import Workpiece

pytestmark = pytest.mark.convert

ALL = ("export", "quantize", "compile", "verify")


@pytest.fixture(scope="module")
def int8(tmp_path_factory: pytest.TempPathFactory) -> "Workpiece":
    folder = tmp_path_factory.mktemp("int8")
    pale = [image // 2 + 60 for image in photo_pixels(40)]
    work = workpiece(folder, recipe("onnx", "int8"), pictures=pale)
    return after(work, *ALL)


def graph_of(work: "Workpiece") -> Any:
    assert work.artefact is not None
    return onnx.load_from_string(work.artefact.data).graph


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_float_file_takes_raw_pixels_and_agrees_with_its_source(
    precision: "Precision", tmp_path: Path
) -> None:
    work = after(workpiece(tmp_path, recipe("onnx", precision)), *ALL)

    assert work.artefact is not None
    assert work.artefact.spec.input.dtype == "uint8"
    assert work.artefact.spec.input.shape == (1, *SIZE, 3)
    assert work.quality is not None
    assert work.quality.agreement is not None
    assert work.quality.agreement.value > 0.95


def test_fp16_stores_each_kernel_in_two_bytes(tmp_path: Path) -> None:
    work = workpiece(tmp_path, recipe("onnx", "fp16"))

    data = after(work, "export", "quantize").quantized

    assert data is not None
    kernels = [
        k for k in onnx.load_from_string(data).graph.initializer if len(k.dims) > 1
    ]
    assert kernels
    assert {kernel.data_type for kernel in kernels} == {onnx.TensorProto.FLOAT16}


def test_batch_normalisation_is_folded_away(tmp_path: Path) -> None:
    work = after(workpiece(tmp_path, recipe("onnx", "fp32")), "export")

    assert work.exported is not None
    kinds = [node.op_type for node in onnx.load(work.exported).graph.node]
    assert "BatchNormalization" not in kinds
    assert kinds.count("Mul") <= 1  # the pixels' std


def test_int8_takes_pixels_with_the_specs_range_whatever_the_photos(
    int8: "Workpiece",
) -> None:
    graph = graph_of(int8)
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in graph.initializer}
    first = next(
        node
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] not in constants
    )

    assert graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert constants[first.input[1]] == 1 / 128
    assert constants[first.input[2]] == 127
    assert int8.artefact is not None
    assert int8.artefact.spec.preprocess.normalization == "graph"


def test_int8_weights_have_a_scale_for_each_channel(int8: "Workpiece") -> None:
    graph = graph_of(int8)
    constants = {c.name: onnx.numpy_helper.to_array(c) for c in graph.initializer}
    sources = {node.output[0]: node for node in graph.node}

    for node in graph.node:
        if node.op_type == "Conv":
            weights = sources[node.input[1]]
            channels = constants[weights.input[0]].shape[0]
            assert constants[weights.input[1]].shape == (channels,)


def test_int8_agrees_with_its_source_on_most_photos(int8: "Workpiece") -> None:
    assert int8.quality is not None
    assert int8.quality.agreement is not None
    assert int8.quality.agreement.value >= 0.85


def test_the_file_carries_labels_shapes_and_no_name_that_a_tool_made_up(
    int8: "Workpiece",
) -> None:
    graph = graph_of(int8)
    assert int8.artefact is not None
    described = read_model_file(int8.artefact.data, name="x")

    assert described.metadata.labels == LABELS
    assert described.macs
    assert described.macs > 0
    assert graph.input[0].name == "image"
    assert graph.output[0].name == "scores"
    made = [node.output[0] for node in graph.node[:-1]]
    assert {value.name for value in graph.value_info} == set(made)
    assert all(name.partition("_")[0].islower() for name in made)


def test_channels_that_differ_are_scaled_by_the_graph(tmp_path: Path) -> None:
    source = tiny_source(preset("keras-torch", size=SIZE))

    work = after(workpiece(tmp_path, recipe("onnx", "int8"), source), *ALL)

    assert work.quality is not None
    assert work.quality.agreement is not None
    assert work.quality.agreement.value >= 0.8


def test_int8_without_photos_is_refused(tmp_path: Path) -> None:
    work = replace(workpiece(tmp_path, recipe("onnx", "int8")), calibration=None)

    with pytest.raises(CalibrationError, match="--calibrate"):
        after(work, "quantize")


def three_nodes(first: str, second: str, constant: str) -> Any:
    make = onnx.helper
    value = make.make_tensor(constant, onnx.TensorProto.FLOAT, [1], [2.0])
    unused = make.make_tensor("unused", onnx.TensorProto.FLOAT, [1], [3.0])
    sides = [
        make.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4])
        for name in ("in", "out")
    ]
    nodes = [
        make.make_node("Add", ["in", constant], [first], name=f"{first}/x"),
        make.make_node("Relu", [first], [second], doc_string="by hand"),
        make.make_node("Add", [second, constant], ["out"]),
    ]
    graph = make.make_graph(nodes, "g", sides[:1], sides[1:], [unused, value])
    return make.make_model(graph, opset_imports=[make.make_opsetid("", 17)])


def test_the_same_graph_under_other_names_gives_the_same_bytes() -> None:
    one = canonical.canonical_bytes(three_nodes("a__1", "b__2", "c__3"), name="net")
    other = canonical.canonical_bytes(three_nodes("x/7", "relu:0", "k"), name="net")

    assert one == other
    names = [node.name for node in onnx.load_from_string(one).graph.node]
    assert names == ["add_0", "relu_0", "scores"]


def test_a_graph_that_branches_is_refused() -> None:
    model = three_nodes("a", "b", "c")
    inner = onnx.helper.make_graph([], "inner", [], [])
    model.graph.node[1].attribute.append(onnx.helper.make_attribute("then", inner))

    with pytest.raises(ConversionError, match="branches at a Relu"):
        canonical.canonical_bytes(model, name="net")


def test_a_graph_that_does_not_begin_with_its_quantization_is_refused() -> None:
    with pytest.raises(ConversionError, match="Add where QuantizeLinear must be"):
        edits.take_raw_pixels(
            three_nodes("a", "b", "c"), QuantParams(scale=1 / 128, zero_point=127)
        )

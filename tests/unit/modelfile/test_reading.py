"""What is read from model files, and what is refused in one line."""

import subprocess
import sys
import time

import numpy as np
import pytest

from edgeclf.errors import ModelFileError
from edgeclf.modelfile import ModelFile, embed_metadata, read_model_file
from tests.models import (
    ONNX_KINDS,
    TFLITE_KINDS,
    OnnxKind,
    TfliteKind,
    tiny_model,
    tiny_onnx,
    tiny_tflite,
)

# The tiny network on 32x32 pixels: 3x3 convolution with stride 2 from 3 to 8 channels,
# then 8 means to 10 classes.
CONVOLUTION_MACS = 16 * 16 * 8 * 3 * 3 * 3
DENSE_MACS = 8 * 10


def tiny(kind: TfliteKind | OnnxKind) -> bytes:
    return tiny_model(kind).data


def read(kind: TfliteKind | OnnxKind) -> ModelFile:
    return read_model_file(tiny(kind), name="tiny")


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_inputs_and_outputs_are_those_that_the_model_was_made_with(
    kind: TfliteKind | OnnxKind,
) -> None:
    spec = tiny_model(kind).spec

    file = read(kind)

    assert file.format == spec.format
    assert file.input.shape == spec.input.shape
    assert file.input.dtype == spec.input.dtype
    assert file.output.shape == spec.output.shape
    assert file.output.dtype == spec.output.dtype
    assert file.output.quantization == spec.output.quantization


@pytest.mark.parametrize("kind", TFLITE_KINDS)
def test_the_input_quantization_of_a_tflite_file_is_read(kind: TfliteKind) -> None:
    assert read(kind).input.quantization == tiny_model(kind).spec.input.quantization


def test_the_input_quantization_of_an_onnx_file_is_what_its_first_node_undoes() -> None:
    quantization = read("qdq-uint8").input.quantization

    assert quantization is not None
    assert quantization.scale == pytest.approx(1 / 128)
    assert quantization.zero_point == 127


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_macs_are_those_of_the_network(kind: TfliteKind | OnnxKind) -> None:
    assert read(kind).macs == CONVOLUTION_MACS + DENSE_MACS


def test_operators_come_with_the_most_work_first() -> None:
    first, second, *rest = read("float32").operators

    assert (first.name, first.count, first.macs) == ("CONV_2D", 1, CONVOLUTION_MACS)
    assert (second.name, second.macs) == ("FULLY_CONNECTED", DENSE_MACS)
    assert {item.macs for item in rest} == {0}


def test_weights_of_a_float_model_take_four_bytes_each() -> None:
    file = read("float32-nchw")

    floats = 8 * 27 + 8 + 10 * 8 + 10
    assert floats * 4 <= file.weights_bytes < floats * 4 + 100


def test_the_peak_of_activations_is_the_input_beside_the_convolution() -> None:
    file = read("float32")

    assert file.activations_bytes == 4 * (32 * 32 * 3 + 16 * 16 * 8)


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_the_operator_that_makes_the_scores_is_seen_through_requantization(
    kind: TfliteKind | OnnxKind,
) -> None:
    assert read(kind).final_operator.upper() == "SOFTMAX"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(tiny_tflite("int8", dynamic_batch=True), id="tflite"),
        pytest.param(tiny_onnx("float32-nchw", dynamic_batch=True), id="onnx"),
    ],
)
def test_an_open_batch_is_run_with_one_picture(data: bytes) -> None:
    file = read_model_file(data, name="tiny")

    assert file.inputs[0].shape[0] is None
    assert file.input.shape[0] == 1
    assert file.output.shape == (1, 10)
    assert file.macs == CONVOLUTION_MACS + DENSE_MACS


def test_an_open_height_is_refused_with_the_shape() -> None:
    model = read_model_file(onnx_with_input(["batch", 3, "height", 32]), name="m.onnx")

    with pytest.raises(ModelFileError, match=r"m\.onnx.*\(\?, 3, \?, 32\).*fixed size"):
        _ = model.input


def test_a_model_of_two_outputs_is_read_and_refused_as_a_classifier() -> None:
    model = read_model_file(onnx_with_outputs(2), name="m.onnx")

    assert len(model.outputs) == 2
    with pytest.raises(ModelFileError, match="2 outputs"):
        _ = model.output


def test_weights_in_another_file_are_named() -> None:
    with pytest.raises(ModelFileError, match=r"another file.*save_as_external_data"):
        read_model_file(onnx_with_external_weights(), name="m.onnx")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"", "empty", id="nothing"),
        pytest.param(b"hello, I am no model\n", "a text file", id="text"),
        pytest.param(b"PK\x03\x04" + bytes(40), "edgeclf convert", id="keras"),
        pytest.param(b"\x89HDF\r\n\x1a\n" + bytes(40), "edgeclf convert", id="h5"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(40), "PNG picture", id="png"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(40), "JPEG picture", id="jpeg"),
        pytest.param(b"\x00\x01\x02\x03\x04", "begins with 00 01", id="bytes"),
        pytest.param(b"\x1c\x00\x00\x00TFL3", "damaged or cut short", id="header"),
    ],
)
def test_what_is_no_model_is_named_for_what_it_is(data: bytes, message: str) -> None:
    with pytest.raises(ModelFileError, match=message) as caught:
        read_model_file(data, name="odd.tflite")

    assert str(caught.value).startswith("odd.tflite: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["int8", "qdq-uint8"])
def test_a_file_cut_anywhere_is_refused_or_still_whole(
    kind: TfliteKind | OnnxKind,
) -> None:
    data = tiny(kind)

    refusals = [refusal(data[:end]) for end in range(0, len(data), 7)]

    assert sum(each is not None for each in refusals) >= len(refusals) - 8


@pytest.mark.parametrize("with_metadata", [False, True])
@pytest.mark.parametrize("kind", ["uint8", "qdq-uint8"])
def test_flipped_bytes_never_end_in_another_error(
    kind: TfliteKind | OnnxKind, *, with_metadata: bool
) -> None:
    data = described(kind) if with_metadata else tiny(kind)
    random = np.random.default_rng(0)
    slowest = 0.0

    for _ in range(1500):
        damaged = bytearray(data)
        for at in random.integers(len(data), size=random.choice([1, 1, 4])):
            damaged[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF])
        start = time.process_time()  # the clock of a busy machine says nothing
        assert "\n" not in (refusal(bytes(damaged)) or "")
        slowest = max(slowest, time.process_time() - start)

    assert slowest < 1


def test_reading_a_file_imports_nothing_that_only_writing_needs() -> None:
    code = (
        "import sys; from edgeclf.modelfile import read_model_file;"
        "read_model_file(sys.stdin.buffer.read(), name='tiny'); print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        input=tiny("int8"),
        capture_output=True,
        check=True,
    )

    assert not {"flatbuffers", "zipfile"} & set(done.stdout.decode().split())


def described(kind: TfliteKind | OnnxKind) -> bytes:
    model = tiny_model(kind)
    return embed_metadata(
        model.data, name="t", spec=model.spec, task=model.task, labels=model.labels
    )


def refusal(data: bytes) -> str | None:
    try:
        file = read_model_file(data, name="damaged")
        _ = file.macs, file.metadata
    except ModelFileError as error:
        return str(error)
    return None


def onnx_with_input(shape: list[str | int]) -> bytes:
    return _onnx([("image", shape)], ["scores"])


def onnx_with_outputs(count: int) -> bytes:
    return _onnx([("image", [1, 3, 8, 8])], [f"scores{i}" for i in range(count)])


def onnx_with_external_weights() -> bytes:
    from onnx import TensorProto, helper

    weights = TensorProto(
        name="w", data_type=TensorProto.FLOAT, dims=[3], data_location=1
    )
    graph = helper.make_graph([], "g", [], [], initializer=[weights])
    data: bytes = helper.make_model(graph).SerializeToString()
    return data


def _onnx(inputs: list[tuple[str, list[str | int]]], outputs: list[str]) -> bytes:
    from onnx import TensorProto, helper

    def info(name: str, shape: list[str | int]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    first, shape = inputs[0]
    graph = helper.make_graph(
        [helper.make_node("Relu", [first], [name]) for name in outputs],
        "g",
        [info(name, sides) for name, sides in inputs],
        [info(name, shape) for name in outputs],
    )
    data: bytes = helper.make_model(graph).SerializeToString()
    return data

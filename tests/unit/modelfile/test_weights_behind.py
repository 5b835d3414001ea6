"""Files with weights behind their flatbuffer: read, packed, and refused when damaged."""

import struct

import numpy as np
import pytest

from edgeclf.backends import open_backend
from edgeclf.errors import ModelFileError
from edgeclf.modelfile import embed_metadata, read_model_file
from tests.models import TFLITE_KINDS, TfliteKind, tiny_model, tiny_tflite
from tests.tiny.tflite_writer import Operator, WrittenTensor, write_tflite

LAST_BYTES = 4 * 10  # the dense layer's bias: the last thing in the file


def behind(kind: TfliteKind = "int8") -> bytes:
    return tiny_tflite(kind, outside=True)


def embedded(data: bytes, kind: TfliteKind = "int8", name: str = "t") -> bytes:
    model = tiny_model(kind)
    return embed_metadata(
        data, name=name, spec=model.spec, task=model.task, labels=model.labels
    )


@pytest.mark.parametrize("kind", TFLITE_KINDS)
def test_they_are_described_as_with_weights_inside(kind: TfliteKind) -> None:
    outside = read_model_file(behind(kind), name="t")
    inside = read_model_file(tiny_tflite(kind), name="t")

    assert outside.operators == inside.operators
    assert outside.parameters == inside.parameters
    assert outside.weights_bytes == inside.weights_bytes
    assert outside.activations_bytes == inside.activations_bytes


@pytest.mark.parametrize("kind", TFLITE_KINDS)
def test_metadata_change_no_score_and_come_back(kind: TfliteKind) -> None:
    model = tiny_model(kind)
    data = embedded(behind(kind), kind)
    tensor = np.random.default_rng(0).integers(0, 100, model.spec.input.shape)
    tensor = tensor.astype(model.spec.input.dtype)

    with (
        open_backend(behind(kind), format="tflite") as plain,
        open_backend(data, format="tflite") as described,
    ):
        assert np.array_equal(plain.run(tensor), described.run(tensor))

    metadata = read_model_file(data, name="t").metadata
    assert metadata.labels == model.labels
    assert metadata.preprocess == model.spec.preprocess


def test_embedding_again_gives_the_same_bytes() -> None:
    once = embedded(behind())

    assert embedded(once) == once
    assert embedded(embedded(behind(), name="other")) == once


def test_packed_weights_are_once_in_the_file_and_aligned() -> None:
    data = embedded(behind())
    last = behind()[-LAST_BYTES:]

    assert data.count(last) == 1
    assert data.index(last) % 16 == 0


def test_one_place_may_serve_two_buffers() -> None:
    tensors = [
        WrittenTensor(name="image", shape=(1, 4), dtype="float32"),
        *(
            WrittenTensor(name=name, shape=(1, 4), dtype="float32", data=values)
            for name, values in (
                ("a", np.arange(4, dtype=np.float32)),
                ("b", np.ones(4, np.float32)),
            )
        ),
        WrittenTensor(name="sum", shape=(1, 4), dtype="float32"),
        WrittenTensor(name="scores", shape=(1, 4), dtype="float32"),
    ]
    operators = [
        Operator(kind="ADD", inputs=[0, 1], outputs=[3], options=[(0, "Int8", 0)]),
        Operator(kind="ADD", inputs=[3, 2], outputs=[4], options=[(0, "Int8", 0)]),
    ]
    data = write_tflite(tensors, operators, inputs=[0], outputs=[4], outside=True)
    shared = moved(data, at=len(data) - 16, to=len(data) - 32)

    with open_backend(shared, format="tflite") as backend:
        scores = backend.run(np.zeros((1, 4), np.float32))

    assert scores.ravel().tolist() == [0, 2, 4, 6]
    assert read_model_file(shared, name="t").parameters == 8


@pytest.mark.parametrize(
    ("to", "message"),
    [
        pytest.param(10**6, "at bytes 1000000 to", id="past the end"),
        pytest.param(2**64 - 8, "at bytes 18446744073709551608 to", id="overflow"),
        pytest.param(8, "damaged or cut short", id="over the flatbuffer"),
        pytest.param(-16, "two buffers overlap", id="over another"),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_one_line(to: int, message: str) -> None:
    data = behind()
    place = len(data) - LAST_BYTES
    damaged = moved(data, at=place, to=to if to > 0 else place + to)

    with pytest.raises(ModelFileError, match=message) as caught:
        read_model_file(damaged, name="t")

    assert "\n" not in str(caught.value)
    with pytest.raises(ModelFileError, match="cannot be put into"):
        embedded(damaged)


def test_a_file_cut_in_its_weights_is_refused() -> None:
    with pytest.raises(ModelFileError, match="buffer 5 is at bytes"):
        read_model_file(behind()[:-1], name="t")


def test_flipped_bytes_never_end_in_another_error() -> None:
    random = np.random.default_rng(0)
    refusals = []

    for _ in range(150):
        damaged = bytearray(behind())
        for at in random.integers(len(damaged), size=random.choice([1, 4])):
            damaged[at] = random.choice([0, 1, 0x7F, 0x80, 0xFF])
        try:
            embedded(bytes(damaged))
        except ModelFileError as error:
            refusals.append(str(error))

    assert len(refusals) > 20
    assert not any("\n" in message for message in refusals)


def test_options_behind_the_flatbuffer_are_refused() -> None:
    data = write_tflite(
        [
            WrittenTensor(name="image", shape=(1, 4), dtype="float32"),
            WrittenTensor(name="scores", shape=(1, 4), dtype="float32"),
        ],
        [
            Operator(
                kind="SOFTMAX",
                inputs=[0],
                outputs=[1],
                options=[(0, "Float32", 1.0)],
                others=[(9, "Uint64", 4096), (10, "Uint64", 8)],
            )
        ],
        inputs=[0],
        outputs=[1],
    )

    with pytest.raises(ModelFileError, match="options of a custom operator"):
        read_model_file(data, name="t")


def moved(data: bytes, *, at: int, to: int) -> bytes:
    """Return the file with the buffer that begins at a byte said to begin elsewhere."""
    old = struct.pack("<Q", at)
    assert data.count(old) == 1
    return data.replace(old, struct.pack("<Q", to))

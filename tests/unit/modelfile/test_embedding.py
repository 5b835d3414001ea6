"""Metadata put into model files: complete, standard, repeatable, and harmless."""

import io
import zipfile

import numpy as np
import pytest

from edgeclf.backends import open_backend
from edgeclf.errors import ModelFileError
from edgeclf.modelfile import embed_metadata, read_model_file
from edgeclf.types import Model
from tests.models import (
    ONNX_KINDS,
    TFLITE_KINDS,
    OnnxKind,
    TfliteKind,
    labels_for,
    tiny_model,
    tiny_tflite,
)

KINDS = [*TFLITE_KINDS, *ONNX_KINDS]
LABELS = ("Würfel", "zebra, striped", *labels_for(8))


def embedded(model: Model, labels: tuple[str, ...] = LABELS, name: str = "t") -> bytes:
    return embed_metadata(
        model.data, name=name, spec=model.spec, task=model.task, labels=labels
    )


@pytest.mark.parametrize("kind", KINDS)
def test_labels_and_preprocessing_come_back(kind: TfliteKind | OnnxKind) -> None:
    model = tiny_model(kind)

    metadata = read_model_file(embedded(model), name="t").metadata

    assert metadata.name == "t"
    assert metadata.labels == LABELS
    assert metadata.preprocess == model.spec.preprocess
    assert metadata.scores == "probabilities"


@pytest.mark.parametrize("kind", KINDS)
def test_embedding_again_gives_the_same_bytes(kind: TfliteKind | OnnxKind) -> None:
    model = tiny_model(kind)
    once = embedded(model)

    again = embed_metadata(
        once, name="t", spec=model.spec, task=model.task, labels=LABELS
    )

    assert again == once == embedded(model)


@pytest.mark.parametrize("kind", KINDS)
def test_other_metadata_replace_the_earlier_ones(kind: TfliteKind | OnnxKind) -> None:
    model = tiny_model(kind)
    once = embedded(model)

    other = embed_metadata(
        once, name="n", spec=model.spec, task=model.task, labels=labels_for(10)
    )

    assert other == embedded(model, labels_for(10), "n")
    assert b"zebra" not in other


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_itself_says_and_does_the_same(kind: TfliteKind | OnnxKind) -> None:
    model = tiny_model(kind)
    data = embedded(model)
    before = read_model_file(model.data, name="t")
    after = read_model_file(data, name="t")
    tensor = np.random.default_rng(0).integers(0, 100, model.spec.input.shape)
    tensor = tensor.astype(model.spec.input.dtype)

    with (
        open_backend(model.data, format=model.spec.format) as plain,
        open_backend(data, format=model.spec.format) as described,
    ):
        assert np.array_equal(plain.run(tensor), described.run(tensor))
        assert plain.identity.delegates == described.identity.delegates

    assert (after.inputs, after.outputs) == (before.inputs, before.outputs)
    assert after.operators == before.operators
    assert after.parameters == before.parameters


@pytest.mark.parametrize("kind", TFLITE_KINDS)
def test_weights_stay_aligned_to_sixteen_bytes(kind: TfliteKind) -> None:
    model = tiny_model(kind)

    data = embedded(model)

    assert data[4:8] == b"TFL3"
    assert data.index(model.data) % 64 == 0


def test_packed_files_are_a_zip_with_fixed_dates_behind_the_model() -> None:
    data = embedded(tiny_model("int8"))

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        labels = archive.read("labels.txt").decode()
        dates = {member.date_time for member in archive.infolist()}

    assert labels.splitlines() == list(LABELS)
    assert dates == {(1980, 1, 1, 0, 0, 0)}


def test_tflite_metadata_say_how_the_device_normalizes() -> None:
    normalization = read_model_file(
        embedded(tiny_model("float32")), name="t"
    ).metadata.normalization

    assert normalization is not None
    assert normalization.mean == (127.0, 127.0, 127.0)
    assert normalization.std == (128.0, 128.0, 128.0)


def test_onnx_metadata_are_seen_by_the_onnx_package_and_the_engine() -> None:
    import onnx
    import onnxruntime

    data = embedded(tiny_model("qdq-uint8"))

    model = onnx.load_from_string(data)
    onnx.checker.check_model(model)
    props = {entry.key: entry.value for entry in model.metadata_props}
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert props["edgeclf.labels"].splitlines() == list(LABELS)
    assert session.get_modelmeta().custom_metadata_map == props


def test_foreign_onnx_properties_stay() -> None:
    import onnx

    model = tiny_model("float32-nchw")
    proto = onnx.load_from_string(model.data)
    onnx.helper.set_model_props(proto, {"licence": "MIT"})

    data = embed_metadata(
        proto.SerializeToString(),
        name="t",
        spec=model.spec,
        task=model.task,
        labels=LABELS,
    )

    properties = read_model_file(data, name="t").metadata.properties
    assert properties["licence"] == "MIT"
    assert len(properties) == 5


def test_a_label_of_two_lines_is_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="one line"):
        embedded(tiny_model("int8"), ("two\nlines", *LABELS[1:]))


def test_another_number_of_labels_is_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="9 labels for 10 classes"):
        embedded(tiny_model("int8"), LABELS[1:])


def test_a_damaged_model_gets_no_metadata() -> None:
    model = tiny_model("int8")

    with pytest.raises(ModelFileError, match="cannot be put into"):
        embed_metadata(
            tiny_tflite("int8")[:200],
            name="t",
            spec=model.spec,
            task=model.task,
            labels=LABELS,
        )

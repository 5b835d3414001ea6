"""What bare model files are asked for, and what they are refused for."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgeclf.errors import InputFileError, ModelFileError, SpecError
from edgeclf.modelfile import (
    FileMetadata,
    Normalization,
    embed_metadata,
    read_model_file,
)
from edgeclf.packing import ModelFlags, load_model, model_from_file, what_is_known
from edgeclf.packing.preprocessing import resolve_preprocess
from edgeclf.preprocess import preset
from edgeclf.types import Model, QuantParams, Task, TensorSpec
from tests.bundles import tiny_bundle_bytes
from tests.models import (
    ONNX_KINDS,
    TFLITE_KINDS,
    OnnxKind,
    TfliteKind,
    labels_for,
    tiny_model,
    tiny_onnx,
    tiny_tflite,
)

LITE = "efficientnet-lite"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "labels.txt").write_text("\n".join(labels_for(10)) + "\n")
    return tmp_path


def put(folder: Path, data: bytes, name: str = "found.tflite") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def load(folder: Path, data: bytes, **flags: object) -> Model:
    said = {"labels": folder / "labels.txt", "preset": LITE, **flags}
    return load_model(put(folder, data), flags=ModelFlags(**said))  # type: ignore[arg-type] # any flag


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_labels_and_a_preset_are_enough(
    folder: Path, kind: TfliteKind | OnnxKind
) -> None:
    expected = tiny_model(kind)

    model = load(folder, expected.data)

    assert model.labels == expected.labels
    assert model.task == expected.task
    assert model.spec.input.shape == expected.spec.input.shape
    assert model.spec.preprocess.layout == expected.spec.preprocess.layout
    assert model.spec.preprocess.dtype == expected.spec.preprocess.dtype
    assert model.digest == expected.digest


def test_the_name_of_the_file_decides_nothing(folder: Path) -> None:
    path = put(folder, tiny_onnx("float32-nhwc"), "wrongly-named.tflite")
    flags = ModelFlags(labels=folder / "labels.txt", preset=LITE)

    assert load_model(path, flags=flags).spec.format == "onnx"


def test_missing_labels_are_asked_for_with_an_example(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"10 classes.*--labels labels\.txt"):
        load(folder, tiny_tflite("int8"), labels=None)


def test_a_missing_preset_is_asked_for_with_an_example(folder: Path) -> None:
    with pytest.raises(SpecError, match="--preset efficientnet-lite"):
        load(folder, tiny_tflite("int8"), preset=None)


def test_scores_that_the_file_does_not_tell_are_asked_for(folder: Path) -> None:
    data = tiny_tflite("float32", scores="logits")

    with pytest.raises(SpecError, match=r"FULLY_CONNECTED.*--scores probabilities"):
        load(folder, data)
    assert load(folder, data, scores="logits").task.scores == "logits"


def test_scores_against_the_file_are_refused(folder: Path) -> None:
    with pytest.raises(SpecError, match=r"contradicts.*SOFTMAX"):
        load(folder, tiny_tflite("int8"), scores="logits")


def test_several_missing_flags_are_asked_for_in_one_line(folder: Path) -> None:
    data = tiny_tflite("float32", scores="logits")

    with pytest.raises(SpecError, match=r"--preset efficientnet-lite --scores logits"):
        load(folder, data, preset=None)


def test_all_that_is_missing_is_told_at_once() -> None:
    file = read_model_file(tiny_onnx("float32-nchw", scores="logits"), name="m")

    assert what_is_known(file).missing == (
        "--labels labels.txt",
        "--preset efficientnet-lite",
        "--scores logits",
    )


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param(
            ("background", *labels_for(10)), "'background'.*delete", id="more"
        ),
        pytest.param(labels_for(9), "'background' first.*at the top", id="fewer"),
        pytest.param(labels_for(4), "4 labels for 10 classes", id="others"),
    ],
)
def test_labels_of_another_number_are_explained(
    folder: Path, labels: tuple[str, ...], message: str
) -> None:
    (folder / "labels.txt").write_text("\n".join(labels))

    with pytest.raises(SpecError, match=message):
        load(folder, tiny_tflite("int8"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"\xff\xfe\x00", "not UTF-8", id="binary"),
        pytest.param(b"a\n\nb\nc\nd\ne\nf\ng\nh\ni\n", "line 2", id="blank-line"),
        pytest.param(b"", "empty", id="empty"),
    ],
)
def test_a_labels_file_that_cannot_be_is_named(
    folder: Path, content: bytes, message: str
) -> None:
    (folder / "labels.txt").write_bytes(content)

    with pytest.raises(InputFileError, match=rf"labels\.txt.*{message}"):
        load(folder, tiny_tflite("int8"))


def test_labels_from_windows_are_read(folder: Path) -> None:
    text = "\ufeff" + "\r\n".join(labels_for(10)) + "\r\n\r\n"
    (folder / "labels.txt").write_bytes(text.encode())

    assert load(folder, tiny_tflite("int8")).labels == labels_for(10)


def test_mean_and_std_that_the_input_cannot_hold_are_refused(folder: Path) -> None:
    with pytest.raises(SpecError, match="mean 0 and std 1 do not fit"):
        load(folder, tiny_tflite("int8"), preset="keras-raw")


def test_flags_count_before_the_preset(folder: Path) -> None:
    model = load(
        folder,
        tiny_tflite("float32"),
        preset="keras",
        mean=(1.0, 2.0, 3.0),
        crop_fraction=0.8,
    )

    spec = model.spec.preprocess
    assert spec.mean == (1.0, 2.0, 3.0)
    assert spec.std == (127.5, 127.5, 127.5)
    assert (spec.crop.kind, spec.crop.fraction) == ("fraction", 0.8)


def test_a_crop_fraction_moves_the_resize_of_trainers_that_crop_after(
    folder: Path,
) -> None:
    model = load(folder, tiny_tflite("float32"), preset="timm", crop_fraction=0.5)

    assert model.spec.preprocess.resize.size == (64, 64)
    assert model.spec.preprocess.size == (32, 32)


def test_mean_and_std_of_a_raw_model_are_refused() -> None:
    image = TensorSpec(name="i", shape=(1, 8, 8, 3), dtype="uint8")
    flags = ModelFlags(preset=LITE, mean=(1.0, 1.0, 1.0))

    with pytest.raises(SpecError, match="raw uint8 pixels"):
        resolve_preprocess(flags, FileMetadata(), image, name="m")


def test_raw_pixels_need_no_mean_and_std() -> None:
    image = TensorSpec(name="i", shape=(1, 3, 8, 8), dtype="uint8")

    spec = resolve_preprocess(ModelFlags(preset=LITE), FileMetadata(), image, name="m")

    assert (spec.normalization, spec.layout) == ("graph", "nchw")
    assert spec.mean == (0.0, 0.0, 0.0)


def test_metadata_that_contradict_the_preset_are_not_guessed_over() -> None:
    image = TensorSpec(name="i", shape=(1, 8, 8, 3), dtype="float32")
    said = FileMetadata(normalization=Normalization(mean=(0.0,), std=(255.0,)))

    with pytest.raises(SpecError) as caught:
        resolve_preprocess(ModelFlags(preset=LITE), said, image, name="m")

    assert str(caught.value) == (
        "m says of its pictures: mean 0, std 255; and --preset says: mean 127, std "
        "128: leave --preset out, or give --override-metadata to let flags count"
    )
    flags = ModelFlags(preset=LITE, std=(255.0, 255.0, 255.0))
    assert resolve_preprocess(flags, said, image, name="m").mean == (0.0, 0.0, 0.0)
    flags = ModelFlags(preset=LITE, override_metadata=True)
    assert resolve_preprocess(flags, said, image, name="m").mean == (127.0,) * 3


def described(kind: TfliteKind | OnnxKind = "float32") -> bytes:
    """Return a file with edgeclf's own metadata: 0.875 of the shorter side."""
    model = tiny_model(kind)
    return embed_metadata(
        model.data, name="t", spec=model.spec, task=model.task, labels=model.labels
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"preset": "keras"}, r"crop\.kind fraction.*--preset says: crop\.kind n"),
        ({"mean": (1.0, 2.0, 3.0)}, r"mean 127; and --mean says: mean 1,2,3: leave"),
        ({"crop_fraction": 0.5}, r"crop\.fraction 0\.875; and --crop-fraction"),
    ],
)
@pytest.mark.parametrize("kind", ["float32", "int8", "float32-nchw"])
def test_flags_against_the_files_own_preparation_are_refused_with_both(
    folder: Path, kind: TfliteKind | OnnxKind, flags: dict[str, object], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        load(folder, described(kind), **{"preset": None, **flags})


def test_flags_override_the_files_own_preparation_when_told_to(folder: Path) -> None:
    model = load(folder, described(), preset="keras", override_metadata=True)

    assert model.spec.preprocess.crop.kind == "none"
    assert model.spec.preprocess.mean == (127.5,) * 3


def test_flags_that_say_what_the_file_says_are_no_contradiction(folder: Path) -> None:
    data = described()
    expected = tiny_model("float32").spec.preprocess

    model = load(folder, data, preset=None, crop_fraction=0.875, std=(128.0,) * 3)

    assert model.spec.preprocess == expected


def test_a_preset_leaves_pixels_raw_where_the_file_normalizes(folder: Path) -> None:
    model = tiny_model("qdq-uint8")
    spec = preset(LITE, size=(32, 32))
    raw = replace(
        spec, mean=(0.0,) * 3, std=(1.0,) * 3, normalization="graph", dtype="uint8"
    )
    data = embed_metadata(
        model.data,
        name="t",
        spec=replace(model.spec, preprocess=raw),
        task=model.task,
        labels=model.labels,
    )

    assert load(folder, data).spec.preprocess == raw


def test_scores_of_metadata_can_be_overridden_and_those_of_an_operator_not(
    folder: Path,
) -> None:
    model = tiny_model("float32", scores="logits")
    wrong = embed_metadata(
        model.data,
        name="t",
        spec=model.spec,
        task=Task(scores="probabilities"),
        labels=model.labels,
    )
    flags = {"preset": None, "scores": "logits"}

    with pytest.raises(SpecError, match="contradicts"):
        load(folder, wrong, **flags)
    right = load(folder, wrong, **flags, override_metadata=True)
    assert right.task.scores == "logits"
    with pytest.raises(SpecError, match="contradicts"):
        load(folder, described(), **flags, override_metadata=True)


@pytest.mark.parametrize(
    "shape", [(1, 28, 28, 1), (1, 8, 8), (1, 3, 8, 8, 8), (2, 8, 8, 3)]
)
def test_an_input_that_is_no_rgb_picture_is_refused(shape: tuple[int, ...]) -> None:
    image = TensorSpec(name="i", shape=shape, dtype="float32")

    with pytest.raises(ModelFileError, match="one RGB picture"):
        resolve_preprocess(ModelFlags(preset=LITE), FileMetadata(), image, name="m")


def test_an_int8_input_without_scale_is_refused() -> None:
    image = TensorSpec(name="i", shape=(1, 8, 8, 3), dtype="int8")

    with pytest.raises(ModelFileError, match="without scale"):
        resolve_preprocess(ModelFlags(preset=LITE), FileMetadata(), image, name="m")
    scaled = replace(image, quantization=QuantParams(scale=1 / 128, zero_point=-1))
    assert resolve_preprocess(
        ModelFlags(preset=LITE), FileMetadata(), scaled, name="m"
    ).mean == (127.0, 127.0, 127.0)


def test_a_bundle_needs_no_flags_and_takes_none(folder: Path) -> None:
    path = put(folder, tiny_bundle_bytes("int8"), "model.bin")

    assert load_model(path).labels == labels_for(10)
    with pytest.raises(SpecError, match=r"a bundle.*leave --labels, --preset out"):
        load_model(path, flags=ModelFlags(labels=path, preset=LITE))
    with pytest.raises(SpecError, match="a bundle already"):
        model_from_file(path)

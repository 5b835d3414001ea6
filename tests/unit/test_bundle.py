import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeclf.bundle import (
    Bundle,
    Provenance,
    Quality,
    encode_bundle,
    parse_bundle,
    read_bundle,
    write_bundle,
)
from edgeclf.errors import BundleError, InputFileError, OutputFileError
from edgeclf.golden_maker import make_golden
from edgeclf.labels import decode_labels, encode_labels
from tests.bundles import (
    edit_member,
    split,
    tiny_bundle,
    tiny_bundle_bytes,
    tiny_golden,
)
from tests.models import ONNX_KINDS, TFLITE_KINDS, tiny_model


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_what_was_put_in_comes_out(kind: Any) -> None:
    model = tiny_model(kind)
    golden = tiny_golden(kind)

    bundle = tiny_bundle(kind)

    assert bundle.model == replace(model, digest=bundle.digest)
    assert bundle.manifest.golden.kernels == golden.kernels
    assert [vector.name for vector in bundle.golden] == [
        vector.name for vector in golden.vectors
    ]
    for seen, made in zip(bundle.golden, golden.vectors, strict=True):
        assert seen.image == made.image
        np.testing.assert_array_equal(seen.tensor, made.tensor, strict=True)
        np.testing.assert_array_equal(seen.scores, made.scores, strict=True)


def test_the_same_inputs_give_the_same_bytes() -> None:
    once, again = (
        encode_bundle(**parts(golden=make_golden(tiny_model("int8")))) for _ in range(2)
    )

    assert once == again


def test_the_identity_is_the_digest_of_the_manifest() -> None:
    raw = split(tiny_bundle_bytes())["manifest.json"]

    assert tiny_bundle().digest == hashlib.sha256(raw).hexdigest()


def test_the_manifest_holds_size_and_digest_of_every_other_member() -> None:
    members = split(tiny_bundle_bytes())
    listed = json.loads(members.pop("manifest.json"))["members"]

    assert [record["name"] for record in listed] == list(members)
    assert [record["size"] for record in listed] == [len(d) for d in members.values()]
    assert [record["sha256"] for record in listed] == [
        hashlib.sha256(data).hexdigest() for data in members.values()
    ]


def test_a_written_bundle_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"

    written = write_bundle(path, tiny_bundle_bytes())

    assert path.read_bytes() == tiny_bundle_bytes()
    assert read_bundle(str(path)) == written
    assert written.path == path


def test_bytes_that_are_no_bundle_leave_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(b"old")

    with pytest.raises(BundleError, match="begins with"):
        write_bundle(path, b"new")

    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match="no such file"):
        write_bundle(tmp_path / "no" / "model.edgeclf", tiny_bundle_bytes())


def test_a_bundle_prints_short() -> None:
    assert len(repr(tiny_bundle())) < 400


def parts(**changes: Any) -> dict[str, Any]:
    model = tiny_model("int8")
    whole = {
        "name": model.name,
        "model_bytes": model.data,
        "labels": model.labels,
        "spec": model.spec,
        "task": model.task,
        "golden": tiny_golden(),
        "provenance": Provenance(source_name="a", source_sha256="0" * 64),
        "quality": Quality(),
    }
    return {**whole, **changes}


def with_first_vector(**changes: Any) -> Any:
    golden = tiny_golden()
    first, *others = golden.vectors
    return replace(golden, vectors=(replace(first, **changes), *others))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"labels": ["a"] * 9}, "9 labels, the model 10", id="labels"),
        pytest.param({"labels": ["a\n"] * 10}, "control character", id="newline"),
        pytest.param({"labels": [""] * 10}, "1 to 500 characters", id="empty label"),
        pytest.param({"labels": ["\ud800"] * 10}, "not Unicode", id="half a character"),
        pytest.param({"name": ""}, "name must be", id="name"),
        pytest.param(
            {"golden": with_first_vector(tensor=np.zeros((1, 32, 31, 3), np.int8))},
            r"golden tensor int8 \(1, 32, 31, 3\)",
            id="tensor shape",
        ),
        pytest.param(
            {"golden": with_first_vector(scores=np.zeros((1, 10), np.float32))},
            "golden tensor float32",
            id="scores dtype",
        ),
        pytest.param(
            {"golden": with_first_vector(image=b"GIF89a" * 10)}, "not a PNG", id="gif"
        ),
        pytest.param(
            {
                "provenance": Provenance(
                    source_name="a", source_sha256="0" * 64, recipe={"x": b""}
                )
            },
            "cannot make the bundle",
            id="recipe",
        ),
    ],
)
def test_parts_that_do_not_fit_make_no_bundle(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        encode_bundle(**parts(**changes))


def test_another_model_than_the_spec_says_is_refused_when_written(
    tmp_path: Path,
) -> None:
    data = encode_bundle(**parts(model_bytes=tiny_model("float32").data))

    with pytest.raises(BundleError, match=r"input of model\.tflite has dtype float32"):
        write_bundle(tmp_path / "model.edgeclf", data)


def test_raw_pixels_need_no_quantization_in_the_manifest() -> None:
    bundle = tiny_bundle("qdq-uint8")

    assert bundle.manifest.model.input.quantization is None


@pytest.mark.parametrize(
    ("data", "message"),
    [
        pytest.param(b"cat\ndog", "line feed", id="no last line feed"),
        pytest.param(b"cat\r\ndog\r\n", "control", id="carriage return"),
        pytest.param(b"\xef\xbb\xbfcat\ndog\n", "control", id="byte order mark"),
        pytest.param(b"cat\n\n", "line 2", id="empty line"),
        pytest.param(b"cat\n\xe9\n", "UTF-8 at byte 4", id="latin-1"),
        pytest.param(b"cat\n", "1 labels, the model 2", id="too few"),
        pytest.param(b"", "line feed", id="empty"),
        pytest.param("cat\u2028x\ndog\n".encode(), "control", id="line separator"),
    ],
)
def test_labels_that_are_not_one_a_line_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decode_labels(data, classes=2)


def test_labels_of_any_script_survive() -> None:
    labels = ("кошка", "犬", "crane", "crane", "a b", "👩\u200d🔬")

    assert decode_labels(encode_labels(labels, classes=6), classes=6) == labels


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="no such file; expected a bundle"):
        read_bundle(tmp_path / "none.edgeclf")


def test_a_huge_foreign_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with path.open("wb") as file:
        file.truncate(700 * 2**20)

    with pytest.raises(BundleError, match="begins with 00 00 00 00"):
        read_bundle(path)


def test_a_file_over_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "huge.edgeclf"
    with path.open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(InputFileError, match="over the limit"):
        read_bundle(path)


def test_golden_members_are_not_unpacked_by_reading() -> None:
    data = edit_member(tiny_bundle_bytes(), "golden/00.tensor", b"no tensor")

    bundle = parse_bundle(data, path=Path("model.edgeclf"))

    assert isinstance(bundle, Bundle)
    with pytest.raises(BundleError, match=r"golden/00\.tensor: not a compressed"):
        _ = bundle.golden

"""Every kind of damage to a bundle: refused fast, in one line, by reader and command."""

import hashlib
import io
import json
import os
import struct
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeclf.bundle import Bundle, parse_bundle, read_bundle
from edgeclf.classifier import Classifier
from edgeclf.cli import main
from edgeclf.errors import EdgeclfError, InputFileError
from edgeclf.opening import read_model
from edgeclf.verification import verify_bundle
from tests.bundles import (
    edit_manifest,
    edit_member,
    join,
    split,
    tiny_bundle_bytes,
)
from tests.models import tiny_model, tiny_tflite

GOOD = tiny_bundle_bytes("int8")
MEMBERS = split(GOOD)
MODEL = "model.tflite"


def offset_of(name: str) -> int:
    """Return where a member's local header begins."""
    return zipfile.ZipFile(io.BytesIO(GOOD)).getinfo(name).header_offset


def directory_offset() -> int:
    return zipfile.ZipFile(io.BytesIO(GOOD)).start_dir


def flipped(at: int, bit: int = 0) -> bytes:
    damaged = bytearray(GOOD)
    damaged[at] ^= 1 << bit
    return bytes(damaged)


def flipped_in(name: str) -> bytes:
    payload = offset_of(name) + 30 + len(name)
    return flipped(payload + len(MEMBERS[name]) // 2)


def manifest_with(path: str, value: Any) -> bytes:
    def edit(document: dict[str, Any]) -> None:
        *parents, last = path.split("/")
        place: Any = document
        for key in parents:
            place = place[int(key) if isinstance(place, list) else key]
        place[last] = value

    return edit_manifest(GOOD, edit)


def without(name: str) -> bytes:
    return join({key: value for key, value in MEMBERS.items() if key != name})


def reordered() -> bytes:
    names = list(MEMBERS)
    names[1], names[2] = names[2], names[1]
    return join({name: MEMBERS[name] for name in names})


def same_length_labels() -> bytes:
    labels = MEMBERS["labels.txt"].splitlines(keepends=True)
    labels[0], labels[1] = labels[1], labels[0]
    return join({**MEMBERS, "labels.txt": b"".join(labels)})


def twice(name: str) -> bytes:
    header = offset_of(name)
    end = header + 30 + len(name) + len(MEMBERS[name])
    return GOOD[:end] + GOOD[header:end] + GOOD[end:]


def rezipped(method: int, names: dict[str, str] | None = None) -> bytes:
    """Return an ordinary zip of the members, as other programs write it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, payload in MEMBERS.items():
            archive.writestr((names or {}).get(name, name), payload)
    return buffer.getvalue()


def renamed(name: str, new: str) -> bytes:
    """Return the bundle with a name of the same length, in both of its places."""
    assert len(name) == len(new)
    headers = offset_of("labels.txt")  # behind the manifest, which has it as well
    return GOOD[:headers] + GOOD[headers:].replace(name.encode(), new.encode())


def with_sizes(name: str, size: int) -> bytes:
    damaged = bytearray(GOOD)
    struct.pack_into("<2I", damaged, offset_of(name) + 18, size, size)
    return bytes(damaged)


def with_gap() -> bytes:
    at = offset_of(MODEL)
    return GOOD[:at] + b"\0\0\0\0" + GOOD[at:]


def with_comment() -> bytes:
    return GOOD[:-2] + struct.pack("<H", 5) + b"hello"


def with_extra_field() -> bytes:
    at = offset_of(MODEL)
    damaged = bytearray(GOOD)
    struct.pack_into("<H", damaged, at + 28, 4)
    inserted = at + 30 + len(MODEL)
    return bytes(damaged[:inserted]) + b"\x99\x99\0\0" + bytes(damaged[inserted:])


def with_zip64_end() -> bytes:
    at = len(GOOD) - 22
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1, 1)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, at, 1)
    return GOOD[:at] + record + locator + GOOD[at:]


def with_descriptor_flag() -> bytes:
    return flipped(offset_of(MODEL) + 6, bit=3)


def png_of(width: int, height: int) -> bytes:
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    image = MEMBERS["golden/00.png"]
    crc = struct.pack(">I", zlib.crc32(b"IHDR" + header))
    return image[:16] + header + crc + image[33:]


def other_model(kind: str, **options: Any) -> bytes:
    return edit_member(GOOD, MODEL, tiny_tflite(kind, **options))  # type: ignore[arg-type]


def truncated_model() -> bytes:
    data = tiny_model("int8").data
    return edit_member(GOOD, MODEL, data[: len(data) // 2])


DAMAGE: dict[str, tuple[Callable[[], bytes], str]] = {
    # the file
    "empty": (lambda: b"", "the file is empty"),
    "text": (lambda: b"hello, world\n", "not a bundle"),
    "tflite with a new name": (lambda: tiny_model("int8").data, "edgeclf pack"),
    "onnx with a new name": (lambda: tiny_model("qdq-uint8").data, "not a bundle"),
    "cut in half": (lambda: GOOD[: len(GOOD) // 2], "cut short"),
    "last byte gone": (lambda: GOOD[:-1], "cut short"),
    "only the first header": (lambda: GOOD[:10], "ends inside a header"),
    "garbage behind": (lambda: GOOD + b"garbage", "7 bytes too many"),
    "garbage before": (lambda: b"garbage" + GOOD, "not a bundle"),
    "two bundles in a row": (lambda: GOOD + GOOD, "too many at the end"),
    # the container
    "gap": (with_gap, "central directory"),
    "comment": (with_comment, "end record"),
    "extra field": (with_extra_field, "extra fields"),
    "zip64 records": (with_zip64_end, "end record"),
    "data descriptor flag": (with_descriptor_flag, "has flags 0x0008"),
    "deflated": (lambda: rezipped(zipfile.ZIP_DEFLATED), "is compressed"),
    "zip by another program": (lambda: rezipped(zipfile.ZIP_STORED), "must be"),
    "declared 4 GiB": (lambda: with_sizes(MODEL, 2**32 - 1), "cut short"),
    "declared smaller": (lambda: with_sizes(MODEL, 8), "central directory|CRC"),
    "path traversal": (
        lambda: rezipped(zipfile.ZIP_STORED, {"labels.txt": "../labels.txt"}),
        "is not allowed|must be",
    ),
    "traversal of equal length": (
        lambda: renamed("golden/00.png", "../../evil.sh"),
        "is not allowed",
    ),
    "duplicate member": (lambda: twice("labels.txt"), "two members are named"),
    "date": (lambda: flipped(offset_of(MODEL) + 12), "date is"),
    "CRC in a header": (lambda: flipped(offset_of(MODEL) + 14), "CRC-32 is"),
    "central directory": (lambda: flipped(directory_offset() + 4), "central"),
    "end record": (lambda: flipped(len(GOOD) - 4), "end record"),
    # the members
    "members in another order": (reordered, "stands where"),
    "manifest not first": (
        lambda: join({"labels.txt": b"", **MEMBERS}),
        "first member is labels.txt",
    ),
    "no manifest": (lambda: without("manifest.json"), "must be manifest.json"),
    "no labels": (lambda: without("labels.txt"), "'labels.txt' is missing"),
    "no model": (lambda: without(MODEL), "'model.tflite' is missing"),
    "no golden scores": (lambda: without("golden/05.scores"), "05.scores' is missing"),
    "member too many": (
        lambda: join({**MEMBERS, "notes.txt": b"hi"}),
        "'notes.txt' does not belong",
    ),
    "flip in the manifest": (lambda: flipped_in("manifest.json"), "CRC-32"),
    "flip in the labels": (lambda: flipped_in("labels.txt"), "CRC-32"),
    "flip in the model": (lambda: flipped_in(MODEL), "CRC-32"),
    "flip in a picture": (lambda: flipped_in("golden/00.png"), "CRC-32"),
    "flip in a tensor": (lambda: flipped_in("golden/00.tensor"), "CRC-32"),
    "flip in the scores": (lambda: flipped_in("golden/00.scores"), "CRC-32"),
    # the digests
    "labels swapped": (same_length_labels, "labels.txt has another SHA-256"),
    "model swapped": (
        lambda: join({**MEMBERS, MODEL: tiny_tflite("int8", seed=1)}),
        "model.tflite has another SHA-256",
    ),
    "model longer": (
        lambda: join({**MEMBERS, MODEL: MEMBERS[MODEL] + b"\0"}),
        "it was replaced",
    ),
    # the manifest
    "future format": (lambda: manifest_with("format", 2), "newer edgeclf.*upgrade"),
    "unknown task kind": (lambda: manifest_with("task/kind", "multilabel"), "upgrade"),
    "unknown key": (lambda: manifest_with("hint", 1), "unknown key 'hint'"),
    "wrong type": (lambda: manifest_with("name", 3), "expected str, got 3"),
    "mean of two": (
        lambda: manifest_with("model/preprocess/mean", [0.0, 0.0]),
        "expected 3 values",
    ),
    "std of zero": (
        lambda: manifest_with("model/preprocess/std", [1.0, 0.0, 1.0]),
        "must not be 0",
    ),
    "height and width swapped": (
        lambda: manifest_with("model/preprocess/resize/size", [16, 64]),
        "the preprocessing gives",
    ),
    "manifest not JSON": (
        lambda: join({**MEMBERS, "manifest.json": b"format: 1\n"}),
        "is not JSON",
    ),
    "manifest with spaces": (
        lambda: join(
            {
                **MEMBERS,
                "manifest.json": json.dumps(
                    json.loads(MEMBERS["manifest.json"])
                ).encode(),
            }
        ),
        "canonical",
    ),
    "manifest too large": (
        lambda: join({**MEMBERS, "manifest.json": b" " * (2**20 + 1)}),
        "over the limit",
    ),
    "few golden vectors": (
        lambda: manifest_with("golden/vectors", ["a"]),
        "does not belong",
    ),
    # what the members say
    "one label too few": (
        lambda: edit_member(GOOD, "labels.txt", b"a\n" * 9),
        "9 labels, the model 10 classes",
    ),
    "labels not UTF-8": (
        lambda: edit_member(GOOD, "labels.txt", b"\xff\n" * 10),
        "not UTF-8",
    ),
    "label with an escape code": (
        lambda: edit_member(GOOD, "labels.txt", b"a\n" * 9 + b"\x1b[2J\n"),
        "control character",
    ),
    "other input shape": (
        lambda: other_model("int8", size=(32, 16)),
        r"input of model.tflite has shape \(1, 32, 16, 3\)",
    ),
    "other class count": (
        lambda: other_model("int8", classes=11),
        r"output of model.tflite has shape \(1, 11\)",
    ),
    "other dtype": (lambda: other_model("float32"), "has dtype float32"),
    "other quantisation": (
        lambda: manifest_with("model/input/quantization/zero_point", 3),
        "has quantization",
    ),
    "an onnx inside": (
        lambda: edit_member(GOOD, MODEL, tiny_model("float32-nhwc").data),
        r"is a \.onnx file",
    ),
    "a model cut short": (truncated_model, "damaged or cut short"),
    "no model at all": (
        lambda: edit_member(GOOD, MODEL, b"import os\n"),
        "expected a .tflite or .onnx",
    ),
    "golden picture no PNG": (
        lambda: edit_member(GOOD, "golden/02.png", b"GIF89a" + bytes(100)),
        "golden/02.png: not a PNG",
    ),
    "golden picture too large": (
        lambda: edit_member(GOOD, "golden/02.png", png_of(50_000, 50_000)),
        "50000x50000 pixels",
    ),
    "golden scores of another shape": (
        lambda: edit_member(GOOD, "golden/02.scores", bytes(11)),
        "11 bytes, the model's output has 10",
    ),
    "golden tensor too long": (
        lambda: edit_member(GOOD, "golden/02.tensor", os.urandom(10_000)),
        "over the limit",
    ),
    "golden tensor of another shape": (
        lambda: edit_member(GOOD, "golden/02.tensor", zlib.compress(bytes(9))),
        "does not unpack",
    ),
    "golden tensor a bomb": (
        lambda: edit_member(GOOD, "golden/02.tensor", zlib.compress(bytes(10**6))),
        "does not unpack",
    ),
    "golden picture damaged": (
        lambda: edit_member(GOOD, "golden/02.png", MEMBERS["golden/02.png"][:99]),
        "picture 'landscape-odd': the image is damaged",
    ),
}

damage = pytest.mark.parametrize(
    ("make", "message"), [pytest.param(*case, id=name) for name, case in DAMAGE.items()]
)


@pytest.fixture(scope="module", autouse=True)
def _engine_is_warm() -> None:
    verify_bundle(read_bundle_bytes(GOOD))


def read_bundle_bytes(data: bytes) -> Bundle:
    return parse_bundle(data, path=Path("good.edgeclf"))


@damage
def test_damage_is_refused_in_under_a_second_with_one_line(
    make: Callable[[], bytes], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(make())
    started = time.perf_counter_ns()

    with pytest.raises(InputFileError, match=message) as caught:
        verify_bundle(read_bundle(path))

    assert time.perf_counter_ns() - started < 1e9
    assert "\n" not in str(caught.value)


@damage
def test_the_command_says_so_and_exits_with_1(
    make: Callable[[], bytes],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    del message
    path = tmp_path / "model.edgeclf"
    path.write_bytes(make())

    with pytest.raises(SystemExit) as exited:
        main(["verify", str(path)])

    out, err = capsys.readouterr()
    assert exited.value.code == 1
    assert out == ""
    assert err.startswith(f"error: {path}")
    assert err.count("\n") == 1
    assert len(err) < 500


WRONG_MODELS = (
    "other input shape",
    "other class count",
    "other dtype",
    "other quantisation",
    "an onnx inside",
    "a model cut short",
    "no model at all",
)
SEEN_IN_THE_REPLAY = (
    "golden tensor of another shape",
    "golden tensor a bomb",
    "golden picture damaged",
)


@pytest.mark.parametrize(
    "name", sorted(DAMAGE.keys() - {*WRONG_MODELS, *SEEN_IN_THE_REPLAY})
)
def test_opening_refuses_every_damage_that_reading_does(
    name: str, tmp_path: Path
) -> None:
    make, message = DAMAGE[name]
    path = tmp_path / "model.edgeclf"
    path.write_bytes(make())

    with pytest.raises(InputFileError, match=message) as caught:
        read_model(path)

    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", WRONG_MODELS)
def test_opening_a_wrong_model_is_refused_even_where_its_digest_holds(
    name: str, tmp_path: Path
) -> None:
    make, _ = DAMAGE[name]
    path = tmp_path / "model.edgeclf"
    path.write_bytes(make())

    with pytest.raises(EdgeclfError) as caught:
        Classifier.open(path)

    assert "\n" not in str(caught.value)


def test_a_directory_and_a_missing_file_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path, message in ((tmp_path, "is a directory"), (tmp_path / "x", "no such")):
        with pytest.raises(SystemExit) as exited:
            main(["verify", str(path)])

        assert exited.value.code == 1
        assert message in capsys.readouterr().err


def test_no_flip_of_a_bit_in_any_header_is_accepted() -> None:
    """Of all headers of the smallest members, through the whole reader."""
    archive = zipfile.ZipFile(io.BytesIO(GOOD))
    start, name = archive.start_dir, "labels.txt"
    entry = start + 46 + len("manifest.json")
    header = offset_of(name)
    regions = [
        range(30 + len("manifest.json")),
        range(header, header + 30 + len(name)),
        range(entry, entry + 46 + len(name)),
        range(len(GOOD) - 22, len(GOOD)),
    ]
    accepted = []
    for at in (at for region in regions for at in region):
        for bit in range(8):
            try:
                read_bundle_bytes(flipped(at, bit))
            except InputFileError:
                continue
            accepted.append((at, bit))

    assert accepted == []


def test_the_undamaged_bundle_is_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(GOOD)

    with pytest.raises(SystemExit) as exited:
        main(["verify", str(path)])

    assert exited.value.code == 0
    digest = hashlib.sha256(MEMBERS["manifest.json"]).hexdigest()
    assert digest in capsys.readouterr().out


def test_at_least_twenty_kinds_of_damage_are_tried() -> None:
    assert len({make() for make, _ in DAMAGE.values()}) == len(DAMAGE)
    assert len(DAMAGE) >= 20

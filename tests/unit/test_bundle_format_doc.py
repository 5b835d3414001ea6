"""docs/bundle-format.md says what the code does."""

import io
import json
import re
import zipfile
import zlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeclf.container import MAX_MEMBERS, write_container
from edgeclf.gate_record import ClassDrop, GateRecord
from edgeclf.golden_members import (
    MAX_GOLDEN_BYTES,
    MAX_GOLDEN_SIDE,
    MAX_GOLDEN_VECTORS,
    MIN_GOLDEN_VECTORS,
)
from edgeclf.manifest import FORMAT, GoldenRecord, Manifest, MemberRecord
from edgeclf.members import MAX_FILE_BYTES
from edgeclf.provenance import Estimate, Kernels, Provenance, Quality
from edgeclf.signing import PAYLOAD_TYPE
from edgeclf.types import (
    CropSpec,
    DecodeSpec,
    ModelSpec,
    PreprocessSpec,
    QuantParams,
    ResizeSpec,
    Task,
    TensorSpec,
)
from tests.bundles import tiny_bundle, tiny_bundle_bytes

DOC = (Path(__file__).parents[2] / "docs/bundle-format.md").read_text("utf-8")

NESTED = {CropSpec: "crop.", DecodeSpec: "decode.", ResizeSpec: "resize."}
RECORDS = [
    ClassDrop,
    Estimate,
    GateRecord,
    GoldenRecord,
    Kernels,
    Manifest,
    MemberRecord,
    ModelSpec,
    Provenance,
    Quality,
    QuantParams,
    Task,
    TensorSpec,
    *NESTED,
]


def hexdump(data: bytes) -> str:
    lines = []
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<47}  {text}")
    return "\n".join(lines)


def test_the_hexdump_is_the_container_it_claims_to_be() -> None:
    data = write_container({"manifest.json": b"{}", "labels.txt": b"cat\n"})

    assert f"```text\n{hexdump(data)}\n```" in DOC


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_every_field_of_the_manifest_is_described(record: Any) -> None:
    prefix = NESTED.get(record, "")

    for field in fields(record):
        assert f"`{prefix}{field.name}`" in DOC


def test_every_field_of_the_preprocessing_is_described() -> None:
    for field in fields(PreprocessSpec):
        assert re.search(rf"`{field.name}[.`]", DOC)


@pytest.mark.parametrize(
    "text",
    [
        f"format **{FORMAT}**",
        f"At most {MAX_MEMBERS} members",
        f"at most {MAX_FILE_BYTES >> 20} MiB",
        f"{MIN_GOLDEN_VECTORS} to {MAX_GOLDEN_VECTORS} of them",
        f"sides of 1 to {MAX_GOLDEN_SIDE} pixels",
        f"at most {MAX_GOLDEN_BYTES:,} bytes",
        f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} ",
    ],
)
def test_a_limit_in_the_page_is_the_limit_in_the_code(text: str) -> None:
    assert text in DOC


@pytest.mark.parametrize("kind", ["int8", "float32", "float32-nchw", "qdq-uint8"])
def test_a_reader_written_from_the_page_gets_the_same_tensors(kind: Any) -> None:
    archive = zipfile.ZipFile(io.BytesIO(tiny_bundle_bytes(kind)))
    model = json.loads(archive.read("manifest.json"))["model"]
    shape, dtype = model["input"]["shape"], model["input"]["dtype"]
    width_axis = 2 if model["preprocess"]["layout"] == "nhwc" else 3

    raw = zlib.decompress(archive.read("golden/04.tensor"))
    if dtype == "float32":
        tensor = np.frombuffer(raw, "<f4").reshape(shape)
    else:
        steps = np.frombuffer(raw, np.uint8).reshape(shape)
        summed = steps.cumsum(axis=width_axis, dtype=np.uint64) % 256
        tensor = summed.astype(np.uint8).view(dtype)

    np.testing.assert_array_equal(tensor, tiny_bundle(kind).golden[4].tensor)

import io
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from edgeclf.bundle import Bundle, Quality, encode_bundle, parse_bundle
from edgeclf.cli import cli
from edgeclf.errors import BundleError, SpecError
from edgeclf.golden import GoldenSet, GoldenVector
from edgeclf.golden_maker import folder_images, golden_images, make_golden
from edgeclf.provenance import Provenance
from edgeclf.types import DecodeSpec
from edgeclf.verification import verify_bundle
from tests.bundles import (
    edit_member,
    signed,
    tiny_bundle,
    tiny_bundle_bytes,
    tiny_golden,
)
from tests.models import ONNX_KINDS, TFLITE_KINDS, tiny_model

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs/schemas/verify-1.json").read_text()
)


def bundle_of(kind: Any, golden: GoldenSet) -> bytes:
    model = tiny_model(kind)
    return encode_bundle(
        name=model.name,
        model_bytes=model.data,
        labels=model.labels,
        spec=model.spec,
        task=model.task,
        golden=golden,
        provenance=Provenance(source_name="a", source_sha256="0" * 64),
        quality=Quality(),
    )


def opened(kind: Any, golden: GoldenSet) -> Bundle:
    return parse_bundle(bundle_of(kind, golden), path=Path("model.edgeclf"))


def changed(
    kind: Any, *, name: str = "landscape", kernels: str = "same", **changes: Any
) -> GoldenSet:
    """Return golden vectors of which the named one was tampered with."""
    golden = tiny_golden(kind)
    vectors = tuple(
        replace(
            vector,
            **{part: edit(getattr(vector, part)) for part, edit in changes.items()},
        )
        if vector.name == name
        else vector
        for vector in golden.vectors
    )
    if kernels == "other":
        other = replace(golden.kernels, version="0.0.1")
        return replace(golden, vectors=vectors, kernels=other)
    return replace(golden, vectors=vectors)


@pytest.mark.parametrize("kind", [*TFLITE_KINDS, *ONNX_KINDS])
def test_a_good_bundle_holds_where_it_was_made(kind: Any) -> None:
    report = verify_bundle(tiny_bundle(kind))

    assert report.ok
    assert report.same_kernels
    assert report.worst_tensor_error <= 1
    assert report.worst_score_error <= report.tolerance.limit
    assert len(report.vectors) >= 16


def test_two_threads_give_the_same_verdict() -> None:
    assert verify_bundle(tiny_bundle(), threads=2).ok


def shift(amount: float) -> Any:
    def edit(tensor: Any) -> Any:
        limits = np.iinfo(tensor.dtype)
        moved = tensor.astype(np.float64) + amount
        return moved.clip(limits.min, limits.max).astype(tensor.dtype)

    return edit


@pytest.mark.parametrize(
    ("kernels", "amount", "holds"),
    [("same", 1, True), ("same", 2, False), ("other", 20, True), ("other", 21, False)],
)
def test_integer_scores_may_be_off_by_what_the_kernels_allow(
    kernels: str, amount: int, *, holds: bool
) -> None:
    golden = changed("int8", kernels=kernels, scores=shift(amount))

    report = verify_bundle(opened("int8", golden))

    assert report.ok is holds
    assert report.tolerance.unit == "LSB"
    assert report.worst_score_error == amount


@pytest.mark.parametrize(
    ("kind", "kernels", "amount", "holds"),
    [
        ("float32", "same", 0.9e-4, True),
        ("float32", "same", 1.1e-4, False),
        ("float32", "other", 0.9e-3, True),
        ("float32", "other", 1.1e-3, False),
        ("qdq-uint8", "other", 0.077, True),
        ("qdq-uint8", "other", 0.079, False),
    ],
)
def test_float_scores_may_be_off_by_what_the_kernels_allow(
    kind: Any, kernels: str, amount: float, *, holds: bool
) -> None:
    golden = changed(
        kind, kernels=kernels, scores=lambda scores: scores + np.float32(amount)
    )

    report = verify_bundle(opened(kind, golden))

    assert report.ok is holds
    assert report.tolerance.unit == "score"


def test_a_score_that_is_no_number_never_holds() -> None:
    golden = changed("float32", scores=lambda scores: scores * np.float32(np.nan))

    report = verify_bundle(opened("float32", golden))

    assert not report.ok
    assert report.worst_score_error == np.inf


def test_another_first_class_is_a_fault_where_the_margin_is_clear() -> None:
    def swap_the_first_two(scores: Any) -> Any:
        second, first = scores[0].argsort()[-2:]
        edited = scores.astype(int)
        edited[0, first] -= 20
        edited[0, second] += 20
        return edited.astype(np.int8)

    golden = changed(
        "int8", name="portrait", kernels="other", scores=swap_the_first_two
    )

    report = verify_bundle(opened("int8", golden))

    assert report.worst_score_error == report.tolerance.limit
    assert "comes first" in str(report.faults[0].fault)


def wrong_picture(image: bytes) -> bytes:
    pixels = np.asarray(Image.open(io.BytesIO(image)).convert("RGB"))[:, ::-1]
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["int8", "float32", "float32-nchw", "uint8-legacy"])
def test_a_picture_that_becomes_another_tensor_is_a_fault_of_that_vector(
    kind: Any,
) -> None:
    golden = changed(kind, image=wrong_picture)

    report = verify_bundle(opened(kind, golden))

    (fault,) = report.faults
    assert fault.name == golden.vectors[0].name
    assert "pixel steps" in str(fault.fault)
    assert fault.score_error <= report.tolerance.limit  # the stored tensor was run


@pytest.mark.parametrize(
    ("pixels", "holds"), [(1, True), (2, False)], ids=("one step", "two steps")
)
@pytest.mark.parametrize("kind", ["int8", "float32", "qdq-uint8"])
def test_a_tensor_may_be_one_pixel_step_off(
    kind: Any, pixels: int, *, holds: bool
) -> None:
    golden = tiny_golden(kind)
    middle = golden.vectors[0]
    step = pixels / 128 if kind == "float32" else pixels
    stored = middle.tensor
    moved = np.where(stored <= np.median(stored), stored + step, stored - step)
    moved = moved.astype(stored.dtype)
    vectors = (replace(middle, tensor=moved), *golden.vectors[1:])

    report = verify_bundle(opened(kind, replace(golden, vectors=vectors)))

    worst = report.vectors[0]
    assert worst.tensor_error == pytest.approx(pixels, abs=1e-3)
    assert ("pixel steps" not in str(worst.fault)) is holds


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="empty"),
        pytest.param(zlib.compress(bytes(5)), id="too short"),
        pytest.param(zlib.compress(bytes(32 * 32 * 3 + 1)), id="too long"),
        pytest.param(zlib.compress(bytes(32 * 32 * 3)) + b"x", id="rest behind"),
        pytest.param(zlib.compress(bytes(32 * 32 * 3))[:-1], id="cut"),
        pytest.param(zlib.compress(bytes(10**6)), id="bomb"),
    ],
)
def test_a_tensor_that_does_not_unpack_to_the_input_is_refused(payload: bytes) -> None:
    data = edit_member(tiny_bundle_bytes(), "golden/03.tensor", payload)
    bundle = parse_bundle(data, path=Path("model.edgeclf"))

    with pytest.raises(BundleError, match=r"golden/03\.tensor"):
        verify_bundle(bundle)


def test_a_picture_that_only_looks_like_a_png_is_refused() -> None:
    image = tiny_bundle().golden_members["golden/00.png"]
    data = edit_member(tiny_bundle_bytes(), "golden/00.png", image[:40])
    bundle = parse_bundle(data, path=Path("model.edgeclf"))

    with pytest.raises(BundleError, match="golden picture 'landscape'"):
        verify_bundle(bundle)


def test_the_synthetic_pictures_are_of_many_kinds_and_small() -> None:
    images = dict(golden_images())
    sizes = [pixels.shape[:2] for pixels in images.values()]
    grey = [p for p in images.values() if (p == p[..., :1]).all()]

    assert len(images) >= 16
    assert max(max(size) for size in sizes) == 320
    assert any(height > width for height, width in sizes)
    assert any(height < width for height, width in sizes)
    assert any(height % 2 and width % 2 for height, width in sizes)
    assert any(width == 1 for _, width in sizes)
    assert len(grey) >= 2
    assert all(
        len(np.unique(pixels)) > 100 for pixels in images.values() if pixels.size > 999
    )


def test_the_synthetic_pictures_depend_on_the_seed_alone() -> None:
    first, other = golden_images(3), golden_images(4)
    golden_images.cache_clear()
    again = golden_images(3)

    for (_, a), (_, b), (_, c) in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert (a != c).any()


def test_the_first_synthetic_pictures_are_those_of_every_version() -> None:
    total = sum(int(pixels.sum(dtype=np.int64)) for _, pixels in golden_images(0))

    assert total == 291_199_975


def write_images(folder: Path, count: int) -> None:
    rng = np.random.default_rng(0)
    for index in range(count):
        pixels = rng.integers(0, 255, (30 + index * 40, 50, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"photo{index:02d}.png")


def test_pictures_of_ones_own_are_scaled_down_to_fit(tmp_path: Path) -> None:
    write_images(tmp_path, 17)

    images = folder_images(tmp_path, DecodeSpec())
    golden = make_golden(tiny_model("int8"), images, origin="folder:mine")

    assert len(images) == 16
    assert max(max(pixels.shape) for _, pixels in images) == 320
    assert images[0][0] == "photo00"
    assert verify_bundle(opened("int8", golden)).ok


def test_too_few_pictures_of_ones_own_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path, 3)

    with pytest.raises(SpecError, match="3 images, golden vectors need 16"):
        folder_images(tmp_path, DecodeSpec())


@pytest.mark.parametrize(
    ("images", "message"),
    [
        pytest.param(golden_images()[:15], "15 golden pictures", id="too few"),
        pytest.param(
            [("big", np.zeros((10, 321, 3), np.uint8))] * 16, "321x10", id="too large"
        ),
        pytest.param(
            [("noise", np.random.default_rng(0).integers(0, 255, (300, 300, 3), "u1"))]
            * 16,
            "over the limit of 2000000",
            id="too many bytes",
        ),
    ],
)
def test_pictures_that_a_bundle_may_not_hold_are_refused(
    images: Any, message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        make_golden(tiny_model("int8"), images)


def test_a_grey_picture_is_stored_grey() -> None:
    golden = tiny_golden()
    modes = {v.name: Image.open(io.BytesIO(v.image)).mode for v in golden.vectors}

    assert modes["grey-landscape"] == "L"
    assert modes["landscape"] == "RGB"


def run(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["verify", *arguments])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(tiny_bundle_bytes())
    return path


def test_the_command_says_what_it_checked(path: Path) -> None:
    done = run(str(path))

    assert done.exit_code == 0
    assert f"sha256:{tiny_bundle().digest}" in done.stdout
    assert "18/18 hold on this machine" in done.stdout
    assert "none" in done.stdout
    assert done.stderr == ""


def test_the_commands_json_follows_its_schema(path: Path) -> None:
    done = run(str(path), "--json", "--engine", "litert")

    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    assert document["ok"] is True
    assert document["engine"]["engine"] == "litert"


def test_other_kernels_are_named_with_what_they_allow(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(bundle_of("int8", changed("int8", kernels="other")))

    done = run(str(path))

    assert done.exit_code == 0
    assert "20 allowed (made with litert 0.0.1 on" in done.stdout


def test_a_signature_is_shown_as_unchecked(tmp_path: Path) -> None:
    path = tmp_path / "model.edgeclf"
    path.write_bytes(signed(tiny_bundle_bytes(), "release-1"))

    text, document = run(str(path)).stdout, json.loads(run(str(path), "--json").stdout)

    assert "present (release-1), not checked" in text
    assert document["signature"] == {"keyids": ["release-1"], "checked": False}
    jsonschema.validate(document, SCHEMA)


def test_logits_may_differ_by_a_share_of_their_spread() -> None:
    model = tiny_model("float32", scores="logits")
    golden = make_golden(model)
    data = encode_bundle(
        name=model.name,
        model_bytes=model.data,
        labels=model.labels,
        spec=model.spec,
        task=model.task,
        golden=golden,
        provenance=Provenance(source_name="a", source_sha256="0" * 64),
        quality=Quality(),
    )
    scores = np.concatenate([vector.scores for vector in golden.vectors])

    report = verify_bundle(parse_bundle(data, path=Path("model.edgeclf")))

    assert report.ok
    assert report.tolerance.limit == pytest.approx(1e-4 * np.ptp(scores))


@pytest.mark.parametrize("as_json", [False, True], ids=("text", "json"))
def test_vectors_that_do_not_hold_are_named_and_exit_with_1(
    tmp_path: Path, *, as_json: bool
) -> None:
    path = tmp_path / "model.edgeclf"
    golden = changed("float32", scores=lambda scores: scores * np.float32(np.nan))
    path.write_bytes(bundle_of("float32", golden))

    done = run(str(path), *(["--json"] if as_json else []))

    assert done.exit_code == 1
    assert done.stderr.startswith(f"error: {path}: 1 of 18 golden vectors do not hold")
    assert done.stderr.count("\n") == 1
    if as_json:
        document = json.loads(done.stdout)
        jsonschema.validate(document, SCHEMA)
        assert document["worst_score_error"] is None
    else:
        assert "17/18 hold" in done.stdout
        assert "landscape: a score is inf off" in done.stdout


def test_a_golden_set_needs_sixteen_vectors() -> None:
    golden = tiny_golden()

    with pytest.raises(ValueError, match="16 to 64 golden vectors, got 1"):
        replace(golden, vectors=golden.vectors[:1])
    assert isinstance(golden.vectors[0], GoldenVector)

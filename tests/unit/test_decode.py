import contextlib
import io
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.decode import decode_image, find_images, read_image
from edgeclf.errors import ImageError, InputFileError
from edgeclf.types import DecodeSpec
from tests.pictures import PICTURE_FILES, pattern, png_16_bit

STOCK = DecodeSpec()


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _huge_png(width: int, height: int) -> bytes:
    """Return a small file that claims to be a large picture."""
    data = bytearray(PICTURE_FILES["one-pixel"])
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("name", PICTURE_FILES)
def test_every_mode_becomes_rgb_bytes_of_ones_own(name: str) -> None:
    pixels = decode_image(PICTURE_FILES[name], STOCK)

    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    assert pixels.flags.c_contiguous
    assert pixels.flags.writeable


def test_alpha_is_dropped_and_not_blended() -> None:
    pixels = decode_image(PICTURE_FILES["rgba"], STOCK)

    assert np.array_equal(pixels, pattern(120, 170))


def test_grey_is_repeated() -> None:
    pixels = decode_image(PICTURE_FILES["grey"], STOCK)

    assert np.array_equal(pixels, pixels[..., :1].repeat(3, axis=2))


def test_exif_orientation_is_ignored_or_applied() -> None:
    ignored = decode_image(PICTURE_FILES["exif-rotated-jpeg"], STOCK)
    applied = decode_image(
        PICTURE_FILES["exif-rotated-jpeg"], DecodeSpec(orientation="apply")
    )

    assert ignored.shape == (160, 240, 3)
    assert np.array_equal(applied, np.rot90(ignored, -1))


def test_sixteen_bits_become_the_high_byte_or_saturate() -> None:
    samples = np.array([[0, 200, 255, 256, 40_000, 65_535]], np.uint16)
    data = png_16_bit(samples)

    high = decode_image(data, DecodeSpec(sixteen_bit="high-byte"))
    saturated = decode_image(data, DecodeSpec(sixteen_bit="saturate"))

    assert high[0, :, 0].tolist() == [0, 0, 0, 1, 156, 255]
    assert saturated[0, :, 0].tolist() == [0, 200, 255, 255, 255, 255]


def test_saturated_sixteen_bits_are_what_pillow_makes_of_them() -> None:
    data = PICTURE_FILES["16-bit-grey"]

    pixels = decode_image(data, DecodeSpec(sixteen_bit="saturate"))

    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(
    "name", ["landscape", "cmyk-jpeg", "palette-with-transparency"]
)
def test_other_modes_are_what_pillow_makes_of_them(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(PICTURE_FILES[name])) as image:
            expected = np.asarray(image.convert("RGB"))

    assert np.array_equal(decode_image(PICTURE_FILES[name], STOCK), expected)


def test_of_an_animation_the_first_picture_is_taken() -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    data = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert decode_image(data, STOCK)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "empty"),
        (b"not an image at all", "not an image"),
        (PICTURE_FILES["landscape"][:2000], "damaged"),
        (PICTURE_FILES["exif-rotated-jpeg"][:3000], "damaged"),
        (PICTURE_FILES["landscape"][:20], "damaged|not an image"),
        (_saved(Image.new("F", (4, 4)), "TIFF"), "32-bit"),
        (_huge_png(10_000, 10_000), "64 megapixels"),
        (_huge_png(60_000, 60_000), "64 megapixels"),
        (_huge_png(8_001, 8_000), "64 megapixels"),
    ],
    ids=[
        "empty",
        "text",
        "truncated-png",
        "truncated-jpeg",
        "only-a-signature",
        "32-bit",
        "100-megapixels",
        "3600-megapixels",
        "just-over-the-limit",
    ],
)
def test_a_bad_image_is_one_line_that_names_it(data: bytes, complaint: str) -> None:
    with pytest.raises(ImageError, match=complaint) as caught:
        decode_image(data, STOCK, name="cat.png")

    assert str(caught.value).startswith("cat.png: ")
    assert "\n" not in str(caught.value)


def test_too_large_a_picture_is_refused_before_it_is_decoded() -> None:
    # There is next to no data behind the header: decoding would call it damaged.
    with pytest.raises(ImageError, match="10000x10000 pixels"):
        decode_image(_huge_png(10_000, 10_000), STOCK)


def test_damaged_bytes_never_raise_anything_else() -> None:
    rng = np.random.default_rng(7)
    for name in ("exif-rotated-jpeg", "palette-with-transparency", "16-bit-grey"):
        whole = PICTURE_FILES[name]
        for _ in range(60):
            data = bytearray(whole)
            for place in rng.integers(0, len(data), 4):
                data[place] ^= 1 << int(rng.integers(0, 8))
            with contextlib.suppress(ImageError):
                decode_image(bytes(data), DecodeSpec(orientation="apply"))


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    path.write_bytes(PICTURE_FILES["tiny"])

    assert np.array_equal(read_image(path, STOCK), pattern(5, 7))


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match=r"none\.png: no such file"):
        read_image(tmp_path / "none.png", STOCK)
    with pytest.raises(InputFileError, match=r"is a directory|not a regular"):
        read_image(tmp_path, STOCK)


def test_images_are_found_at_any_depth_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    wanted = [tmp_path / "a.JPG", tmp_path / "b" / "c.png", tmp_path / "d.webp"]
    for path in (*wanted, tmp_path / "notes.txt", tmp_path / "b" / "c.json"):
        path.write_bytes(b"")

    assert find_images(tmp_path) == wanted


def test_a_file_is_taken_whatever_it_is_called(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(b"")

    assert find_images(path) == [path]


def test_finding_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no images"):
        find_images(tmp_path)
    with pytest.raises(ImageError, match="no such file"):
        find_images(tmp_path / "none")


def test_a_link_that_leads_in_a_circle_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to("a.png")

    with pytest.raises(ImageError, match="a link to nothing; expected images"):
        find_images(tmp_path / "a.png")

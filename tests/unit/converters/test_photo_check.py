"""Photos may calibrate; flat colour, noise and repetition may not."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from converters.crops import crops
from converters.photo_check import check_calibration
from converters.photos import PhotoSet
from edgeclf.errors import CalibrationError
from edgeclf.types import DecodeSpec, Uint8Image

Maker = Callable[[np.random.Generator], Uint8Image]

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "photos"
SIZE = (120, 160, 3)


def noise(random: np.random.Generator) -> Uint8Image:
    pixels: Uint8Image = random.integers(0, 256, SIZE, dtype=np.uint8)
    return pixels


def grey_noise(random: np.random.Generator) -> Uint8Image:
    pixels: Uint8Image = random.integers(0, 256, (*SIZE[:2], 1), dtype=np.uint8)
    return pixels.repeat(3, axis=2)


def normal_noise(random: np.random.Generator) -> Uint8Image:
    return np.clip(random.normal(128, 40, SIZE), 0, 255).astype(np.uint8)


def sparse_noise(random: np.random.Generator) -> Uint8Image:
    pixels: Uint8Image = random.choice(np.array([0, 255], np.uint8), SIZE, p=[0.9, 0.1])
    return pixels


def jpeg_noise(random: np.random.Generator) -> Uint8Image:
    file = io.BytesIO()
    Image.fromarray(noise(random)).save(file, "JPEG", quality=40)
    return np.array(Image.open(file))


def coarse(side: int, filter_: Image.Resampling, *, grey: bool) -> Maker:
    def make(random: np.random.Generator) -> Uint8Image:
        shape = (side, side, 1 if grey else 3)
        small = random.integers(0, 256, shape, dtype=np.uint8)
        image = Image.fromarray(np.repeat(small, 3 // shape[2], axis=2))
        return np.array(image.resize((160, 120), filter_))

    return make


def blurred_noise(random: np.random.Generator) -> Uint8Image:
    image = Image.fromarray(grey_noise(random))
    return np.array(image.filter(ImageFilter.GaussianBlur(1.5)))


def flat(random: np.random.Generator) -> Uint8Image:
    pixels = np.zeros(SIZE, np.uint8)
    pixels[:] = random.integers(0, 256, 3)
    return pixels


def black(random: np.random.Generator) -> Uint8Image:
    del random
    return np.zeros(SIZE, np.uint8)


def jittered(spread: float) -> Maker:
    def make(random: np.random.Generator) -> Uint8Image:
        colour = random.integers(20, 235, 3)
        return np.clip(random.normal(colour, spread, SIZE), 0, 255).astype(np.uint8)

    return make


BILINEAR, BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC
FAKES: dict[str, Maker] = {
    "uniform noise": noise,
    "grey noise": grey_noise,
    "normal noise": normal_noise,
    "salt": sparse_noise,
    "noise as JPEG": jpeg_noise,
    "noise enlarged 2 times": coarse(80, BILINEAR, grey=False),
    "noise enlarged 10 times": coarse(16, BICUBIC, grey=False),
    "a mosaic of noise": coarse(12, Image.Resampling.NEAREST, grey=False),
    "grey noise enlarged 2 times": coarse(80, BILINEAR, grey=True),
    "grey noise enlarged 5 times": coarse(32, BILINEAR, grey=True),
    "blurred grey noise": blurred_noise,
    "flat colours": flat,
    "black": black,
    "flat colours with a jitter of 1": jittered(1),
    "flat colours with a jitter of 5": jittered(5),
    "flat colours with a jitter of 30": jittered(30),
}


def photos() -> list[Uint8Image]:
    data = pytest.importorskip("skimage.data")
    names = ("astronaut", "cat", "coffee", "rocket")
    return [np.ascontiguousarray(getattr(data, name)()[::2, ::2]) for name in names]


def many(make: Maker, count: int = 140) -> Iterator[Uint8Image]:
    random = np.random.default_rng(5)
    return (make(random) for _ in range(count))


@pytest.mark.parametrize("fake", FAKES)
def test_fakes_are_refused_however_many(fake: str) -> None:
    with pytest.raises(CalibrationError, match=r"of one flat colour|noise"):
        check_calibration(many(FAKES[fake]), allow_small=True)


@pytest.mark.parametrize("fake", ["uniform noise", "flat colours"])
def test_a_tenth_of_fakes_among_photos_is_refused(fake: str) -> None:
    mixed = [*crops(photos(), 135, seed=1), *many(FAKES[fake], 15)]

    with pytest.raises(CalibrationError, match="15 of 150 calibration images are"):
        check_calibration(mixed, allow_small=True)


def test_one_fake_among_photos_is_not_counted() -> None:
    mixed = [*crops(photos(), 128, seed=1), *many(noise, 1)]

    check = check_calibration(mixed)

    assert (check.images, check.different) == (129, 128)


@pytest.mark.parametrize(
    "change",
    [
        lambda image, _: image,
        lambda image, random: np.clip(
            image + random.normal(0, 4, image.shape), 0, 255
        ).astype(np.uint8),
        lambda image, random: np.array(
            Image.fromarray(image).resize((150, int(random.integers(100, 110))))
        ),
    ],
    ids=["bit for bit", "with a jitter", "in other sizes"],
)
def test_one_photo_again_and_again_is_refused(
    change: Callable[[Uint8Image, np.random.Generator], Uint8Image],
) -> None:
    random = np.random.default_rng(0)
    photo = photos()[1]

    with pytest.raises(
        CalibrationError, match=r"140 calibration images only [1-9] differ"
    ):
        check_calibration((change(photo, random) for _ in range(140)), allow_small=True)


def test_copies_beside_enough_different_photos_do_no_harm() -> None:
    cut = list(crops(photos(), 128, seed=1))

    assert check_calibration([*cut, *cut]).different == 128


def test_fewer_than_128_photos_are_refused_with_the_way_out() -> None:
    with pytest.raises(
        CalibrationError, match=r"127 different .* --allow-small-calibration"
    ):
        check_calibration(crops(photos(), 127, seed=1))


def test_the_way_out_is_recorded() -> None:
    check = check_calibration(crops(photos(), 20, seed=1), allow_small=True)

    assert check.notes == ("allow-small-calibration",)


def test_the_way_out_is_not_recorded_where_it_was_not_needed() -> None:
    check = check_calibration(crops(photos(), 128, seed=1), allow_small=True)

    assert check.notes == ()


def test_no_photos_are_refused() -> None:
    with pytest.raises(CalibrationError, match="no photos"):
        check_calibration([], allow_small=True)


@pytest.mark.parametrize("name", ["brick", "grass", "gravel", "page", "coins", "text"])
def test_textures_and_grey_pictures_pass_as_photos(name: str) -> None:
    data = pytest.importorskip("skimage.data")
    picture = np.repeat(getattr(data, name)()[..., None], 3, axis=2)

    check = check_calibration(crops([picture], 60, seed=2), allow_small=True)

    assert check.different >= 50


def test_a_photo_of_one_colour_channel_passes() -> None:
    red = [image * np.array([1, 0, 0], np.uint8) for image in photos()]

    assert check_calibration(crops(red, 40, seed=2), allow_small=True).different == 40


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample photos are not there")
@pytest.mark.parametrize("count", [16, 128])
@pytest.mark.parametrize("seed", [1, 2])
def test_sample_photos_pass(count: int, seed: int) -> None:
    photos = PhotoSet.scan(SAMPLES).draw(count, seed=seed)

    check = check_calibration(photos.pixels(DecodeSpec()), allow_small=True)

    assert check.different == count

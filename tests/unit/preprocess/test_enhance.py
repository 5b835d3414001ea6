import numpy as np
from numpy.typing import NDArray

from edgeclf.preprocess.enhance import denoise, equalize
from edgeclf.types import Uint8Image
from tests.pictures import pattern


def _luma(pixels: Uint8Image) -> NDArray[np.float64]:
    luma: NDArray[np.float64] = pixels @ np.array([0.299, 0.587, 0.114])
    return luma


def test_two_grey_levels_become_black_and_white() -> None:
    pixels = np.full((4, 6, 3), 100, np.uint8)
    pixels[2:] = 110

    result = equalize(pixels)

    assert np.all(result[:2] == 0)
    assert np.all(result[2:] == 255)


def test_a_ramp_stays_a_ramp() -> None:
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)

    assert np.abs(equalize(ramp).astype(int) - ramp).max() <= 1


def test_equalising_keeps_the_differences_between_channels() -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(100, 130, (40, 40, 3), np.uint8)

    result = equalize(pixels).astype(int)

    inside = (result.min(axis=2) > 0) & (result.max(axis=2) < 255)
    assert inside.sum() > 500
    assert np.array_equal(
        np.diff(result[inside], axis=1), np.diff(pixels.astype(int)[inside], axis=1)
    )


def test_an_even_picture_is_left_alone() -> None:
    even = np.full((5, 5, 3), 42, np.uint8)

    assert np.array_equal(equalize(even), even)


def test_equalised_light_uses_the_whole_range_evenly() -> None:
    dim = (pattern(64, 64) // 3) + 20

    counts = np.histogram(_luma(equalize(dim)), bins=4, range=(0, 256))[0]

    assert counts.min() > 0.5 * counts.mean()


def test_denoising_is_the_median_of_nine() -> None:
    pixels = pattern(20, 31)
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 1))[..., 0]

    expected = np.median(windows, axis=(-2, -1))

    assert np.array_equal(denoise(pixels), expected)


def test_denoising_a_single_pixel_leaves_it() -> None:
    pixel = np.array([[[1, 2, 3]]], np.uint8)

    assert np.array_equal(denoise(pixel), pixel)

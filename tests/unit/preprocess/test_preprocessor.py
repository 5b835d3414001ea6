from dataclasses import replace

import numpy as np
import pytest

from edgeclf.errors import SpecError
from edgeclf.preprocess import PRESETS, Preprocessor, preset
from edgeclf.types import PreprocessSpec, ResizeSpec, Uint8Image
from tests.pictures import pattern
from tests.preprocess_reference import tensor_spec

PICTURE = pattern(90, 130)


def _made(spec: PreprocessSpec) -> Preprocessor:
    return Preprocessor(spec, tensor_spec(spec))


def _padded(pixels: Uint8Image) -> Uint8Image:
    wide = np.full((pixels.shape[0], pixels.shape[1] + 13, 3), 99, np.uint8)
    wide[:, : pixels.shape[1]] = pixels
    return wide[:, : pixels.shape[1]]


def _read_only(pixels: Uint8Image) -> Uint8Image:
    frozen = np.array(pixels)
    frozen.flags.writeable = False
    return frozen


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(
    "same",
    [
        _padded(PICTURE),
        np.ascontiguousarray(PICTURE[..., ::-1])[..., ::-1],
        np.ascontiguousarray(PICTURE[::-1])[::-1],
        np.ascontiguousarray(PICTURE[:, ::-1])[:, ::-1],
        np.asfortranarray(PICTURE),
        np.repeat(PICTURE, 2, axis=1)[:, ::2],
        _read_only(PICTURE),
    ],
    ids=[
        "padded-rows",
        "bgr-view",
        "upside-down",
        "mirrored",
        "fortran",
        "every-second",
        "read-only",
    ],
)
def test_strides_do_not_matter(name: str, same: Uint8Image) -> None:
    preprocessor = _made(preset(name, size=(64, 64)))
    expected = preprocessor(PICTURE).copy()

    assert np.array_equal(preprocessor(same), expected)


@pytest.mark.parametrize("name", PRESETS)
def test_the_picture_given_is_never_written_to(name: str) -> None:
    before = PICTURE.copy()

    _made(preset(name, size=(90, 90)))(PICTURE)

    assert np.array_equal(PICTURE, before)


def test_the_tensor_is_the_same_memory_call_after_call() -> None:
    preprocessor = _made(preset("keras"))

    first = preprocessor(PICTURE)

    assert preprocessor(pattern(50, 60)) is first


def test_resized_pixels_are_the_callers_own() -> None:
    preprocessor = _made(replace(preset("keras-raw"), dtype="uint8"))
    resized = preprocessor.resized(PICTURE)
    before = resized.copy()

    preprocessor(255 - PICTURE)

    assert np.array_equal(resized, before)


def test_pictures_of_changing_sizes_do_not_disturb_each_other() -> None:
    spec = PreprocessSpec(
        resize=ResizeSpec(size=(60, 60), mode="letterbox", letterbox_value=114),
        dtype="uint8",
    )
    preprocessor = _made(spec)

    for shape in ((20, 50), (50, 20), (33, 33), (20, 50), (1, 70)) * 2:
        fresh = _made(spec)(pattern(*shape)).copy()
        assert np.array_equal(preprocessor(pattern(*shape)), fresh)


@pytest.mark.parametrize("opencv", [True, False], ids=["opencv", "no-opencv"])
@pytest.mark.parametrize("antialias", [True, False], ids=["antialias", "plain"])
def test_a_letterbox_has_its_border(antialias: bool, opencv: bool) -> None:
    resize = ResizeSpec(
        size=(60, 60), mode="letterbox", antialias=antialias, letterbox_value=114
    )
    spec = PreprocessSpec(resize=resize, dtype="uint8")
    preprocessor = Preprocessor(spec, tensor_spec(spec), opencv=opencv)

    pixels = preprocessor.resized(np.full((40, 20, 3), 7, np.uint8))

    assert np.all(pixels[:, :15] == 114)
    assert np.all(pixels[:, 15:45] == 7)
    assert np.all(pixels[:, 45:] == 114)


def test_many_sizes_are_forgotten_again() -> None:
    preprocessor = _made(preset("keras", size=(8, 8)))

    for height in range(1, 100):
        preprocessor(np.zeros((height, 5, 3), np.uint8))

    assert len(preprocessor._plans) <= 32


def test_a_size_that_came_before_is_still_refused_in_another_dtype() -> None:
    preprocessor = _made(preset("keras", size=(8, 8)))
    preprocessor(np.zeros((4, 4, 3), np.uint8))

    with pytest.raises(ValueError, match="got float32"):
        preprocessor(np.zeros((4, 4, 3), np.float32))


@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        (np.zeros((4, 4), np.uint8), "shape"),
        (np.zeros((4, 4, 4), np.uint8), "shape"),
        (np.zeros((0, 4, 3), np.uint8), "shape"),
        (np.zeros((4, 4, 3), np.float32), "uint8"),
    ],
    ids=["grey", "rgba", "empty", "float"],
)
def test_what_is_no_picture_is_refused(pixels: Uint8Image, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        _made(preset("keras"))(pixels)


def test_a_model_of_another_size_is_refused() -> None:
    tensor = tensor_spec(preset("keras", size=(96, 128)))

    with pytest.raises(SpecError, match=r"\(1, 128, 96, 3\).*\(1, 96, 128, 3\)"):
        Preprocessor(preset("keras", size=(128, 96)), tensor)


def test_a_model_of_another_dtype_is_refused() -> None:
    spec = preset("keras")

    with pytest.raises(SpecError, match="set dtype to 'int8'"):
        Preprocessor(spec, tensor_spec(replace(spec, dtype="int8")))


def test_equalising_spreads_the_light_before_the_crop() -> None:
    spec = replace(preset("keras-raw", size=(90, 130)), enhancement="equalize")
    dim = PICTURE // 4

    pixels = _made(spec).resized(dim)

    assert pixels.max() > 200
    assert np.array_equal(pixels, _made(spec).resized(_padded(dim)))

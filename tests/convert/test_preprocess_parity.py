"""Against tf.image and keras.applications themselves, from the same decoded RGB.

The trainers' steps are written as their published code has them:
TensorFlow's EfficientNet: tensorflow/tpu, models/official/efficientnet/preprocessing.py
(_decode_and_center_crop, CROP_PADDING 32) and main.py (bilinear for lite models).
Keras: keras 3.15.1, src/utils/image_dataset_utils.py, _load_image_tf.
"""

import importlib
import warnings
from typing import Any

import numpy as np
import pytest

from edgeclf.decode import decode_image
from edgeclf.preprocess import Preprocessor, preset
from edgeclf.types import (
    CropSpec,
    DecodeSpec,
    Filter,
    PreprocessSpec,
    ResizeSpec,
    Tensor,
    Uint8Image,
)
from tests.pictures import PICTURE_FILES
from tests.preprocess_reference import ONE_STEP, steps_apart, tensor_spec
from tests.wrong_variants import LITE, WRONG_VARIANTS

pytestmark = pytest.mark.convert

PICTURES = {
    name: decode_image(data, DecodeSpec()) for name, data in PICTURE_FILES.items()
}
EACH_PICTURE = pytest.mark.parametrize("name", PICTURES)
FILTERS: tuple[Filter, ...] = ("nearest", "bilinear", "bicubic", "lanczos3")


@pytest.fixture(scope="module")
def tf() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip("tensorflow")


def _apart(spec: PreprocessSpec, theirs: Any, name: str, *, opencv: bool) -> float:
    ours = Preprocessor(spec, tensor_spec(spec), opencv=opencv)
    # Cubic filters overshoot; what the model was given in uint8 was clipped.
    expected = np.clip(np.rint(np.asarray(theirs, np.float64)), 0, 255)
    return float(np.abs(ours.resized(PICTURES[name]) - expected).max())


@EACH_PICTURE
@pytest.mark.parametrize("opencv", [True, False], ids=["opencv", "no-opencv"])
def test_tf_image_resize_is_within_one_step(tf: Any, name: str, opencv: bool) -> None:
    for filter_ in FILTERS:
        for antialias in (False, True):
            resize = ResizeSpec(size=(120, 84), filter=filter_, antialias=antialias)
            theirs = tf.image.resize(
                PICTURES[name], (120, 84), method=filter_, antialias=antialias
            )

            spec = PreprocessSpec(resize=resize)
            assert _apart(spec, theirs, name, opencv=opencv) <= 1


@EACH_PICTURE
@pytest.mark.parametrize("opencv", [True, False], ids=["opencv", "no-opencv"])
def test_tensorflow_1s_grid_is_within_one_step(
    tf: Any, name: str, opencv: bool
) -> None:
    batch = PICTURES[name][None]
    image = tf.compat.v1.image
    resizes: dict[Filter, Any] = {
        "nearest": image.resize_nearest_neighbor,
        "bilinear": image.resize_bilinear,
        "bicubic": image.resize_bicubic,
    }
    for filter_, resize in resizes.items():
        spec = PreprocessSpec(
            resize=ResizeSpec(
                size=(120, 84),
                filter=filter_,
                half_pixel=False,
                cubic_a=-0.75 if filter_ == "bicubic" else -0.5,
            )
        )

        theirs = resize(batch, (120, 84))[0]

        assert _apart(spec, theirs, name, opencv=opencv) <= 1


# One pixel by 300 becomes nothing by 120 in TensorFlow, which then fails.
@pytest.mark.parametrize(
    "name", [n for n in PICTURES if not n.startswith("one-pixel-")]
)
def test_a_letterbox_is_tensorflows_resize_with_pad(tf: Any, name: str) -> None:
    spec = PreprocessSpec(resize=ResizeSpec(size=(120, 84), mode="letterbox"))

    theirs = tf.image.resize_with_pad(PICTURES[name], 120, 84)

    assert _apart(spec, theirs, name, opencv=True) <= 1


def _lite(tf: Any, pixels: Uint8Image, size: int) -> Tensor:
    """Follow TensorFlow's EfficientNet-Lite from decoded pixels to the model."""
    v1 = tf.compat.v1
    height, width = pixels.shape[:2]
    padded = tf.cast(
        (size / (size + 32)) * tf.cast(tf.minimum(height, width), tf.float32), tf.int32
    )
    # The trainer's own line gives 0 pixels for pictures one pixel wide.
    padded = tf.maximum(padded, 1)
    top = ((height - padded) + 1) // 2
    left = ((width - padded) + 1) // 2
    image = pixels[top : top + padded, left : left + padded]
    resized = v1.image.resize([image], [size, size], v1.image.ResizeMethod.BILINEAR)
    result: Tensor = ((resized - 127.0) / 128.0).numpy()
    return result


@EACH_PICTURE
@pytest.mark.parametrize("size", [224, 240, 260])
def test_efficientnet_lite_is_within_one_step(tf: Any, name: str, size: int) -> None:
    spec = preset("efficientnet-lite", size=(size, size))
    ours = Preprocessor(spec, tensor_spec(spec))

    theirs = _lite(tf, PICTURES[name], size)

    assert steps_apart(ours, theirs, PICTURES[name], 128.0) <= ONE_STEP


@pytest.mark.parametrize(
    "variant",
    [name for name, variant in WRONG_VARIANTS.items() if variant.right == LITE],
)
def test_tensorflow_itself_catches_the_wrong_variant(tf: Any, variant: str) -> None:
    padded = np.zeros((480, 700, 3), np.uint8)
    padded[:, :640] = PICTURES["landscape"]
    pixels = padded[:, :640]
    theirs = _lite(tf, pixels, 224)
    right = Preprocessor(LITE, tensor_spec(LITE))
    wrong = WRONG_VARIANTS[variant].make()

    assert steps_apart(right, theirs, pixels, 128.0) <= ONE_STEP
    assert steps_apart(wrong, theirs, pixels, 128.0) > ONE_STEP


@EACH_PICTURE
@pytest.mark.parametrize(
    ("preset_name", "module"),
    [
        ("keras", "mobilenet"),
        ("keras", "mobilenet_v2"),
        ("keras-raw", "mobilenet_v3"),
        ("keras-raw", "efficientnet"),
        ("keras-raw", "efficientnet_v2"),
        ("keras-torch", "densenet"),
        ("keras-caffe", "resnet"),
    ],
)
def test_keras_applications_are_within_one_step(
    tf: Any, name: str, preset_name: str, module: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        family = importlib.import_module(f"keras.applications.{module}")
    spec = preset(preset_name, size=(96, 96))
    resized = tf.image.resize(PICTURES[name], (96, 96), method="bilinear").numpy()

    theirs = family.preprocess_input(resized.copy())[None]

    ours = Preprocessor(spec, tensor_spec(spec))
    step = max(spec.std)
    assert steps_apart(ours, theirs, PICTURES[name], step) <= ONE_STEP


@pytest.mark.parametrize(
    "name",
    [
        "landscape",
        "grey",
        "rgba",
        "palette-with-transparency",
        "16-bit-grey",
        "16-bit-colour",
        "one-pixel-wide",
    ],
)
def test_png_files_decode_as_tensorflow_decodes_them(tf: Any, name: str) -> None:
    theirs = tf.image.decode_image(
        PICTURE_FILES[name], channels=3, expand_animations=False
    )

    assert np.array_equal(PICTURES[name], theirs.numpy())


def test_a_float32_fraction_decides_the_crop_as_in_tensorflow(tf: Any) -> None:
    for fraction in (0.7, 0.875, 240 / 272, 260 / 292):
        crop = CropSpec(kind="fraction", fraction=fraction)
        sides = np.arange(1, 3000)
        theirs = tf.cast(fraction * tf.cast(sides, tf.float32), tf.int32)

        ours = [crop.kept((int(side), int(side)))[0] for side in sides]

        assert ours == list(np.maximum(theirs.numpy(), 1))

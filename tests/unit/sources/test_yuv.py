import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edgeclf.sources.camera_pixels import FORMATS, GrantedStream, rgb_of
from edgeclf.sources.yuv import YuvCoding, YuvMatrix, yuv_to_rgb
from edgeclf.types import Uint8Image

VIDEO = YuvCoding("Rec601", is_full_range=False)
JPEG = YuvCoding("Rec601", is_full_range=True)

ALL = np.random.default_rng(3).integers(0, 256, (480, 640, 3), np.uint8)
"""Values of every kind, more than a camera sends."""


def padded(rows: NDArray[np.uint8], stride: int) -> NDArray[np.uint8]:
    memory = np.full((len(rows), stride), 222, np.uint8)
    memory[:, : rows.shape[1]] = rows
    return memory.reshape(-1)


def apart(one: Uint8Image, other: Uint8Image) -> int:
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def test_a_pictures_colours_are_pillows_within_one_step() -> None:
    expected = np.asarray(Image.fromarray(ALL, "YCbCr").convert("RGB"))

    pixels = yuv_to_rgb(ALL[..., 0], ALL[..., 1], ALL[..., 2], JPEG)

    assert apart(pixels, expected) <= 1


@pytest.mark.parametrize("matrix", ["Rec601", "Rec709", "Rec2020"])
@pytest.mark.parametrize("is_full_range", [True, False])
def test_colours_are_the_formulas_within_one_step(
    matrix: YuvMatrix, is_full_range: bool
) -> None:
    red, blue = {
        "Rec601": (0.299, 0.114),
        "Rec709": (0.2126, 0.0722),
        "Rec2020": (0.2627, 0.0593),
    }[matrix]
    rgb = np.random.default_rng(5).integers(0, 256, (99, 99, 3)).astype(float)
    luma = rgb @ np.array([red, 1 - red - blue, blue])
    v = (rgb[..., 0] - luma) / (2 * (1 - red))
    u = (rgb[..., 2] - luma) / (2 * (1 - blue))
    scale, low, chroma = (1, 0, 1) if is_full_range else (219 / 255, 16, 224 / 255)
    planes = [luma * scale + low, u * chroma + 128, v * chroma + 128]
    y8, u8, v8 = (each.round().clip(0, 255).astype(np.uint8) for each in planes)

    pixels = yuv_to_rgb(y8, u8, v8, YuvCoding(matrix, is_full_range))

    # What was stored was rounded: half a step of each plane comes to this.
    assert np.abs(pixels - rgb).max() < 3


def test_a_matrix_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="Rec709"):
        YuvCoding("Rec1886")  # type: ignore[arg-type]


@pytest.mark.parametrize("padding", [0, 32], ids=["tight", "padded"])
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("NV12", "COLOR_YUV2RGB_NV12"),
        ("NV21", "COLOR_YUV2RGB_NV21"),
        ("YUV420", "COLOR_YUV2RGB_I420"),
        ("YVU420", "COLOR_YUV2RGB_YV12"),
        ("YUYV", "COLOR_YUV2RGB_YUYV"),
        ("YVYU", "COLOR_YUV2RGB_YVYU"),
        ("UYVY", "COLOR_YUV2RGB_UYVY"),
    ],
)
def test_what_a_video_may_hold_is_opencvs_within_two_steps(
    name: str, code: str, padding: int
) -> None:
    import cv2

    height, width = 48, 64
    is_packed = not name[-1].isdecimal()
    random = np.random.default_rng(9)
    if is_packed:
        rows = random.integers(16, 241, (height, 2 * width), np.uint8)
        expected = cv2.cvtColor(rows.reshape(height, width, 2), getattr(cv2, code))
        stride = 2 * width + padding
        data = padded(rows, stride)
    else:
        rows = random.integers(16, 241, (height * 3 // 2, width), np.uint8)
        expected = cv2.cvtColor(rows, getattr(cv2, code))
        stride = width + padding
        chroma = rows[height:]
        if name in {"YUV420", "YVU420"}:
            data = np.concatenate(
                [
                    padded(rows[:height], stride),
                    padded(chroma.reshape(-1, width // 2), stride // 2),
                ]
            )
        else:
            data = padded(rows, stride)
    stream = GrantedStream(
        format=name, size=(height, width), bytes_per_row=stride, coding=VIDEO
    )

    assert apart(rgb_of(data, stream), expected) <= 2


@pytest.mark.parametrize("padding", [0, 32], ids=["tight", "padded"])
@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("BGR888", [0, 1, 2]),
        ("RGB888", [2, 1, 0]),
        ("XBGR8888", [0, 1, 2, 0]),
        ("XRGB8888", [2, 1, 0, 0]),
    ],
)
def test_the_order_in_memory_is_the_other_way_round_than_the_name(
    name: str, order: list[int], padding: int
) -> None:
    picture = ALL[:48, :64]
    rows = np.ascontiguousarray(picture[..., order]).reshape(48, -1)
    stride = rows.shape[1] + padding
    stream = GrantedStream(format=name, size=(48, 64), bytes_per_row=stride)

    pixels = rgb_of(padded(rows, stride), stream)

    np.testing.assert_array_equal(pixels, picture)
    assert pixels.flags.c_contiguous


def test_grey_is_grey() -> None:
    rows = ALL[:48, :64, 0]
    stream = GrantedStream(format="R8", size=(48, 64), bytes_per_row=96)

    pixels = rgb_of(padded(rows, 96), stream)

    np.testing.assert_array_equal(pixels, np.repeat(rows[..., None], 3, axis=2))


@pytest.mark.parametrize("name", ["NV12", "YUV420"])
def test_sides_may_be_odd(name: str) -> None:
    stream = GrantedStream(format=name, size=(5, 7), bytes_per_row=16)
    data = np.full(16 * 5 + 2 * 16 * 3, 128, np.uint8)

    pixels = rgb_of(data, stream)

    assert pixels.shape == (5, 7, 3)
    assert set(pixels.reshape(-1)) == {130}


def test_every_format_gives_pixels_of_its_own() -> None:
    for name in FORMATS:
        data = np.zeros(48 * 256 * 2, np.uint8)
        stream = GrantedStream(format=name, size=(48, 64), bytes_per_row=256)

        pixels = rgb_of(data, stream)

        assert pixels.shape == (48, 64, 3)
        assert not np.shares_memory(pixels, data)

"""A camera that cannot be trusted is told, and one that can is left alone.

On real photos, with noise: minutes of them, three frames a second.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeclf.stream import Event
from edgeclf.types import Uint8Image
from edgeclf.watch import CameraWatcher
from tests.streams import S, decision, names_and_phases

Picture: TypeAlias = NDArray[np.float32]
Scene: TypeAlias = Callable[[float], Picture]

HEIGHT, WIDTH = 240, 320
_RATE = 3
PHOTOS = ["astronaut", "brick", "chelsea", "clock", "coffee", "moon", "rocket"]
"""From the busiest to the plainest that there are; the clock is out of focus."""


def _resized(picture: Any, width: int, height: int) -> Any:
    import cv2

    way = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return cv2.resize(picture, (width, height), interpolation=way)


def _blurred(picture: Any, sigma: float) -> Any:
    import cv2

    return cv2.GaussianBlur(picture, (0, 0), sigma)


@cache
def photo(name: str, blur: float = 0) -> Picture:
    data = pytest.importorskip("skimage.data")
    picture = getattr(data, name)()
    if picture.ndim == 2:
        picture = np.dstack([picture] * 3)
    picture = _resized(picture, 640, 480)
    if blur:
        picture = _blurred(picture, blur)
    return np.asarray(_resized(picture, WIDTH, HEIGHT), np.float32)


def hand_before(name: str) -> Picture:
    """Return what is left of a scene behind skin: red, dim, and without detail."""
    smooth = _blurred(_resized(_resized(photo(name), 8, 6), WIDTH, HEIGHT), 40)
    tinted = (50 + 0.2 * smooth) * np.array([1.2, 0.6, 0.5])
    return np.asarray(tinted, np.float32)


@cache
def _noise_bank() -> list[Picture]:
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((HEIGHT + 16, WIDTH + 16, 3), np.float32) for _ in range(3)
    ]


class Camera:
    """Shows scenes to a watcher, one after the other, with a sensor's noise."""

    def __init__(self) -> None:
        self.watcher = CameraWatcher()
        self.now_ns = S
        self.shown = 0

    def show(
        self, scene: Picture | Scene, seconds: float, noise: float = 2
    ) -> list[str]:
        return names_and_phases(self.events(scene, seconds, noise))

    def events(
        self, scene: Picture | Scene, seconds: float, noise: float = 2
    ) -> list[Event]:
        events: list[Event] = []
        for index in range(round(seconds * _RATE)):
            picture = scene(index / _RATE) if callable(scene) else scene
            pixels = self._sensed(picture, noise)
            events += self.watcher.watch(
                decision(self.shown, self.now_ns, pixels=pixels)
            )
            self.now_ns += S // _RATE
            self.shown += 1
        return events

    def _sensed(self, picture: Picture, noise: float) -> Uint8Image:
        down, across = self.shown * 7 % 16, self.shown * 11 % 16
        field = _noise_bank()[self.shown % 3]
        field = field[down : down + HEIGHT, across : across + WIDTH]
        return np.clip(picture + noise * field + 0.5, 0, 255).astype(np.uint8)


@pytest.fixture
def camera() -> Camera:
    return Camera()


@pytest.mark.parametrize("name", ["brick", "clock", "rocket"])
def test_a_good_camera_is_left_alone_from_day_through_dusk_to_night(
    camera: Camera, name: str
) -> None:
    day = photo(name)

    assert camera.show(day, 65) == []
    assert camera.show(lambda second: day * (1 - 0.93 * second / 60), 60, 4) == []
    assert camera.show(day * 0.07, 60, 6) == []  # means of 4 to 10, noise of 6
    assert camera.show(day, 20) == []


def test_an_empty_night_scene_with_noise_is_neither_black_nor_frozen(
    camera: Camera,
) -> None:
    night = np.full((HEIGHT, WIDTH, 3), 3, np.float32)
    night[40:100, 200:230] = 40  # a window
    night[170:] += np.linspace(0, 14, WIDTH, dtype=np.float32)[:, None]

    assert camera.show(night, 60, 5) == []


def test_a_busy_scene_in_which_everything_moves_is_left_alone(camera: Camera) -> None:
    day = photo("coffee")

    events = camera.show(lambda second: np.roll(day, int(second * 40), axis=1), 90)

    assert events == []


@pytest.mark.parametrize("name", PHOTOS)
@pytest.mark.parametrize(
    ("spoil", "seconds", "told"),
    [
        pytest.param(lambda name: photo(name) * 0, 4, "black", id="black"),
        pytest.param(
            lambda name: photo(name) * 4 + 210, 8, "over-exposed", id="over-exposed"
        ),
        pytest.param(hand_before, 9, "covered", id="covered"),
    ],
)
def test_a_spoilt_picture_is_told_and_its_end_too(
    camera: Camera,
    name: str,
    spoil: Callable[[str], Picture],
    seconds: float,
    told: str,
) -> None:
    assert camera.show(photo(name), 3) == []

    assert camera.show(spoil(name), seconds) == [f"{told} start"]
    assert camera.show(photo(name), 8) == [f"{told} end"]


@pytest.mark.parametrize("name", ["astronaut", "moon", "rocket"])
def test_a_lens_out_of_focus_is_told_against_what_the_camera_showed_before(
    camera: Camera, name: str
) -> None:
    camera.show(photo(name), 62)

    [start] = camera.events(photo(name, blur=8), 30)

    assert (start.name, start.phase) == ("blurred", "start")
    assert "of its usual sharpness" in start.detail
    assert camera.show(photo(name), 10) == ["blurred end"]


def test_a_scene_that_was_never_sharp_is_not_called_blurred(camera: Camera) -> None:
    assert camera.show(photo("coffee", blur=8), 90) == []


def test_a_short_moment_out_of_focus_is_not_told(camera: Camera) -> None:
    camera.show(photo("coffee"), 62)

    assert camera.show(photo("coffee", blur=8), 10) == []
    assert camera.show(photo("coffee"), 10) == []


def test_a_picture_that_stands_still_is_frozen_after_ten_seconds(
    camera: Camera,
) -> None:
    camera.show(photo("coffee"), 3)
    stopped_ns = camera.now_ns

    [start] = camera.events(photo("coffee"), 12, noise=0)

    assert (start.name, start.phase) == ("frozen", "start")
    assert start.noticed_ns - stopped_ns == pytest.approx(10.33 * S, abs=0.4 * S)
    assert camera.show(photo("coffee"), 1) == ["frozen end"]


def test_a_clock_in_a_frozen_picture_does_not_hide_it(camera: Camera) -> None:
    def with_clock(second: float) -> Picture:
        picture: Picture = photo("coffee").copy()
        picture[:10, :20] = 60 + 100 * (int(second) % 2)
        return picture

    assert camera.show(with_clock, 12, noise=0) == ["frozen start"]


def test_what_noise_cannot_move_is_not_called_frozen(camera: Camera) -> None:
    black = np.zeros((HEIGHT, WIDTH, 3), np.float32)

    assert camera.show(black, 30, noise=0) == ["black start"]
    assert camera.show(black + 255, 30, noise=0) == ["black end", "over-exposed start"]


def test_a_sensor_under_its_cap_is_black_despite_its_noise(camera: Camera) -> None:
    assert camera.show(np.zeros((HEIGHT, WIDTH, 3), np.float32), 4, 8) == [
        "black start"
    ]


def test_finish_ends_what_is_going_on(camera: Camera) -> None:
    camera.show(photo("coffee") * 0, 4)

    [end] = camera.watcher.finish(camera.now_ns)

    assert (end.name, end.phase, end.sequence) == ("black", "end", None)
    assert camera.watcher.finish(camera.now_ns) == []


def test_a_new_size_starts_anew_and_tiny_pictures_are_not_judged() -> None:
    watcher = CameraWatcher()
    sizes = [(480, 640), (1080, 1920), (64, 64), (65, 3000), (63, 640), (1, 1)]

    for index, (height, width) in enumerate(sizes):
        pixels = np.full((height, width, 3), 90, np.uint8)
        assert watcher.watch(decision(index, index * S, pixels=pixels)) == []


def test_pixels_of_any_strides_are_judged_alike() -> None:
    day = np.asarray(photo("coffee"), np.uint8)
    turned = np.ascontiguousarray(day[::-1, ::-1])[::-1, ::-1]
    plain, strided = CameraWatcher(), CameraWatcher()

    for index in range(50):
        told = plain.watch(decision(index, index * S // 4, pixels=day))
        assert strided.watch(decision(index, index * S // 4, pixels=turned)) == told

    assert names_and_phases(plain.finish(0)) == ["frozen end"]
    assert names_and_phases(strided.finish(0)) == ["frozen end"]

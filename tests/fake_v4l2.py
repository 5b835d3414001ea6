"""A camera at /dev/video0, in processes that are started with it preloaded."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edgeclf.types import Uint8Image
from tests.preloaded import compiled
from tests.videos import moving_square

__all__ = ["camera_environment", "is_preloaded", "show", "yuyv"]

ROOT = Path(__file__).parents[1]


def camera_environment() -> dict[str, str]:
    """Return the variables of a process that has the camera."""
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "LD_PRELOAD": str(compiled("fake_v4l2")),
        "FAKE_V4L2_FOLDER": tempfile.gettempdir(),
    }


def is_preloaded() -> bool:
    """Return whether this process has the camera."""
    return "FAKE_V4L2_FOLDER" in os.environ


def show(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    pictures: Sequence[bytes] | None = None,
    **settings: object,
) -> None:
    """Point this process's camera at pictures.

    Args:
        folder: Where they are written to.
        monkeypatch: Undoes it.
        pictures: Their bytes; by default moving squares, 64x48, in YUYV.
        settings: As ``fake_v4l2.c`` says, in small letters.
    """
    shown = pictures or [yuyv(moving_square(index)) for index in range(6)]
    for index, data in enumerate(shown):
        (folder / str(index)).write_bytes(data)
    monkeypatch.setenv("FAKE_V4L2_FOLDER", str(folder))
    for name, value in settings.items():
        monkeypatch.setenv(f"FAKE_V4L2_{name.upper()}", str(value))


def yuyv(picture: Uint8Image) -> bytes:
    """Return a picture as most USB cameras send it, colours of BT.601, 16 to 235."""
    red, green, blue = (picture[..., channel].astype(float) for channel in range(3))
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    packed = np.stack([luma, luma], axis=2)
    packed[:, 0::2, 1] = (u[:, 0::2] + u[:, 1::2]) / 2
    packed[:, 1::2, 1] = (v[:, 0::2] + v[:, 1::2]) / 2
    return bytes(packed.round().clip(0, 255).astype(np.uint8).tobytes())

"""What a Raspberry Pi's camera is asked for, and what it grants."""

from collections.abc import Mapping
from typing import Any, Literal, TypeAlias, cast

from edgeclf.errors import SourceError
from edgeclf.sources.camera_form import CameraForm
from edgeclf.sources.camera_pixels import FORMATS, GrantedStream
from edgeclf.sources.yuv import YuvCoding, YuvMatrix

__all__ = ["StreamName", "granted_stream", "wishes"]

StreamName: TypeAlias = Literal["main", "lores"]

_SIZE = (480, 640)
_MAIN_BESIDE_LORES = (1296, 972)  # (width, height), at least, for the ISP to shrink

# Red, green, blue in memory: nothing is left to be done but a copy.
_RGB_IN_MEMORY = "BGR888"


def wishes(form: CameraForm, stream: StreamName) -> dict[str, Any]:
    """Return what picamera2's ``create_video_configuration`` is called with.

    Args:
        form: What the user wrote.
        stream: Which will be read.
    """
    height, width = form.size or _SIZE
    controls = {} if form.fps is None else {"FrameRate": form.fps}
    if stream == "main":
        main = {"format": _RGB_IN_MEMORY, "size": (width, height)}
        return {"main": main, "controls": controls}
    large = tuple(map(max, _MAIN_BESIDE_LORES, (width, height)))
    return {
        # As it is read where there is no small one, so that the two can be compared.
        "main": {"format": _RGB_IN_MEMORY, "size": large},
        # The one format that every Pi's processor shrinks to.
        "lores": {"format": "YUV420", "size": (width, height)},
        "controls": controls,
    }


def granted_stream(
    configuration: Mapping[str, Any], stream: StreamName, *, shown: str
) -> GrantedStream:
    """Read back what the camera gives, whatever it was asked for.

    Args:
        configuration: As picamera2 tells it when the camera is configured.
        stream: Which of its streams.
        shown: What messages call the camera.

    Raises:
        SourceError: It is of no known format.
    """
    given = configuration[stream]
    if given["format"] not in FORMATS:
        raise SourceError(
            f"{shown}: the camera gives {given['format']}; known are "
            f"{', '.join(FORMATS)}"
        )
    width, height = given["size"]
    return GrantedStream(
        format=given["format"],
        size=(height, width),
        bytes_per_row=given["stride"],
        coding=_coding(configuration.get("colour_space")),
    )


def _coding(colour_space: Any) -> YuvCoding:
    """Return what YUV means; where the camera does not say, a video's BT.601."""
    matrix = _name(getattr(colour_space, "ycbcrEncoding", None))
    known = matrix in {"Rec601", "Rec709", "Rec2020"}
    return YuvCoding(
        cast("YuvMatrix", matrix) if known else "Rec601",
        _name(getattr(colour_space, "range", None)) == "Full",
    )


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))

"""What the kernel says of a video device, asked beside the one who reads it."""

import errno
import fcntl
import os
import struct
from dataclasses import dataclass

__all__ = ["V4l2Facts", "V4l2Format", "claim", "facts_of", "format_of"]

# include/uapi/linux/videodev2.h; a format's union begins where a pointer may.
_QUERYCAP = struct.Struct("16s32s32s6I")
_POINTER_BYTES = struct.calcsize("P")
_FORMAT = struct.Struct(f"={_POINTER_BYTES}s200s")
_CAPTURE = 1
_CAN_CAPTURE = 0x00000001
_HAS_DEVICE_CAPS = 0x80000000


@dataclass(frozen=True, slots=True, kw_only=True)
class V4l2Facts:
    """What a device is.

    Attributes:
        card: Its name.
        is_camera: Whether it gives pictures; codecs and the like are devices, too.
    """

    card: str
    is_camera: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class V4l2Format:
    """What a device was set to give.

    Attributes:
        code: Four letters, such as ``YUYV``.
        size: (height, width) in pixels.
        bytes_per_row: Padding included; 0 for compressed pictures.
    """

    code: str
    size: tuple[int, int]
    bytes_per_row: int


def facts_of(fd: int) -> V4l2Facts:
    """Ask what an open device is.

    Raises:
        OSError: It is no video device.
    """
    answer = bytearray(_QUERYCAP.size)
    fcntl.ioctl(fd, _request(2, 0, _QUERYCAP.size), answer)
    _, card, _, _, of_all, of_this, *_ = _QUERYCAP.unpack(answer)
    capabilities = of_this if of_all & _HAS_DEVICE_CAPS else of_all
    return V4l2Facts(
        card=card.partition(b"\0")[0].decode("utf-8", "replace"),
        is_camera=bool(capabilities & _CAN_CAPTURE),
    )


def format_of(fd: int) -> V4l2Format:
    """Ask what an open camera was set to.

    Raises:
        OSError: It does not say.
    """
    _, pixels = _FORMAT.unpack(_format(fd))
    width, height, code, _, bytes_per_row = struct.unpack_from("=2I4s2I", pixels)
    return V4l2Format(
        code=code.decode("latin-1"), size=(height, width), bytes_per_row=bytes_per_row
    )


def claim(path: str) -> V4l2Facts:
    """Make sure that a camera is free, by setting it to what it is set to.

    OpenCV would wait for minutes for one that another program uses.

    Raises:
        OSError: It is missing, forbidden, busy (``EBUSY``), or no video device.
    """
    fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = facts_of(fd)
        if facts.is_camera:
            fcntl.ioctl(fd, _request(3, 5, _FORMAT.size), _format(fd))
    except OSError as error:
        if error.errno != errno.EINVAL:  # a driver without a format so far is free
            raise
    finally:
        os.close(fd)
    return facts


def _format(fd: int) -> bytearray:
    question = bytearray(_FORMAT.size)
    struct.pack_into("=I", question, 0, _CAPTURE)
    fcntl.ioctl(fd, _request(3, 4, _FORMAT.size), question)
    return question


def _request(direction: int, number: int, size: int) -> int:
    """Return the number of a V4L2 call: 2 reads, 3 writes and reads.

    Source:
        include/uapi/asm-generic/ioctl.h.
    """
    return direction << 30 | size << 16 | ord("V") << 8 | number

"""Pictures from fixed seeds that are hard on preprocessing: shapes, modes, edges."""

import io
import struct
import zlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["PICTURE_FILES", "pattern", "png_16_bit"]

Pixels = NDArray[np.uint8]


def pattern(height: int, width: int, *, seed: int = 0) -> Pixels:
    """Return rings that alias, hard edges, slopes and noise, each with its own colour.

    Returns:
        uint8, shape (height, width, 3).
    """
    rng = np.random.default_rng(seed)
    down, across = np.mgrid[0:height, 0:width]
    ring = np.cos((down**2 + across**2) / (1.5 * (height + width)))
    image = np.empty((height, width, 3))
    image[..., 0] = 127.5 + 127.5 * ring
    image[..., 1] = 255.0 * across / max(1, width - 1)
    image[..., 2] = 255.0 * ((down // 7 + across // 5) % 2)
    noisy = (down * 3 // max(1, height)) == 1
    image[noisy] = rng.uniform(0, 255, (int(noisy.sum()), 3))
    return image.astype(np.uint8)


def png_16_bit(samples: NDArray[np.uint16]) -> bytes:
    """Return a 16-bit PNG: Pillow cannot write one in colour.

    Args:
        samples: Shape (height, width) or (height, width, 3).
    """
    height, width = samples.shape[:2]
    header = struct.pack(
        ">IIBBBBB", width, height, 16, 2 if samples.ndim == 3 else 0, 0, 0, 0
    )
    lines = samples.astype(">u2").reshape(height, -1)
    data = b"".join(b"\0" + line.tobytes() for line in lines)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def _encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def _plain(height: int, width: int) -> bytes:
    return _encoded(Image.fromarray(pattern(height, width)))


def _noise(height: int, width: int) -> bytes:
    rng = np.random.default_rng(height * width)
    return _encoded(
        Image.fromarray(rng.choice(np.array([0, 255], np.uint8), (height, width, 3)))
    )


def _with_alpha() -> bytes:
    alpha = np.random.default_rng(5).integers(0, 256, (120, 170, 1), np.uint8)
    return _encoded(Image.fromarray(np.dstack([pattern(120, 170), alpha])))


def _palette() -> bytes:
    image = Image.fromarray(pattern(150, 130)).quantize(200)
    return _encoded(image, transparency=bytes(range(200)))


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return _encoded(Image.fromarray(pattern(160, 240)), "JPEG", exif=exif, quality=95)


def _deep_grey() -> bytes:
    rng = np.random.default_rng(16)
    return png_16_bit(rng.integers(0, 65536, (140, 100), np.uint16))


def _deep_colour() -> bytes:
    rng = np.random.default_rng(17)
    return png_16_bit(rng.integers(0, 65536, (90, 140, 3), np.uint16))


_MAKERS: Mapping[str, Callable[[], bytes]] = {
    "landscape": lambda: _plain(480, 640),
    "portrait": lambda: _plain(640, 480),
    "odd-sizes": lambda: _plain(333, 517),
    "one-pixel-wide": lambda: _plain(120, 1),
    "one-pixel-high": lambda: _plain(1, 120),
    "one-pixel": lambda: _plain(1, 1),
    "tiny": lambda: _plain(5, 7),
    "upscaled": lambda: _plain(100, 80),
    "same-size": lambda: _plain(224, 224),
    "halved": lambda: _plain(448, 448),
    "panorama": lambda: _plain(37, 900),
    "black-and-white-noise": lambda: _noise(301, 287),
    "grey": lambda: _encoded(Image.fromarray(pattern(200, 311)[..., 0])),
    "rgba": _with_alpha,
    "palette-with-transparency": _palette,
    "16-bit-grey": _deep_grey,
    "16-bit-colour": _deep_colour,
    "exif-rotated-jpeg": _rotated,
    "cmyk-jpeg": lambda: _encoded(
        Image.fromarray(pattern(130, 170)).convert("CMYK"), "JPEG"
    ),
}

PICTURE_FILES: Mapping[str, bytes] = {name: make() for name, make in _MAKERS.items()}
"""Encoded images by what is special about them."""

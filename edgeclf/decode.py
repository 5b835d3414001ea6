"""From image files to RGB pixels, the trainer's way."""

import io
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from edgeclf.errors import ImageError
from edgeclf.files import read_file
from edgeclf.types import DecodeSpec, Uint8Image

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_PIXELS",
    "decode_image",
    "find_images",
    "read_image",
]

IMAGE_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
)
"""Endings, in small letters, of the files that ``find_images`` takes from a folder."""

_FORMATS = ("JPEG", "PNG", "BMP", "GIF", "PPM", "WEBP", "TIFF")
"""What is tried, in this order; some of Pillow's others start foreign programs."""

MAX_PIXELS = 64_000_000
"""Larger images are refused before they are decoded."""

_MAX_FILE_BYTES = 512 * 1024 * 1024

_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
)
"""What Pillow's readers raise for damaged files."""

_warnings_lock = threading.Lock()


def decode_image(data: bytes, spec: DecodeSpec, *, name: str = "image") -> Uint8Image:
    """Return the pixels of an image file; of an animation, its first picture.

    Args:
        data: The file's bytes: JPEG, PNG, BMP, GIF, PPM, WebP or TIFF.
        spec: Orientation and 16-bit samples.
        name: What to call it in messages.

    Returns:
        uint8, shape (height, width, 3), RGB, contiguous and writable.

    Raises:
        ImageError: It is empty, damaged, not an image, of 32-bit samples, or larger
            than ``MAX_PIXELS``.
    """
    if not data:
        raise ImageError(f"{name}: the file is empty; expected an image")
    try:
        with _quiet(), Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            _check_size(image.size, name)
            return _pixels(image, spec, name)
    except UnidentifiedImageError:
        raise ImageError(
            f"{name}: not an image that can be read; expected JPEG, PNG, BMP, GIF, PPM, WebP or TIFF"
        ) from None
    except Image.DecompressionBombError:
        raise ImageError(
            f"{name}: over the limit of {_limit()}; scale it down"
        ) from None
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImageError(
            f"{name}: the image is damaged ({reason}); get a whole copy of it"
        ) from error


def read_image(path: Path, spec: DecodeSpec) -> Uint8Image:
    """Return the pixels of an image file.

    Args:
        path: The file.
        spec: Orientation and 16-bit samples.

    Returns:
        uint8, shape (height, width, 3), RGB, contiguous and writable.

    Raises:
        InputFileError: It is missing, a directory, unreadable or empty.
        ImageError: As ``decode_image``.
    """
    data = read_file(path, what="an image", limit=_MAX_FILE_BYTES)
    return decode_image(data, spec, name=str(path))


def find_images(path: Path) -> list[Path]:
    """Return a file itself, or a folder's images at any depth, sorted by path.

    Args:
        path: A file of any name, or a folder, where ``IMAGE_SUFFIXES`` decide.

    Raises:
        ImageError: There is nothing there, or the folder holds no images.
    """
    if path.is_dir():
        found = sorted(
            file
            for file in path.rglob("*")
            if file.suffix.lower() in IMAGE_SUFFIXES and file.is_file()
        )
        if not found:
            endings = ", ".join(sorted(IMAGE_SUFFIXES))
            raise ImageError(f"{path}: no images in this folder (looked for {endings})")
        return found
    if not path.exists():
        seen = "a link to nothing" if path.is_symlink() else "no such file or folder"
        raise ImageError(f"{path}: {seen}; expected images")
    return [path]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Pillow's warnings to ourselves: the errors below say what matters.

    Warning filters belong to the process, so threads take turns.
    """
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _check_size(size: tuple[int, int], name: str) -> None:
    width, height = size
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{name}: {width}x{height} pixels, over the limit of {_limit()}; "
            "scale it down"
        )


def _limit() -> str:
    return f"{MAX_PIXELS // 1_000_000} megapixels"


def _pixels(image: Image.Image, spec: DecodeSpec, name: str) -> Uint8Image:
    if spec.orientation == "apply":
        image = ImageOps.exif_transpose(image)
    if image.mode in {"I", "F"} and image.format != "PNG":
        raise ImageError(
            f"{name}: 32-bit samples have no fixed range; save it with 8 or 16 bits"
        )
    if image.mode.startswith("I"):
        return _from_sixteen_bits(np.asarray(image), spec)
    # With transparency noted, Pillow would warn about a palette that loses it.
    image.info.pop("transparency", None)
    return np.array(image.convert("RGB"))


def _from_sixteen_bits(
    samples: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]", spec: DecodeSpec
) -> Uint8Image:
    wide = samples.astype(np.int32)
    grey = wide >> 8 if spec.sixteen_bit == "high-byte" else wide
    narrow = np.clip(grey, 0, 255).astype(np.uint8)
    return np.repeat(narrow[..., None], 3, axis=2)

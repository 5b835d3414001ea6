"""Fashion-MNIST as this project's benchmarks take it: read, resized, laid out as files.

The data are Debian's package (70,000 pictures, 30 MB):

    apt-get install dataset-fashion-mnist

or, without installing, from the checkout's folder:

    apt-get download dataset-fashion-mnist
    dpkg -x dataset-fashion-mnist_*.deb .cache/debian
    mv .cache/debian/usr/share/datasets/fashion-mnist .cache/fashion-mnist

Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747.
"""

import gzip
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converters.pictures import real_input
from edgeclf.preprocess import Preprocessor, preset

__all__ = ["LABELS", "Part", "find_data", "read_part", "resized", "write_pictures"]

LABELS = (
    "T-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
"""Class names, in the order of the labels' numbers (arXiv:1708.07747, table 2)."""

_FOLDERS = (Path(".cache/fashion-mnist"), Path("/usr/share/datasets/fashion-mnist"))
_HELD_OUT = 5000
_FILES: Mapping[str, str] = {"train": "train", "held-out": "train", "test": "t10k"}

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Pictures and what they show.

    Attributes:
        pixels: Grey, uint8, shape (pictures, 28, 28).
        truth: Number of the class of each, 0 to 9.
    """

    pixels: Pixels
    truth: NDArray[np.intp]


def find_data(given: Path | None = None) -> Path:
    """Return the folder with the four ``.gz`` files, or end with how to get them."""
    for folder in [given] if given is not None else _FOLDERS:
        if (folder / "t10k-images-idx3-ubyte.gz").is_file():
            return folder
    sys.exit(
        f"{given or 'Fashion-MNIST'}: no data found; apt-get install "
        "dataset-fashion-mnist, or give its folder (see benchmarks/fashion_mnist.py)"
    )


def read_part(folder: Path, name: str) -> Part:
    """Return ``train`` (55,000), ``held-out`` (the training file's last 5,000) or ``test``.

    Source:
        The IDX format: a header of 16 bytes before pixels, of 8 before labels.
    """
    file = _FILES[name]
    pixels = _bytes(folder / f"{file}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    truth = _bytes(folder / f"{file}-labels-idx1-ubyte.gz", 8).astype(np.intp)
    if name == "train":
        return Part(pixels[:-_HELD_OUT], truth[:-_HELD_OUT])
    if name == "held-out":
        return Part(pixels[-_HELD_OUT:], truth[-_HELD_OUT:])
    return Part(pixels, truth)


def resized(pixels: Pixels, side: int) -> Pixels:
    """Return grey pictures at ``side`` x ``side``, as the device resizes them.

    Args:
        pixels: uint8, shape (pictures, height, width).
        side: Of the model's input, in pixels.

    Returns:
        uint8, shape (pictures, side, side): the three channels are alike.
    """
    spec = preset("keras-raw", size=(side, side))
    resize = Preprocessor(spec, real_input(spec)).resized
    grey = np.empty((len(pixels), side, side), np.uint8)
    for number, picture in enumerate(pixels):
        grey[number] = resize(np.repeat(picture[..., np.newaxis], 3, axis=2))[..., 0]
    return grey


def write_pictures(part: Part, folder: Path, *, count: int | None = None) -> Path:
    """Write the first pictures as PNG into sub-folders named after their class.

    Args:
        part: What to write.
        folder: Kept as it is when it is there: it is made in one step.
        count: How many; all by default.

    Returns:
        The folder.
    """
    if folder.is_dir():
        return folder
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    for label in LABELS:
        (unfinished / label).mkdir(parents=True, exist_ok=True)
    pairs = zip(part.pixels[:count], part.truth[:count], strict=True)
    for number, (picture, truth) in enumerate(pairs):
        Image.fromarray(picture).save(unfinished / LABELS[truth] / f"{number:05}.png")
    unfinished.rename(folder)
    return folder


def _bytes(path: Path, header: int) -> Pixels:
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8, offset=header)

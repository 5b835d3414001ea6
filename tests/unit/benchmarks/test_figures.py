import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks.fashion_mnist import LABELS, read_part, resized, write_pictures
from benchmarks.figures import Figure, is_reached, kept_parts, page, write_part
from benchmarks.intervals import mean, ratio_of_sums
from converters.photos import PhotoSet


def fashion_mnist(folder: Path, pictures: int) -> None:
    """Write files of the data set's format; the last 5,000 to train on are held out."""
    random = np.random.default_rng(0)
    for name in ("train", "t10k"):
        pixels = random.integers(0, 256, (pictures, 28, 28), np.uint8)
        truth = (np.arange(pictures) % 10).astype(np.uint8)
        for kind, header, data in (
            ("images-idx3", 16, pixels),
            ("labels-idx1", 8, truth),
        ):
            packed = gzip.compress(bytes(header) + data.tobytes(), 1)
            (folder / f"{name}-{kind}-ubyte.gz").write_bytes(packed)


def test_a_ratio_of_flips_is_drawn_by_photo() -> None:
    plain = np.array([2.0, 0.0, 1.0, 1.0] * 50)
    ours = np.array([1.0, 0.0, 0.0, 1.0] * 50)

    ratio = ratio_of_sums(ours, plain)

    assert ratio.value == 0.5
    assert 0.4 < ratio.low < 0.5 < ratio.high < 0.6


def test_the_same_flips_are_a_ratio_of_one_even_if_there_are_none() -> None:
    assert ratio_of_sums(np.zeros(9), np.zeros(9)).value == 1


def test_a_mean_lies_within_its_interval() -> None:
    found = mean(np.array([0.0, 1.0] * 100))

    assert found.low < found.value == 0.5 < found.high


def test_a_page_has_every_part_that_was_kept_and_names_missed_bars(
    tmp_path: Path,
) -> None:
    good = Figure(name="speed", measured="2.0", bar="≥ 1.5")
    bad = Figure(name="drop", measured="3 points", bar="≤ 1", holds=False)
    first = write_part(tmp_path, "first", [good], "a table")
    write_part(tmp_path, "second", [bad], "")

    parts = list(kept_parts(tmp_path, ["second", "absent", "first"]))
    text = page("Title", "About.", parts)

    assert parts[1] == first
    assert [is_reached(part) for part in parts] == [False, True]
    assert "| drop | 3 points | ≤ 1 | **no** |" in text
    assert "| speed | 2.0 | ≥ 1.5 | yes |" in text
    assert "a table" in text


@pytest.mark.parametrize(("name", "count"), [("train", 3), ("held-out", 5000)])
def test_what_is_held_out_is_not_trained_on(
    tmp_path: Path, name: str, count: int
) -> None:
    fashion_mnist(tmp_path, 5003)

    part = read_part(tmp_path, name)

    assert part.pixels.shape == (count, 28, 28)
    assert part.truth[:3].tolist() == ([0, 1, 2] if name == "train" else [3, 4, 5])


def test_pictures_lie_in_folders_named_after_their_class(tmp_path: Path) -> None:
    fashion_mnist(tmp_path, 20)
    part = read_part(tmp_path, "test")

    folder = write_pictures(part, tmp_path / "pictures", count=12)

    found = PhotoSet.scan(folder)
    assert len(found) == 12
    assert found.class_indices(LABELS) is not None
    assert sorted(p.name for p in folder.iterdir()) == sorted(LABELS)


def test_a_resized_picture_keeps_flat_areas() -> None:
    grey = np.full((1, 28, 28), 7, np.uint8)

    assert (resized(grey, 48) == 7).all()

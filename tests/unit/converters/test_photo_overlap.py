"""Photos of one thing are kept together, and none is on both sides."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from converters.photo_clusters import cluster_of_name, clusters, look_alike
from converters.photo_draw import draw_pictures
from converters.photo_overlap import unseen
from converters.photos import PhotoSet
from converters.recipe_document import recipe_from_dict, shipped_recipe
from edgeclf.errors import CalibrationError, InputFileError
from edgeclf.preprocess import preset
from edgeclf.types import DecodeSpec, Uint8Image

SOURCE: Any = SimpleNamespace(
    preprocess=preset("keras", size=(32, 32)), labels=("a", "b"), synsets=()
)


def picture(seed: int) -> Uint8Image:
    """Return large areas of colour, as different as photos are."""
    areas = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
    return np.repeat(np.repeat(areas, 16, axis=0), 16, axis=1)


def write(folder: Path, **pictures: Uint8Image) -> PhotoSet:
    for name, pixels in pictures.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path.with_name(f"{path.name}.png"))
    return seen(folder)


def seen(folder: Path) -> PhotoSet:
    return PhotoSet.scan(folder).readable(DecodeSpec())[0]


def many(first: int, count: int) -> dict[str, Uint8Image]:
    return {f"p{number}": picture(number) for number in range(first, first + count)}


@pytest.mark.parametrize(
    ("name", "cluster"),
    [
        ("IMG_1-crop2.jpg", "IMG_1"),
        ("cats/sun (1).jpg", "cats/sun"),
        ("a_flip.png", "a"),
        ("photo_0001.jpg", "photo_0001.jpg"),
        ("crop.jpg", "crop.jpg"),
        ("7.png", "7.png"),
    ],
)
def test_a_name_tells_what_it_is_a_view_of(name: str, cluster: str) -> None:
    assert cluster_of_name(name) == cluster


def test_a_picture_saved_twice_is_one_cluster(tmp_path: Path) -> None:
    noisy = np.clip(picture(1).astype(int) + 2, 0, 255).astype(np.uint8)

    photos = write(tmp_path, one=picture(1), again=noisy, other=picture(2))

    again, one, other = photos.clusters()
    assert again == one != other


def test_a_column_says_which_photos_show_the_same_thing(tmp_path: Path) -> None:
    write(tmp_path, a=picture(1), b=picture(2), c=picture(3))
    (tmp_path / "labels.csv").write_text(
        "file,label,group\na.png,ant,left\nb.png,bee,left\nc.png,ant,\n"
    )

    a, b, c = seen(tmp_path).clusters()

    assert a == b != c


def test_clusters_that_touch_are_one() -> None:
    thumbnails = np.zeros((3, 768), np.uint8)
    thumbnails[1] += 8
    thumbnails[2] += 16

    assert len(set(clusters(["a", "b", "c"], thumbnails))) == 1
    assert look_alike(thumbnails[2:], thumbnails[:1]).tolist() == [False]


def test_views_of_one_picture_stay_on_one_side(tmp_path: Path) -> None:
    views = {
        f"p{number}-crop{view}": picture(10 * number + view)
        for number in range(20)
        for view in range(3)
    }
    photos = write(tmp_path, **views)

    held_out, rest = photos.split(0.5, seed=0)

    sides = [{photo.cluster for photo in side.photos} for side in (held_out, rest)]
    assert not sides[0] & sides[1]
    assert (len(held_out), len(rest)) == (30, 30)


def test_photos_on_both_sides_are_refused_by_their_bytes(tmp_path: Path) -> None:
    calibrating = write(tmp_path / "one", **many(0, 5))
    judging = write(tmp_path / "two", **many(10, 5), copied=picture(3))

    with pytest.raises(CalibrationError, match=r"1 of the 6 .*such as copied\.png"):
        unseen(judging, calibrating, is_given=True)


def test_many_look_alikes_are_refused_and_few_are_left_out(tmp_path: Path) -> None:
    calibrating = write(tmp_path / "one", **many(0, 30))
    alike = {f"l{n}": picture(n) // 2 * 2 for n in range(10)}
    many_alike = write(tmp_path / "two", **many(100, 10), **alike)
    one_alike = write(tmp_path / "three", **many(100, 30), l0=alike["l0"])

    with pytest.raises(CalibrationError, match=r"10 of the 20 .*nearly the same"):
        unseen(many_alike, calibrating, is_given=True)
    rest, notes = unseen(one_alike, calibrating, is_given=True)

    assert len(rest) == 30
    (note,) = notes
    assert note.startswith("1 of 31 photos to compare on are nearly the same as one")
    assert note.endswith("such as l0.png")


def test_copies_in_one_folder_are_left_out_of_what_judges(tmp_path: Path) -> None:
    calibrating = write(tmp_path / "one", **many(0, 5))
    held_out = write(tmp_path / "two", **many(3, 5))

    rest, notes = unseen(held_out, calibrating, is_given=False)

    assert len(rest) == 3
    assert notes


def test_where_all_photos_are_the_same_none_can_judge(tmp_path: Path) -> None:
    calibrating = write(tmp_path / "one", a=picture(1))
    held_out = write(tmp_path / "two", b=picture(1))

    with pytest.raises(CalibrationError, match="none is left to judge by"):
        unseen(held_out, calibrating, is_given=False)


def test_labelled_photos_of_one_class_say_nothing_of_the_others(
    tmp_path: Path,
) -> None:
    write(tmp_path, a__1=picture(1), a__2=picture(2))
    recipe = recipe_from_dict(shipped_recipe("tflite", "fp32"), name="test")

    with pytest.raises(InputFileError, match="all 2 photos are labelled 'a'"):
        draw_pictures(recipe, SOURCE, calibrate=None, evaluate=tmp_path)

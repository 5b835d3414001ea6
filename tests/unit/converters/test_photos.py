"""Photo sets: found, drawn, split and labelled by name and seed alone."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converters.crops import crops
from converters.photos import PhotoSet
from edgeclf.errors import CalibrationError, ImageError, InputFileError
from edgeclf.types import DecodeSpec

LABELS = ("ant", "polar bear", "crane (bird)", "crane (machine)")
SYNSETS = ("n1", "n2", "n3", "n4")


def write(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (number % 256, number // 256, 0)).save(path)
    return folder


def names(photos: PhotoSet) -> list[str]:
    return [photo.name for photo in photos.photos]


def groups(photos: PhotoSet) -> Counter[str]:
    return Counter(photo.name.partition("/")[0] for photo in photos.photos)


def three_classes(folder: Path, **sizes: int) -> PhotoSet:
    for group, size in sizes.items():
        write(folder, *(f"{group}/{number}.png" for number in range(size)))
    return PhotoSet.scan(folder)


def test_images_are_found_at_any_depth_and_sorted_by_name(tmp_path: Path) -> None:
    write(tmp_path, "b/2.png", "b/c/1.jpg", "a/3.png")
    (tmp_path / "b" / "notes.txt").write_text("no image", "utf-8")

    photos = PhotoSet.scan(tmp_path)

    assert names(photos) == ["a/3.png", "b/2.png", "b/c/1.jpg"]
    assert len(photos) == 3


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing", "no such folder; expected a folder of photos"),
        ("a file", "is a file; expected a folder of photos"),
        ("an empty folder", "no images in this folder"),
    ],
)
def test_what_is_no_folder_of_images_is_named_for_what_it_is(
    what: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "photos"
    if what == "a file":
        path.touch()
    elif what == "an empty folder":
        path.mkdir()

    with pytest.raises(InputFileError, match=f"photos: {message}"):
        PhotoSet.scan(path)


def test_the_same_seed_draws_the_same_photos(tmp_path: Path) -> None:
    photos = three_classes(tmp_path, a=20, b=20)

    assert photos.draw(10, seed=3) == photos.draw(10, seed=3)


def test_another_seed_draws_other_photos(tmp_path: Path) -> None:
    photos = three_classes(tmp_path, a=20, b=20)

    assert photos.draw(10, seed=3) != photos.draw(10, seed=4)


def test_a_copy_of_the_folder_elsewhere_gives_the_same_draw(tmp_path: Path) -> None:
    first = three_classes(tmp_path / "one", a=9, b=9, c=9)
    second = three_classes(tmp_path / "two", c=9, a=9, b=9)

    assert names(first.draw(10, seed=0)) == names(second.draw(10, seed=0))


def test_equal_folders_give_equal_shares(tmp_path: Path) -> None:
    photos = three_classes(tmp_path, a=30, b=30, c=30)

    assert groups(photos.draw(30, seed=1)) == {"a": 10, "b": 10, "c": 10}


def test_unequal_folders_give_shares_in_proportion_and_one_at_least(
    tmp_path: Path,
) -> None:
    photos = three_classes(tmp_path, large=200, middle=50, small=2)

    assert groups(photos.draw(50, seed=1)) == {"large": 39, "middle": 10, "small": 1}


@pytest.mark.parametrize("count", [0, 1, 2, 7, 59, 60, 61, 1000])
def test_a_draw_has_as_many_as_asked_for_or_all(count: int, tmp_path: Path) -> None:
    photos = three_classes(tmp_path, a=50, b=8, c=2)

    drawn = photos.draw(count, seed=0)

    assert len(set(names(drawn))) == min(count, 60)


def test_a_split_has_no_photo_twice_and_loses_none(tmp_path: Path) -> None:
    photos = three_classes(tmp_path, a=50, b=10, c=5)

    held_out, rest = photos.split(0.2, seed=0)

    assert sorted(names(held_out) + names(rest)) == names(photos)
    assert groups(held_out) == {"a": 10, "b": 2, "c": 1}


def test_a_split_leaves_something_of_every_folder(tmp_path: Path) -> None:
    photos = three_classes(tmp_path, a=500, b=2)

    _, rest = photos.split(0.2, seed=0)

    assert groups(rest)["b"] >= 1


@pytest.mark.parametrize("fraction", [0.0, 1.0, -1.0])
def test_a_split_of_nothing_or_all_is_a_wrong_call(
    fraction: float, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match="fraction"):
        three_classes(tmp_path, a=2).split(fraction, seed=0)


def test_the_digest_names_the_photos_and_their_bytes(tmp_path: Path) -> None:
    digest = three_classes(tmp_path / "one", a=3, b=3).sha256()
    write(tmp_path / "two", "a/0.png", "a/1.png", "a/2.png")
    write(tmp_path / "two", "b/0.png", "b/1.png", "b/2.png")

    assert PhotoSet.scan(tmp_path / "two").sha256() == digest

    (tmp_path / "two/a/0.png").rename(tmp_path / "two/a/9.png")
    assert PhotoSet.scan(tmp_path / "two").sha256() != digest


def test_one_damaged_image_of_many_is_left_out_and_named(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number:02}.png" for number in range(40)))
    (tmp_path / "07.png").write_bytes(b"damaged")
    (tmp_path / "08.png").write_bytes(b"")

    readable, damaged = PhotoSet.scan(tmp_path).readable(DecodeSpec())

    assert damaged == ("07.png", "08.png")
    assert len(readable) == 38


def test_more_damaged_images_than_a_twentieth_are_refused(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number:02}.png" for number in range(40)))
    for number in range(3):
        (tmp_path / f"{number:02}.png").write_bytes(b"damaged")

    with pytest.raises(CalibrationError, match=r"3 of 40 images .* such as 00.png"):
        PhotoSet.scan(tmp_path).readable(DecodeSpec())


def test_pixels_come_in_the_order_of_the_photos(tmp_path: Path) -> None:
    write(tmp_path, "a.png", "b.png")

    pixels = list(PhotoSet.scan(tmp_path).pixels(DecodeSpec()))

    assert [int(image[0, 0, 0]) for image in pixels] == [0, 1]


def test_pixels_of_a_damaged_photo_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"damaged")

    with pytest.raises(ImageError, match=r"a\.png"):
        list(PhotoSet.scan(tmp_path).pixels(DecodeSpec()))


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("ant", 0),
        ("Polar_Bear", 1),
        ("polar-bear", 1),
        ("n3", 2),
        ("3", 3),
        ("003", 3),
        ("crane (machine)", 3),
    ],
)
def test_folders_are_matched_by_label_synset_or_index(
    folder: str, expected: int, tmp_path: Path
) -> None:
    photos = PhotoSet.scan(write(tmp_path, f"{folder}/x/1.png"))

    assert photos.class_indices(LABELS, SYNSETS) == (expected,)


def test_labels_that_are_numbers_are_taken_as_labels(tmp_path: Path) -> None:
    photos = PhotoSet.scan(write(tmp_path, "1/a.png", "0/b.png"))

    assert photos.class_indices(("1", "0")) == (1, 0)


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("aunt", "'aunt' is none of the model's 4 labels; did you mean 'ant'"),
        ("zebra", "'zebra' is none of the model's 4 labels; name classes as it does"),
        ("4", "'4' is none of the model's 4 labels"),
        ("crane", "names more than one class"),
    ],
)
def test_folders_that_do_not_match_the_model_are_refused(
    folder: str, message: str, tmp_path: Path
) -> None:
    photos = PhotoSet.scan(write(tmp_path, "ant/1.png", f"{folder}/1.png"))

    with pytest.raises(InputFileError, match=message):
        photos.class_indices(LABELS, SYNSETS)


def test_photos_without_folders_or_table_have_no_classes(tmp_path: Path) -> None:
    assert PhotoSet.scan(write(tmp_path, "a.png")).class_indices(LABELS) is None


def test_photos_outside_the_class_folders_are_refused(tmp_path: Path) -> None:
    photos = PhotoSet.scan(write(tmp_path, "ant/1.png", "stray.png"))

    with pytest.raises(InputFileError, match=r"no label, such as stray\.png"):
        photos.class_indices(LABELS)


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("file,class_index", "2", 2),
        ("file,imagenet_class_id,synset,label", "2,n3,crane", 2),
        ("file,label", "polar bear", 1),
        ("filename,synset", "n4", 3),
        ("file,synset,label", "n4,crane", 3),
        ("\ufefffile,Class Name", "Ant", 0),
    ],
)
def test_a_table_beside_the_photos_labels_them(
    header: str, row: str, expected: int, tmp_path: Path
) -> None:
    write(tmp_path, "1.png", "2.png")
    text = f"{header}\n1.png,{row}\n2.png,{row}\n"
    (tmp_path / "labels.csv").write_text(text, "utf-8")

    classes = PhotoSet.scan(tmp_path).class_indices(LABELS, SYNSETS)

    assert classes == (expected, expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("file,label\n", "first line must name"),
        ("a,b\n1,2\n", "first line must name"),
        ("file,label\n9.png,ant\n", "line 2 names '9.png' and there is no such image"),
        ("file,label\n1.png,ant\n1.png,ant\n", "line 3 names '1.png' twice"),
        ("file,class_index\n1.png,two\n", "line 2: 'two' is no class index"),
        ("file,label\n1.png,ant\n\xff", "no such image"),
    ],
)
def test_a_table_that_is_wrong_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    write(tmp_path, "1.png", "2.png")
    (tmp_path / "labels.csv").write_text(text, "utf-8")

    with pytest.raises(InputFileError, match=message):
        PhotoSet.scan(tmp_path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("7,", "'7' is none of the model's 4 labels"),
        ("0,polar bear", "names no one class"),
        ("0,tench", "'tench' is none"),
    ],
)
def test_a_table_that_contradicts_the_model_is_refused(
    row: str, message: str, tmp_path: Path
) -> None:
    write(tmp_path, "1.png")
    (tmp_path / "labels.csv").write_text(f"file,class_index,label\n1.png,{row}\n")

    with pytest.raises(InputFileError, match=message):
        PhotoSet.scan(tmp_path).class_indices(LABELS)


def test_a_photo_that_the_table_leaves_out_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "1.png", "2.png")
    (tmp_path / "labels.csv").write_text("file,label\n1.png,ant\n")

    with pytest.raises(InputFileError, match=r"no label, such as 2\.png"):
        PhotoSet.scan(tmp_path).class_indices(LABELS)


def test_a_table_stratifies_a_draw(tmp_path: Path) -> None:
    write(tmp_path, *(f"{number:02}.png" for number in range(30)))
    rows = (f"{n:02}.png,{'ant' if n < 10 else 'bee'}\n" for n in range(30))
    (tmp_path / "labels.csv").write_text("file,label\n" + "".join(rows))

    drawn = PhotoSet.scan(tmp_path).draw(6, seed=0)

    assert drawn.class_indices(("ant", "bee")) == (0, 0, 1, 1, 1, 1)


def test_crops_are_the_same_for_the_same_seed() -> None:
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (40, 60, 3), dtype=np.uint8)

    first, second = (list(crops([image], 8, seed=4)) for _ in range(2))

    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert all(20 <= crop.shape[0] == crop.shape[1] <= 40 for crop in first)


def test_a_picture_of_one_pixel_can_be_cropped() -> None:
    (crop,) = crops([np.zeros((1, 1, 3), np.uint8)], 1, seed=0)

    assert crop.shape == (1, 1, 3)

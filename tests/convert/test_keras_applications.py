"""keras.applications by name: sizes, preprocessing, weights and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converters.keras_application_table import APPLICATIONS
from converters.zoo import load_source, source_names
from edgeclf.errors import ConversionError, InputFileError

pytestmark = pytest.mark.convert
keras: Any = pytest.importorskip("keras")
SMALL = ["mobilenet", "mobilenet-v2", "mobilenet-v3-small", "efficientnet-v2-b0"]


def picture(size: int) -> "np.ndarray[Any, np.dtype[np.float32]]":
    random = np.random.default_rng(1)
    return random.uniform(0, 255, (1, size, size, 3)).astype(np.float32)


def stem(model: Any) -> "np.ndarray[Any, np.dtype[np.float32]]":
    """Return what the first layer with trained weights is given."""
    head = keras.Model(model.input, model.get_layer("stem_conv_pad").output)
    return np.asarray(head(picture(224)))


def test_every_application_has_a_name_in_the_zoo() -> None:
    families = ("MobileNet", "EfficientNet")
    functions = {
        name
        for name in vars(keras.applications)
        if name.startswith(families) and callable(getattr(keras.applications, name))
    }

    assert functions == {a.function for a in APPLICATIONS.values()}
    assert set(APPLICATIONS) <= set(source_names())


@pytest.mark.parametrize("name", SMALL)
def test_a_model_by_name_has_a_fixed_input_and_the_documented_values(
    name: str,
) -> None:
    source = load_source(name, weights="none")

    assert source.keras_model.input_shape == (None, 224, 224, 3)
    assert source.keras_model.output_shape == (None, 1000)
    assert source.keras_model.name == APPLICATIONS[name].model_name
    assert source.task.scores == "probabilities"
    assert source.notes == ("random weights: for trials only",)
    is_raw = name not in ("mobilenet", "mobilenet-v2")
    assert source.preprocess.mean == ((0.0 if is_raw else 127.5),) * 3


def test_random_weights_are_the_same_each_time() -> None:
    first, second = (load_source("mobilenet-v3-small", weights="none") for _ in "ab")

    assert first.sha256 == second.sha256


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_a_file_of_weights_is_loaded(suffix: str, tmp_path: Path) -> None:
    model = keras.applications.MobileNetV3Small(weights=None, input_shape=(224, 224, 3))
    path = tmp_path / f"mine{suffix}"
    model.save(path) if suffix == ".h5" else model.save_weights(path)

    source = load_source("mobilenet-v3-small", weights=str(path))

    assert np.allclose(source.keras_model(picture(224)), model(picture(224)), atol=1e-6)
    assert source.notes == ()


def test_imagenet_weights_from_a_file_do_what_keras_makes_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keras adds a Rescaling layer for weights='imagenet', and only then."""
    adapted = keras.applications.EfficientNetB0(weights=None)
    layer = next(la for la in adapted.layers if "normalization" in la.name)
    deviation = np.array([0.229, 0.224, 0.225], np.float32)
    layer.set_weights([np.array([0.485, 0.456, 0.406]), deviation, np.int64(0)])
    path = tmp_path / "efficientnetb0.weights.h5"
    adapted.save_weights(path)
    module: Any = __import__("keras.src.applications.efficientnet", fromlist=["x"])
    monkeypatch.setattr(module.file_utils, "get_file", lambda *_, **__: str(path))
    with_rescaling = keras.applications.EfficientNetB0(weights="imagenet")

    source = load_source("efficientnet-b0", weights=str(path))

    expected = stem(with_rescaling)
    assert np.allclose(stem(source.keras_model), expected, atol=1e-4)
    assert not np.allclose(stem(adapted), expected, atol=0.1)


def test_weights_that_were_never_adapted_are_taken_as_they_are(tmp_path: Path) -> None:
    model = keras.applications.EfficientNetB0(weights=None)
    path = tmp_path / "mine.weights.h5"
    model.save_weights(path)

    source = load_source("efficientnet-b0", weights=str(path))

    assert np.allclose(stem(source.keras_model), stem(model), atol=1e-4)


def test_without_a_net_it_says_what_to_fetch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("the net is down")

    monkeypatch.setattr("keras.src.utils.file_utils.urlretrieve", fail)
    monkeypatch.setattr(
        keras.config, "keras_home", lambda: str(tmp_path), raising=False
    )

    with pytest.raises(
        ConversionError, match=r"the net is down.*fetch https://.*0\.h5 "
    ):
        load_source("efficientnet-b0")


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5"])
def test_weights_of_another_model_are_refused(suffix: str, tmp_path: Path) -> None:
    model = keras.applications.MobileNet(weights=None)
    path = tmp_path / f"mine{suffix}"
    model.save(path) if suffix == ".h5" else model.save_weights(path)

    with pytest.raises(ConversionError, match="not the weights of mobilenet-v2") as e:
        load_source("mobilenet-v2", weights=str(path))

    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.h5", b"hello", "not a file of Keras weights"),
        ("mine.h5", b"\x89HDF\r\n\x1a\n rest", "not a whole file of Keras weights"),
        ("mine.bin", b"\x89HDF\r\n\x1a\n rest", "must be named .h5"),
        ("mine.h5", b"", "the file is empty"),
    ],
)
def test_a_file_that_holds_no_weights_is_refused(
    name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(InputFileError, match=message):
        load_source("mobilenet-v2", weights=str(path))

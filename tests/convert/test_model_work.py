"""Work and parameters read from real networks are those that their authors publish."""

from pathlib import Path
from typing import Any

import pytest

from edgeclf.modelfile import ModelFile, read_model_file

pytestmark = pytest.mark.convert

# Multiply-adds and parameters in millions.
#   mobilenet-v2: Sandler et al. 2018, arXiv:1801.04381, table 4.
#   efficientnet-lite0: tensorflow/tpu, models/official/efficientnet/lite/README.md,
#   whose figure is 6 % above the convolutions and the dense layer alone.
# Checked 2026-11-21.
PUBLISHED = {
    ("mobilenet-v2", "onnx"): (300, 3.4),
    ("efficientnet-lite0", "tflite"): (407, 4.7),
}


def to_tflite(model: Any, image: Any, folder: Path) -> bytes:
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint("serve", model.call, input_signature=[image])
    archive.write_out(str(folder), verbose=False)
    data: bytes = tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()
    return data


def to_onnx(model: Any, image: Any, folder: Path) -> bytes:  # noqa: ARG001 - as above
    import tensorflow as tf
    import tf2onnx

    serve = tf.function(lambda image: model(image, training=False))
    proto, _ = tf2onnx.convert.from_function(serve, input_signature=[image])
    data: bytes = proto.SerializeToString()
    return data


@pytest.fixture(scope="module", params=list(PUBLISHED), ids=" ".join)
def network(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[ModelFile, int, float]:
    """Return a real network's file, and its published millions."""
    import tensorflow as tf

    from converters.zoo import load_source

    name, kind = request.param
    model = load_source(name, weights="none").keras_model
    image = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name="image")
    convert = {"tflite": to_tflite, "onnx": to_onnx}[kind]
    data = convert(model, image, tmp_path_factory.mktemp(name))
    macs, parameters = PUBLISHED[request.param]
    return read_model_file(data, name=name), macs, parameters


def test_macs_are_the_published_ones(network: tuple[ModelFile, int, float]) -> None:
    file, macs, _ = network

    assert file.macs == pytest.approx(macs * 1e6, rel=0.06)


def test_parameters_are_the_published_ones(
    network: tuple[ModelFile, int, float],
) -> None:
    file, _, parameters = network

    assert file.parameters == pytest.approx(parameters * 1e6, rel=0.03)

"""The benchmarks' other tools make files that this project's engines run."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.int8_share import int8_share
from benchmarks.judged import Artefact, decisions, interleaved
from converters.gate.scoring import model_scores
from converters.pictures import PictureSet
from edgeclf.preprocess import Preprocessor, preset
from edgeclf.types import TensorSpec
from tests.convert import workshop

pytestmark = pytest.mark.convert

SPEC = preset("efficientnet-lite", size=workshop.SIZE)
FLOAT = [peers.float_tflite, peers.float_onnx]
INT8 = [peers.tensorflow_converter, peers.onnx_runtime]


@pytest.fixture(scope="module")
def trained() -> peers.Trained:
    tensor = TensorSpec(name="image", shape=(1, *workshop.SIZE, 3), dtype="float32")
    resize = Preprocessor(SPEC, tensor).resized
    pixels = [resize(picture) for picture in workshop.photo_pixels(24)]
    model: Any = workshop.tiny_keras(softmax=False)
    return peers.Trained(model=model, preprocess=SPEC, calibration=pixels)


@pytest.mark.parametrize(
    ("make", "share"),
    [(make, 0.0) for make in FLOAT] + [(make, 1.0) for make in INT8],
)
def test_a_tools_file_decides_as_the_model_does(
    trained: peers.Trained,
    make: Callable[[peers.Trained], Artefact],
    share: float,
) -> None:
    artefact = make(trained)

    pictures = PictureSet(pixels=trained.calibration, origin="evaluate")
    expected = model_scores(trained.model, SPEC, pictures).argmax(axis=1)
    same = decisions(artefact, trained.calibration) == expected
    assert np.mean(same) >= (1.0 if share == 0 else 0.75)
    assert int8_share(artefact.data, artefact.format) == share
    (times,) = interleaved([artefact], trained.calibration[0], rounds=3)
    assert len(times) == 3
    assert min(times) > 0


@pytest.mark.skipif(
    not (peers.LITERT_QUANTIZER / "bin/python").exists(),
    reason="litert-quantizer has an environment of its own, for benchmarks",
)
def test_litert_quantizers_file_is_all_in_int8(trained: peers.Trained) -> None:
    artefact = peers.litert_quantizer(trained)

    assert int8_share(artefact.data, artefact.format) == 1.0
    assert len(decisions(artefact, trained.calibration)) == 24

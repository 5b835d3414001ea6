"""MediaPipe's ImageClassifier opens what edgeclf packs: labels and normalisation.

MediaPipe brings its own OpenCV, which would overwrite ours: it lives in an environment
of its own.
"""

import ctypes
import json
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeclf import Classifier, read_bundle
from edgeclf.bundle import Bundle, write_bundle
from edgeclf.packing import pack_model
from edgeclf.types import CropSpec, Uint8Image
from tests.environments import environment, python_for
from tests.models import TfliteKind, tiny_model

pytestmark = [pytest.mark.registry, pytest.mark.timeout(600)]

# What MediaPipe's library is linked against, and the Debian package that has it.
_SYSTEM = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}

# One step of the stored scores, and floats added in another order.
TOLERANCES = {"uint8": 1 / 256, "float32": 1e-4}

_SCRIPT = """
import json, sys
import mediapipe as mp
import numpy as np
from mediapipe.tasks.python import BaseOptions, vision

model, pictures = sys.argv[1:]
options = vision.ImageClassifierOptions(
    base_options=BaseOptions(model_asset_path=model), max_results=-1
)
with vision.ImageClassifier.create_from_options(options) as classifier:
    answers = []
    for pixels in np.load(pictures):
        image = mp.Image(image_format=mp.ImageFormat.SRGB, data=pixels)
        found = classifier.classify(image).classifications[0].categories
        answers.append({each.category_name: each.score for each in found})
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def mediapipe_python() -> Path:
    for library, package in _SYSTEM.items():
        if not is_installed(library):
            pytest.skip(f"system package: {package} is not installed")
    python = python_for("3.11", "3.10", "3.12", "3.13")
    return environment("mediapipe", ["mediapipe>=0.10.14"], python=python)


def is_installed(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def pictures() -> Uint8Image:
    """Return pictures of the model's own size, so that nothing is resized."""
    random = np.random.default_rng(3)
    flat = random.integers(0, 256, (6, 1, 1, 3))
    noise = random.integers(-60, 60, (6, 32, 32, 3))
    clipped: Uint8Image = np.clip(flat + noise, 0, 255).astype(np.uint8)
    return clipped


def packed(folder: Path, kind: TfliteKind) -> Bundle:
    """Return a bundle that squashes pictures: MediaPipe knows no other geometry."""
    model = tiny_model(kind)
    preprocess = replace(model.spec.preprocess, crop=CropSpec())
    model = replace(model, spec=replace(model.spec, preprocess=preprocess))
    write_bundle(folder / "m.edgeclf", pack_model(model))
    return read_bundle(folder / "m.edgeclf")


def mediapipe_answers(python: Path, folder: Path, bundle: Bundle) -> Any:
    (folder / "m.tflite").write_bytes(bundle.model_bytes)
    np.save(folder / "pictures.npy", pictures())
    done = subprocess.run(
        [str(python), "-c", _SCRIPT, "m.tflite", "pictures.npy"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_mediapipe_gives_the_labels_and_scores_that_edgeclf_gives(
    mediapipe_python: Path, tmp_path: Path, kind: TfliteKind
) -> None:
    bundle = packed(tmp_path, kind)

    theirs = mediapipe_answers(mediapipe_python, tmp_path, bundle)

    with Classifier(bundle.model) as classifier:
        ours = [scores_of(classifier, pixels) for pixels in pictures()]
    for our, their in zip(ours, theirs, strict=True):
        assert max(their, key=their.__getitem__) == max(our, key=our.__getitem__)
        assert their == pytest.approx(our, abs=TOLERANCES[kind])


def test_the_pictures_have_several_answers(tmp_path: Path) -> None:
    with Classifier(packed(tmp_path, "float32").model) as classifier:
        best = {classifier.classify(pixels).best.label for pixels in pictures()}

    assert len(best) > 1


def scores_of(classifier: Classifier, pixels: Uint8Image) -> dict[str, float]:
    raw = classifier.backend.run(classifier.preprocessor(pixels))
    scores = classifier.head.probabilities(raw)
    return dict(zip(classifier.model.labels, scores.tolist(), strict=True))

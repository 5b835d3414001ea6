"""Models whose speed is measured and whose answers are not: random weights do.

    python -m benchmarks.speed_models FOLDER

writes ``mobilenetv2-int8.tflite``, ``mobilenetv2-fp32.tflite`` and ``labels.txt``. A
program of its own, so that TensorFlow's threads are in no process that measures.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from edgeclf.packing import ModelFlags, load_model
from edgeclf.types import Model

__all__ = ["speed_models"]

_SIDE = 224
_CLASSES = 1000
_NAMES = ("mobilenetv2-int8", "mobilenetv2-fp32")


def speed_models(folder: Path) -> dict[str, Model]:
    """Return the models by name; made once and kept in the folder."""
    if not all((folder / f"{name}.tflite").is_file() for name in _NAMES):
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run(  # noqa: S603 - this module
            [sys.executable, "-m", "benchmarks.speed_models", str(folder)],
            check=True,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    flags = ModelFlags(
        labels=folder / "labels.txt", preset="keras", scores="probabilities"
    )
    return {name: load_model(folder / f"{name}.tflite", flags=flags) for name in _NAMES}


def main() -> None:
    """Make the files."""
    import keras  # noqa: PLC0415 - only where they are made
    import tensorflow as tf  # noqa: PLC0415

    folder = Path(sys.argv[1])
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2(weights=None)
    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve", model.call, input_signature=[tf.TensorSpec((1, _SIDE, _SIDE, 3))]
    )
    saved = folder / "saved_model"
    archive.write_out(saved)
    random = np.random.default_rng(0)
    pictures = random.uniform(-1, 1, (16, 1, _SIDE, _SIDE, 3)).astype(np.float32)

    plain = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    (folder / "mobilenetv2-fp32.tflite").write_bytes(plain.convert())
    integer = tf.lite.TFLiteConverter.from_saved_model(str(saved))
    integer.optimizations = [tf.lite.Optimize.DEFAULT]
    integer.representative_dataset = lambda: ([each] for each in pictures)
    integer.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    integer.inference_input_type = integer.inference_output_type = tf.uint8
    (folder / "mobilenetv2-int8.tflite").write_bytes(integer.convert())
    labels = "\n".join(f"class {index}" for index in range(_CLASSES))
    (folder / "labels.txt").write_text(labels)


if __name__ == "__main__":
    main()

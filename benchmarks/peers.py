"""The other ways from a trained Keras model to int8, each with its own defaults."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.judged import Artefact, Pixels
from converters.pictures import after_resize, real_input
from edgeclf.types import PreprocessSpec

__all__ = [
    "LITERT_QUANTIZER",
    "Trained",
    "float_onnx",
    "float_tflite",
    "litert_quantizer",
    "onnx_runtime",
    "tensorflow_converter",
]

LITERT_QUANTIZER = Path(".envs/litert-quantizer")
"""Its own environment: ``make .envs/litert-quantizer``."""

_CHILD = Path(__file__).with_name("litert_quantizer_child.py")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """A model to compress, as every tool gets it.

    Attributes:
        model: Keras, without its last softmax.
        preprocess: What it takes.
        calibration: Pictures after the resize, the same for every tool.
    """

    model: Any = field(repr=False)
    preprocess: PreprocessSpec
    calibration: Pixels = field(repr=False)

    def tensors(self) -> Iterator[NDArray[np.float32]]:
        """Yield the calibration pictures as the Keras model takes them."""
        to_real = after_resize(self.preprocess, real_input(self.preprocess))
        for pixels in self.calibration:
            yield np.array(to_real(pixels))


def float_tflite(trained: Trained) -> Artefact:
    """Return the TensorFlow converter's float file."""
    start = perf_counter_ns()
    with tempfile.TemporaryDirectory() as folder:
        data: bytes = _converter(trained, folder).convert()
    return _artefact(trained, "TensorFlow converter, fp32", "tflite", data, start)


def tensorflow_converter(trained: Trained) -> Artefact:
    """Return its full int8 file, as its guide has it: uint8 in and out.

    Source:
        tensorflow.org, "Post-training integer quantization".
    """
    import tensorflow as tf  # noqa: PLC0415 - heavy

    start = perf_counter_ns()
    with tempfile.TemporaryDirectory() as folder:
        converter = _converter(trained, folder)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([t] for t in trained.tensors())
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
        data: bytes = converter.convert()
    return _artefact(trained, "TensorFlow converter", "tflite", data, start)


def litert_quantizer(trained: Trained) -> Artefact:
    """Return what litert-quantizer's ``static_wi8_ai8`` recipe makes."""
    start = perf_counter_ns()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "float.tflite").write_bytes(float_tflite(trained).data)
        np.save(folder / "calibration.npy", np.concatenate(list(trained.tensors())))
        python = LITERT_QUANTIZER / "bin/python"
        command = [python, _CHILD, folder]
        done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own files
        if done.returncode:
            sys.exit(f"litert-quantizer failed:\n{done.stderr[-2000:]}")
        data = (folder / "int8.tflite").read_bytes()
    return _artefact(trained, "litert-quantizer", "tflite", data, start)


def float_onnx(trained: Trained) -> Artefact:
    """Return tf2onnx's float file, as ``model.export(format="onnx")`` makes it."""
    start = perf_counter_ns()
    data = _onnx_bytes(trained)
    return _artefact(trained, "tf2onnx, fp32", "onnx", data, start)


def onnx_runtime(trained: Trained) -> Artefact:
    """Return ONNX Runtime's static int8 file: prepared, per channel, else defaults.

    Source:
        onnxruntime.ai, "Quantize ONNX models".
    """
    from onnxruntime import quantization  # noqa: PLC0415 - heavy
    from onnxruntime.quantization import shape_inference  # noqa: PLC0415

    start = perf_counter_ns()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "float.onnx").write_bytes(_onnx_bytes(trained))
        # The symbolic shape inference is for open dimensions; there are none.
        shape_inference.quant_pre_process(
            folder / "float.onnx", folder / "ready.onnx", skip_symbolic_shape=True
        )
        quantization.quantize_static(
            folder / "ready.onnx",
            folder / "int8.onnx",
            _Reader(folder / "ready.onnx", list(trained.tensors())),
            per_channel=True,
        )
        data = (folder / "int8.onnx").read_bytes()
    return _artefact(trained, "ONNX Runtime", "onnx", data, start)


class _Reader:
    """Hands the calibration tensors to ONNX Runtime's quantizer."""

    def __init__(self, path: Path, tensors: Sequence[NDArray[np.float32]]) -> None:
        import onnx  # noqa: PLC0415 - heavy

        name = onnx.load(path).graph.input[0].name
        self._feeds = iter([{name: tensor} for tensor in tensors])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next one; ``None`` behind the last."""
        return next(self._feeds, None)

    def __iter__(self) -> Iterator[dict[str, NDArray[np.float32]]]:
        return self._feeds


def _converter(trained: Trained, folder: str) -> Any:
    """Return the converter over a SavedModel with every side fixed."""
    import keras  # noqa: PLC0415 - heavy
    import tensorflow as tf  # noqa: PLC0415

    archive = keras.export.ExportArchive()
    archive.track(trained.model)
    archive.add_endpoint("serve", _serving(trained))
    archive.write_out(folder, verbose=False)
    return tf.lite.TFLiteConverter.from_saved_model(folder)


def _onnx_bytes(trained: Trained) -> bytes:
    import tf2onnx  # noqa: PLC0415 - heavy

    serve = _serving(trained)
    model, _ = tf2onnx.convert.from_function(
        serve, input_signature=serve.input_signature, opset=17
    )
    data: bytes = model.SerializeToString()
    return data


def _serving(trained: Trained) -> Any:
    import tensorflow as tf  # noqa: PLC0415 - heavy

    spec = tf.TensorSpec((1, *trained.preprocess.size, 3), tf.float32, name="image")
    return tf.function(
        lambda image: trained.model(image, training=False),
        input_signature=[spec],
        autograph=False,
    )


def _artefact(
    trained: Trained, tool: str, file_format: Any, data: bytes, start: int
) -> Artefact:
    return Artefact(
        tool=tool,
        format=file_format,
        data=data,
        preprocess=trained.preprocess,
        seconds=(perf_counter_ns() - start) / 1e9,
    )

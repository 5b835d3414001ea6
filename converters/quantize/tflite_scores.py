"""Float scores from an int8 file: its last dense layer gives what it has added up.

Eight bits for a thousand scores make ties. A dense layer of int8 weights that takes and
gives float rounds its one input by itself as it runs ("dynamic range"), and the engine
has a kernel for it as fast as the int8 one.

Source:
    https://ai.google.dev/edge/litert/models/post_training_quantization, dynamic range;
    XNNPACK's qd8-f32-qc8w fully connected.
"""

import copy
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from tensorflow.lite.python import schema_py_generated as schema

from converters.quantize.moments import InputMoments
from converters.quantize.tflite_file import (
    TfliteFile,
    TfliteLayer,
    paired_layers,
)

__all__ = ["with_float_scores"]

_Weights: TypeAlias = tuple[NDArray[np.int8], float]
"""Integers and their scale."""

_NO_ACTIVATION = 0
_HYBRID_VERSION = 9
"""Of FULLY_CONNECTED: the first that rounds its input around a zero point.

Source: tensorflow/compiler/mlir/lite/tools/versioning/op_version.cc, v2.21.0.
"""


def with_float_scores(
    file: TfliteFile, source: TfliteFile, moments: Mapping[str, InputMoments]
) -> None:
    """Let the dense layer that ends a file give float scores, where one does.

    Its weights get one scale for all, which runtimes since TensorFlow 2.4 know; one a
    channel came with 2.17 and is no closer here.

    Args:
        file: Ends with an int8 dense layer and the step that makes floats of its
            scores; it is changed. Any other file stays as it is.
        source: The float file that it was made of.
        moments: Of the layers' inputs, to correct its bias; empty: as it is.
    """
    if not _ends_in_dense(file):
        return
    dense, to_float = file.graph.operators[-2:]
    pairs = paired_layers(file, source)
    if not pairs or pairs[-1][0].output != dense.outputs[0]:
        return
    layer, original = pairs[-1]
    weights, bias = _rounded(source, original, moments.get(original.name))
    real = _real_copy(file, layer.source)
    inputs = [real, *_stored(file, layer, weights, bias)]
    to_float.inputs = np.array([layer.source], np.int32)
    dense.outputs, to_float.outputs = to_float.outputs, np.array([real], np.int32)
    dense.inputs = np.array(inputs, np.int32)
    dense.opcodeIndex = _hybrid_code(file, dense)
    dense.builtinOptions.asymmetricQuantizeInputs = True
    file.graph.operators = [*file.graph.operators[:-2], to_float, dense]


def _ends_in_dense(file: TfliteFile) -> bool:
    operators = file.graph.operators
    if len(operators) < 2:
        return False
    dense, last = operators[-2:]
    return bool(
        file.operator(dense) == schema.BuiltinOperator.FULLY_CONNECTED
        and file.operator(last) == schema.BuiltinOperator.DEQUANTIZE
        and last.inputs[0] == dense.outputs[0]
        and len(file.graph.outputs) == 1
        and file.graph.outputs[0] == last.outputs[0]
        and dense.builtinOptions.fusedActivationFunction == _NO_ACTIVATION
    )


def _rounded(
    source: TfliteFile, layer: TfliteLayer, moments: InputMoments | None
) -> tuple[_Weights, NDArray[np.float32]]:
    """Return (weights, bias) with the bias making up for the weights' mean error."""
    real = source.array(layer.weights)
    assert real is not None  # noqa: S101 - layers() yields none without
    scale = max(float(np.abs(real).max()) / 127, float(np.finfo(np.float32).tiny))
    integers = np.clip(np.round(real / scale), -127, 127)
    bias = np.zeros(len(real)) if layer.bias is None else source.array(layer.bias)
    assert bias is not None  # noqa: S101 - the converter stores biases
    if moments is not None:
        bias = bias - (integers * scale - real) @ moments.mean
    return (integers.astype(np.int8), scale), bias.astype(np.float32)


def _real_copy(file: TfliteFile, tensor: int) -> int:
    """Return a new float tensor for the real numbers of a quantized one."""
    original = file.graph.tensors[tensor]
    made = copy.copy(original)
    made.name = bytes(original.name) + b";real"
    return _added(file, made)


def _stored(
    file: TfliteFile,
    layer: TfliteLayer,
    weights: _Weights,
    bias: NDArray[np.float32],
) -> tuple[int, int]:
    """Store weights and bias in new numbers, and return their tensors."""
    kernel = file.graph.tensors[layer.weights]
    kernel.quantization.scale = np.array([weights[1]], np.float32)
    kernel.quantization.zeroPoint = np.zeros(1, np.int64)
    file.set_array(layer.weights, weights[0])
    offsets = copy.copy(kernel)
    offsets.shape, offsets.shapeSignature = np.array(bias.shape, np.int32), None
    offsets.name = bytes(kernel.name) + b";bias"
    made = _added(file, offsets)
    file.model.buffers.append(schema.BufferT())
    offsets.buffer = len(file.model.buffers) - 1
    file.model.buffers[-1].data = np.frombuffer(bias.tobytes(), np.uint8)
    return layer.weights, made


def _added(file: TfliteFile, tensor: Any) -> int:
    """Add a float tensor without numbers, and return its number."""
    tensor.type = schema.TensorType.FLOAT32
    tensor.quantization = None
    tensor.buffer = 0
    file.graph.tensors.append(tensor)
    return len(file.graph.tensors) - 1


def _hybrid_code(file: TfliteFile, dense: Any) -> int:
    code = copy.copy(file.model.operatorCodes[dense.opcodeIndex])
    code.version = _HYBRID_VERSION
    file.model.operatorCodes.append(code)
    return len(file.model.operatorCodes) - 1

"""The tiny network as an ``.onnx`` graph, in float or as int8 QDQ."""

from typing import Any

import numpy as np

from tests.tiny.network import MEAN, RELU6_SCALE, STD, FloatArray, Weights

__all__ = ["OnnxGraph"]


class OnnxGraph:
    """Nodes and initializers; ``last`` names the newest tensor."""

    def __init__(self, weights: Weights, *, quantized: bool) -> None:
        self.weights = weights
        self.quantized = quantized
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []
        self.last = "image"

    def build(self, *, nchw: bool, softmax: bool) -> None:
        if self.quantized:
            self._dequantize("image", 1 / STD, np.uint8(MEAN))
        if not nchw:
            self._node("Transpose", "channels_first", perm=[0, 3, 1, 2])
        conv = self._weight("conv_weights", self.weights.conv.transpose(0, 3, 1, 2))
        bias = self._constant("conv_bias", self.weights.conv_bias)
        self._node("Conv", "conv", conv, bias, strides=[2, 2], auto_pad="SAME_UPPER")
        low = self._constant("zero", np.float32(0))
        high = self._constant("six", np.float32(6))
        self._node("Clip", "relu6", low, high)
        self._quantize_dequantize("relu6", RELU6_SCALE, np.uint8(0))
        self._node("GlobalAveragePool", "pooled")
        self._node("Flatten", "flat", axis=1)
        self._quantize_dequantize("flat", RELU6_SCALE, np.uint8(0))
        dense = self._weight("dense_weights", self.weights.dense)
        dense_bias = self._constant("dense_bias", self.weights.dense_bias)
        self._node("Gemm", "logits", dense, dense_bias, transB=1)
        if softmax:
            self._node("Softmax", "probabilities", axis=1)

    def _node(self, kind: str, output: str, *inputs: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(
            helper.make_node(
                kind, [self.last, *inputs], [output], name=output, **attributes
            )
        )
        self.last = output

    def _constant(self, name: str, value: Any) -> str:
        from onnx import numpy_helper

        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def _weight(self, name: str, values: FloatArray) -> str:
        """Add a constant; in a quantized graph 8 bits, one scale a channel.

        They are stored unsigned, around 128, as the converter stores them: an x86
        without VNNI saturates when it multiplies unsigned activations by signed
        weights, and golden vectors made there would hold nowhere else.
        """
        if not self.quantized:
            return self._constant(name, np.ascontiguousarray(values))
        axes = tuple(range(1, values.ndim))
        scales = (np.abs(values).max(axis=axes) / 127).astype(np.float32)
        spread = scales.reshape(-1, *(1 for _ in axes))
        integers = np.rint(values / spread) + 128
        stored = self._constant(f"{name}_q", integers.astype(np.uint8))
        zeros = np.full(len(scales), 128, np.uint8)
        return self._dequantized(stored, name, scales, zeros)

    def _dequantized(self, source: str, name: str, scale: Any, zero: Any) -> str:
        from onnx import helper

        inputs = [
            source,
            self._constant(f"{name}_scale", np.asarray(scale, np.float32)),
            self._constant(f"{name}_zero", zero),
        ]
        self.nodes.append(
            helper.make_node("DequantizeLinear", inputs, [name], name=name, axis=0)
        )
        return name

    def _dequantize(self, source: str, scale: float, zero: Any) -> None:
        self.last = self._dequantized(source, f"{source}_real", scale, zero)

    def _quantize_dequantize(self, name: str, scale: float, zero: Any) -> None:
        if not self.quantized:
            return
        stored = f"{name}_q"
        self._node(
            "QuantizeLinear",
            stored,
            self._constant(f"{stored}_scale", np.float32(scale)),
            self._constant(f"{stored}_zero", zero),
        )
        self._dequantize(stored, scale, zero)

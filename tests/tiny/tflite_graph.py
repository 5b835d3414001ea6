"""The tiny network as a ``.tflite`` graph, in float or in integers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeclf.types import DType, QuantParams
from tests.tiny.network import CHANNELS, LOGIT_SCALE, RELU6_SCALE, FloatArray, Weights
from tests.tiny.tflite_writer import (
    Operator,
    QuantizedTensor,
    WrittenTensor,
    write_tflite,
)

__all__ = ["TfliteGraph"]

# kind: (of input and output, of the layers)
_DTYPES: Mapping[str, tuple[DType, DType]] = {
    "float32": ("float32", "float32"),
    "int8": ("int8", "int8"),
    "uint8": ("uint8", "int8"),
    "uint8-legacy": ("uint8", "uint8"),
}


class TfliteGraph:
    """Tensors and operators in the order that they are added."""

    def __init__(
        self, kind: str, weights: Weights, quantization: QuantParams | None
    ) -> None:
        self.outside, self.inside = _DTYPES[kind]
        self.weights = weights
        self.input_quantization = quantization
        self.tensors: list[WrittenTensor] = []
        self.operators: list[Operator] = []

    def write(
        self,
        *,
        size: tuple[int, int],
        softmax: bool,
        dynamic_batch: bool,
        outside: bool,
    ) -> bytes:
        height, width = size
        shape = (1, height, width, 3)
        first = last = self._activation(
            "image",
            shape,
            self.outside,
            self.input_quantization,
            dynamic_batch=dynamic_batch,
        )
        if self.outside != self.inside:
            last = self._requantized(last, self.inside, -128)
        last = self._convolution(last, ((height + 1) // 2, (width + 1) // 2))
        last = self._mean(last)
        last = self._dense(last)
        if softmax:
            last = self._softmax(last)
        if self.outside != self.inside:
            last = self._requantized(last, self.outside, 128)
        return write_tflite(
            self.tensors,
            self.operators,
            inputs=[first],
            outputs=[last],
            outside=outside,
        )

    def _add(self, tensor: WrittenTensor) -> int:
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def _activation(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: DType,
        params: QuantParams | None,
        *,
        dynamic_batch: bool = False,
    ) -> int:
        quantization = None
        if params is not None and dtype != "float32":
            quantization = QuantizedTensor(
                scales=[params.scale], zero_points=[params.zero_point]
            )
        return self._add(
            WrittenTensor(
                name=name,
                shape=shape,
                dtype=dtype,
                quantization=quantization,
                shape_signature=(-1, *shape[1:]) if dynamic_batch else None,
            )
        )

    def _params(self, scale: float, int8_zero_point: int) -> QuantParams:
        shift = 128 if self.inside == "uint8" else 0
        return QuantParams(scale=scale, zero_point=int8_zero_point + shift)

    def _params_of(self, index: int) -> QuantParams:
        quantization = self.tensors[index].quantization
        assert quantization is not None
        return QuantParams(
            scale=quantization.scales[0], zero_point=quantization.zero_points[0]
        )

    def _requantized(self, source: int, dtype: DType, shift: int) -> int:
        """Add a QUANTIZE between int8 and uint8: the same steps, moved by 128."""
        old = self._params_of(source)
        tensor = self.tensors[source]
        target = self._activation(
            f"{tensor.name}_{dtype}",
            tuple(tensor.shape),
            dtype,
            QuantParams(scale=old.scale, zero_point=old.zero_point + shift),
        )
        self.operators.append(
            Operator(kind="QUANTIZE", inputs=[source], outputs=[target])
        )
        return target

    def _constants(
        self, name: str, weights: FloatArray, bias: FloatArray, source: int
    ) -> list[int]:
        """Add weights and bias, quantized as the rest is."""
        if self.inside == "float32":
            pairs: list[tuple[str, NDArray[Any], QuantizedTensor | None]] = [
                ("weights", weights, None),
                ("bias", bias, None),
            ]
        else:
            pairs = self._quantized_constants(weights, bias, source)
        return [
            self._add(
                WrittenTensor(
                    name=f"{name}/{suffix}",
                    shape=data.shape,
                    dtype=str(data.dtype),
                    quantization=quantization,
                    data=data,
                )
            )
            for suffix, data, quantization in pairs
        ]

    def _quantized_constants(
        self, weights: FloatArray, bias: FloatArray, source: int
    ) -> list[tuple[str, NDArray[Any], QuantizedTensor | None]]:
        axes = tuple(range(1, weights.ndim))
        if self.inside == "uint8" or weights.ndim == 2:  # one scale for the tensor
            axes = tuple(range(weights.ndim))
        scales = (np.abs(weights).max(axis=axes, keepdims=True) / 127).astype("f4")
        stored = np.rint(weights / scales)
        zero_point = 128 if self.inside == "uint8" else 0
        flat = [float(scale) for scale in scales.ravel()]
        bias_scales = scales.ravel() * np.float32(self._params_of(source).scale)
        return [
            (
                "weights",
                (stored + zero_point).astype(self.inside),
                QuantizedTensor(scales=flat, zero_points=[zero_point] * len(flat)),
            ),
            (
                "bias",
                np.rint(bias / bias_scales).astype(np.int32),
                QuantizedTensor(
                    scales=[float(scale) for scale in bias_scales],
                    zero_points=[0] * len(flat),
                ),
            ),
        ]

    def _convolution(self, source: int, size: tuple[int, int]) -> int:
        constants = self._constants(
            "conv", self.weights.conv, self.weights.conv_bias, source
        )
        target = self._activation(
            "conv", (1, *size, CHANNELS), self.inside, self._params(RELU6_SCALE, -128)
        )
        # padding SAME, strides 2, fused RELU6, dilation 1
        options = [
            (1, "Int32", 2),
            (2, "Int32", 2),
            (3, "Int8", 3),
            (4, "Int32", 1),
            (5, "Int32", 1),
        ]
        self.operators.append(
            Operator(
                kind="CONV_2D",
                inputs=[source, *constants],
                outputs=[target],
                options=options,
            )
        )
        return target

    def _mean(self, source: int) -> int:
        axes = self._add(
            WrittenTensor(
                name="axes",
                shape=[2],
                dtype="int32",
                data=np.array([1, 2], np.int32),
            )
        )
        target = self._activation(
            "pooled", (1, CHANNELS), self.inside, self._params(RELU6_SCALE, -128)
        )
        self.operators.append(
            Operator(
                kind="MEAN",
                inputs=[source, axes],
                outputs=[target],
                options=[(0, "Bool", False)],
            )
        )
        return target

    def _dense(self, source: int) -> int:
        constants = self._constants(
            "dense", self.weights.dense, self.weights.dense_bias, source
        )
        classes = len(self.weights.dense)
        target = self._activation(
            "logits", (1, classes), self.inside, self._params(LOGIT_SCALE, 0)
        )
        self.operators.append(
            Operator(
                kind="FULLY_CONNECTED",
                inputs=[source, *constants],
                outputs=[target],
                options=[(0, "Int8", 0)],
            )
        )
        return target

    def _softmax(self, source: int) -> int:
        shape = tuple(self.tensors[source].shape)
        target = self._activation(
            "probabilities", shape, self.inside, self._params(1 / 256, -128)
        )
        self.operators.append(
            Operator(
                kind="SOFTMAX",
                inputs=[source],
                outputs=[target],
                options=[(0, "Float32", 1.0)],
            )
        )
        return target

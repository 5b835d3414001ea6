"""Tiny real classifiers, made from a fixed seed: the same bytes on every machine.

A 3x3 convolution with stride 2 and ReLU6, global average pooling, one dense layer and,
for probabilities, a softmax. All kinds of one seed have the same weights, so their
answers can be compared. The real numbers they take are ``(pixel - 127) / 128``.

``tiny_tflite`` needs only flatbuffers; ``tiny_onnx`` needs onnx.
"""

import hashlib
from typing import Literal, get_args

import numpy as np

from edgeclf.types import (
    CropSpec,
    DType,
    Model,
    ModelSpec,
    PreprocessSpec,
    QuantParams,
    ResizeSpec,
    ScoreKind,
    Task,
    TensorSpec,
)
from tests.tiny.network import LOGIT_SCALE, MEAN, STD, float_scores, weights_for
from tests.tiny.onnx_graph import OnnxGraph
from tests.tiny.tflite_graph import TfliteGraph

__all__ = [
    "ONNX_KINDS",
    "TFLITE_KINDS",
    "OnnxKind",
    "TfliteKind",
    "float_scores",
    "labels_for",
    "tiny_model",
    "tiny_onnx",
    "tiny_tflite",
]

TfliteKind = Literal["float32", "int8", "uint8", "uint8-legacy"]
"""float32; int8 throughout; uint8 outside and int8 inside (what the converter makes
with ``inference_input_type=uint8``); uint8 throughout with an odd input scale."""

OnnxKind = Literal["float32-nchw", "float32-nhwc", "qdq-uint8"]
"""float32 in either layout; int8 QDQ that takes raw uint8 pixels, NHWC."""

TFLITE_KINDS: tuple[TfliteKind, ...] = get_args(TfliteKind)
ONNX_KINDS: tuple[OnnxKind, ...] = get_args(OnnxKind)

_INPUT_QUANTIZATION = {
    "int8": QuantParams(scale=1 / 128, zero_point=-1),
    "uint8": QuantParams(scale=1 / 128, zero_point=127),
    "uint8-legacy": QuantParams(scale=0.0093, zero_point=119),
}


def labels_for(classes: int = 10) -> tuple[str, ...]:
    """Return the labels that ``tiny_model`` uses."""
    return tuple(f"class {index}" for index in range(classes))


def tiny_tflite(  # noqa: PLR0913 - each is one thing a test varies
    kind: TfliteKind = "float32",
    *,
    size: tuple[int, int] = (32, 32),
    classes: int = 10,
    scores: ScoreKind = "probabilities",
    seed: int = 0,
    input_quantization: QuantParams | None = None,
    dynamic_batch: bool = False,
    outside: bool = False,
) -> bytes:
    """Return a ``.tflite`` file.

    Args:
        kind: How numbers are stored.
        size: (height, width) of the input, in pixels.
        classes: Number of scores.
        scores: Whether it ends with a softmax.
        seed: Of the weights.
        input_quantization: Instead of the kind's own; not with ``float32``.
        dynamic_batch: Declare a batch of -1, as Keras exports do.
        outside: Store weights behind the flatbuffer, as litert-quantizer does.
    """
    quantization = input_quantization or _INPUT_QUANTIZATION.get(kind)
    graph = TfliteGraph(kind, weights_for(seed, classes), quantization)
    return graph.write(
        size=size,
        softmax=scores == "probabilities",
        dynamic_batch=dynamic_batch,
        outside=outside,
    )


def tiny_onnx(
    kind: OnnxKind = "float32-nchw",
    *,
    size: tuple[int, int] = (32, 32),
    classes: int = 10,
    scores: ScoreKind = "probabilities",
    seed: int = 0,
    dynamic_batch: bool = False,
) -> bytes:
    """Return an ``.onnx`` file; the arguments are those of ``tiny_tflite``."""
    from onnx import TensorProto, checker, helper

    graph = OnnxGraph(weights_for(seed, classes), quantized=kind == "qdq-uint8")
    height, width = size
    batch = "batch" if dynamic_batch else 1
    nchw = kind == "float32-nchw"
    shape = [batch, 3, height, width] if nchw else [batch, height, width, 3]
    graph.build(nchw=nchw, softmax=scores == "probabilities")
    image_type = TensorProto.UINT8 if kind == "qdq-uint8" else TensorProto.FLOAT
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "tiny",
            [helper.make_tensor_value_info("image", image_type, shape)],
            [
                helper.make_tensor_value_info(
                    graph.last, TensorProto.FLOAT, [batch, classes]
                )
            ],
            initializer=graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 13)],
        ir_version=8,
        producer_name="edgeclf-tests",
    )
    checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def tiny_model(
    kind: TfliteKind | OnnxKind = "int8",
    *,
    size: tuple[int, int] = (32, 32),
    classes: int = 10,
    scores: ScoreKind = "probabilities",
    seed: int = 0,
) -> Model:
    """Return a ``Model`` ready to be opened: a tiny file with all that goes with it.

    Pictures are cropped to 0.875 of the shorter side and resized bilinearly.
    """
    if kind in TFLITE_KINDS:
        data = tiny_tflite(kind, size=size, classes=classes, scores=scores, seed=seed)
    else:
        data = tiny_onnx(
            kind,  # type: ignore[arg-type] # mypy narrows one branch of the two only
            size=size,
            classes=classes,
            scores=scores,
            seed=seed,
        )
    return Model(
        name=f"tiny-{kind}",
        spec=_model_spec(kind, size=size, classes=classes, scores=scores),
        task=Task(scores=scores),
        labels=labels_for(classes),
        data=data,
        digest=hashlib.sha256(data).hexdigest(),
    )


def _model_spec(
    kind: str, *, size: tuple[int, int], classes: int, scores: ScoreKind
) -> ModelSpec:
    onnx = kind in ONNX_KINDS
    height, width = size
    nchw = kind.endswith("nchw")
    dtype: DType = "float32"
    if "int8" in kind:
        dtype = "uint8" if "uint8" in kind else "int8"
    raw = kind == "qdq-uint8"
    output_dtype: DType = "float32" if onnx else dtype
    return ModelSpec(
        format="onnx" if onnx else "tflite",
        input=TensorSpec(
            name="image",
            shape=(1, 3, height, width) if nchw else (1, height, width, 3),
            dtype=dtype,
            quantization=_as_float32(_INPUT_QUANTIZATION.get(kind)),
        ),
        output=TensorSpec(
            name=_output_name(kind, scores),
            shape=(1, classes),
            dtype=output_dtype,
            quantization=_output_quantization(output_dtype, scores),
        ),
        preprocess=PreprocessSpec(
            resize=ResizeSpec(size=size),
            crop=CropSpec(kind="fraction", fraction=0.875),
            mean=(0.0,) * 3 if raw else (MEAN,) * 3,
            std=(1.0,) * 3 if raw else (STD,) * 3,
            normalization="graph" if raw else "device",
            layout="nchw" if nchw else "nhwc",
            dtype=dtype,
        ),
    )


def _as_float32(params: QuantParams | None) -> QuantParams | None:
    """Return the scale as the file stores it."""
    if params is None:
        return None
    return QuantParams(
        scale=float(np.float32(params.scale)), zero_point=params.zero_point
    )


def _output_name(kind: str, scores: ScoreKind) -> str:
    return f"{scores}_uint8" if kind == "uint8" else scores


def _output_quantization(dtype: DType, scores: ScoreKind) -> QuantParams | None:
    if dtype == "float32":
        return None
    shift = 128 if dtype == "uint8" else 0
    if scores == "probabilities":
        return QuantParams(scale=1 / 256, zero_point=shift - 128)
    return QuantParams(scale=LOGIT_SCALE, zero_point=shift)

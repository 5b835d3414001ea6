"""What is exported: the source model, taking pixels as they are and giving logits."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from converters.recipe import Precision
from converters.source_model import SourceModel
from edgeclf.types import PreprocessSpec, QuantParams, Task

__all__ = ["Boundary", "input_boundary", "scoring_model", "serving_function"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """How pixels enter the artefact. It always takes uint8, and the device only resizes.

    Attributes:
        preprocess: The artefact's spec.
        quantization: Of the input of an int8 artefact, from the spec and never from
            photos; ``None`` for a float artefact, which takes the pixels themselves.
        in_graph: Whether the exported graph applies mean and std.
    """

    preprocess: PreprocessSpec
    quantization: QuantParams | None
    in_graph: bool


def input_boundary(spec: PreprocessSpec, precision: Precision) -> Boundary:
    """Return where mean and std go.

    A float graph begins with them. An int8 graph has them as the scale and zero point
    of its input when the channels share them: exactly for a whole-numbered mean, else
    half a pixel step off at most, which is less than any later rounding of that graph.
    Channels that differ are scaled by the graph's first operator.

    Args:
        spec: The source model's, float32 on the device.
        precision: The artefact's.
    """
    graph = replace(spec, normalization="graph", dtype="uint8")
    if precision != "int8":
        return Boundary(preprocess=graph, quantization=None, in_graph=True)
    mean, std = spec.mean[0], spec.std[0]
    is_uniform = set(spec.mean) == {mean} and set(spec.std) == {std}
    if not (is_uniform and std > 0 and 0 <= mean <= 255):
        raw = QuantParams(scale=1.0, zero_point=0)
        return Boundary(preprocess=graph, quantization=raw, in_graph=True)
    quantization = QuantParams(scale=1 / std, zero_point=round(mean))
    is_exact = float(mean).is_integer()
    preprocess = replace(spec, dtype="uint8") if is_exact else graph
    return Boundary(preprocess=preprocess, quantization=quantization, in_graph=False)


def scoring_model(source: SourceModel) -> tuple[Any, Task]:
    """Return the model without its last softmax, and what its scores then mean.

    Eight bits hold logits well and probabilities badly: all small ones become 0. The
    head applies the softmax on the device.
    """
    import keras  # noqa: PLC0415 - it must find TensorFlow's settings made

    model = source.keras_model
    last = model.layers[-1]
    if source.task.scores != "probabilities" or model.output is not last.output:
        return model, source.task
    logits = Task(kind=source.task.kind, scores="logits")
    if isinstance(last, keras.layers.Softmax) or _is_softmax_layer(last):
        return keras.Model(model.input, last.input), logits
    if getattr(last, "activation", None) is keras.activations.softmax:
        return _with_linear_end(model, last), logits
    return model, source.task


def _is_softmax_layer(layer: Any) -> bool:
    import keras  # noqa: PLC0415

    return (
        isinstance(layer, keras.layers.Activation)
        and layer.activation is keras.activations.softmax
    )


def _with_linear_end(model: Any, last: Any) -> Any:
    import keras  # noqa: PLC0415

    linear = type(last).from_config({**last.get_config(), "activation": "linear"})
    outputs = linear(last.input)
    linear.set_weights(last.get_weights())
    return keras.Model(model.input, outputs)


def serving_function(model: Any, boundary: Boundary, *, size: tuple[int, int]) -> Any:
    """Return a ``tf.function`` over one picture, with everything fixed.

    Args:
        model: Gives the scores; takes the real numbers of the source's spec.
        boundary: Where mean and std go.
        size: (height, width) in pixels.

    Returns:
        Takes ``image``, shape (1, height, width, 3): uint8 pixels for a float artefact;
        float32 for an int8 one: real numbers, or pixels when the graph normalises.
        Returns float32 scores, shape (1, classes).
    """
    is_int8 = boundary.quantization is not None
    dtype = tf.float32 if is_int8 else tf.uint8
    signature = tf.TensorSpec((1, *size, 3), dtype, name="image")

    def serve(image: Any) -> Any:
        real = tf.cast(image, tf.float32)
        if boundary.in_graph:
            normalise = _scaled_by_channel if is_int8 else _normalised
            real = normalise(real, boundary.preprocess)
        return model(real, training=False)

    return tf.function(serve, input_signature=[signature], autograph=False)


def _normalised(pixels: Any, spec: PreprocessSpec) -> Any:
    """A subtraction and a division, which round as the preprocessing's own do."""
    if any(spec.mean):
        pixels = pixels - tf.constant(spec.mean, tf.float32)
    if any(value != 1 for value in spec.std):
        pixels = pixels / tf.constant(spec.std, tf.float32)
    return pixels


def _scaled_by_channel(pixels: Any, spec: PreprocessSpec) -> Any:
    """One depthwise convolution of one pixel: int8 engines have a kernel for it."""
    mean, std = np.array(spec.mean), np.array(spec.std)
    weights = (1 / std).astype(np.float32).reshape(1, 1, 3, 1)
    scaled = tf.nn.depthwise_conv2d(pixels, weights, (1, 1, 1, 1), "VALID")
    return tf.nn.bias_add(scaled, (-mean / std).astype(np.float32))

"""Unsigned weights: the same numbers, and no processor adds them up wrongly."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

onnx: Any = pytest.importorskip("onnx")
onnxruntime: Any = pytest.importorskip("onnxruntime")
unsigned: Any = pytest.importorskip("converters.quantize.onnx_unsigned")

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.convert

CHANNELS, WIDTH = 8, 64
OUTPUT_SCALE = 80.0
PIXELS = np.full((1, WIDTH, 2, 2), 255, np.uint8)
"""The brightest there are: two of them times the largest weight leave 16 bits."""


def weights(*, largest: int = 127) -> "NDArray[np.int8]":
    random = np.random.default_rng(0)
    return random.integers(0, largest + 1, (CHANNELS, WIDTH, 1, 1)).astype(np.int8)


def model(stored: "NDArray[np.int8]") -> Any:
    """Return one pointwise convolution as the quantizer writes it, without scales."""
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    constants = {
        "one": np.float32(1),
        "zero": np.uint8(0),
        "weights": stored,
        "weights_scale": np.ones(CHANNELS, np.float32),
        "weights_zero": np.zeros(CHANNELS, np.int8),
        "output_scale": np.float32(OUTPUT_SCALE * WIDTH),
    }
    nodes = [
        ("DequantizeLinear", ["image", "one", "zero"], ["real"], {}),
        (
            "DequantizeLinear",
            ["weights", "weights_scale", "weights_zero"],
            ["kernel"],
            {"axis": 0},
        ),
        ("Conv", ["real", "kernel"], ["sums"], {}),
        ("QuantizeLinear", ["sums", "output_scale", "zero"], ["scores"], {}),
    ]
    graph = helper.make_graph(
        [helper.make_node(kind, ins, outs, **how) for kind, ins, outs, how in nodes],
        "one",
        [helper.make_tensor_value_info("image", onnx.TensorProto.UINT8, PIXELS.shape)],
        [
            helper.make_tensor_value_info(
                "scores", onnx.TensorProto.UINT8, (1, CHANNELS, 2, 2)
            )
        ],
        [numpy_helper.from_array(np.array(v), k) for k, v in constants.items()],
    )
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )


def computed(made: Any) -> "NDArray[np.int64]":
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    engine = onnxruntime.InferenceSession(
        made.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    scores = engine.run(None, {"image": PIXELS})[0]
    return np.asarray(scores, np.int64)[0, :, 0, 0]


def exact(stored: "NDArray[np.int8]") -> "NDArray[np.int64]":
    sums = 255 * stored.astype(np.int64).sum(axis=(1, 2, 3))
    return np.asarray(np.rint(sums / (OUTPUT_SCALE * WIDTH)), np.int64)


def test_the_brightest_pixels_and_largest_weights_are_added_up_exactly() -> None:
    stored = weights()
    expected = exact(stored)

    found = computed(unsigned.with_unsigned_weights(model(stored)))

    assert np.abs(found - expected).max() <= 1
    assert expected.min() > 150  # the sums are large, and still in range
    assert expected.max() < 256


def test_the_numbers_stay_what_they_were() -> None:
    stored = weights(largest=3)  # small ones saturate nowhere

    before = computed(model(stored))
    after = computed(unsigned.with_unsigned_weights(model(stored)))

    np.testing.assert_array_equal(after, before)


def test_a_bias_and_float_weights_are_left_alone() -> None:
    made = model(weights())
    bias = onnx.numpy_helper.from_array(np.zeros(CHANNELS, np.int8), "bias")
    made.graph.initializer.append(bias)
    made.graph.node.append(
        onnx.helper.make_node(
            "DequantizeLinear", ["bias", "weights_scale", "weights_zero"], ["real_bias"]
        )
    )

    unsigned.with_unsigned_weights(made)

    types = {each.name: each.data_type for each in made.graph.initializer}
    assert types["bias"] == types["weights_zero"] == onnx.TensorProto.INT8
    assert types["weights"] == types["weights_zero_up"] == onnx.TensorProto.UINT8

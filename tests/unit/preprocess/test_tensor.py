"""From resized pixels to the tensor: colour order, layout, stored values."""

from dataclasses import replace
from itertools import product
from typing import get_args

import numpy as np
import pytest

from edgeclf.preprocess import Preprocessor, preset
from edgeclf.preprocess.table import stored_values
from edgeclf.types import (
    ColourOrder,
    DType,
    Layout,
    PreprocessSpec,
    QuantParams,
    Tensor,
    TensorSpec,
)
from tests.pictures import pattern
from tests.preprocess_reference import ONE_STEP, tensor_spec

SAME = preset("keras", size=(40, 60))
ONE_TABLE = replace(SAME, mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0))
THREE_TABLES = replace(SAME, mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4))
QUANTIZATION: dict[str, QuantParams | None] = {
    "uint8": QuantParams(scale=1 / 60, zero_point=121),
    "int8": QuantParams(scale=1 / 60, zero_point=-7),
    "float32": None,
}


def _formula(spec: PreprocessSpec, tensor: TensorSpec) -> Tensor:
    pixels = pattern(40, 60).astype(np.float64)
    if spec.colour_order == "bgr":
        pixels = pixels[..., ::-1]
    values: Tensor = (pixels - np.array(spec.mean)) / np.array(spec.std)
    if tensor.quantization is not None:
        limits = np.iinfo(tensor.dtype)
        values = np.rint(values / tensor.quantization.scale)
        values = values + tensor.quantization.zero_point
        values = np.clip(values, limits.min, limits.max)
    return (values.transpose(2, 0, 1) if spec.layout == "nchw" else values)[None]


@pytest.mark.parametrize("opencv", [True, False], ids=["opencv", "no-opencv"])
@pytest.mark.parametrize("base", [ONE_TABLE, THREE_TABLES], ids=["one", "three"])
@pytest.mark.parametrize(
    ("dtype", "layout", "order"),
    list(product(get_args(DType), get_args(Layout), get_args(ColourOrder))),
)
def test_the_tensor_is_the_formula(
    dtype: DType,
    layout: Layout,
    order: ColourOrder,
    base: PreprocessSpec,
    opencv: bool,
) -> None:
    spec = replace(base, dtype=dtype, layout=layout, colour_order=order)
    tensor = tensor_spec(spec, QUANTIZATION[dtype])

    result = Preprocessor(spec, tensor, opencv=opencv)(pattern(40, 60))

    assert result.dtype == dtype
    assert np.allclose(result, _formula(spec, tensor), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("opencv", [True, False], ids=["opencv", "no-opencv"])
@pytest.mark.parametrize("order", get_args(ColourOrder))
@pytest.mark.parametrize("layout", get_args(Layout))
def test_a_model_that_normalises_takes_the_pixels_as_they_are(
    layout: Layout, order: ColourOrder, opencv: bool
) -> None:
    spec = replace(
        THREE_TABLES,
        normalization="graph",
        dtype="uint8",
        layout=layout,
        colour_order=order,
    )
    tensor = tensor_spec(spec, QuantParams(scale=1 / 255, zero_point=0))

    result = Preprocessor(spec, tensor, opencv=opencv)(pattern(40, 60))

    expected = pattern(40, 60)[..., ::-1] if order == "bgr" else pattern(40, 60)
    if layout == "nchw":
        expected = expected.transpose(2, 0, 1)
    assert np.array_equal(result[0], expected)


def test_a_scale_that_folds_the_normalisation_leaves_the_pixels() -> None:
    spec = replace(ONE_TABLE, dtype="uint8")
    tensor = tensor_spec(spec, QuantParams(scale=1 / 128, zero_point=127))

    table = stored_values(spec, tensor)

    assert np.array_equal(table, np.tile(np.arange(256), (3, 1)))


def test_stored_values_are_rounded_half_to_even_and_clipped() -> None:
    spec = replace(SAME, dtype="int8", mean=(0.0, 0.0, 0.0), std=(2.0, 2.0, 1.0))
    tensor = tensor_spec(spec, QuantParams(scale=1.0, zero_point=-128))

    table = stored_values(spec, tensor)

    assert table[0, :6].tolist() == [-128, -128, -127, -126, -126, -126]
    assert table[0, 255] == 0
    assert table[2, 255] == 127


def test_an_integer_tensor_without_quantization_stores_the_number_itself() -> None:
    spec = replace(SAME, dtype="int8", mean=(128.0, 128.0, 128.0), std=(1.0, 1.0, 1.0))

    result = Preprocessor(spec, tensor_spec(spec))(pattern(40, 60))

    assert np.array_equal(result[0], pattern(40, 60).astype(int) - 128)


def test_the_float_tensor_is_bit_for_bit_the_trainers_float32() -> None:
    spec = THREE_TABLES
    mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
    theirs = (pattern(40, 60).astype(np.float32) - mean) / std

    ours = Preprocessor(spec, tensor_spec(spec))(pattern(40, 60))

    assert np.array_equal(ours[0], theirs)


def test_opencv_changes_nothing_by_more_than_a_step() -> None:
    spec = preset("keras", size=(64, 48))
    tensor = tensor_spec(spec)
    pixels = pattern(131, 200)

    apart = np.abs(
        Preprocessor(spec, tensor)(pixels)
        - Preprocessor(spec, tensor, opencv=False)(pixels)
    )

    assert apart.max() * 127.5 <= ONE_STEP

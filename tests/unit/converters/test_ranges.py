"""Ranges: what each method promises, for whatever was seen and however it was fed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from converters.quantize.ranges import (
    RangeMethod,
    RangeObserver,
    quantization_error,
)

METHODS: tuple[RangeMethod, ...] = ("min-max", "percentile", "mse", "entropy")

batches = arrays.arrays(
    np.float32,
    st.integers(1, 300),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)


def observed(*parts: NDArray[np.float32]) -> RangeObserver:
    observer = RangeObserver()
    for part in parts:
        observer.add(part)
    return observer


def bell(count: int = 20_000, *, outlier: float | None = None) -> NDArray[np.float32]:
    values = np.random.default_rng(0).normal(size=count).astype(np.float32)
    if outlier is not None:
        values[0] = outlier
    return values


@settings(deadline=None)
@given(batches)
def test_min_max_covers_all_that_was_seen(values: NDArray[np.float32]) -> None:
    low, high = observed(values).range("min-max")

    assert low <= values.min()
    assert high >= values.max()


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=30, deadline=None)
@given(values=batches)
def test_every_range_contains_zero_and_lies_within_what_was_seen(
    method: RangeMethod, values: NDArray[np.float32]
) -> None:
    low, high = observed(values).range(method)

    assert min(0.0, values.min()) <= low <= 0.0 <= high <= max(0.0, values.max())


@settings(max_examples=30, deadline=None)
@given(batches)
def test_the_least_squared_error_is_never_above_min_maxs(
    values: NDArray[np.float32],
) -> None:
    observer = observed(values)
    middles, counts = observer.histogram()

    errors = [
        quantization_error(middles, *observer.range(method), counts=counts)
        for method in ("mse", "min-max")
    ]

    assert errors[0] <= errors[1]


@settings(max_examples=30, deadline=None)
@given(values=batches, cut=st.integers(0, 300))
def test_a_range_does_not_depend_on_how_values_come_in_batches(
    values: NDArray[np.float32], cut: int
) -> None:
    whole, parts = observed(values), observed(values[:cut], values[cut:])

    assert np.array_equal(whole.histogram(), parts.histogram())
    assert whole.range("mse") == parts.range("mse")


@settings(deadline=None)
@given(batches)
def test_the_histogram_counts_every_value_near_where_it_is(
    values: NDArray[np.float32],
) -> None:
    middles, counts = observed(values).histogram()

    spread = float(max(values.max(), 0.0)) - float(min(values.min(), 0.0))
    assert counts.sum() == len(values)
    ordered = np.repeat(middles, counts.astype(int))
    narrowest = float(np.finfo(np.float32).tiny)
    assert np.abs(np.sort(values) - ordered).max() <= max(spread / 4000, narrowest)


@pytest.mark.parametrize("method", ["percentile", "entropy"])
def test_a_lone_outlier_is_cut_off(method: RangeMethod) -> None:
    low, high = observed(bell(outlier=100.0)).range(method)

    assert 2 < high < 50
    assert low < -2


@pytest.mark.parametrize("levels", [16, 256])
def test_the_least_squared_error_is_the_least_on_the_values_themselves(
    levels: int,
) -> None:
    values = bell(outlier=8.0)

    low, high = observed(values).range("mse", levels=levels)

    found = quantization_error(values, low, high, levels=levels)
    for factor in (0.7, 0.85, 1.15, 1.3):
        other = quantization_error(values, low * factor, high * factor, levels=levels)
        assert found < other


def test_few_levels_make_the_least_squared_error_cut_off_outliers() -> None:
    low, high = observed(bell(outlier=8.0)).range("mse", levels=16)

    assert -3 < low < -2
    assert 2 < high < 3


def test_a_percentile_leaves_its_share_above() -> None:
    values = np.abs(bell())

    _, high = observed(values).range("percentile", percentile=99.0)

    assert np.mean(values > high) == pytest.approx(0.01, abs=0.001)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(0.0, (0.0, 0.0), id="zero"),
        pytest.param(3.5, (0.0, 3.5), id="above"),
        pytest.param(-2.0, (-2.0, 0.0), id="below"),
        pytest.param(1e-30, (0.0, 1e-30), id="tiny"),
    ],
)
def test_a_constant_tensor_keeps_its_value(
    method: RangeMethod, value: float, expected: tuple[float, float]
) -> None:
    values = np.full(100, value, np.float32)

    assert observed(values).range(method) == pytest.approx(expected, rel=1e-6)


def test_zeros_before_values_do_no_harm() -> None:
    low, high = observed(np.zeros(10, np.float32), bell()).range("min-max")

    assert (low, high) == (bell().min(), bell().max())


@pytest.mark.parametrize("method", METHODS)
def test_an_observer_comes_back_from_its_state(method: RangeMethod) -> None:
    observer = observed(bell(), bell(outlier=9.0))

    again = RangeObserver.from_state(observer.state())

    assert again.range(method) == observer.range(method)
    assert again.count == observer.count


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="not finite"):
        observed(np.array([1.0, value], np.float32))


def test_nothing_seen_has_no_range() -> None:
    with pytest.raises(ValueError, match="without values"):
        observed(np.zeros(0, np.float32)).range("mse")


@pytest.mark.parametrize("percentile", [49.0, 100.5])
def test_a_percentile_out_of_bounds_is_refused(percentile: float) -> None:
    with pytest.raises(ValueError, match="50 to 100"):
        observed(bell()).range("percentile", percentile=percentile)

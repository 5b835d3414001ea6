"""Rounding of weights: what the layer's output gains, and what never changes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from converters.quantize.rounding import output_error, rounded

_Real = NDArray[np.float64]


def layer(seed: int, *, rows: int = 6, inputs: int = 12) -> tuple[_Real, _Real]:
    """Return weights, and samples of inputs that go together as channels do."""
    numbers = np.random.default_rng(seed)
    mixing = numbers.normal(size=(inputs, inputs)) * (numbers.random(inputs) < 0.5)
    samples = numbers.normal(size=(500, inputs)) @ (mixing + 0.1 * np.eye(inputs))
    return numbers.normal(size=(rows, inputs)), samples


def scales_of(weights: _Real) -> _Real:
    return np.asarray(np.abs(weights).max(axis=1) / 127)


def nearest(weights: _Real, scales: _Real) -> _Real:
    return np.asarray(np.round(weights / scales[:, None]))


def moments_of(samples: _Real) -> _Real:
    return np.asarray(samples.T @ samples / len(samples))


def damped(moments: _Real) -> _Real:
    return np.asarray(moments + 0.5 * moments.trace() / len(moments) * np.eye(12))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_output_is_never_further_off_than_with_nearest_rounding(seed: int) -> None:
    weights, samples = layer(seed)
    scales = scales_of(weights) * 8
    moments = moments_of(samples)

    integers = rounded(weights, scales, moments)

    errors = integers * scales[:, None] - weights
    plain = nearest(weights, scales) * scales[:, None] - weights
    worst = output_error(plain, damped(moments))
    assert np.all(output_error(errors, damped(moments)) <= worst * (1 + 1e-9))


def test_inputs_that_go_together_gain_a_fifth() -> None:
    weights, samples = layer(0, rows=64)
    scales, moments = scales_of(weights), moments_of(samples)

    integers = rounded(weights, scales, moments)

    def error(stored: _Real) -> float:
        off = (stored * scales[:, None] - weights) @ samples.T
        return float(np.square(off).mean())

    assert error(integers.astype(float)) < 0.8 * error(nearest(weights, scales))


def test_inputs_without_relation_leave_nearest_rounding() -> None:
    weights, _ = layer(1)
    scales = scales_of(weights)

    integers = rounded(weights, scales, np.diag(np.arange(1.0, 13.0)))

    assert np.array_equal(integers, nearest(weights, scales))


def test_weights_that_are_whole_steps_stay() -> None:
    _, samples = layer(2)
    whole = np.random.default_rng(3).integers(-127, 128, (6, 12))

    integers = rounded(
        np.asarray(whole * 0.25, np.float64), np.full(6, 0.25), moments_of(samples)
    )

    assert np.array_equal(integers, whole)


@pytest.mark.parametrize("shrink", [1.0, 0.2])
def test_integers_are_symmetric_and_fit_eight_bits(shrink: float) -> None:
    weights, samples = layer(4)

    integers = rounded(weights, scales_of(weights) * shrink, moments_of(samples))

    assert integers.dtype == np.int8
    assert np.abs(integers.astype(int)).max() <= 127


def test_rows_with_inputs_of_their_own_are_rounded_by_those() -> None:
    weights, samples = layer(5)
    scales, shared = scales_of(weights), moments_of(samples)
    own = np.stack([shared] * len(weights))

    assert np.array_equal(
        rounded(weights, scales, own), rounded(weights, scales, shared)
    )


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    weights, _ = layer(6)

    integers = rounded(weights, scales_of(weights), np.zeros((12, 12)))

    assert np.array_equal(integers, nearest(weights, scales_of(weights)))


def test_the_output_error_is_the_mean_square_of_the_output() -> None:
    weights, samples = layer(7)

    error = output_error(weights, moments_of(samples))

    assert error == pytest.approx(np.square(weights @ samples.T).mean(axis=1))

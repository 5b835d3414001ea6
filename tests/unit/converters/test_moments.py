"""Means and covariances of a layer's inputs: what numpy says of all samples at once."""

import numpy as np
import pytest

from converters.quantize.moments import MomentSums


def test_moments_do_not_depend_on_how_samples_came() -> None:
    numbers = np.random.default_rng(0)
    samples = numbers.normal(1, 2, (3, 170, 5)).astype(np.float32)
    sums = MomentSums()
    for start in range(0, 170, 5):
        sums.add(samples[:, start : start + 5])

    found = sums.moments()

    np.testing.assert_allclose(found.mean, samples.mean(axis=1), rtol=1e-5)
    for group, covariance in zip(samples, found.covariance, strict=True):
        expected = np.cov(group.T, bias=True)
        np.testing.assert_allclose(covariance, expected, atol=1e-4)
    second = np.einsum("gni,gnj->gij", samples, samples) / 170
    np.testing.assert_allclose(found.second, second, rtol=1e-4)


def test_there_are_no_moments_without_samples() -> None:
    with pytest.raises(ValueError, match="add some first"):
        MomentSums().moments()

"""Means and covariances of what a layer's outputs see of its input."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["InputMoments", "MomentSums"]

_BATCH = 16
"""Pictures whose samples are multiplied at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputMoments:
    """Of a layer's inputs.

    Attributes:
        mean: Shape (inputs,), or (groups, inputs) where each group of a convolution
            sees channels of its own.
        covariance: Shape (inputs, inputs), with groups before.
    """

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    @property
    def second(self) -> NDArray[np.float64]:
        """Mean products, same shape as the covariance."""
        mean = self.mean
        return np.asarray(self.covariance + mean[..., :, None] * mean[..., None, :])


class MomentSums:
    """Sums over samples of a layer's inputs, multiplied a batch at a time."""

    def __init__(self) -> None:
        self._waiting: list[NDArray[np.float32]] = []
        self._count = 0
        self._sum: NDArray[np.float64] | float = 0.0
        self._products: NDArray[np.float64] | float = 0.0

    def add(self, samples: NDArray[np.float32]) -> None:
        """Count samples, shape (samples, inputs), with groups before where there are."""
        self._waiting.append(samples)
        if len(self._waiting) == _BATCH:
            self._multiply()

    def moments(self) -> InputMoments:
        """Return the moments of all samples.

        Raises:
            ValueError: There were none.
        """
        self._multiply()
        if not self._count:
            raise ValueError("no moments without samples: add some first")
        mean = np.asarray(self._sum) / self._count
        second = np.asarray(self._products) / self._count
        covariance = second - mean[..., :, None] * mean[..., None, :]
        return InputMoments(mean=mean, covariance=covariance)

    def _multiply(self) -> None:
        if not self._waiting:
            return
        samples = np.concatenate(self._waiting, axis=-2)
        self._waiting.clear()
        self._count += samples.shape[-2]
        self._sum = self._sum + samples.sum(axis=-2, dtype=np.float64)
        products = np.matmul(np.swapaxes(samples, -1, -2), samples)
        self._products = self._products + products.astype(np.float64)

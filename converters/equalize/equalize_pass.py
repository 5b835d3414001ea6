"""The pass that makes ranges of coupled channels alike before quantization."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converters.equalize.equalization import equalize
from converters.pass_options import EqualizeOptions
from converters.picture_batches import picture_batches
from converters.workpiece import Workpiece, require_finite_weights
from edgeclf.errors import CalibrationError, ConversionError

__all__ = ["EqualizeModel"]

_TOLERANCE = 1e-3
"""Largest difference of scores, beside the largest score. Lite0 differs by 1e-6; a
wrong factor in one channel shows as 1e-2 and more."""


@dataclass(frozen=True, slots=True)
class EqualizeModel:
    """The scoring model to one of the same function that eight bits hold better."""

    options: EqualizeOptions

    def requires(self, work: Workpiece) -> None:
        """Refuse to equalise without photos."""
        if work.calibration is None:
            raise CalibrationError(
                "equalising needs photos that show the ranges: give --calibrate DIR"
            )

    def call(self, work: Workpiece) -> Workpiece:
        """Return the workpiece with the equalised model.

        Raises:
            ConversionError: The model's channels cannot be followed, or it came out as
                another function.
        """
        assert work.calibration is not None  # noqa: S101 - requires() checked it
        spec, before = work.source.preprocess, work.scoring_model
        done = equalize(
            before,
            picture_batches(work.calibration, spec),
            share=self.options.weight_share,
        )
        first = next(picture_batches(work.calibration, spec))
        _require_same_function(before, done.model, first, name=work.source.name)
        return replace(work, scoring_model=done.model)

    def ensures(self, work: Workpiece) -> None:
        """Refuse a model with weights that are no numbers."""
        require_finite_weights(work, doing="equalising", advice="a recipe without it")


def _require_same_function(
    before: Any, after: Any, inputs: NDArray[np.float32], *, name: str
) -> None:
    expected, found = (
        np.asarray(model(inputs, training=False)) for model in (before, after)
    )
    difference = np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-12)
    if not difference <= _TOLERANCE:
        raise ConversionError(
            f"equalising made another model of {name}: scores differ by "
            f"{difference:.2g} of the largest; leave the pass out of the recipe and "
            "report this model"
        )

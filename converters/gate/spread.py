"""How much the result depends on which photos calibrated."""

from collections.abc import Callable
from dataclasses import replace

from converters.gate.measuring import Measure
from converters.gate.stages import RunPass, Stages
from converters.gate.trials import SeedResult
from converters.pictures import PictureSet
from converters.workpiece import Workpiece

__all__ = ["spread"]

_SEEDS = 3


def spread(
    work: Workpiece,
    run: RunPass,
    measure: Measure,
    redrawn: Callable[[int], PictureSet],
) -> tuple[SeedResult, ...]:
    """Return what three draws of calibration photos give.

    Args:
        work: As it was opened, with the recipe that was chosen.
        run: Does a pass.
        measure: Judges.
        redrawn: Draws photos with a seed.
    """
    results = []
    for seed in range(work.recipe.seed, work.recipe.seed + _SEEDS):
        folder = work.folder / f"seed-{seed}"
        folder.mkdir()
        aside = replace(
            work,
            folder=folder,
            common=work.common_folder,
            calibration=redrawn(seed),
        )
        record = measure.judged(Stages(aside, run).artefact(work.recipe))
        if record is not None:
            results.append(SeedResult(seed=seed, value=record.value))
    return tuple(results)

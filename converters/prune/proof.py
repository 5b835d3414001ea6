"""Whether the pruned model is faster: measured before anything is spent on it."""

from typing import Any

from converters.prune.options import PruneOptions
from converters.prune.side_artefact import float_recipe, side_artefact
from converters.prune.speed import compare_speed
from converters.prune.worth import judge_speedup
from converters.workpiece import Workpiece
from edgeclf.backends import open_backend
from edgeclf.profiles import load_profile

__all__ = ["prove_speedup"]


def prove_speedup(work: Workpiece, model: Any, options: PruneOptions) -> str:
    """Measure the source against the pruned model, both in float, on the engine.

    Args:
        work: Before pruning.
        model: The pruned one.
        options: Have the bar.

    Returns:
        What was found, for people.

    Raises:
        OutOfBoundsError: This machine is the profile's board, and it is hardly faster.
    """
    recipe = float_recipe(work)
    files = [side_artefact(work, each, recipe) for each in (work.reference, model)]
    opened = [
        open_backend(data, format=work.recipe.target, engine=work.engine)
        for data in files
    ]
    with opened[0] as before, opened[1] as after:
        speedup = compare_speed(before, after)
    profile = work.recipe.profile
    return judge_speedup(
        speedup,
        None if profile is None else load_profile(profile),
        min_speedup=options.min_speedup,
        engine=str(work.engine),
    )

"""Whether the pruned model is faster: measured before anything is spent on it."""

from typing import Any

from converters.prune.options import PruneOptions
from converters.prune.side_artefact import float_recipe, side_artefact
from converters.prune.speed import Speedup, compare_speed
from converters.workpiece import Workpiece
from edgeclf.backends import open_backend
from edgeclf.bench.judge import is_profiles_machine
from edgeclf.errors import OutOfBoundsError
from edgeclf.machine import board_description, read_identity
from edgeclf.profiles import Profile, load_profile

__all__ = ["judge_speedup", "prove_speedup"]


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


def judge_speedup(
    speedup: Speedup, profile: Profile | None, *, min_speedup: float, engine: str
) -> str:
    """Return what a measurement says, or refuse the model on its own board.

    Args:
        speedup: Measured on this machine.
        profile: The board that the model is for.
        min_speedup: The bar; it holds where this machine is that board.
        engine: That ran both.

    Raises:
        OutOfBoundsError: It is below the bar there.
    """
    machine = read_identity()
    where = f"on {board_description(machine)} with {engine}, in float"
    if profile is None or not is_profiles_machine(profile, machine):
        board = "the board" if profile is None else profile.name
        return f"{where}: {speedup.words}; unverified on {board}"
    if speedup.ratio < min_speedup:
        raise OutOfBoundsError(
            f"pruning is not worth it {where}: {speedup.words}, and "
            f"{min_speedup:.2f} times is asked for; no bundle was written: remove "
            "more, or leave out --prune"
        )
    return f"{where}: {speedup.words}"

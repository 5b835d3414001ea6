"""Whether a speed-up that was measured here is enough, where it can be judged."""

from converters.prune.speed import Speedup
from edgeclf.bench.judge import is_profiles_machine
from edgeclf.errors import OutOfBoundsError
from edgeclf.machine import board_description, read_identity
from edgeclf.profiles import Profile

__all__ = ["judge_speedup"]


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

"""Whether a run can be judged at all."""

from collections.abc import Iterator
from typing import Final

from edgeclf.machine import MachineIdentity, RunConditions, board_description
from edgeclf.profiles import Profile

__all__ = [
    "FOREIGN_CORES_ALLOWED",
    "SWAPPED_PAGES_ALLOWED",
    "disturbances",
    "is_profiles_machine",
    "mismatch",
]

FOREIGN_CORES_ALLOWED: Final = 0.10
"""Processor time that others may take, in cores, before a run counts as shared."""

SWAPPED_PAGES_ALLOWED: Final = 256
"""Pages (1 MiB) that may move to and from swap before a run counts as starved."""


def is_profiles_machine(profile: Profile, machine: MachineIdentity) -> bool:
    """Whether a verdict on this profile can come from this machine."""
    if not profile.is_board:
        return True
    return machine.board is not None and profile.describes(machine.board)


def mismatch(profile: Profile, machine: MachineIdentity) -> str:
    """Return why a number from this machine says nothing of the profile's."""
    return (
        f"this is not a verdict on {profile.name}: it was measured on "
        f"{board_description(machine)}"
    )


def disturbances(conditions: RunConditions, profile: Profile) -> Iterator[str]:
    """Yield why the machine was not in a state to be measured.

    Args:
        conditions: How it was.
        profile: Of this very machine; its temperature is compared.
    """
    if conditions.throttle:
        yield f"the board throttled: {conditions.throttle.words}"
    hottest, limit = (
        conditions.temperature_max_c,
        profile.value("thermal.throttle_start_c"),
    )
    if hottest is not None and isinstance(limit, float) and hottest >= limit:
        yield f"it reached {hottest:.0f} °C, where {profile.name} throttles"
    foreign = conditions.foreign_cores
    if foreign is None and conditions.duration_s < 1:
        yield (
            f"in {conditions.duration_s:.2f} s it cannot be seen whether other programs "
            "were at work"
        )
    if foreign is not None and foreign > FOREIGN_CORES_ALLOWED:
        yield (
            f"other programs took {foreign:.2f} of a core "
            f"(allowed: {FOREIGN_CORES_ALLOWED:.2f}): stop them and run it again"
        )
    swapped = conditions.swapped_pages
    if swapped is not None and swapped > SWAPPED_PAGES_ALLOWED:
        yield f"{swapped} pages moved to or from swap: free some memory"

"""Checks of the machine: system, clocks, heat, memory, disk, board."""

import datetime as dt
from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.machine import ThrottleBits

__all__ = ["MACHINE_CHECKS"]

_WRITTEN = dt.date(2026, 11, 1)
"""No clock that is right shows an earlier day: this was not written then."""

_DISK_MIB = 500
_MEMORY_MIB = 200
_SINCE_BOOT = 16
"""How far the bits "since boot" lie above those of now."""


def sixty_four_bits(here: Surroundings) -> Iterator[Finding]:
    """The system is a 64-bit one: most engines have no other wheels."""
    if here.machine.python_bits == 32:
        yield Finding(
            name="32-bit-system",
            severity="warning",
            text="this is a 32-bit system: only tflite-runtime has wheels for it, and "
            "models run more slowly than on a 64-bit one",
            fix="install the 64-bit Raspberry Pi OS (boards from the Zero 2 W on)",
        )


def board_known(here: Surroundings) -> Iterator[Finding]:
    """Which profile this machine has."""
    board = here.machine.board
    if here.profile is not None:
        text = f"{board}: profile {here.profile.name}"
    elif board is not None:
        text = f"no profile describes {board!r}: 'bench' uses generic-cpu"
    else:
        text = "no board names itself here: 'bench' uses generic-cpu"
    yield Finding(name="board", severity="note", text=text)


def runtime_native(here: Surroundings) -> Iterator[Finding]:
    """This package runs on the board's own Python."""
    if here.profile is not None and here.profile.runtime != "native":
        yield Finding(
            name="runtime-not-native",
            severity="warning",
            text=f"the system's own Python on {here.profile.title} is too old: run in "
            "a container",
            fix="see docs/install.md",
        )


def governor(here: Surroundings) -> Iterator[Finding]:
    """The clock does not follow the load."""
    found = here.machine.governor
    wanted = here.profile.value("defaults.governor") if here.profile else None
    wanted = wanted or "performance"
    if found is not None and found != wanted:
        yield Finding(
            name="governor",
            severity="warning",
            text=f"the clock's governor is {found}: latency follows the load",
            fix=f"echo {wanted} | sudo tee "
            "/sys/devices/system/cpu/cpufreq/policy*/scaling_governor",
        )


def supply(here: Surroundings) -> Iterator[Finding]:
    """The board's supply holds its voltage."""
    found = _bits(here, ThrottleBits.UNDER_VOLTAGE)
    if found is not None:
        yield Finding(
            name="under-voltage",
            severity="warning",
            text=f"under-voltage {found}: the board slows down",
            fix="use the board's own power supply and a short cable, then reboot",
        )


def throttled(here: Surroundings) -> Iterator[Finding]:
    """The board runs at its full clock."""
    for bit in (
        ThrottleBits.THROTTLED,
        ThrottleBits.CAPPED,
        ThrottleBits.SOFT_LIMIT,
    ):
        found = _bits(here, bit)
        if found is not None:
            yield Finding(
                name="throttled",
                severity="warning",
                text=f"the firmware reports {bit.words} {found}",
                fix="cool the board (heat sink, fan), then reboot; "
                "'vcgencmd get_throttled' shows the state",
            )
            return


def heat(here: Surroundings) -> Iterator[Finding]:
    """There is room below the temperature at which the board throttles."""
    limit = here.profile.value("thermal.throttle_start_c") if here.profile else None
    now = here.state.temperature_c
    if now is not None and isinstance(limit, float) and now > limit - 10:
        yield Finding(
            name="hot",
            severity="warning",
            text=f"{now:.0f} °C at rest: throttling starts at {limit:.0f} °C",
            fix="cool the board: heat sink, fan, air",
        )


def swap(here: Surroundings) -> Iterator[Finding]:
    """Nothing was moved to swap."""
    used = here.state.swap_used_mib
    if used is not None and used > 0:
        yield Finding(
            name="swap-in-use",
            severity="warning",
            text=f"{used} MiB of swap are in use: frames may wait for the disk",
            fix="end other programs, then: sudo swapoff -a && sudo swapon -a",
        )


def memory(here: Surroundings) -> Iterator[Finding]:
    """There is memory for an engine and a model."""
    left = here.state.available_mib
    if left is not None and left < _MEMORY_MIB:
        yield Finding(
            name="little-memory",
            severity="warning",
            text=f"{left} MiB of memory are left; an engine and a model need about "
            f"{_MEMORY_MIB}",
            fix="end other programs; on a desktop system: "
            "sudo systemctl set-default multi-user.target, then reboot",
        )


def disk(here: Surroundings) -> Iterator[Finding]:
    """There is room on the disk."""
    if here.free_mib < _DISK_MIB:
        yield Finding(
            name="little-disk",
            severity="warning",
            text=f"{here.free_mib} MiB are free on the disk of {here.prefix}",
            fix="sudo apt clean; python3 -m pip cache purge",
        )


def clock_set(here: Surroundings) -> Iterator[Finding]:
    """The clock shows a day that can be."""
    if here.today < _WRITTEN:
        yield Finding(
            name="clock-not-set",
            severity="warning",
            text=f"the clock says {here.today}: certificates and logs will be wrong",
            fix="sudo timedatectl set-ntp true",
        )


def camera_readable(here: Surroundings) -> Iterator[Finding]:
    """A camera that is there may be opened."""
    if here.cameras and not any(here.cameras.values()):
        yield Finding(
            name="camera-not-readable",
            severity="warning",
            text=f"this user may not open {', '.join(here.cameras)}",
            fix='sudo usermod -aG video "$USER", then log in again',
        )


MACHINE_CHECKS: tuple[Check, ...] = (
    sixty_four_bits,
    board_known,
    runtime_native,
    governor,
    supply,
    throttled,
    heat,
    swap,
    memory,
    disk,
    clock_set,
    camera_readable,
)


def _bits(here: Surroundings, bit: ThrottleBits) -> str | None:
    """Return when a condition holds, for people; ``None`` when it never did."""
    bits = here.state.throttle
    if bits is None:
        return None
    if bits & bit:
        return "right now"
    return "since boot" if bits & ThrottleBits(bit << _SINCE_BOOT) else None

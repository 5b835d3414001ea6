"""Checks of the board: what it is, its Python, its clocks and cores."""

from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.machine.tree import read_int, read_text

__all__ = ["MACHINE_CHECKS"]

_CPUS = "sys/devices/system/cpu"
_GUIDE = "docs/install.md#boards-whose-own-python-is-too-old-a-container"


def sixty_four_bits(here: Surroundings) -> Iterator[Finding]:
    """The system is a 64-bit one: most engines have no other wheels."""
    if here.machine.python_bits == 32:
        yield Finding(
            name="32-bit-system",
            text="this is a 32-bit system: only tflite-runtime has wheels for it",
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
    yield Finding(name="board", text=text)


def runtime_native(here: Surroundings) -> Iterator[Finding]:
    """This package runs on the board's own Python."""
    profile = here.profile
    if profile is None or profile.runtime == "native":
        return
    own = ", ".join(f"Python {each.python} of {each.name}" for each in profile.systems)
    way = "run it in a container"
    if profile.runtime == "none":
        way = "it is not known to run there"
    yield Finding(
        name="runtime-not-native",
        text=f"the system's own Python on {profile.title} is too old"
        f"{f' ({own})' if own else ''}: {way}",
        fix=f"read {_GUIDE}",
    )


def governor(here: Surroundings) -> Iterator[Finding]:
    """The clock does not follow the load."""
    found = here.machine.governor
    wanted = here.profile.value("defaults.governor") if here.profile else None
    wanted = wanted or "performance"
    if found is not None and found != wanted:
        yield Finding(
            name="governor",
            text=f"the clock's governor is {found}, not {wanted}",
            fix=f"echo {wanted} | sudo tee /{_CPUS}/cpufreq/policy*/scaling_governor",
        )


def full_clock(here: Surroundings) -> Iterator[Finding]:
    """Nobody lowered the highest clock."""
    for policy in sorted((here.root / _CPUS / "cpufreq").glob("policy*")):
        allowed = read_int(policy, "scaling_max_freq")
        possible = read_int(policy, "cpuinfo_max_freq")
        if allowed is not None and possible is not None and allowed < possible:
            yield Finding(
                name="clock-capped",
                text=f"{policy.name} may use {allowed // 1000} of "
                f"{possible // 1000} MHz",
                fix=f"echo {possible} | sudo tee "
                f"/{_CPUS}/cpufreq/{policy.name}/scaling_max_freq",
            )


def all_cores(here: Surroundings) -> Iterator[Finding]:
    """Every core that is there is on."""
    there = read_text(here.root, f"{_CPUS}/present")
    on = read_text(here.root, f"{_CPUS}/online")
    if there is not None and on is not None and there != on:
        yield Finding(
            name="cores-offline",
            text=f"cores {on} are on, of {there}",
            fix=f"echo 1 | sudo tee /{_CPUS}/cpu[1-9]*/online"
            "  # on a Jetson choose another power mode instead",
        )


def load(here: Surroundings) -> Iterator[Finding]:
    """The machine is not at work for others."""
    found = here.state.load_1m
    if found is not None and found > here.machine.cores:
        yield Finding(
            name="high-load",
            text=f"the load is {found:.1f} on {here.machine.cores} cores",
            fix="top -b -n 1 -o %CPU | head -n 12  # shows whom to end",
        )


MACHINE_CHECKS: tuple[Check, ...] = (
    sixty_four_bits,
    board_known,
    runtime_native,
    governor,
    full_clock,
    all_cores,
    load,
)

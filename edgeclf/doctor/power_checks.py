"""Checks of supply and heat: what makes the firmware lower the clock."""

from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.machine import ThrottleBits
from edgeclf.machine.tree import read_int, read_text

__all__ = ["POWER_CHECKS"]

_SINCE_BOOT = 16
"""How far the bits "since boot" lie above those of now."""


def firmware_readable(here: Surroundings) -> Iterator[Finding]:
    """A Raspberry Pi's firmware says whether it throttles."""
    is_pi = (here.machine.board or "").startswith("Raspberry Pi")
    if not is_pi or here.state.throttle is not None:
        return
    fix = "sudo apt install raspi-utils"
    if (here.root / "usr/bin/vcgencmd").exists():
        fix = f"sudo usermod -aG video {here.user}  # then log in again"
    yield Finding(
        name="firmware-not-readable",
        text="'vcgencmd get_throttled' gives no answer",
        fix=fix,
    )


def supply(here: Surroundings) -> Iterator[Finding]:
    """The board's supply holds its voltage."""
    found = _bits(here, ThrottleBits.UNDER_VOLTAGE)
    if found is None and any(
        read_int(each, "in0_lcrit_alarm") == 1
        for each in (here.root / "sys/class/hwmon").glob("hwmon*")
        if read_text(each, "name") == "rpi_volt"
    ):
        found = "seen by the kernel"
    if found is not None:
        yield Finding(
            name="under-voltage",
            text=f"under-voltage {found}",
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
            text=f"{now:.0f} °C at rest: throttling starts at {limit:.0f} °C",
            fix="cool the board: heat sink, fan, air",
        )


def fan(here: Surroundings) -> Iterator[Finding]:
    """A fan that is driven turns."""
    for chip in sorted((here.root / "sys/class/hwmon").glob("hwmon*")):
        driven, turns = read_int(chip, "pwm1"), read_int(chip, "fan1_input")
        if driven is not None and driven > 0 and turns == 0:
            yield Finding(
                name="fan-not-turning",
                text=f"the fan of {read_text(chip, 'name') or chip.name} is driven "
                f"({driven} of 255), and does not turn",
                fix="reseat its plug and free its blades, then: "
                f"cat /sys/class/hwmon/{chip.name}/fan1_input",
            )


POWER_CHECKS: tuple[Check, ...] = (
    firmware_readable,
    supply,
    throttled,
    heat,
    fan,
)


def _bits(here: Surroundings, bit: ThrottleBits) -> str | None:
    """Return when a condition holds, for people; ``None`` when it never did."""
    bits = here.state.throttle
    if bits is None:
        return None
    if bits & bit:
        return "right now"
    return "since boot" if bits & ThrottleBits(bit << _SINCE_BOOT) else None

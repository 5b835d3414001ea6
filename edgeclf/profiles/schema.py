"""Which facts a profile may state: their keys, units, ranges and readers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["ENGINES", "FACTS", "FORMAT", "FactKind", "FactRule"]

FORMAT: Final = 1
"""Number of the profile format; raised when a key changes meaning or goes."""

ENGINES: Final = ("litert", "tflite-runtime", "onnxruntime")

FactKind: TypeAlias = Literal["integer", "number", "text", "integers", "texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FactRule:
    """What one fact may be.

    Attributes:
        kind: Its type; ``integers`` and ``texts`` are lists.
        unit: For people; the key ends in it where there is one.
        low: Smallest value accepted, so that GHz in place of MHz is noticed.
        high: Largest value accepted.
        choices: The only texts accepted; empty when any is.
        meaning: One line.
        reader: What uses it, beyond ``profiles show``.
    """

    kind: FactKind
    meaning: str
    unit: str = ""
    low: float = 0.0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    reader: str = "profiles show"


FACTS: Final[Mapping[str, FactRule]] = {
    "board.soc": FactRule(kind="text", meaning="System on chip."),
    "cpu.model": FactRule(kind="text", meaning="Core, as its maker names it."),
    "cpu.cores": FactRule(
        kind="integer", unit="cores", low=1, high=1024, meaning="Cores that run Linux."
    ),
    "cpu.clock_max_mhz": FactRule(
        kind="integer",
        unit="MHz",
        low=100,
        high=10_000,
        meaning="Highest clock without overclocking.",
    ),
    "cpu.simd": FactRule(
        kind="texts",
        meaning="Features beyond plain NEON that kernels look for, as /proc/cpuinfo "
        "names them; an empty list says that there are none.",
    ),
    "cpu.l1d_kib": FactRule(
        kind="integer",
        unit="KiB",
        low=4,
        high=1024,
        meaning="First-level data cache a core.",
    ),
    "cpu.l1i_kib": FactRule(
        kind="integer",
        unit="KiB",
        low=4,
        high=1024,
        meaning="First-level instruction cache a core.",
    ),
    "cpu.l2_kib": FactRule(
        kind="integer",
        unit="KiB",
        low=64,
        high=1 << 20,
        meaning="Second-level cache: a core's own, or the one that all share.",
    ),
    "cpu.l3_kib": FactRule(
        kind="integer",
        unit="KiB",
        low=0,
        high=1 << 20,
        meaning="Third-level cache, shared; 0 when there is none.",
    ),
    "memory.kind": FactRule(kind="text", meaning="Memory technology."),
    "memory.sizes_mib": FactRule(
        kind="integers",
        unit="MiB",
        low=128,
        high=1 << 22,
        meaning="Sizes that the board is sold with or was seen with.",
    ),
    "memory.copy_mb_s": FactRule(
        kind="number",
        unit="MB/s",
        low=100,
        high=1e6,
        meaning="Measured memcpy of one core.",
    ),
    "memory.fill_mb_s": FactRule(
        kind="number",
        unit="MB/s",
        low=100,
        high=1e6,
        meaning="Measured memset of one core.",
    ),
    "memory.peak_gb_s": FactRule(
        kind="number",
        unit="GB/s",
        low=0.5,
        high=1e4,
        meaning="Bandwidth by its maker's word.",
    ),
    "power.undervoltage_v": FactRule(
        kind="number",
        unit="V",
        low=1,
        high=60,
        meaning="Supply voltage below which the firmware throttles.",
    ),
    "thermal.zone_types": FactRule(
        kind="texts",
        meaning="Types of the thermal zones that show the processor's temperature.",
        reader="bench, doctor",
    ),
    "thermal.throttle_start_c": FactRule(
        kind="number",
        unit="°C",
        low=30,
        high=125,
        meaning="Temperature at which clocks begin to fall.",
        reader="bench, doctor",
    ),
    "thermal.throttle_hard_c": FactRule(
        kind="number",
        unit="°C",
        low=30,
        high=125,
        meaning="Temperature that the firmware does not let it pass.",
    ),
    "firmware.default_governor": FactRule(
        kind="text", meaning="Frequency governor after booting the maker's system."
    ),
    "firmware.throttle_reader": FactRule(
        kind="text",
        meaning="Command that says whether the board throttles, now and since boot.",
    ),
    "firmware.clock_reader": FactRule(
        kind="text", meaning="Command that reads the real clock back."
    ),
    "defaults.engine": FactRule(
        kind="text",
        choices=ENGINES,
        meaning="Engine to start with.",
    ),
    "defaults.threads": FactRule(
        kind="integer",
        unit="threads",
        low=1,
        high=1024,
        meaning="Threads of an engine, when nobody says.",
        reader="bench",
    ),
    "defaults.workers": FactRule(
        kind="integer",
        unit="workers",
        low=1,
        high=1024,
        meaning="Classifiers side by side, when nobody says.",
    ),
    "defaults.governor": FactRule(
        kind="text", meaning="Governor to measure under.", reader="doctor"
    ),
}
"""Every fact; a board states each one, or lists it as missing."""

CHOICES = "defaults."
"""Facts below this key are choices of ours: all that a generic profile may state."""

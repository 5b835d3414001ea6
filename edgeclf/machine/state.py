"""What changes while a program runs: heat, clock, load, memory."""

import os
import re
import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edgeclf.machine.throttle import RunTool, ThrottleBits, ThrottleReader, run_tool
from edgeclf.machine.tree import read_int, read_pairs, read_text

__all__ = [
    "MachineReader",
    "MachineState",
    "own_cpu_ns",
    "peak_memory_mib",
    "process_age_ns",
]

_CPU_ZONES: Final = re.compile(
    r"(?i)^(cpu|soc|bigcore|littlecore|x86_pkg_temp|tj|k10temp)"
)
"""Types of thermal zones that show a processor; PMIC-Die on a Jetson is a constant."""

_TICK_NS: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """The machine at one moment; ``None`` where this kernel does not show it.

    Attributes:
        at_ns: On CLOCK_MONOTONIC.
        temperature_c: Of the hottest zone of the processor.
        clock_mhz: Of the fastest core, as the kernel requests it.
        throttle: The firmware's bits, on a Raspberry Pi.
        load_1m: Load average of the last minute.
        available_mib: Memory that new work can have.
        swap_used_mib: Swap in use.
        swapped_pages: Pages moved to and from swap since boot.
        busy_ns: Processor time of everybody since boot, time stolen by a hypervisor
            included.
        own_ns: Processor time of this process and its ended children.
    """

    at_ns: int
    temperature_c: float | None
    clock_mhz: float | None
    throttle: ThrottleBits | None
    load_1m: float | None
    available_mib: int | None
    swap_used_mib: int | None
    swapped_pages: int | None
    busy_ns: int | None
    own_ns: int


def own_cpu_ns() -> int:
    """Return the processor time of this process, its threads and ended children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time_ns() + int(
        (children.ru_utime + children.ru_stime) * 1_000_000_000
    )


class MachineReader:
    """Reads the machine's state; made once, as it looks for the right files first.

    Args:
        root: ``/``, or a made-up tree.
        zone_types: Types of the thermal zones that count; when none is given, those
            whose type names a processor.
        tool: Runs ``vcgencmd``.
        own_cpu: Returns the processor time of this process.
        clock: CLOCK_MONOTONIC in nanoseconds.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        *,
        zone_types: Sequence[str] = (),
        tool: RunTool = run_tool,
        own_cpu: Callable[[], int] = own_cpu_ns,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.root = root
        self.throttle = ThrottleReader(root, tool)
        self._own_cpu = own_cpu
        self._clock = clock
        self._zones = _zones(root, zone_types)
        policies = sorted((root / "sys/devices/system/cpu/cpufreq").glob("policy*"))
        self._policies = [
            each for each in policies if (each / "scaling_cur_freq").exists()
        ]

    def read(self, *, throttle: bool = True) -> MachineState:
        """Return the state now.

        Args:
            throttle: Ask for the firmware's bits too, which may take a process.
        """
        memory = read_pairs(self.root, "proc/meminfo", ":")
        load = read_text(self.root, "proc/loadavg")
        return MachineState(
            at_ns=self._clock(),
            temperature_c=self._temperature_c(),
            clock_mhz=self._clock_mhz(),
            throttle=self.throttle.read() if throttle else None,
            load_1m=float(load.split()[0]) if load else None,
            available_mib=_mib(memory, "MemAvailable"),
            swap_used_mib=_swap_used_mib(memory),
            swapped_pages=_swapped_pages(self.root),
            busy_ns=_busy_ns(self.root),
            own_ns=self._own_cpu(),
        )

    def _temperature_c(self) -> float | None:
        readings = [read_int(zone, "temp") for zone in self._zones]
        known = [reading for reading in readings if reading is not None]
        return max(known) / 1000 if known else None

    def _clock_mhz(self) -> float | None:
        readings = [read_int(each, "scaling_cur_freq") for each in self._policies]
        known = [reading for reading in readings if reading is not None]
        return max(known) / 1000 if known else None


def _zones(root: Path, zone_types: Sequence[str]) -> list[Path]:
    """Return the thermal zones by type: their order differs from kernel to kernel."""
    zones = sorted((root / "sys/class/thermal").glob("thermal_zone*"))
    typed = [(zone, read_text(zone, "type") or "") for zone in zones]
    chosen = [zone for zone, kind in typed if kind in zone_types]
    return chosen or [zone for zone, kind in typed if _CPU_ZONES.match(kind)]


def _mib(memory: Mapping[str, str], key: str) -> int | None:
    text = memory.get(key)
    return int(text.split()[0]) // 1024 if text else None


def _swap_used_mib(memory: Mapping[str, str]) -> int | None:
    total, free = _mib(memory, "SwapTotal"), _mib(memory, "SwapFree")
    return None if total is None or free is None else total - free


def _swapped_pages(root: Path) -> int | None:
    counts = read_pairs(root, "proc/vmstat", None)
    if "pswpin" not in counts:
        return None
    return int(counts["pswpin"]) + int(counts.get("pswpout", 0))


def _busy_ns(root: Path) -> int | None:
    """Return user, nice, system, irq, softirq and steal; guests are in user already.

    Source: proc_stat(5).
    """
    times = read_pairs(root, "proc/stat", None).get("cpu", "").split()
    if len(times) < 8:
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, times[:8])
    return (user + nice + system + irq + softirq + steal) * _TICK_NS


def process_age_ns(root: Path = Path("/")) -> int | None:
    """Return how long ago this process started, to a hundredth of a second.

    Source: proc_pid_stat(5), field 22, in ticks since boot.
    """
    text = read_text(root, "proc/self/stat")
    if text is None:
        return None
    # The second field, the name in brackets, may hold blanks and brackets itself.
    ticks = int(text.rpartition(")")[2].split()[19])
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) - ticks * _TICK_NS


def peak_memory_mib(root: Path = Path("/")) -> float | None:
    """Return the most memory that this process had resident so far.

    Not from getrusage(2): its ``ru_maxrss`` begins at what the parent had when it
    started this process.

    Source: proc_pid_status(5), VmHWM, in KiB.
    """
    text = read_text(root, "proc/self/status") or ""
    for line in text.splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None

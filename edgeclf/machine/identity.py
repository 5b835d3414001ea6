"""What does not change while a program runs: board, processor, system."""

import os
import platform
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeclf.machine.tree import read_pairs, read_text

__all__ = ["MachineIdentity", "board_description", "detect_board", "read_identity"]

_BOARD_FILES = ("proc/device-tree/model", "sys/firmware/devicetree/base/model")

_ARM_CORES = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd0b": "Cortex-A76",
    "0xd42": "Cortex-A78AE",
}
"""Part numbers of Arm's own cores in /proc/cpuinfo.

Source: arch/arm64/include/asm/cputype.h of Linux.
"""

_KERNEL_FEATURES = frozenset(
    [
        *("neon", "asimd", "fphp", "asimdhp", "asimddp", "i8mm", "sve"),
        *("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "avx_vnni"),
    ]
)
"""Features that the engines' kernels look for; the other hundred say nothing here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineIdentity:
    """Which machine something was measured on; ``None`` where it does not say.

    Attributes:
        board: As the board names itself in its device tree; ``None`` on a PC.
        cpu: Model of the processor.
        cpu_features: Those that the engines' kernels look for, sorted.
        cores: That this process may use.
        architecture: ``aarch64``, ``x86_64``, …
        python_bits: 32 or 64: a 32-bit system may run on a 64-bit kernel.
        memory_mib: Installed, less what the kernel took.
        system: Operating system and its version.
        kernel: Release.
        python: Version.
        governor: Of the processor's clock; several are joined by commas.
    """

    board: str | None
    cpu: str | None
    cpu_features: tuple[str, ...]
    cores: int
    architecture: str
    python_bits: int
    memory_mib: int | None
    system: str | None
    kernel: str
    python: str
    governor: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the fields, JSON-ready."""
        return {**asdict(self), "cpu_features": list(self.cpu_features)}


def detect_board(root: Path = Path("/")) -> str | None:
    """Return the name that the board gives itself, such as ``Raspberry Pi 5 Model B``.

    Returns:
        The device tree's model, its revision included; ``None`` where there is no
        device tree. Nothing else is taken for evidence.
    """
    texts = (read_text(root, name) for name in _BOARD_FILES)
    return next((text for text in texts if text), None)


def board_description(identity: MachineIdentity) -> str:
    """Return one line for people: the board, or the processor where there is none."""
    return identity.board or f"a machine with {identity.cpu or identity.architecture}"


def read_identity(
    root: Path = Path("/"), *, architecture: str | None = None
) -> MachineIdentity:
    """Return who this machine is.

    Args:
        root: ``/``, or a made-up tree.
        architecture: Of the machine; the running one when left out.
    """
    cpu = read_pairs(root, "proc/cpuinfo", ":")
    memory = read_pairs(root, "proc/meminfo", ":").get("MemTotal", "").split()
    features = (cpu.get("flags") or cpu.get("Features") or "").split()
    return MachineIdentity(
        board=detect_board(root),
        cpu=cpu.get("model name") or _ARM_CORES.get(cpu.get("CPU part", "")),
        cpu_features=tuple(sorted(_KERNEL_FEATURES.intersection(features))),
        cores=len(os.sched_getaffinity(0)),
        architecture=architecture or platform.machine(),
        python_bits=64 if sys.maxsize > 2**32 else 32,
        memory_mib=int(memory[0]) // 1024 if memory else None,
        system=_system_name(root),
        kernel=platform.release(),
        python=platform.python_version(),
        governor=_governors(root),
    )


def _system_name(root: Path) -> str | None:
    for name in ("etc/os-release", "usr/lib/os-release"):
        pretty = read_pairs(root, name, "=").get("PRETTY_NAME")
        if pretty:
            return re.sub(r"^([\"'])(.*)\1$", r"\2", pretty)
    return None


def _governors(root: Path) -> str | None:
    folder = root / "sys/devices/system/cpu/cpufreq"
    names = {
        read_text(policy, "scaling_governor") for policy in folder.glob("policy*")
    } - {None}
    return ",".join(sorted(filter(None, names))) or None

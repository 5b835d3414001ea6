"""Checks of the system: memory, disk, time."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.machine.tree import read_text

__all__ = ["SYSTEM_CHECKS"]

_WRITTEN = dt.date(2026, 11, 1)
"""No clock that is right shows an earlier day: this was not written then."""

_DISK_MIB = 500
_MEMORY_MIB = 200

_MADE_READ_ONLY = frozenset(["overlay", "squashfs", "erofs"])
"""File systems on which a read-only root is meant so."""


def swap(here: Surroundings) -> Iterator[Finding]:
    """Nothing was moved to swap."""
    used = here.state.swap_used_mib
    if used is not None and used > 0:
        yield Finding(
            name="swap-in-use",
            text=f"{used} MiB of swap are in use",
            fix="sudo swapoff -a && sudo swapon -a  # after ending other programs",
        )


def memory(here: Surroundings) -> Iterator[Finding]:
    """There is memory for an engine and a model."""
    left = here.state.available_mib
    if left is not None and left < _MEMORY_MIB:
        yield Finding(
            name="little-memory",
            text=f"{left} MiB of memory are left; an engine and a model need about "
            f"{_MEMORY_MIB}",
            fix="sudo systemctl set-default multi-user.target && sudo reboot"
            "  # on a desktop system; else end other programs",
        )


def memory_limits(here: Surroundings) -> Iterator[Finding]:
    """The kernel can hold a service to its memory."""
    known = read_text(here.root, "sys/fs/cgroup/cgroup.controllers")
    if known is not None and "memory" not in known.split():
        yield Finding(
            name="memory-cgroup-off",
            text=f"the kernel limits {known}, and not memory",
            fix=f"{_kernel_argument(here.root)} && sudo reboot",
        )


def disk(here: Surroundings) -> Iterator[Finding]:
    """There is room on the disk."""
    if here.free_mib < _DISK_MIB:
        yield Finding(
            name="little-disk",
            text=f"{here.free_mib} MiB are free on the disk of {here.prefix}",
            fix="sudo apt clean; python3 -m pip cache purge",
        )


def writable(here: Surroundings) -> Iterator[Finding]:
    """The root file system can be written, where it is meant to."""
    mounts = (read_text(here.root, "proc/mounts") or "").splitlines()
    # What was mounted last over a place is what is seen there.
    roots = [line.split() for line in mounts if line.split()[1:2] == ["/"]]
    if not roots or len(roots[-1]) < 4:
        return
    device, _, kind, options = roots[-1][:4]
    if "ro" in options.split(",") and kind not in _MADE_READ_ONLY:
        yield Finding(
            name="read-only-disk",
            text=f"the root file system ({kind} on {device}) is read-only",
            fix="sudo mount -o remount,rw /  # 'dmesg' says whether the card fails",
        )


def clock_set(here: Surroundings) -> Iterator[Finding]:
    """The clock shows a day that can be."""
    if here.today < _WRITTEN:
        yield Finding(
            name="clock-not-set",
            text=f"the clock says {here.today}",
            fix="sudo timedatectl set-ntp true",
        )


def clock_synchronised(here: Surroundings) -> Iterator[Finding]:
    """The clock follows a time server."""
    lines = (here.tools.get("timedatectl") or "").splitlines()
    if "NTPSynchronized=no" not in lines:
        return
    fix = "sudo systemctl restart systemd-timesyncd"
    text = "no time server has answered yet"
    if "CanNTP=no" in lines:
        text = "no time service is installed"
        fix = "sudo apt install systemd-timesyncd"
    elif "NTP=no" in lines:
        text = "the time service is off"
        fix = "sudo timedatectl set-ntp true"
    yield Finding(
        name="clock-not-synchronised",
        text=f"the clock follows no time server: {text}",
        fix=fix,
    )


SYSTEM_CHECKS: tuple[Check, ...] = (
    swap,
    memory,
    memory_limits,
    disk,
    writable,
    clock_set,
    clock_synchronised,
)


def _kernel_argument(root: Path) -> str:
    """Return what makes the kernel count memory, for the boot loader that is there."""
    for name in ("boot/firmware/cmdline.txt", "boot/cmdline.txt"):
        if (root / name).exists():
            return f"sudo sed -i '1 s/$/ cgroup_enable=memory/' /{name}"
    extlinux = "boot/extlinux/extlinux.conf"
    if (root / extlinux).exists():
        return f"sudo sed -i '/APPEND/ s/$/ cgroup_enable=memory/' /{extlinux}"
    return (
        "sudo sed -i 's/^GRUB_CMDLINE_LINUX=\"/&cgroup_enable=memory /' "
        "/etc/default/grub && sudo update-grub"
    )

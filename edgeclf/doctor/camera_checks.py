"""Checks of cameras: rights, who holds them, and the distribution's packages."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.fixes import show_system_packages
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.install import install_line
from edgeclf.machine.tree import read_pairs, read_text

__all__ = ["CAMERA_CHECKS"]

_PACKAGES = "usr/lib/python3/dist-packages"
_CSI_DRIVERS = ("unicam", "rp1-cfe")
"""Drivers of the camera connector, Raspberry Pi 4 and 5; they show a device only when
a sensor answered."""

_CONFIGS = ("boot/firmware/config.txt", "boot/config.txt")
_LEGACY = "start_x=1"

_SERVICE = re.compile(r"/([^/\s]+\.service)\s*$")
"""A systemd service at the end of a process's control group."""


def readable(here: Surroundings) -> Iterator[Finding]:
    """A camera that is there may be opened."""
    if not here.cameras or any(here.cameras.values()):
        return
    seen = f"{here.user} may not open {', '.join(here.cameras)}"
    entry = read_pairs(here.root, "etc/group", ":").get("video", "")
    _, number, members = [*entry.split(":"), "", ""][:3]
    if not number.isdecimal() or int(number) in here.groups:
        devices = " ".join(f"/dev/{name}" for name in here.cameras)
        fix = f"sudo setfacl -m u:{here.user}:rw {devices}"
    elif here.user in members.split(","):
        seen += ": in the group video, but not since logging in"
        fix = "newgrp video  # or log in again"
    else:
        yield Finding(
            name="video-group-missing",
            text=f"{seen}: not in the group video",
            fix=f"sudo usermod -aG video {here.user}  # then log in again",
        )
        return
    yield Finding(name="camera-not-readable", text=seen, fix=fix)


def free(here: Surroundings) -> Iterator[Finding]:
    """No other program holds a camera."""
    if not here.cameras:
        return
    holders = dict(_holders(here.root, {f"/dev/{name}" for name in here.cameras}))
    for number, devices in holders.items():
        name = read_text(here.root, f"proc/{number}/comm") or "a program"
        yield Finding(
            name="camera-busy",
            text=f"{name} (process {number}) holds {', '.join(devices)}",
            fix=_end(here.root, number),
        )


def packages_there(here: Surroundings) -> Iterator[Finding]:
    """The distribution's picamera2 and libcamera are there for a camera that is."""
    folder = here.root / _PACKAGES
    if not (folder / "picamera2").is_dir():
        if _has_csi_camera(here.root):
            yield Finding(
                name="picamera2-missing",
                text="a camera is connected, and picamera2 is not installed",
                fix="sudo apt install python3-picamera2 --no-install-recommends",
            )
    elif not (folder / "libcamera").is_dir():
        yield Finding(
            name="libcamera-missing",
            text="picamera2 is installed, and libcamera's Python package is not",
            fix="sudo apt install python3-libcamera",
        )


def packages_visible(here: Surroundings) -> Iterator[Finding]:
    """The distribution's picamera2 can be imported from this environment."""
    there = (here.root / _PACKAGES / "picamera2").is_dir()
    if there and here.in_venv and not here.sees_system_packages:
        yield Finding(
            name="venv-hides-picamera2",
            text="picamera2 is installed by the distribution, and this virtual "
            "environment does not see it",
            fix=show_system_packages(here),
        )


def same_python(here: Surroundings) -> Iterator[Finding]:
    """The libcamera that is there was built for this Python."""
    folder = here.root / _PACKAGES / "libcamera"
    built = sorted(path.name for path in folder.glob("_libcamera.cpython-*.so"))
    tag = f"cpython-{here.python[0]}{here.python[1]}-"
    if built and not any(tag in name for name in built):
        yield Finding(
            name="libcamera-other-python",
            text=f"libcamera was built as {built[0]}, and this is Python "
            f"{here.python[0]}.{here.python[1]}",
            fix="/usr/bin/python3 -m venv --system-site-packages --clear "
            f"{here.prefix if here.in_venv else '~/edgeclf'}",
        )


def numpy_fits(here: Surroundings) -> Iterator[Finding]:
    """What picamera2 imports was built for this numpy."""
    found = here.probes.get("simplejpeg")
    if found is None or not found.installed or found.usable:
        return
    if (here.root / _PACKAGES / "simplejpeg").is_dir() and here.sees_system_packages:
        numpy = here.packages.get("numpy", "?")
        yield Finding(
            name="numpy-breaks-picamera2",
            text=f"simplejpeg, which picamera2 imports, does not work with numpy "
            f"{numpy}: {found.detail}",
            fix=install_line("picamera"),
        )


def new_stack(here: Surroundings) -> Iterator[Finding]:
    """The firmware does not keep the camera for the stack before libcamera."""
    for name in _CONFIGS:
        lines = (read_text(here.root, name) or "").splitlines()
        if _LEGACY in map(str.strip, lines):
            yield Finding(
                name="legacy-camera-stack",
                text=f"/{name} says {_LEGACY}: the firmware has the camera",
                fix=f"sudo sed -i 's/^ *{_LEGACY}/camera_auto_detect=1/' /{name} && "
                "sudo reboot",
            )
            return


CAMERA_CHECKS: tuple[Check, ...] = (
    readable,
    free,
    packages_there,
    packages_visible,
    same_python,
    numpy_fits,
    new_stack,
)


def _has_csi_camera(root: Path) -> bool:
    folder = root / "sys/class/video4linux"
    names = (read_text(each, "name") or "" for each in folder.glob("video*"))
    return any(name.startswith(_CSI_DRIVERS) for name in names)


def _end(root: Path, number: str) -> str:
    """Return what ends a process; a service has to be stopped, or it comes back."""
    group = read_text(root, f"proc/{number}/cgroup") or ""
    service = _SERVICE.search(group)
    if service is None or service[1].startswith("user@"):
        return f"kill {number}"
    if "user.slice" in group:
        return f"systemctl --user stop {service[1]}"
    return f"sudo systemctl stop {service[1]}"


def _holders(root: Path, devices: set[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield processes with what they have open; those of others show only to root."""
    for process in sorted((root / "proc").glob("[0-9]*")):
        held: set[str] = set()
        # A process may end while it is looked at.
        with contextlib.suppress(OSError):
            for link in (process / "fd").iterdir():
                with contextlib.suppress(OSError):
                    held.add(str(link.readlink()))
        if held & devices:
            yield process.name, sorted(each[5:] for each in held & devices)

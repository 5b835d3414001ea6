"""Checks of what hangs on USB: its link is as fast as it needs."""

from collections.abc import Iterator
from pathlib import Path

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.machine.tree import read_int, read_text

__all__ = ["USB_CHECKS"]

_CORAL = frozenset([("1a6e", "089a"), ("18d1", "9302")])
"""Vendor and product of a Coral USB Accelerator, before and after its first use."""

_USB_3_MBIT = 5000
_USB_2_MBIT = 480
_VIDEO_CLASS = "0e"


def coral_link(here: Surroundings) -> Iterator[Finding]:
    """A Coral USB Accelerator hangs on USB 3."""
    for device in _devices(here.root):
        speed = read_int(device, "speed")
        if _identity(device) in _CORAL and speed is not None and speed < _USB_3_MBIT:
            yield Finding(
                name="coral-usb2",
                text=f"the Coral at {device.name} has a link of {speed} Mbit/s",
                fix="plug it into a blue port with its own cable; "
                "'lsusb -t' then shows 5000M",
            )


def camera_link(here: Surroundings) -> Iterator[Finding]:
    """A USB camera has at least a link of USB 2."""
    for device in _devices(here.root):
        speed = read_int(device, "speed")
        if speed is None or speed >= _USB_2_MBIT or not _is_camera(device):
            continue
        shown = read_text(device, "product") or "the USB camera"
        yield Finding(
            name="usb-camera-slow",
            text=f"{shown} at {device.name} has a link of {speed} Mbit/s",
            fix="plug it into the board itself, with a short cable; "
            "'lsusb -t' then shows 480M or more",
        )


USB_CHECKS: tuple[Check, ...] = (coral_link, camera_link)


def _devices(root: Path) -> list[Path]:
    """Return the folders of devices; those of their interfaces have a colon."""
    folders = (root / "sys/bus/usb/devices").glob("*")
    return sorted(each for each in folders if ":" not in each.name)


def _identity(device: Path) -> tuple[str | None, str | None]:
    return read_text(device, "idVendor"), read_text(device, "idProduct")


def _is_camera(device: Path) -> bool:
    interfaces = device.parent.glob(f"{device.name}:*")
    return any(
        read_text(each, "bInterfaceClass") == _VIDEO_CLASS for each in interfaces
    )

"""Checks of a Jetson: power mode, and what its camera needs."""

import re
from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.fixes import show_system_packages
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.machine.tree import read_text

__all__ = ["JETSON_CHECKS"]

_MODE = re.compile(r"NV Power Mode:\s*(\S+)")
_MODEL = re.compile(r"<\s*POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+?)\s*>")
_GI = "usr/lib/python3/dist-packages/gi"


def power_mode(here: Surroundings) -> Iterator[Finding]:
    """The board is in its fastest mode."""
    if not _is_jetson(here):
        return
    found = _MODE.search(here.tools.get("nvpmodel") or "")
    if found is None:
        yield Finding(
            name="jetson-power-mode-unknown",
            text="'nvpmodel -q' does not say in which power mode the board is",
            fix="sudo nvpmodel -q  # some versions answer root only",
        )
        return
    number, fastest = _fastest_mode(here)
    if found[1] == fastest or (fastest is None and found[1].startswith("MAXN")):
        return
    choose = "sudo nvpmodel -p --verbose  # lists modes for 'sudo nvpmodel -m'"
    if fastest is not None:
        # Some modes fail silently: read back what was set.
        choose = f"sudo nvpmodel -m {number} && sudo nvpmodel -q"
    yield Finding(
        name="jetson-power-mode",
        text=f"the power mode is {found[1]}, not {fastest or 'MAXN'}",
        fix=choose,
    )


def camera_service(here: Surroundings) -> Iterator[Finding]:
    """NVIDIA's camera service runs, where it is installed."""
    installed = (here.root / "usr/sbin/nvargus-daemon").exists()
    if not installed or not _is_jetson(here):
        return
    processes = (here.root / "proc").glob("[0-9]*")
    if "nvargus-daemon" not in {read_text(each, "comm") for each in processes}:
        yield Finding(
            name="argus-daemon-down",
            text="nvargus-daemon, which has the CSI cameras, does not run",
            fix="sudo systemctl restart nvargus-daemon",
        )


def gstreamer(here: Surroundings) -> Iterator[Finding]:
    """GStreamer can be used from this Python."""
    if not _is_jetson(here):
        return
    if not (here.root / _GI).is_dir():
        yield Finding(
            name="gstreamer-missing",
            text="GStreamer's Python package (gi) is not installed",
            fix="sudo apt install python3-gi gir1.2-gst-plugins-base-1.0 "
            "gstreamer1.0-plugins-base gstreamer1.0-plugins-good",
        )
    elif here.in_venv and not here.sees_system_packages:
        yield Finding(
            name="venv-hides-gstreamer",
            text="gi is installed by the distribution, and this virtual environment "
            "does not see it",
            fix=show_system_packages(here),
        )


def opencv_gstreamer(here: Surroundings) -> Iterator[Finding]:
    """Whether OpenCV was built with GStreamer, as many guides for Jetsons ask for."""
    found = here.probes.get("opencv")
    if found is not None and found.parts.get("GStreamer") and _is_jetson(here):
        yield Finding(
            name="opencv-without-gstreamer",
            text="this OpenCV was built without GStreamer",
        )


JETSON_CHECKS: tuple[Check, ...] = (
    power_mode,
    camera_service,
    gstreamer,
    opencv_gstreamer,
)


def _is_jetson(here: Surroundings) -> bool:
    named = "Jetson" in (here.machine.board or "")
    return named or (here.root / "etc/nv_tegra_release").exists()


def _fastest_mode(here: Surroundings) -> tuple[str | None, str | None]:
    """Return number and name of the mode without limits: both differ by module."""
    text = read_text(here.root, "etc/nvpmodel.conf") or ""
    fastest = [found for found in _MODEL.findall(text) if found[1].startswith("MAXN")]
    # MAXN_SUPER lies above MAXN where both are.
    return max(fastest, key=lambda found: len(found[1]), default=(None, None))

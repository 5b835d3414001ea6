"""Checks of the Python environment: pip, OpenCV."""

from collections.abc import Iterator

from edgeclf.doctor.finding import Check, Finding
from edgeclf.doctor.fixes import pip
from edgeclf.doctor.probing import CRASHED
from edgeclf.doctor.surroundings import Surroundings
from edgeclf.install import install_line

__all__ = ["PYTHON_CHECKS"]

_OPENCVS = (
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
    "opencv-python",
    "opencv-python-headless",
)


def pip_allowed(here: Surroundings) -> Iterator[Finding]:
    """The distribution lets pip install into this environment."""
    library = f"usr/lib/python{here.python[0]}.{here.python[1]}"
    if not here.in_venv and (here.root / library / "EXTERNALLY-MANAGED").exists():
        yield Finding(
            name="python-externally-managed",
            text="this is the system's own Python, which belongs to the distribution",
            fix="sudo apt install python3-venv && "
            "python3 -m venv --system-site-packages ~/edgeclf",
        )


def opencv_there(here: Surroundings) -> Iterator[Finding]:
    """OpenCV is there."""
    found = here.probes.get("opencv")
    if found is None or found.installed:
        return
    fix = install_line("opencv")
    if here.machine.python_bits == 32:
        fix = "sudo apt install python3-opencv  # no wheel for 32-bit systems"
    yield Finding(name="opencv-missing", text="OpenCV (cv2) is not installed", fix=fix)


def opencv_works(here: Surroundings) -> Iterator[Finding]:
    """OpenCV can be imported."""
    found = here.probes.get("opencv")
    if found is None or not found.installed or found.usable:
        return
    detail = found.detail or "it cannot be imported"
    if "libGL" in detail:
        name = "libgl-missing"
        fix = "sudo apt install libgl1  # or use opencv-python-headless instead"
    else:
        name = "native-crash" if detail.startswith(CRASHED) else "opencv-broken"
        fix = install_line("opencv")
    yield Finding(name=name, text=f"OpenCV cannot be imported: {detail}", fix=fix)


def one_opencv(here: Surroundings) -> Iterator[Finding]:
    """Only one distribution brings cv2."""
    installed = [name for name in _OPENCVS if name in here.packages]
    if len(installed) > 1:
        yield Finding(
            name="two-opencvs",
            text=f"{' and '.join(installed)} are installed together",
            fix=f"{pip(here)} uninstall -y {' '.join(installed)} && "
            f"{install_line('opencv')}",
        )


PYTHON_CHECKS: tuple[Check, ...] = (
    pip_allowed,
    opencv_there,
    opencv_works,
    one_opencv,
)

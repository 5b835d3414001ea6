"""A Debian Trixie beside this system, with the real picamera2 on a virtual camera.

libcamera has a camera that shows image files, from Trixie on. The root is unpacked for
this machine's own processor; programs in it run through proot, without root rights.
"""

import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from tests.board.emulated import Done, unpack
from tests.environments import ROOT, run
from tests.videos import moving_square

_PACKAGES = "libarchive13t64,libcamera-ipa,python3-libcamera,python3-prctl"
_WHEELS = [
    "picamera2==0.3.38",
    "av",
    "click",
    "jsonschema",
    "jsonschema-specifications",
    "libarchive-c",
    "numpy",
    "openexr",
    "piexif",
    "pillow",
    "referencing",
    "rpds-py",
    "attrs",
    "simplejpeg",
    "tqdm",
    "videodev2",
    "pytest",
    "pluggy",
    "iniconfig",
    "packaging",
    "pygments",
]
_PYTHON, _GLIBC_MINOR = "3.13", 41
_DESCRIPTION = """\
%YAML 1.1
---
"Virtual0":
  supported_formats:
  - width: 640
    height: 480
    frame_rates: [30, 30]
  frames:
    path: "/t/frames/"
  location: "CameraLocationBack"
  model: "virtual"
"""


@dataclass(frozen=True, slots=True)
class CameraRoot:
    """A root in which picamera2 finds a camera."""

    root: Path

    def run_pytest(self, *arguments: str) -> Done:
        """Run tests of this repository, which is ``/src`` there."""
        settings = {
            "PATH": "/usr/bin:/bin",
            "HOME": "/t",
            "LD_PRELOAD": "/t/dma.so",
            "LIBCAMERA_LOG_LEVELS": "*:FATAL",
            "PYTHONPATH": "/opt/wheels:/src:/src/tests/programs",
            "PYTHONDONTWRITEBYTECODE": "1",
            "EDGECLF_VIRTUAL_CAMERA": "1",
        }
        done = subprocess.run(
            ["proot", "-r", str(self.root), "-b", "/proc", "-b", "/dev"]
            + ["-b", f"{ROOT}:/src", "-w", "/src", "/usr/bin/env", "-i"]
            + [f"{name}={value}" for name, value in settings.items()]
            + ["/usr/bin/python3", "-m", "pytest", "-c", "/dev/null"]
            + ["--rootdir=/src", "--import-mode=importlib", "-p", "no:cacheprovider"]
            + ["-p", "virtual_camera_plugin", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def camera_root() -> CameraRoot:
    """Return the root, made on first use; skip if it cannot be."""
    for program, package in {
        "mmdebstrap": "mmdebstrap",
        "proot": "proot",
        "cc": "gcc",
    }.items():
        if shutil.which(program) is None:
            pytest.skip(f"system package: {package} is not installed")
    root = ROOT / ".envs" / "trixie-camera"
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        unpack(root, suite="trixie", architecture=architecture, packages=_PACKAGES)
        _install(root)
        _add_camera(root)
        (root / "made").touch()
    return CameraRoot(root)


def _install(root: Path) -> None:
    machine = platform.machine()
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(_GLIBC_MINOR, 16, -1)]
    run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        + ["--only-binary=:all:", "--python-version", _PYTHON]
        + ["--implementation", "cp", "--target", str(root / "opt" / "wheels")]
        + [f"--platform={tag}" for tag in [*tags, f"manylinux2014_{machine}"]]
        + _WHEELS
    )


def _add_camera(root: Path) -> None:
    place = root / "usr" / "share" / "libcamera" / "pipeline" / "virtual"
    place.mkdir(parents=True)
    (place / "virtual.yaml").write_text(_DESCRIPTION)
    frames = root / "t" / "frames"
    frames.mkdir()
    picture = Image.fromarray(moving_square(0, (480, 640)))
    picture.save(frames / "0.jpg", quality=95, subsampling=0)
    source = ROOT / "tests" / "programs" / "fake_dma_buffers.c"
    library = root / "t" / "dma.so"
    run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"])

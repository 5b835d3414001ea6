"""A Raspberry Pi's userland on this machine: Debian arm64 under user-mode emulation.

The root is unpacked natively (nothing is emulated while it is made) and programs in it
run under qemu through proot, without root rights, mounts or a kernel of their own. Times
measured inside mean nothing.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environments import ROOT

_CPUINFO = Path(__file__).with_name("cpuinfo-pi4")
_PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "proot": "proot",
    "qemu-aarch64-static": "qemu-user-static",
}
_PACKAGES = (
    "base-files,coreutils,bash,dash,libc-bin,grep,sed,python3,libstdc++6,libgcc-s1"
)


@dataclass(frozen=True, slots=True)
class EmulatedBoard:
    """An arm64 root in which programs run.

    Attributes:
        root: The folder that the programs see as ``/``.
        packages: Where Python packages for it lie, as this machine sees it.
    """

    root: Path
    packages: Path

    def install(self, wheels: Path, *, python: str, platforms: Sequence[str]) -> None:
        """Install a wheelhouse with this machine's pip; nothing comes from elsewhere."""
        shutil.rmtree(self.packages, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--no-index"]
            + ["--find-links", str(wheels), "-r", str(wheels / "requirements.txt")]
            + ["--target", str(self.packages), "--only-binary=:all:"]
            + ["--python-version", python, "--implementation", "cp"]
            + [f"--platform={tag}" for tag in platforms],
            check=True,
        )

    def run(self, *arguments: str, timeout: float = 120) -> "Done":
        """Run the board's ``python3`` with these arguments, in its folder ``/t``."""
        environment = ["PATH=/usr/bin:/bin", "PYTHONPATH=/opt/edgeclf", "HOME=/t"]
        process = subprocess.Popen(
            ["proot", "-q", "qemu-aarch64-static -cpu cortex-a72", "-r", str(self.root)]
            # qemu 7 shows the host's cpuinfo, with which the engines crash.
            + ["-b", "/proc", "-b", f"{_CPUINFO}:/proc/cpuinfo", "-b", "/dev"]
            + ["-w", "/t", "/usr/bin/env", "-i", *environment]
            + ["/usr/bin/python3", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        return Done(process.returncode, out, err)


@dataclass(frozen=True, slots=True)
class Done:
    """How a program on the board ended."""

    code: int
    out: str
    err: str


def bookworm_board() -> EmulatedBoard:
    """Return a Debian Bookworm arm64 root, made on first use; skip if it cannot be."""
    for program, package in _PROGRAMS.items():
        if shutil.which(program) is None:
            pytest.skip(f"system package: {package} is not installed")
    root = ROOT / ".envs" / "arm64-bookworm"
    if not (root / "made").exists():
        shutil.rmtree(root, ignore_errors=True)
        unpack(root, suite="bookworm", architecture="arm64", packages="")
        cpu = root / "sys" / "devices" / "system" / "cpu"
        cpu.mkdir(parents=True)
        for name in ("present", "possible", "online"):
            # Without these XNNPACK does not know the processor, and stays off.
            (cpu / name).write_text("0-3\n")
        (root / "made").touch()
    return EmulatedBoard(root, root / "opt" / "edgeclf")


def unpack(root: Path, *, suite: str, architecture: str, packages: str) -> None:
    """Unpack Debian into a folder, without running anything of it.

    Args:
        root: A folder that is not there yet.
        suite: Such as ``bookworm``.
        architecture: Such as ``arm64``.
        packages: More than Python needs, with commas between.
    """
    root.parent.mkdir(exist_ok=True)
    wanted = f"{_PACKAGES},{packages}" if packages else _PACKAGES
    done = subprocess.run(
        ["mmdebstrap", "--mode=root", f"--arch={architecture}", "--variant=extract"]
        + ["--skip=check/qemu", f"--include={wanted}"]
        + ["--aptopt=APT::Install-Recommends false"]
        + [suite, str(root), _mirror()],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        pytest.skip(f"registry: mmdebstrap could not unpack {architecture}: {last}")
    for folder in ("proc", "dev", "tmp", "t", "opt", "src"):
        (root / folder).mkdir(exist_ok=True)


def _mirror() -> str:
    """Return the package mirror that apt on this machine is set up with."""
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
        + ["Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not done.stdout.strip():
        pytest.skip("registry: apt has no package lists (run apt-get update)")
    return done.stdout.splitlines()[0]

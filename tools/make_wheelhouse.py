"""Collect every wheel that a board needs to install edgeclf without a network.

    python tools/make_wheelhouse.py raspberry-pi-5 [--os bookworm]

The versions are resolved for the board's Python and processor, not for this machine's:
pip evaluates environment markers for the Python that runs it, so uv resolves and pip
only downloads what was resolved.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from edgeclf.errors import EdgeclfError
from edgeclf.profiles import Profile, load_profile

ROOT = Path(__file__).parents[1]
ENGINE_EXTRAS = {"litert": "litert", "onnxruntime": "onnx", "tflite-runtime": "tflite"}


_BESIDE_ENGINES = ("opencv", "mqtt", "metrics", "page")
"""What a loop on a board may be asked for; the last three are 1 MB together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """An operating system as wheels see it.

    Attributes:
        glibc_minor: 36 stands for glibc 2.36; the system's own release.
        limits: Requirements that keep the system's own packages working.
    """

    glibc_minor: int
    limits: tuple[str, ...] = ()


SYSTEMS = {
    "bookworm": System(
        glibc_minor=36, limits=("numpy<2", "opencv-python-headless<4.12")
    ),
    "trixie": System(glibc_minor=41),
    "jetpack 6": System(glibc_minor=35),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the wheels are for.

    Attributes:
        title: For people.
        python: ``"3.13"``.
        system: Its C library and limits.
        extras: Extras of edgeclf to install there.
        architecture: Of the processor, as wheels name it.
    """

    title: str
    python: str
    system: System
    extras: tuple[str, ...]
    architecture: str = "aarch64"

    def platforms(self) -> tuple[str, ...]:
        """Return the platform tags that the board's pip accepts, newest first."""
        minors = range(self.system.glibc_minor, 16, -1)
        tags = [f"manylinux_2_{minor}_{self.architecture}" for minor in minors]
        return (*tags, f"manylinux2014_{self.architecture}")

    def requirements(self) -> tuple[str, ...]:
        """Return what the board asks for; versions are those of the wheelhouse."""
        return (f"edgeclf[{','.join(self.extras)}]", *self.system.limits)


def choose_target(profile: Profile, wanted: str | None) -> Target:
    """Return the newest system of a profile, or the one whose name has ``wanted``."""
    known = [
        (support, SYSTEMS[key])
        for key in SYSTEMS
        for support in profile.systems
        if key in support.name.lower() and "32-bit" not in support.name.lower()
    ]
    chosen = [
        pair
        for pair in known
        if wanted is None or wanted.lower() in pair[0].name.lower()
    ]
    if not chosen:
        names = ", ".join(support.name for support, _ in known) or "none"
        raise EdgeclfError(
            f"no wheelhouse for {profile.name} with OS {wanted or 'any'}; known: {names}"
        )
    support, system = max(chosen, key=lambda pair: pair[1].glibc_minor)
    engines = [name for name in ("litert", "onnxruntime") if name in support.engines]
    return Target(
        title=f"{profile.title}, {support.name}",
        python=support.python,
        system=system,
        extras=(*(ENGINE_EXTRAS[name] for name in engines), *_BESIDE_ENGINES),
    )


def find_wheel(folder: Path) -> Path:
    """Return the newest edgeclf wheel in a folder."""
    wheels = sorted(folder.glob("edgeclf-*.whl"), key=lambda path: path.stat().st_mtime)
    if not wheels:
        raise EdgeclfError(f"no edgeclf wheel in {folder}: run make wheel first")
    return wheels[-1]


def resolve(target: Target, wheel: Path, work: Path) -> Path:
    """Write the exact versions for the target, all but edgeclf itself; return the file."""
    asked = work / "asked.txt"
    extras = ",".join(target.extras)
    asked.write_text(
        "\n".join((f"edgeclf[{extras}] @ {wheel.as_uri()}", *target.system.limits))
    )
    exact = work / "exact.txt"
    # uv knows the tags up to glibc 2.40; older ones are accepted everywhere.
    glibc = min(target.system.glibc_minor, 40)
    platform = f"{target.architecture}-manylinux_2_{glibc}"
    _run(
        [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            "--quiet",
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-find-links",
            "--only-binary",
            ":all:",
            "--no-emit-package",
            "edgeclf",
            "--python-version",
            target.python,
            "--python-platform",
            platform,
            "--constraint",
            str(ROOT / "requirements" / "hints.txt"),
            "--output-file",
            str(exact),
            str(asked),
        ]
    )
    return exact


def download(target: Target, exact: Path, folder: Path) -> None:
    """Download the resolved wheels for the target's processor and Python."""
    platforms = [f"--platform={tag}" for tag in target.platforms()]
    _run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--implementation=cp",
            *platforms,
            f"--python-version={target.python}",
            "--dest",
            str(folder),
            "--requirement",
            str(exact),
        ]
    )


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        reason = (said or done.stderr.splitlines() or ["no message"])[0]
        raise EdgeclfError(f"{' '.join(command[2:5])} failed: {reason}")


def build(board: str, wanted: str | None, *, out: Path, dist: Path) -> Path:
    """Fill ``out/board`` and return it; an older one is replaced when all is there."""
    target = choose_target(load_profile(board), wanted)
    wheel = find_wheel(dist)
    work = out / f".{board}.tmp"
    shutil.rmtree(work, ignore_errors=True)
    (work / "wheels").mkdir(parents=True)
    click.echo(f"resolving for {target.title} (Python {target.python})", err=True)
    exact = resolve(target, wheel, work)
    count = len(exact.read_text().splitlines())
    click.echo(f"downloading {count} packages", err=True)
    download(target, exact, work / "wheels")
    shutil.copy2(wheel, work / "wheels")
    lines = "\n".join(target.requirements())
    (work / "wheels" / "requirements.txt").write_text(f"# {target.title}\n{lines}\n")
    folder = out / board
    shutil.rmtree(folder, ignore_errors=True)
    (work / "wheels").replace(folder)
    shutil.rmtree(work)
    return folder


@click.command()
@click.argument("board", default="")
@click.option("--os", "wanted", help="Part of the system's name: bookworm, trixie.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "wheelhouse")
@click.option("--dist", type=click.Path(path_type=Path), default=ROOT / "dist")
def main(board: str, wanted: str | None, out: Path, dist: Path) -> None:
    """Collect every wheel that BOARD needs for an install without a network."""
    if not board:
        raise click.UsageError("name a board: make wheelhouse BOARD=raspberry-pi-5")
    try:
        folder = build(board, wanted, out=out, dist=dist)
    except EdgeclfError as error:
        sys.exit(f"error: {error}")
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
    click.echo(f"{folder}: {len(list(folder.glob('*.whl')))} wheels, {size:.0f} MB")
    click.echo("copy the folder to the board and type there:")
    click.echo("  python3 -m venv --system-site-packages ~/edgeclf")
    click.echo(
        f"  ~/edgeclf/bin/pip install --no-index --find-links {board} "
        f"-r {board}/requirements.txt"
    )


if __name__ == "__main__":
    main()

"""Everything that the checks look at, gathered once, so that tests can make it up."""

import datetime as dt
import os
import pwd
import shutil
import site
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edgeclf.doctor.packages import ClosureEntry, installed_packages, runtime_closure
from edgeclf.doctor.probing import Probe, probe
from edgeclf.doctor.tools import ask_tools
from edgeclf.machine import (
    MachineIdentity,
    MachineReader,
    MachineState,
    read_identity,
)
from edgeclf.profiles import Profile, profile_for_board

__all__ = ["Surroundings", "look_around", "missing_features"]

_FEATURES_NEEDED = {
    "aarch64": ("asimd",),
    "armv7l": ("neon",),
    "armv6l": ("neon",),
    "x86_64": ("sse4_2",),
}
"""What the compiled packages take for granted, by architecture.

Source: the wheels of numpy and the engines are built for these; a processor without
them ends the process with "Illegal instruction" at the first import.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """This machine and this Python, as far as the checks care.

    Attributes:
        root: ``/``, or a made-up tree.
        machine: Who it is.
        state: How it is doing.
        profile: Of its board; ``None`` when no profile describes it.
        python: Version, (major, minor).
        prefix: Folder of the Python environment.
        in_venv: Whether that is a virtual environment.
        sees_system_packages: Whether the distribution's packages can be imported.
        packages: Version of each installed distribution, by normalised name.
        probes: What became of importing and trying each native package, by name;
            empty when the processor cannot run them.
        closure: What the runtime brings along, with sizes.
        cameras: Video devices, and whether this user may open each.
        user: Name of who runs this.
        groups: Numbers of the groups that count for this process.
        tools: What the system's small programs printed, by name; ``None`` for one that
            gave no answer.
        free_mib: Room on the disk that holds the environment.
        today: By the machine's clock.
    """

    root: Path
    machine: MachineIdentity
    state: MachineState
    profile: Profile | None
    python: tuple[int, int]
    prefix: Path
    in_venv: bool
    sees_system_packages: bool
    packages: Mapping[str, str]
    probes: Mapping[str, Probe]
    closure: tuple[ClosureEntry, ...]
    cameras: Mapping[str, bool]
    user: str
    groups: frozenset[int]
    tools: Mapping[str, str | None]
    free_mib: int
    today: dt.date


def look_around(root: Path = Path("/")) -> Surroundings:
    """Gather what the checks look at; what has to be waited for, side by side.

    The processor is looked at first: where it lacks what native packages take for
    granted, none of them is imported. Then the state: what is tried takes memory.
    """
    machine = read_identity(root)
    profile = profile_for_board(machine.board)
    state = _read_state(root, profile)
    with ThreadPoolExecutor(2) as pool:
        probes = None if missing_features(machine) else pool.submit(probe)
        tools = pool.submit(ask_tools)
        packages = installed_packages()
        closure = runtime_closure(packages)
    return Surroundings(
        root=root,
        machine=machine,
        state=state,
        profile=profile,
        python=sys.version_info[:2],
        prefix=Path(sys.prefix),
        in_venv=sys.prefix != sys.base_prefix,
        sees_system_packages=_sees_system_packages(),
        packages=packages,
        probes={} if probes is None else probes.result(),
        closure=closure,
        cameras={
            path.name: os.access(path, os.R_OK | os.W_OK)
            for path in sorted((root / "dev").glob("video[0-9]*"))
        },
        user=_user_name(),
        groups=frozenset([os.getegid(), *os.getgroups()]),
        tools=tools.result(),
        free_mib=shutil.disk_usage(sys.prefix).free >> 20,
        today=dt.datetime.now(dt.timezone.utc).date(),  # noqa: TID251 - looked at, for people
    )


def missing_features(machine: MachineIdentity) -> tuple[str, ...]:
    """Return processor features that native packages need and that are not there."""
    if not machine.cpu_features:
        return ()  # /proc/cpuinfo says nothing, which is no evidence
    needed = _FEATURES_NEEDED.get(machine.architecture, ())
    return tuple(name for name in needed if name not in machine.cpu_features)


def _read_state(root: Path, profile: Profile | None) -> MachineState:
    zones = profile.value("thermal.zone_types") if profile else ()
    types = [str(zone) for zone in zones] if isinstance(zones, tuple) else []
    return MachineReader(root, zone_types=types).read()


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a container may run under a number alone
        return str(os.geteuid())


def _sees_system_packages() -> bool:
    if sys.prefix == sys.base_prefix:
        return True
    own = {os.path.realpath(path) for path in site.getsitepackages([sys.prefix])}
    return any(
        "site-packages" in path or "dist-packages" in path
        for path in map(os.path.realpath, sys.path)
        if path not in own and not path.startswith(os.path.realpath(sys.prefix))
    )

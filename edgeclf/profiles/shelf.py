"""Finding profiles: those that come with the package, and files of one's own."""

import difflib
from importlib import resources
from pathlib import Path

from edgeclf.errors import ProfileError
from edgeclf.files import read_file
from edgeclf.profiles.reader import parse_profile
from edgeclf.profiles.values import Profile

__all__ = ["load_profile", "profile_for_board", "profile_names"]

_SUFFIX = ".toml"
_LIMIT = 1 << 20


def profile_names() -> tuple[str, ...]:
    """Return the names of the profiles that come with the package, sorted."""
    folder = resources.files("firmware_profiles")
    return tuple(
        sorted(
            entry.name.removesuffix(_SUFFIX)
            for entry in folder.iterdir()
            if entry.name.endswith(_SUFFIX)
        )
    )


def load_profile(name: str | Path) -> Profile:
    """Return a profile by name, or from a file of one's own.

    Args:
        name: ``raspberry-pi-4b``, or the path of a ``.toml`` file.

    Raises:
        ProfileError: There is no such profile, or it breaks the schema.
        InputFileError: The file cannot be read.
    """
    if isinstance(name, Path) or name.endswith(_SUFFIX):
        path = Path(name)
        data = read_file(path, what="a device profile", limit=_LIMIT)
        return parse_profile(data, name=path.name.removesuffix(_SUFFIX), path=path)
    names = profile_names()
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ProfileError(
            f"there is no profile {name!r}.{hint} 'edgeclf profiles list' shows all."
        )
    entry = resources.files("firmware_profiles") / f"{name}{_SUFFIX}"
    return parse_profile(entry.read_bytes(), name=name)


def profile_for_board(board: str | None) -> Profile | None:
    """Return the profile of the board that names itself so, or ``None``.

    It does not guess: a board that no profile names exactly has none.

    Args:
        board: From ``edgeclf.machine.detect_board``.
    """
    if board is None:
        return None
    profiles = map(load_profile, profile_names())
    return next((each for each in profiles if each.describes(board)), None)

"""Check every file in firmware_profiles: the schema, and its README's table.

Run it without arguments; it exits with 1 and says what is wrong.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from edgeclf.errors import EdgeclfError
from edgeclf.profiles import FACTS, load_profile

FOLDER = Path(__file__).parents[1] / "firmware_profiles"


def faults(folder: Path) -> list[str]:
    """Return one line for each thing that is wrong in a folder of profiles."""
    found = []
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        found.append(f"{folder}: no profiles")
    return [*found, *_profile_faults(paths), *_readme_faults(folder / "README.md")]


def _profile_faults(paths: Iterable[Path]) -> Iterator[str]:
    for path in paths:
        try:
            load_profile(path)
        except EdgeclfError as error:  # noqa: PERF203 - all faults, not the first
            yield str(error)


def _readme_faults(path: Path) -> list[str]:
    """Return the facts whose meaning, unit and reader the README does not give."""
    text = path.read_text(encoding="utf-8")
    return [
        f"{path}: the row of {key} is missing or out of date: {row}"
        for key, rule in FACTS.items()
        if (row := f"| `{key}` | {rule.unit} | {rule.meaning} | {rule.reader} |")
        not in text
    ]


def main() -> int:
    """Print the faults, and return the exit code."""
    found = faults(FOLDER)
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

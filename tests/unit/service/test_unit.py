"""What may go into a unit, and who may read what it names."""

from pathlib import Path

import pytest

from edgeclf.commands.service import _closed_to_others
from edgeclf.service import ServiceUnit, unit_text


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "../x"},
        {"name": "a\nb"},
        {"command": ()},
        {"command": ("edgeclf",)},
        {"memory_max_mib": 0},
        {"watchdog_s": 0},
    ],
    ids=["path", "two lines", "no command", "relative", "no memory", "no watchdog"],
)
def test_a_unit_that_cannot_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|a service's name"):
        ServiceUnit(**{"name": "x", "command": ("/bin/edgeclf",), **fields})  # type: ignore[arg-type]  # wrong on purpose


def test_a_named_user_runs_it_instead_of_one_made_up() -> None:
    unit = ServiceUnit(name="x", command=("/bin/edgeclf",), user="pi")

    lines = unit_text(unit).splitlines()

    assert "User=pi" in lines
    assert not any(line.startswith("DynamicUser") for line in lines)


def test_the_first_folder_that_is_closed_to_others_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "home" / "inner"
    inner.mkdir(parents=True)
    (inner / "model").touch(0o644)
    for folder in (inner, *inner.parents):
        if "pytest-of-" in str(folder):  # all that pytest closes to others
            folder.chmod(0o755)
    reachable = _closed_to_others(inner / "model")
    (tmp_path / "home").chmod(0o700)

    assert _closed_to_others(inner / "model") == tmp_path / "home"
    assert reachable in {None, *tmp_path.parents}

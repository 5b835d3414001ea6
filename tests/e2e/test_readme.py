"""What the README shows works as it stands."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.cli import COMMANDS, _load
from edgeclf.preprocess import PRESETS
from edgeclf.profiles import profile_names
from tests.bundles import tiny_bundle_bytes
from tests.environments import ROOT

README = (ROOT / "README.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")]


def test_the_python_example_prints_a_label_for_each_photo(tmp_path: Path) -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    photos = tmp_path / "demo" / "photos"
    photos.mkdir(parents=True)
    for number in range(3):
        pixels = np.full((40, 30, 3), 80 * number, dtype=np.uint8)
        Image.fromarray(pixels).save(photos / f"{number}.png")
    [bundle] = re.findall(r'"(demo/.*?\.edgeclf)"', example)
    (tmp_path / bundle).write_bytes(tiny_bundle_bytes("uint8"))

    done = subprocess.run(
        [sys.executable, "-c", example],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    assert len(re.findall(r"label='class \d'", done.stdout)) == 3


def test_the_example_is_five_lines_beside_the_imports() -> None:
    [example] = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)

    assert len([line for line in example.splitlines() if line]) <= 5


def test_every_command_is_in_the_table_and_no_other() -> None:
    named = set(re.findall(r"^\| `edgeclf ([a-z-]+)", README, flags=re.MULTILINE))

    assert named == set(COMMANDS)


def shown_commands(document: Path) -> list[list[str]]:
    """Return the arguments of every ``edgeclf …`` that a page shows after a ``$``."""
    text = document.read_text().replace("\\\n", " ")
    lines = re.findall(
        r"^\$ (?:\S*/)?edgeclf +(.*?)(?: +[#>|&].*)?$", text, re.MULTILINE
    )
    # What the demo prints is shortened.
    return [shlex.split(line) for line in lines if not line.endswith("…")]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_command_that_is_shown_can_be_typed(document: Path) -> None:
    for name, *arguments in shown_commands(document):
        command = _load(name, COMMANDS[name])

        context = command.make_context(name, list(arguments))

        chosen = context.params.get("preset")
        assert chosen is None or chosen in PRESETS, arguments
        assert (context.params.get("profile") or "generic-cpu") in profile_names()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    text = document.read_text()
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_edgeclf_command_shown_exists(document: Path) -> None:
    shown = re.findall(r"(?:\$ |`|bin/)edgeclf ([a-z][a-z-]*)", document.read_text())

    assert set(shown) <= set(COMMANDS)

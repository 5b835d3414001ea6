import sys

import pytest

from edgeclf.errors import MissingDependencyError
from edgeclf.sources import open_source
from tests.system_python import run_pytest


def test_pipelines_are_read_as_gst_cases_and_the_contract_ask() -> None:
    """With the system's Python, which has PyGObject."""
    done = run_pytest(
        *("-k", "gst", "tests/unit/sources/gst_cases.py"),
        "tests/contract/test_sources.py",
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("uri", ["gst:videotestsrc", "csi:0"])
def test_without_pygobject_the_packages_are_named(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gi", None)
    monkeypatch.delitem(sys.modules, "edgeclf.sources.gst", raising=False)

    with pytest.raises(MissingDependencyError, match="sudo apt install python3-gi"):
        open_source(uri)

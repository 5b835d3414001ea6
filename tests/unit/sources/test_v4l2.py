import subprocess
import sys

import pytest

from edgeclf.errors import SourceError
from edgeclf.sources import open_source
from tests.fake_v4l2 import camera_environment


def test_a_camera_is_read_as_v4l2_cases_and_the_contract_ask() -> None:
    """In a process of its own, which has a camera."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", "v4l2"),
            *("tests/unit/sources/v4l2_cases.py", "tests/contract/test_sources.py"),
        ],
        env=camera_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("v4l2:77", "no such camera"),
        ("v4l2:/dev/null", "no video device"),
        ("v4l2:0?width=640", "width and height go together"),
        ("v4l2:0?size=640", "'size=640' is no option"),
        ("v4l2:0?fps=0", "'fps=0' is no option"),
        ("v4l2:0?fps=1&fps=2", "'fps=2' is no option"),
        ("v4l2:0?width=-1&height=4", "'width=-1' is no option"),
    ],
)
def test_what_cannot_be_opened_is_one_line(uri: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason) as caught:
        open_source(uri)

    assert "\n" not in str(caught.value)

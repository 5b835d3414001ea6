"""The real picamera2 on a real libcamera, whose camera shows a file."""

import pytest

from tests.board.virtual_camera import camera_root
from tests.environments import registry_or_skip

pytestmark = [pytest.mark.registry, pytest.mark.timeout(600)]


def test_picamera2_itself_is_read_as_the_contract_and_its_cases_ask(
    request: pytest.FixtureRequest,
) -> None:
    if not request.config.getoption("--virtual-camera"):
        pytest.skip("virtual camera: run with --virtual-camera, or make virtual-camera")
    with registry_or_skip("pip"):
        root = camera_root()

    done = root.run_pytest(
        *("-k", "virtual_camera", "tests/contract/test_sources.py"),
        "tests/unit/sources/virtual_camera_cases.py",
    )

    assert done.code == 0, done.out + done.err
    assert "skipped" not in done.out

"""Options and rules for the whole suite."""

import importlib.util
import os
import signal
from collections.abc import Generator

import pytest

# OpenCV's FFmpeg reads this once, with the first video of the process, which may be one
# that a test writes; our sources set it too, and a program begins with them.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")

_MAY_BE_ABSENT = ("system package:", "registry:")


def pytest_configure() -> None:
    """Undo what a shell does to jobs in the background: it has them ignore Ctrl-C.

    Programs that tests start would inherit that, and tests send them the signal.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hardware", action="store_true", help="run the tests that need a device"
    )
    parser.addoption(
        "--virtual-camera",
        action="store_true",
        help="run the tests that unpack a Debian with picamera2 (minutes the first time)",
    )
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the golden files"
    )


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    hardware = pytest.mark.skip(reason="hardware: run with --hardware on a board")
    convert = pytest.mark.skip(reason="the 'convert' extra is not installed")
    has_tensorflow = importlib.util.find_spec("tensorflow") is not None
    for item in items:
        if "hardware" in item.keywords and not config.getoption("--hardware"):
            item.add_marker(hardware)
        if "convert" in item.keywords and not has_tensorflow:
            item.add_marker(convert)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Where everything must be there, a skip for an absent package is a failure."""
    report = yield
    if (
        report.skipped
        and os.environ.get("EDGECLF_REQUIRE_EVERYTHING")
        and isinstance(report.longrepr, tuple)
        and report.longrepr[2].removeprefix("Skipped: ").startswith(_MAY_BE_ABSENT)
    ):
        report.outcome = "failed"
        report.longrepr = f"not allowed to skip here: {report.longrepr[2]}"
    return report

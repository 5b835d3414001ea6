"""``edgeclf run --serve``: the page, from the command line and in a real browser."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from selenium.webdriver.common.by import By

from edgeclf import Classifier
from edgeclf.page import Access, LivePage, serve_page
from edgeclf.types import Uint8Image
from tests.brokers import free_port, until
from tests.browser import Browser, browser
from tests.mjpeg_server import jpeg, mjpeg_server, part
from tests.models import tiny_model
from tests.unit.sinks.records import decision, event

EDGECLF = [sys.executable, "-m", "edgeclf"]
SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas"
TOKEN = "a-token-of-some-length"  # noqa: S105 - of this test

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(on_bundle: Callable[[str], Run]) -> Run:
    return on_bundle("run")


@pytest.fixture(scope="module")
def tab() -> Iterator[Browser]:
    with browser() as started:
        yield started


@contextmanager
def running(bundle: Path, *arguments: object, **settings: str) -> Iterator[str]:
    """Run the loop with a page as a program of its own, and kill it in the end.

    Yields:
        What it says of the page.
    """
    with subprocess.Popen(
        [*EDGECLF, "run", str(bundle), *(str(each) for each in arguments)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **settings},
    ) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            assert line.startswith("page: "), line + process.stderr.read()
            yield line.removeprefix("page: ").strip()
        finally:
            process.send_signal(signal.SIGKILL)


def state_at(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(address, timeout=30) as response:  # noqa: S310 - ours
        state: dict[str, Any] = json.loads(response.read())
    return state


def two_labels(bundle: Path) -> list[tuple[str, Uint8Image]]:
    """Return two pictures that the bundle gives different labels."""
    found: dict[str, Uint8Image] = {}
    with Classifier.open(bundle) as classifier:
        for seed in range(50):
            rng = np.random.default_rng(seed)
            picture = np.full((96, 128, 3), rng.integers(0, 256, 3), np.uint8)
            picture[20:60, 30:90] = rng.integers(0, 256, 3)
            found.setdefault(classifier.classify(picture).best.label, picture)
            if len(found) == 2:
                return list(found.items())
    pytest.fail("every picture has one label")


def text(tab: Browser, name: str) -> str:
    return str(tab.find_element(By.ID, name).text)


def pixels(tab: Browser) -> str:
    """Return a checksum of what the picture on the page shows."""
    script = """
        const picture = document.getElementById("picture");
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 32;
        const context = canvas.getContext("2d");
        context.drawImage(picture, 0, 0, 32, 32);
        return context.getImageData(0, 0, 32, 32).data.join();
    """
    return str(tab.execute_script(script))


def complaints(tab: Browser) -> list[str]:
    """Return what the browser had to say about the page since the last call.

    A server that is away is no fault of the page.
    """
    log = tab.get_log("browser")  # type: ignore[no-untyped-call] # selenium's
    return [
        entry["message"]
        for entry in log
        if entry["source"] != "network"
        and "WebSocket connection" not in entry["message"]
    ]


def test_the_state_is_what_its_schema_says(bundle: Path) -> None:
    schema = json.loads((SCHEMAS / "page-1.json").read_text())
    with running(
        bundle, "--source", "synthetic:7@30", "--serve", 0, "--profile", "generic-cpu"
    ) as address:
        state = state_at(f"{address}state.json")
        until(lambda: state_at(f"{address}state.json")["counts"]["decided"] > 3)
        later = state_at(f"{address}state.json")

    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", address)
    for each in (state, later):
        jsonschema.validate(each, schema)
    assert later["loop"]["source"] == "synthetic:7@30"
    assert later["budget"]["name"] == "generic-cpu"
    assert later["machine"] is not None


def test_a_token_from_the_environment_is_not_printed(bundle: Path) -> None:
    arguments = ("--source", "synthetic:7@30", "--serve", 0, "--host", "127.0.0.1")
    with running(bundle, *arguments, EDGECLF_PAGE_TOKEN=TOKEN) as said:
        address = said.partition("?")[0]
        state = state_at(f"{address}state.json?token={TOKEN}")

    assert TOKEN not in said
    assert state["model"]["name"] == "tiny-int8"


def test_a_token_that_is_made_up_is_printed(bundle: Path) -> None:
    arguments = ("--source", "synthetic:7@30", "--serve", 0, "--host", "127.0.0.1")
    with running(bundle, *arguments) as address:
        base, token = address.split("?token=")
        state = state_at(f"{base}state.json?token={token}")

    assert len(token) >= 16
    assert state["model"]["name"] == "tiny-int8"


def test_a_token_is_read_from_a_file(run: Run, tmp_path: Path) -> None:
    token_file = tmp_path / "token"
    token_file.write_text("short\n")

    code, out, err = run(
        *("--source", "synthetic:7", "--serve", 0, "--host", "127.0.0.1"),
        *("--token-file", token_file),
    )

    assert code == 1
    assert out == ""
    assert str(token_file) in err
    assert "16 ASCII characters or more, got 5" in err


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--host", "0.0.0.0"), "--host is about the page: say --serve PORT"),  # noqa: S104
        (("--profile", "generic-cpu"), "--profile is about the page"),
        (("--serve", "0", "--token-file", __file__), "--token-file is for --host"),
        (("--serve", "70000"), "70000 is not in the range"),
    ],
)
def test_flags_that_make_no_sense_are_the_command_lines_fault(
    run: Run, arguments: tuple[str, ...], reason: str
) -> None:
    code, _, err = run("--source", "synthetic:7", *arguments)

    assert code == 2
    assert reason in err


def test_a_port_that_is_taken_ends_the_run_before_it_begins(run: Run) -> None:
    with serve_page(LivePage(model=tiny_model()), port=0, access=Access()) as server:
        code, out, err = run("--source", "synthetic:7", "--serve", server.port)

    assert (code, out) == (1, "")
    assert err.splitlines()[-1] == (
        f"error: cannot serve the page on 127.0.0.1, port {server.port}: "
        "address already in use"
    )


def test_the_picture_moves_the_label_changes_and_a_restart_is_survived(
    bundle: Path, tab: Browser
) -> None:
    (first, one), (second, other) = two_labels(bundle)
    showing = [one]

    def script(write: Callable[[bytes], None]) -> None:
        while True:
            write(part(jpeg(showing[0])))
            rest.wait(0.02)

    complaints(tab)
    rest = threading.Event()
    port = free_port()
    with mjpeg_server(script) as camera:
        arguments = ("--source", camera.url, "--serve", port, "--top-k", 3)
        with running(bundle, *arguments) as address:
            tab.get(address)
            until(lambda: text(tab, "label") == first)
            until(lambda: text(tab, "status").startswith("live"))
            tab.execute_script("window.opened = 'once';")
            before = pixels(tab)
            showing[0] = other
            until(lambda: text(tab, "label") == second)
            until(lambda: pixels(tab) != before)
            decided = tab.execute_script("return document.title;")
        until(lambda: "does not answer" in text(tab, "status"))
        showing[0] = one
        with running(bundle, *arguments):
            until(lambda: text(tab, "label") == first)
            until(lambda: text(tab, "status").startswith("live"))
            until(lambda: pixels(tab) != "")
        assert tab.execute_script("return window.opened;") == "once"

    assert decided.startswith(second)
    assert complaints(tab) == []


def test_a_camera_that_is_gone_is_said_to_be(bundle: Path, tab: Browser) -> None:
    with ExitStack() as cameras:
        camera = cameras.enter_context(mjpeg_server())
        with running(bundle, "--source", camera.url, "--serve", 0) as address:
            tab.get(address)
            until(lambda: text(tab, "status").startswith("live"))
            cameras.close()
            until(lambda: text(tab, "status").startswith("the source is lost"))
            until(lambda: "source lost" in text(tab, "events"))


def test_names_are_shown_as_they_are_and_never_run(tab: Browser) -> None:
    evil = "<img src=x onerror=\"window.hacked='yes'\">"
    page = LivePage(model=tiny_model())
    page.decision(decision(0, label=evil))
    page.event(event("label", evil))
    with serve_page(page, port=0, access=Access()) as server:
        tab.get(f"http://127.0.0.1:{server.port}/")
        until(lambda: text(tab, "label") == evil)
        until(lambda: evil in text(tab, "events"))

        assert tab.execute_script("return window.hacked;") is None


def test_with_the_token_a_browser_is_let_in_and_its_address_shows_none(
    tab: Browser,
) -> None:
    page = LivePage(model=tiny_model())
    page.decision(decision(0))
    access = Access(host="127.0.0.1", token=TOKEN)
    with serve_page(page, port=0, access=access) as server:
        address = f"http://127.0.0.1:{server.port}/"
        tab.get(address)
        assert "token is missing" in tab.find_element(By.TAG_NAME, "body").text
        tab.get(f"{address}?token={TOKEN}")
        until(lambda: text(tab, "label") == "tabby")

        assert tab.current_url == address

"""``edgeclf run`` on a real camera server to which something happens."""

import io
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from PIL import Image

from edgeclf import Classifier
from edgeclf.types import Uint8Image
from tests.brokers import free_port, until
from tests.mjpeg_server import Script, Write, jpeg, mjpeg_server, part

Run = Callable[..., tuple[int, str, str]]


def coloured(seed: int, size: tuple[int, int]) -> Uint8Image:
    """Return a picture of two colours."""
    rng = np.random.default_rng(seed)
    height, width = size
    picture = np.full((height, width, 3), rng.integers(0, 256, 3), np.uint8)
    picture[height // 4 : height // 2, width // 4 : width * 3 // 4] = rng.integers(
        0, 256, 3
    )
    return picture


PICTURE = coloured(4, (120, 200))
LARGER = coloured(7, (240, 320))
WHOLE = part(jpeg(PICTURE))
HALF_A_JPEG = part(jpeg(PICTURE)[: len(jpeg(PICTURE)) // 2])


@pytest.fixture
def run(on_bundle: Callable[[str], Run]) -> Run:
    return on_bundle("run")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What befalls a camera.

    Attributes:
        sent: Pieces of its first answer.
        then: What it does when they are out: it closes the connection, it keeps it and
            says nothing, or it sends them again.
        is_unreadable: Whether pictures come that nobody can read.
    """

    sent: tuple[bytes, ...]
    then: Literal["closes", "is silent", "goes on"]
    is_unreadable: bool = False

    @property
    def is_loss(self) -> bool:
        """Whether the source is lost by that."""
        return self.then != "goes on"


HALF_A_PART = WHOLE[: len(WHOLE) // 2]
FAULTS = {
    "dies within a picture": Fault(sent=(WHOLE, WHOLE, HALF_A_PART), then="closes"),
    "stalls within a picture": Fault(
        sent=(WHOLE, WHOLE, HALF_A_PART), then="is silent"
    ),
    "delivers nothing": Fault(sent=(), then="is silent"),
    "sends half a JPEG": Fault(
        sent=(WHOLE, WHOLE, HALF_A_JPEG), then="goes on", is_unreadable=True
    ),
    "changes its resolution": Fault(
        sent=(WHOLE, WHOLE, part(jpeg(LARGER))), then="goes on"
    ),
}


def with_fault(fault: Fault) -> Script:
    """Return a camera to which something happens in its first answer."""
    answers = iter([fault])

    def script(write: Write) -> None:
        sent = (WHOLE,) if next(answers, None) is None else fault.sent
        while True:
            for each in sent:
                write(each)
                time.sleep(0.01)
            while sent is fault.sent and fault.then == "is silent":
                write(b"")
                time.sleep(0.02)
            if sent is fault.sent and fault.then == "closes":
                return

    return script


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def phases(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return the events of the source."""
    events = [each for each in records if each["record"] == "event"]
    return [
        (each["name"], each["phase"]) for each in events if each["kind"] == "source"
    ]


def tops(records: list[dict[str, Any]]) -> list[Any]:
    """Return what was decided; the numbers of the frames only grow."""
    decisions = [each for each in records if each["record"] == "decision"]
    numbers = [each["sequence"] for each in decisions]
    assert numbers == sorted(set(numbers))
    return [each["top"] for each in decisions]


def tops_of_whole_pictures(bundle: Path) -> list[Any]:
    with Classifier.open(bundle, top_k=1) as classifier:
        decoded = [_decoded(each) for each in (PICTURE, LARGER)]
        return [
            [each._asdict() for each in classifier.classify(pixels).top]
            for pixels in decoded
        ]


def _decoded(picture: Uint8Image) -> Uint8Image:
    return np.array(Image.open(io.BytesIO(jpeg(picture))).convert("RGB"))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("name", FAULTS)
def test_a_run_gets_over_what_happens_to_a_camera_and_makes_nothing_up(
    name: str, workers: int, run: Run, bundle: Path
) -> None:
    fault = FAULTS[name]
    with mjpeg_server(with_fault(fault)) as camera:
        code, out, _ = run(
            *("--source", camera.url, "--every-frame", "--frames", 30, "--json"),
            *("--workers", workers),
        )

    assert code == 0
    records = objects(out)
    counts = records[-1]["counts"]
    assert phases(records) == ([("lost", "start"), ("lost", "end")] * fault.is_loss)
    assert records[-1]["outages"] == fault.is_loss
    assert (counts["unreadable"] > 0) == fault.is_unreadable
    assert counts["decided"] == len(tops(records)) == 30
    usual, larger = tops_of_whole_pictures(bundle)
    assert usual != larger
    assert usual in tops(records)
    assert (larger in tops(records)) == (name == "changes its resolution")
    assert all(top in (usual, larger) for top in tops(records))


KILLED = """
import sys, time
sys.path.insert(0, sys.argv[1])
from tests.e2e.test_camera_faults import WHOLE
from tests.mjpeg_server import mjpeg_server
def script(write):
    for _ in range(20):
        write(WHOLE)
        time.sleep(0.01)
    write(WHOLE[:len(WHOLE) // 2])
    print("half a picture is out", flush=True)
    time.sleep(600)
with mjpeg_server(script, port=int(sys.argv[2])):
    print("listening", flush=True)
    time.sleep(600)
"""


@contextmanager
def program(*arguments: object, stdout: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, *(str(each) for each in arguments)]
    with subprocess.Popen(
        command, stdout=stdout, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_camera_server_that_is_killed_within_a_picture_is_found_again(
    bundle: Path, tmp_path: Path
) -> None:
    root, port, log = Path(__file__).parents[2], free_port(), tmp_path / "log.jsonl"
    url = f"http://127.0.0.1:{port}/live"

    def records() -> list[dict[str, Any]]:
        whole, _, _ = log.read_text().rpartition("\n")
        return objects(whole)

    with program("-c", KILLED, root, port, stdout=subprocess.PIPE) as camera:
        assert camera.stdout is not None
        camera.stdout.readline()
        with program(
            *("-m", "edgeclf", "run", bundle, "--source", url),
            *("--sink", f"jsonl:{log}", "--json"),
            stdout=subprocess.DEVNULL,
        ) as loop:
            camera.stdout.readline()
            until(lambda: log.exists() and bool(records()))
            camera.kill()
            until(lambda: phases(records()) == [("lost", "start")])
            with mjpeg_server(with_fault(FAULTS["sends half a JPEG"]), port=port):
                until(lambda: phases(records()) == [("lost", "start"), ("lost", "end")])
                loop.send_signal(signal.SIGTERM)
                assert loop.wait(60) == 0

    usual, _ = tops_of_whole_pictures(bundle)
    assert all(top == usual for top in tops(records()))
    assert records()[-1]["ended"] == "terminated"

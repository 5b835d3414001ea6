"""``edgeclf run --sink`` with real files, servers and signals."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.brokers import free_port, until
from tests.deaf_viewer import deaf_viewer
from tests.fake_v4l2 import camera_environment, yuyv
from tests.mjpeg_server import jpeg, mjpeg_server, part
from tests.videos import moving_square

Run = Callable[..., tuple[int, str, str]]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "run-1.json").read_text()
)


@pytest.fixture
def run(on_bundle: Callable[[str], Run]) -> Run:
    return on_bundle("run")


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_file_holds_what_json_prints_and_the_report_counts_it(
    run: Run, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"

    code, out, err = run(
        *("--source", "synthetic:7,64x48", "--frames", 4, "--json"),
        *("--sink", f"jsonl:{log}", "--sink", f"jsonl:{tmp_path / 'r'}?what=report"),
    )

    assert (code, err) == (0, "")
    printed, written = objects(out), objects(log.read_text())
    for record in (*printed, *written):
        jsonschema.validate(record, SCHEMA)
    assert [
        {name: value for name, value in each.items() if name not in {"id", "utc"}}
        for each in written
    ] == printed
    assert printed[-1]["sinks"] == [
        {"sink": f"jsonl:{log}", "taken": 4, "delivered": 4, "lost": 0},
        {"sink": f"jsonl:{tmp_path / 'r'}", "taken": 0, "delivered": 0, "lost": 0},
    ]
    assert len(objects((tmp_path / "r").read_text())) == 1


def test_the_table_has_a_line_for_each_sink(run: Run, tmp_path: Path) -> None:
    _, _, err = run(
        *("--source", "synthetic:7,64x48", "--frames", 2),
        *("--sink", f"jsonl:{tmp_path / 'log'}"),
    )

    assert f"sink jsonl:{tmp_path / 'log'}: 2 taken, 2 delivered, 0 lost" in err


@pytest.mark.parametrize(
    "uri", ["carrier-pigeon:", "jsonl:", "jsonl:/none/log", "jsonl:log?secret=hunter2"]
)
def test_a_sink_that_can_never_work_is_one_line_and_exit_1(uri: str, run: Run) -> None:
    code, out, err = run("--source", "synthetic:7,64x48", "--sink", uri)

    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert "hunter2" not in err


def test_what_was_decided_before_a_failure_is_in_the_file(
    run: Run, tmp_path: Path
) -> None:
    from tests.videos import write_video

    video = write_video(tmp_path / "cut.avi")
    video.write_bytes(video.read_bytes()[:-3000])
    log = tmp_path / "log.jsonl"

    code, out, _ = run("--source", video, "--json", "--sink", f"jsonl:{log}")

    assert code == 1
    written = objects(log.read_text())
    assert len(written) == len(objects(out)) - 1  # the error is no record of the run
    assert written[-1]["ended"] == "failed"


Hanging = tuple[str, dict[str, str]]
"""A source that hangs after a few frames, and the variables that it needs."""


@contextmanager
def stalled_stream(_: Path) -> Iterator[Hanging]:
    """A camera on the network that falls silent, and whose read can be ended."""

    def script(write: Callable[[bytes], None]) -> None:
        write(part(jpeg(moving_square(0))) * 3)
        while True:
            write(b"")
            time.sleep(0.05)

    with mjpeg_server(script) as server:
        yield server.url, {}


@contextmanager
def stuck_driver(folder: Path) -> Iterator[Hanging]:
    """A camera whose driver keeps who reads it."""
    for index in range(3):
        (folder / str(index)).write_bytes(yuyv(moving_square(index)))
    settings = {"FAKE_V4L2_FOLDER": str(folder), "FAKE_V4L2_HANG": "3"}
    yield "v4l2:0", {**camera_environment(), **settings}


@contextmanager
def nothing_new(_: Path) -> Iterator[Hanging]:
    """A camera that is slower than the end of the run."""
    yield "synthetic:7,64x48@0.1", {}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("source", [stalled_stream, stuck_driver, nothing_new])
def test_sigterm_ends_a_run_with_its_report_whatever_hangs(
    source: Callable[[Path], AbstractContextManager[Hanging]],
    workers: int,
    bundle: Path,
    tmp_path: Path,
) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        source(tmp_path) as (uri, variables),
    ):
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "edgeclf", "run", str(bundle), "--serve", "0"),
                *("--source", uri, "--workers", str(workers)),
                *("--sink", f"http://{address}/?timeout=10min&what=decisions"),
                *("--sink", f"mqtt://{address}/topic"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **variables},
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            page = process.stderr.readline()
            process.stdout.readline()
            with deaf_viewer(int(page.rstrip("/\n").rpartition(":")[2])):
                process.send_signal(signal.SIGTERM)
                _, err = process.communicate(timeout=60)  # 1.3 s; not the sink's 10 min

    assert process.returncode == 0
    assert "ended: asked to stop" in err
    assert re.search(
        rf"sink http://{address}/…: (\d+) taken, 0 delivered, \1 lost", err
    )
    assert re.search(
        rf"sink mqtt://{address}/topic: (\d+) taken, 0 delivered, \1 lost", err
    )
    assert "Traceback" not in err


def test_servers_that_hang_get_nothing_and_the_report_says_so(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [
                *(sys.executable, "-m", "edgeclf", "run", str(bundle), "--json"),
                *("--source", "synthetic:7,64x48@100"),
                *("--sink", f"http://{address}/?timeout=10min&what=decisions"),
                *("--sink", f"mqtt://{address}/topic"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=60)

    assert process.returncode == 0
    report = objects(out)[-1]
    assert report["ended"] == "terminated"
    for sink in report["sinks"]:
        assert sink["taken"] == sink["lost"] > 0
        assert sink["delivered"] == 0
    assert "could not be delivered before the end" in err


def test_a_page_of_metrics_is_there_while_it_runs(bundle: Path) -> None:
    port = free_port()
    with subprocess.Popen(
        [
            *(sys.executable, "-m", "edgeclf", "run", str(bundle)),
            *("--source", "synthetic:7,64x48@100", "--sink", f"prometheus:{port}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30) as answer:
            page = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert process.returncode == 0
    assert 'edgeclf_model_info{model="tiny-int8"} 1.0' in page


def test_metrics_tell_what_became_of_frames_and_that_the_camera_is_gone(
    bundle: Path,
) -> None:
    still = part(jpeg(moving_square(0)))
    is_over = threading.Event()

    def script(write: Callable[[bytes], None]) -> None:
        while not is_over.is_set():
            write(still)
            time.sleep(0.01)

    def shows(line: str) -> bool:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=30) as answer:
            return (
                re.search(rf"^{line}$", answer.read().decode(), re.MULTILINE)
                is not None
            )

    port = free_port()
    some = r"[1-9]\d*\.0"
    with (
        mjpeg_server(script) as camera,
        subprocess.Popen(
            [
                *(sys.executable, "-m", "edgeclf", "run", str(bundle), "--on-change"),
                *("--source", camera.url, "--sink", f"prometheus:{port}", "--json"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        process.stdout.readline()
        until(lambda: shows(rf'edgeclf_frames_total{{fate="unchanged"}} {some}'))
        is_over.set()
        lost = r'kind="source",name="lost"'
        until(lambda: shows(rf'edgeclf_events_total{{{lost},phase="start"}} {some}'))
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)

    assert process.returncode == 0


def test_a_full_stdout_does_not_keep_a_sink_from_its_records(
    bundle: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log.jsonl"
    done = subprocess.run(
        [
            *("bash", "-c", '"$@" > /dev/full', "-", sys.executable, "-m", "edgeclf"),
            *("run", str(bundle), "--source", "synthetic:7,64x48"),
            *("--sink", f"jsonl:{log}"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert all(each["schema"] == "edgeclf.run" for each in objects(log.read_text()))

"""``edgeclf bench`` on real models, with real signals and a real busy neighbour."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from tests.models import labels_for, tiny_tflite

EDGECLF = [sys.executable, "-m", "edgeclf"]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "bench-1.json").read_text("utf-8")
)

Bench = Callable[..., tuple[int, str, str]]


@pytest.fixture
def bench(on_bundle: Callable[[str], Bench]) -> Bench:
    return on_bundle("bench")


@contextmanager
def measuring(bundle: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Start the command on a terminal, and wait until it says that it measures."""
    terminal, side = os.openpty()
    process = subprocess.Popen(
        [*EDGECLF, "bench", str(bundle), *arguments],
        stdout=subprocess.PIPE,
        stderr=side,
        text=True,
        # Whoever runs the tests in the background made Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(  # noqa: PLW1509 - nothing is locked here
            signal.SIGINT, signal.SIG_DFL
        ),
    )
    os.close(side)
    with process:
        try:
            seen = b""
            while b"measuring:" not in seen:
                seen += os.read(terminal, 1024)
            yield process
        finally:
            process.kill()
            os.close(terminal)


def test_json_obeys_its_schema_and_names_this_machine(bench: Bench) -> None:
    code, out, _ = bench("--frames", 40, "--json")

    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    assert code == 4
    assert report["profile"] == "generic-cpu"
    assert report["counts"]["decided"] == 40
    assert list(report["latency"]["stages"]) == [
        "capture",
        "preprocess",
        "invoke",
        "head",
        "total",
        "age",
    ]


def test_a_boards_profile_gives_no_verdict_on_this_machine(bench: Bench) -> None:
    code, out, _ = bench("--frames", 40, "--profile", "raspberry-pi-5", "--json")

    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    assert code == 4
    assert report["verdict"] is None
    assert report["board"] != "Raspberry Pi 5 Model B"
    assert report["latency"]["judgements"] == []
    assert "not a verdict on raspberry-pi-5" in report["no_verdict"][0]


def test_as_host_compares_and_still_gives_none(bench: Bench, tmp_path: Path) -> None:
    path = tmp_path / "pi.report.json"
    code, out, err = bench(
        "--frames", 40, "--profile", "raspberry-pi-5", "--as-host", "--report", path
    )

    report = json.loads(path.read_text("utf-8"))
    jsonschema.validate(report, SCHEMA)
    assert code == 4
    assert report["verdict"] is None
    assert report["latency"]["budget"] == "raspberry-pi-5"
    assert "not a verdict on raspberry-pi-5" in out
    assert "≤ 33.3" in out
    assert f"written: {path}" in err


def test_the_table_names_stages_machine_and_model(bench: Bench) -> None:
    _, out, _ = bench("--frames", 40)

    assert out.startswith("stage, ms")
    for word in ("preprocess", "age (arrival)", "p95", "peak memory", "engine:", "no"):
        assert word in out


def test_a_budget_of_ones_own_that_is_too_tight_is_exit_3(
    bench: Bench, tmp_path: Path
) -> None:
    profile = tmp_path / "strict.toml"
    profile.write_text(
        """
        format = 1
        name = "strict"
        title = "Faster than light"
        kind = "generic"
        runtime = "native"
        missing = [
          "defaults.engine", "defaults.threads", "defaults.workers",
          "defaults.governor",
        ]
        [budget]
        source = "test"
        total_ms = { p50 = 0.000001 }
        [sources.test]
        title = "made up"
        where = "here"
        checked = 2026-11-21
        """
    )

    code, out, _ = bench("--duration", 1.2, "--profile", profile)

    assert code in {3, 4}
    if code == 3:
        assert "OVER the budget of strict: total" in out
    else:  # this machine is shared: then it must say so, and what would be
        assert "other programs took" in out
        assert "total would be over" in out


def test_a_busy_neighbour_spoils_the_run(bench: Bench) -> None:
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            code, out, _ = bench("--duration", 1.5)
        finally:
            busy.kill()

    assert code == 4
    assert "other programs took" in out


def test_a_bare_model_file_is_measured_with_its_flags(
    bench: Bench, tmp_path: Path
) -> None:
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_tflite("int8"))
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(labels_for()))

    code, out, _ = bench(
        *("--labels", labels, "--preset", "efficientnet-lite", "--frames", 20),
        "--json",
        model=model,
    )

    assert code == 4
    assert json.loads(out)["model"]["name"] == "tiny"


def test_the_cold_start_of_a_process_of_its_own_is_measured(bundle: Path) -> None:
    done = subprocess.run(
        [*EDGECLF, "bench", str(bundle), "--frames", "20", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )

    latency = json.loads(done.stdout)["latency"]
    assert done.returncode == 4
    assert 50 < latency["cold_start_ms"] < 60_000
    assert 20 < latency["rss_mib"] < 1000


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 0)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_ended_early_it_reports_what_it_has(
    bundle: Path, number: signal.Signals, code: int
) -> None:
    with measuring(bundle, "--json") as process:
        threading.Event().wait(0.3)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)

    report = json.loads(out)
    jsonschema.validate(report, SCHEMA)
    assert process.returncode == code
    assert report["verdict"] is None
    assert report["is_complete"] is False
    assert "the run ended early" in report["no_verdict"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param(["--frames", "0"], 2, "--frames", id="no frames"),
        pytest.param(["--duration", "nan"], 2, "--duration", id="nan seconds"),
        pytest.param(["--duration", "inf"], 2, "--duration", id="endless"),
        pytest.param(["--threads", "99999999999"], 2, "--threads", id="many threads"),
        pytest.param(["--warmup", "0"], 2, "--warmup", id="no warm-up"),
        pytest.param(
            ["--profile", "raspberry-pi-6"],
            1,
            "Did you mean 'raspberry-pi-5'?",
            id="unknown profile",
        ),
        pytest.param(
            ["--report", "/no/such/folder/x.json"],
            1,
            "there is no folder /no/such/folder; make it first",
            id="no folder for the report",
        ),
        pytest.param(["--report", "/"], 1, "is a directory", id="directory"),
        pytest.param(
            ["--source", "images:/no/such/folder"], 1, "/no/such", id="no source"
        ),
    ],
)
def test_what_cannot_work_is_told_in_one_line(
    bench: Bench, arguments: list[str], code: int, message: str
) -> None:
    found, out, err = bench(*arguments)

    assert found == code
    assert message in err
    assert "Traceback" not in err
    assert out == ""


def test_a_report_that_cannot_be_written_loses_no_measurement(
    bundle: Path, tmp_path: Path
) -> None:
    target = tmp_path / "x.report.json"
    target.write_text("older")

    # No file may get longer than one block of 1024 bytes; Python ignores SIGXFSZ.
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 1; exec "$@"', "bash", *EDGECLF]
        + ["bench", str(bundle), "--frames", "40", "--report", str(target)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "invoke" in done.stdout
    assert f"error: cannot write {target}: file too large" in done.stderr
    assert target.read_text() == "older"


@pytest.mark.parametrize("option", ["model", "labels", "profile", "source"])
def test_a_report_never_takes_the_place_of_what_it_is_made_from(
    bench: Bench, tmp_path: Path, option: str
) -> None:
    files = {
        "model": tmp_path / "found.tflite",
        "labels": tmp_path / "labels.txt",
        "profile": tmp_path / "mine.toml",
        "source": tmp_path / "clip.mp4",
    }
    files["model"].write_bytes(tiny_tflite("int8"))
    for name in ("labels", "profile", "source"):
        files[name].write_text(name)
    flags = [f"--{name}={files[name]}" for name in ("labels", "profile", "source")]
    before = files[option].read_bytes()

    code, _, err = bench(*flags, f"--report={files[option]}", model=files["model"])

    assert code == 1
    assert "what the result is made from; name another file" in err
    assert files[option].read_bytes() == before


def test_a_missing_model_is_told_of(bench: Bench, tmp_path: Path) -> None:
    code, _, err = bench(model=tmp_path / "none.edgeclf")

    assert code == 1
    assert "none.edgeclf" in err


def test_help_ends_with_examples(bench: Bench) -> None:
    code, out, _ = bench("--help")

    assert code == 0
    assert "Examples:\n    edgeclf bench model.edgeclf\n" in out
    assert "--as-host" in out

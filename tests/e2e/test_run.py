"""``edgeclf run`` on real bundles, files and signals."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SourceError
from tests.models import labels_for, tiny_tflite
from tests.picameras import pi_camera, yuv420
from tests.videos import moving_square, write_video

EDGECLF = [sys.executable, "-m", "edgeclf"]
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "schemas" / "run-1.json").read_text()
)

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(on_bundle: Callable[[str], Run]) -> Run:
    return on_bundle("run")


@contextmanager
def started(bundle: Path, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """Run the command as a program of its own, and wait for its first line."""
    process = subprocess.Popen(
        [*EDGECLF, "run", str(bundle), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background made Ctrl-C ignored.
        preexec_fn=lambda: signal.signal(  # noqa: PLW1509 - nothing is locked here
            signal.SIGINT, signal.SIG_DFL
        ),
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def photos(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for index in range(count):
        Image.fromarray(moving_square(index)).save(folder / f"{index}.png")
    return folder


def test_a_video_gives_one_line_a_frame_and_the_report_apart(
    run: Run, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "clip.mp4", frames=7)

    code, out, err = run("--source", video)

    assert code == 0
    lines = out.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(7))
    assert all("class" in line and "(arrival)" in line for line in lines)
    assert "7 captured, 7 decided, 0 skipped, 0 unreadable" in err
    assert "end of the source" in err


def test_every_line_of_json_obeys_the_schema(run: Run, tmp_path: Path) -> None:
    code, out, err = run(
        "--source", f"images:{photos(tmp_path / 'photos')}", "--json", "--top-k", 2
    )

    assert (code, err) == (0, "")
    records = objects(out)
    for record in records:
        jsonschema.validate(record, SCHEMA)
    assert [record["record"] for record in records] == ["decision"] * 3 + ["report"]
    assert {len(record["top"]) for record in records[:-1]} == {2}
    assert records[-1]["counts"]["decided"] == 3


def test_the_report_tells_what_ran(run: Run) -> None:
    _, out, _ = run("--source", "synthetic:7,64x48", "--frames", 2, "--json")

    report = objects(out)[-1]
    assert report["engine"]["engine"] in {"litert", "tflite-runtime"}
    assert report["engine"]["threads_requested"] == 1
    assert len(report["model"]["digest"]) == 64
    assert report["stages"]["invoke"]["count"] == 2


def test_it_stops_after_the_frames_asked_for(run: Run) -> None:
    _, out, _ = run("--source", "synthetic:7,64x48", "--frames", 5, "--json")

    assert len(out.splitlines()) == 6
    assert objects(out)[-1]["ended"] == "frames"


def test_it_stops_after_the_time_asked_for(run: Run) -> None:
    _, out, _ = run("--source", "synthetic:7,64x48@50", "--duration", 0.2, "--json")

    report = objects(out)[-1]
    assert report["ended"] == "duration"
    assert 0.2e9 <= report["elapsed_ns"] < 5e9
    assert report["age_origin"] == "sensor"


def test_a_source_faster_than_the_decisions_skips_and_every_frame_does_not(
    run: Run,
) -> None:
    source = "synthetic:7,640x480@1000"

    _, out, _ = run("--source", source, "--frames", 60, "--json")
    numbers = [record["sequence"] for record in objects(out)[:-1]]
    counts = objects(out)[-1]["counts"]
    _, out, _ = run("--source", source, "--frames", 60, "--every-frame", "--json")
    every = [record["sequence"] for record in objects(out)[:-1]]

    fates = ("decided", "dropped", "duplicated", "unchanged", "late", "left")
    assert counts["captured"] == sum(counts[fate] for fate in fates)
    assert counts["captured"] + counts["skipped"] > numbers[-1]
    assert counts["decided"] == len(numbers) == 60
    assert every == list(range(60))


def test_unreadable_images_are_one_line_each_and_counted(
    run: Run, tmp_path: Path
) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "1.png").write_bytes(b"")

    code, out, err = run("--source", f"images:{folder}")

    assert code == 0
    assert len(out.splitlines()) == 2
    assert err.count("1.png") == 1
    assert "1 unreadable" in err


def test_a_folder_of_unreadable_images_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")

    code, out, err = run("--source", f"images:{tmp_path}")

    assert (code, out) == (1, "")
    assert "none of its 1 images can be read" in err


def test_a_bare_model_file_runs_with_flags(run: Run, tmp_path: Path) -> None:
    model = tmp_path / "tiny.tflite"
    model.write_bytes(tiny_tflite("float32"))
    labels = tmp_path / "labels.txt"
    labels.write_text("\n".join(labels_for()))

    code, out, _ = run(
        *("--source", "synthetic:7,64x48", "--frames", 1),
        *(
            "--labels",
            labels,
            "--preset",
            "efficientnet-lite",
            "--scores",
            "probabilities",
        ),
        model=model,
    )

    assert code == 0
    assert "class" in out


def test_a_video_cut_short_keeps_its_decisions_reports_and_fails(
    run: Run, tmp_path: Path
) -> None:
    video = write_video(tmp_path / "cut.avi")
    video.write_bytes(video.read_bytes()[:-3000])

    code, out, err = run("--source", video, "--json")

    assert code == 1
    *decisions, report, error = objects(out)
    assert 0 < len(decisions) < 12
    assert report["ended"] == "failed"
    assert error["schema"] == "edgeclf.error"
    assert "cut short" in error["message"]
    assert "cut short" in err


@pytest.mark.parametrize(
    "source",
    [
        "{folder}/missing.mp4",
        "{folder}/empty.mp4",
        "{folder}/text.mp4",
        "{folder}/cut.mp4",
        "{folder}/photo.png",
        "{folder}/tiny.edgeclf",
        "{folder}",
        "images:{folder}/nothing",
        "images:{folder}/hollow",
        "images:{folder}/empty.mp4",
        "picamera:0",
        "synthetic:x",
        "",
    ],
)
def test_a_source_that_cannot_be_read_is_one_line_and_exit_1(
    source: str, run: Run, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "hollow").mkdir()
    Image.fromarray(moving_square(0)).save(tmp_path / "photo.png")
    whole = write_video(tmp_path / "cut.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])

    code, out, err = run("--source", source.format(folder=tmp_path))

    assert (code, out) == (1, "")
    assert [line for line in err.splitlines() if line.startswith("error: ")] == [
        err.splitlines()[-1]
    ]
    assert "Traceback" not in err


@pytest.mark.parametrize("kind", ["missing", "folder", "empty", "video", "text"])
def test_a_model_that_is_none_is_one_line_and_exit_1(
    kind: str, run: Run, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    if kind == "folder":
        model.mkdir()
    elif kind == "video":
        model = write_video(tmp_path / "clip.mp4", frames=2)
    elif kind != "missing":
        model.write_text("" if kind == "empty" else "no model")

    code, out, err = run("--source", "synthetic:7", "--frames", 1, model=model)

    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(f"error: {model}")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--source", "synthetic:7", "--frames", "0"],
        ["--source", "synthetic:7", "--duration", "0"],
        ["--source", "synthetic:7", "--duration", "nan"],
        ["--source", "synthetic:7", "--duration", "inf"],
        ["--source", "synthetic:7", "--top-k", "none"],
        ["--source", "synthetic:7", "--engine", "steam"],
        ["--source", "synthetic:7", "--workers", "0"],
        ["--source", "synthetic:7", "--workers", "many"],
        ["--source", "synthetic:7", "--on-change", "256"],
        ["--source", "synthetic:7", "--on-change", "0"],
        ["--source", "synthetic:7", "--on-change", "nan"],
        ["--source", "synthetic:7", "--max-age", "0"],
        ["--source", "synthetic:7", "--max-age", "nan"],
        ["--source", "synthetic:7", "--stall", "0"],
        ["--source", "synthetic:7", "--max-outage", "-1"],
    ],
    ids=lambda arguments: " ".join(arguments[2:]) or "no source",
)
def test_a_wrong_command_line_is_exit_2(arguments: list[str], run: Run) -> None:
    code, out, err = run(*arguments)

    assert (code, out) == (2, "")
    assert "Usage: edgeclf run" in err


def test_ctrl_c_finishes_the_frame_prints_the_report_and_exits_with_130(
    bundle: Path,
) -> None:
    with started(bundle, "--source", "synthetic:7,64x48@100") as process:
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert "ended: interrupted" in err
    assert "invoke" in err
    assert "Traceback" not in err


def test_sigterm_prints_the_report_and_exits_with_0(bundle: Path) -> None:
    with started(bundle, "--source", "synthetic:7,64x48@100", "--json") as process:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (0, "")
    report = objects(out)[-1]
    assert report["ended"] == "terminated"
    counts = report["counts"]
    assert counts["captured"] == counts["decided"] + counts["dropped"] + counts["left"]


def test_ctrl_c_does_not_wait_for_a_slow_source(bundle: Path) -> None:
    with started(bundle, "--source", "synthetic:7,64x48@0.1") as process:
        asked_ns = time.monotonic_ns()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)

    assert time.monotonic_ns() - asked_ns < 5e9
    assert process.returncode == 130
    assert "1 captured, 1 decided" in err


def test_a_reader_that_goes_away_ends_the_run_quietly(bundle: Path) -> None:
    command = f"{sys.executable} -m edgeclf run {bundle} --source synthetic:7,64x48"

    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command} | head -3"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 3


def test_a_full_disk_is_one_line_and_exit_1(bundle: Path) -> None:
    command = f"{sys.executable} -m edgeclf run {bundle} --source synthetic:7,64x48"

    done = subprocess.run(
        ["bash", "-c", f"{command} > /dev/full"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "the disk is full" in done.stderr


def test_the_labels_are_those_that_the_classifier_gives(
    run: Run, bundle: Path, tmp_path: Path
) -> None:
    from edgeclf import Classifier

    folder = photos(tmp_path / "photos")
    with Classifier.open(bundle, top_k=1) as classifier:
        expected = [
            classifier.classify(moving_square(index)).best.label for index in range(3)
        ]

    _, out, _ = run("--source", f"images:{folder}", "--json")

    assert [each["top"][0]["label"] for each in objects(out)[:-1]] == expected


def test_channels_are_not_swapped_between_video_and_image(
    run: Run, tmp_path: Path
) -> None:
    red = np.zeros((48, 64, 3), np.uint8)
    red[..., 0] = 230
    Image.fromarray(red).save(tmp_path / "red.png")
    video = tmp_path / "red.avi"
    write_solid(video, red)

    scores = []
    for source in (video, f"images:{tmp_path / 'red.png'}"):
        _, out, _ = run("--source", source, "--frames", 1, "--json", "--top-k", 10)
        top = sorted(objects(out)[0]["top"], key=lambda each: int(each["index"]))
        scores.append([each["score"] for each in top])

    np.testing.assert_allclose(scores[0], scores[1], atol=0.05)


def write_solid(path: Path, pixels: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    import cv2

    size = (pixels.shape[1], pixels.shape[0])
    codec = cv2.VideoWriter.fourcc(*"MJPG")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, codec, 25, size)
    writer.write(np.ascontiguousarray(pixels[:, :, ::-1]))
    writer.release()


def test_workers_decide_in_order_what_one_decides(run: Run) -> None:
    arguments = ("--source", "synthetic:7,64x48", "--frames", 40, "--json")

    _, alone, _ = run(*arguments)
    code, together, _ = run(*arguments, "--workers", 3)

    assert code == 0
    *decisions, report = objects(together)
    jsonschema.validate(report, SCHEMA)
    assert (report["workers"], report["choice"]) == (3, None)
    tops = [each["top"] for each in decisions]
    assert tops == [each["top"] for each in objects(alone)[:-1]]
    assert [each["sequence"] for each in decisions] == list(range(40))


@pytest.mark.parametrize("threads", [None, 1])
def test_auto_says_what_it_measured_and_what_it_picked(
    threads: int | None, run: Run
) -> None:
    more = () if threads is None else ("--threads", threads)

    code, out, err = run(
        *("--source", "synthetic:7,64x48", "--frames", 5, "--workers", "auto"),
        *("--json", *more),
    )

    report = objects(out)[-1]
    jsonschema.validate(report, SCHEMA)
    choice = report["choice"]
    assert code == 0
    assert err.startswith("workers: ")
    assert report["workers"] == choice["picked"]["workers"]
    assert report["engine"]["threads_requested"] == choice["picked"]["threads"]
    measured = {(each["workers"], each["threads"]) for each in choice["measured"]}
    assert (1, 1) in measured
    if threads is not None:
        assert {each for _, each in measured} == {threads}


def test_auto_takes_no_frame_from_a_file(run: Run, tmp_path: Path) -> None:
    folder = photos(tmp_path / "photos")
    (folder / "1.png").write_bytes(b"")

    _, out, err = run("--source", f"images:{folder}", "--json", "--workers", "auto")

    assert [each["sequence"] for each in objects(out)[:-1]] == [0, 1]
    assert err.count("1.png") == 1


LORES = "picamera:0?stream=lores&width=64&height=48"


def flat(level: int, size: tuple[int, int]) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    return np.full((*size, 3), level, np.uint8)


@contextmanager
def small_stream(
    *, lores: list[int], main: list[int], **settings: Any
) -> Iterator[Any]:
    """A camera whose two streams show these levels of grey, over and over."""
    with pi_camera(
        pictures=[flat(level, (48, 64)) for level in lores],
        beside=[flat(level, (96, 128)) for level in main],
        pixel_format="YUV420",
        stride=128,
        encode=yuv420,
        stream="lores",
        **settings,
    ) as module:
        yield module


def test_a_small_stream_that_shows_the_same_is_said_to_decide_the_same(
    run: Run,
) -> None:
    with small_stream(lores=[0, 128], main=[0, 128]) as module:
        code, out, err = run("--source", LORES, "--frames", 3, "--json")

    *decisions, report = objects(out)
    jsonschema.validate(report, SCHEMA)
    assert code == 0
    assert report["lores"]["pairs"] == report["lores"]["equal"] == 30
    assert report["lores"]["share"] == 1
    assert "lores: 30 of 30 decisions are those of the main stream, scores " in err
    assert decisions[0]["sequence"] == 0
    assert module.copied.count("main") == 30


def test_a_small_stream_that_shows_something_else_is_found_out(run: Run) -> None:
    # Black on both, then grey beside white: every other decision is another.
    with small_stream(lores=[0, 128], main=[0, 255]):
        code, out, err = run("--source", LORES, "--frames", 3)

    said = "lores: {} of 30 decisions are those of the main stream, scores differ by"
    equal = int(err.split("lores: ")[1].split()[0])
    assert code == 0
    assert 0 < equal < 30
    assert float(err.split("at most ")[1].split()[0]) > 0.5
    assert err.count(said.format(equal)) == 2  # before the frames, and in the report
    assert len(out.splitlines()) == 3


def test_a_stop_while_the_streams_are_compared_ends_the_run_in_order(run: Run) -> None:
    seen: list[str] = []

    def copying(name: str) -> None:
        seen.append(name)
        if name == "main" and seen.count("main") == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    with small_stream(lores=[0], main=[0], copying=copying):
        code, out, _ = run("--source", LORES, "--json")

    [report] = objects(out)
    jsonschema.validate(report, SCHEMA)
    assert (code, report["ended"], report["counts"]["decided"]) == (0, "terminated", 0)
    assert 4 <= report["lores"]["pairs"] < 30


def test_a_camera_lost_while_its_streams_are_compared_is_got_back(run: Run) -> None:
    lost: list[str] = []

    def copying(name: str) -> None:
        if name == "main" and not lost:
            lost.append(name)
            raise SourceError("the cable is out")

    with small_stream(lores=[0], main=[0], copying=copying):
        code, out, err = run("--source", LORES, "--frames", 2, "--json")

    start, end, *decisions, report = objects(out)
    jsonschema.validate(report, SCHEMA)
    assert (code, len(decisions), report["outages"]) == (0, 2, 1)
    assert [start["phase"], end["phase"]] == ["start", "end"]
    assert report["lores"] == {
        "pairs": 0,
        "equal": 0,
        "share": None,
        "largest_difference": None,
    }
    assert "lores: nothing was measured" in err


def test_where_there_is_no_small_stream_nothing_is_said_of_it(run: Run) -> None:
    with pi_camera():
        _, out, err = run("--source", "picamera:0", "--frames", 2, "--json")

    assert objects(out)[-1]["lores"] is None
    assert "lores" not in err


def test_what_shows_nothing_new_is_passed_over(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, grey in (("a", 20), ("b", 21), ("c", 22), ("d", 90), ("e", 90)):
        pixels = np.full((48, 64, 3), grey, np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    source = ("--source", f"images:{folder}", "--json")

    shown = {}
    for name, more in (("all", ()), ("2", ("--on-change",)), ("1", ("--on-change", 1))):
        _, out, _ = run(*source, *more)
        report = objects(out)[-1]["counts"]
        shown[name] = [each["sequence"] for each in objects(out)[:-1]]
        assert report["unchanged"] == 5 - len(shown[name])

    assert shown == {"all": [0, 1, 2, 3, 4], "2": [0, 2, 3], "1": [0, 1, 2, 3]}


def test_what_is_too_old_is_late(run: Run) -> None:
    _, out, _ = run(
        *("--source", "synthetic:7,64x48@100", "--duration", 0.3),
        *("--max-age", 0.0001, "--json"),
    )

    [report] = objects(out)
    jsonschema.validate(report, SCHEMA)
    assert report["counts"]["decided"] == 0
    assert report["counts"]["late"] > 0


def test_a_source_that_is_not_there_yet_is_waited_for(run: Run, tmp_path: Path) -> None:
    later = threading.Timer(0.3, photos, (tmp_path / "photos",))
    later.start()

    code, out, err = run(
        *("--source", f"images:{tmp_path / 'photos'}"), "--wait-for-source", "--json"
    )

    later.join()
    records = objects(out)
    for record in records:
        jsonschema.validate(record, SCHEMA)
    assert code == 0
    kinds = [record["record"] for record in records]
    assert kinds == [*["event"] * 2, *["decision"] * 3, "report"]
    assert "no such file" in records[0]["detail"]
    assert (records[-1]["outages"], records[-1]["source"][:7]) == (1, "images:")
    assert err == ""


def test_an_outage_that_lasts_too_long_is_a_report_and_exit_1(run: Run) -> None:
    code, out, err = run(
        *("--source", "nowhere://admin:secret@box/live", "--wait-for-source"),
        *("--max-outage", 0.2, "--json"),
    )

    *events, report, error = objects(out)
    assert code == 1
    assert [each["phase"] for each in events] == ["start", "end"]
    assert (report["ended"], report["source"]) == ("failed", "nowhere:…")
    assert "longer than the 0.2 s allowed" in error["message"]
    assert "secret" not in out + err


def test_while_it_waits_auto_measures_with_made_up_pictures(
    run: Run, tmp_path: Path
) -> None:
    code, out, err = run(
        *("--source", f"images:{tmp_path / 'photos'}", "--wait-for-source"),
        *("--max-outage", 0.2, "--json", "--workers", "auto"),
    )

    assert code == 1
    assert "no frame came from the source yet" in err
    assert objects(out)[-2]["choice"] is not None

"""Pictures in a folder: the doubtful ones, not too many, whole, and the newest."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeclf.errors import SinkError
from edgeclf.sinks import SinkOptions, open_sink
from edgeclf.types import Uint8Image
from tests.brokers import until
from tests.unit.sinks.records import MS, decision
from tests.videos import moving_square

SECOND = 1000 * MS


def noise(seed: int) -> Uint8Image:
    """Return a picture that no encoder makes small: about 14 kB as PNG."""
    pixels: Uint8Image = np.random.default_rng(seed).integers(
        0, 256, (60, 80, 3), np.uint8
    )
    return pixels


def keep(folder: Path, scores: list[float], options: str) -> list[str]:
    """Decide one frame a second, and return what was said."""
    said: list[str] = []
    sink = open_sink(
        f"captures:{folder}?buffer=1000&{options}",
        options=SinkOptions(notify=said.append),
    )
    for sequence, score in enumerate(scores):
        sink.decision(
            decision(
                sequence,
                score=score,
                at_ns=sequence * SECOND,
                pixels=noise(sequence),
            )
        )
    sink.settle(60)
    sink.close(60)
    return said


def kept(folder: Path) -> list[int]:
    """Return the sequence numbers that the records tell, in the order of the names."""
    return [
        json.loads(path.read_text())["sequence"]
        for path in sorted(folder.glob("*.json"))
    ]


def test_only_doubtful_frames_are_kept_with_their_decision_beside_them(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "doubtful"

    keep(folder, [0.9, 0.3, 0.5, 0.49, 0.1], "below=0.5&max_rate=1/s&format=png")

    assert kept(folder) == [1, 3, 4]
    names = sorted(path.name for path in folder.iterdir())
    assert [name.rpartition(".")[2] for name in names] == ["json", "png"] * 3
    for picture, record in zip(names[1::2], names[::2], strict=True):
        assert picture.removesuffix(".png") == record.removesuffix(".json")
        told = json.loads((folder / record).read_text())
        with Image.open(folder / picture) as image:
            np.testing.assert_array_equal(np.asarray(image), noise(told["sequence"]))
        assert told["top"][0]["score"] < 0.5


def test_a_jpeg_looks_like_the_frame(tmp_path: Path) -> None:
    sink = open_sink(f"captures:{tmp_path}")
    frame = moving_square(3)

    sink.decision(decision(0, score=0.2, pixels=frame))
    sink.settle(60)
    sink.close(60)

    (path,) = tmp_path.glob("*.jpg")
    with Image.open(path) as image:
        difference = np.asarray(image).astype(int) - frame
    assert np.abs(difference).mean() < 4


def test_no_more_are_kept_than_the_rate_allows(tmp_path: Path) -> None:
    keep(tmp_path, [0.1] * 130, "max_rate=1/min")

    assert kept(tmp_path) == [0, 60, 120]


def test_the_oldest_go_first_and_the_folder_never_outgrows_its_limit(
    tmp_path: Path,
) -> None:
    mine = tmp_path / "my notes.txt"
    mine.write_text("keep me")

    keep(tmp_path, [0.1] * 12, "max_rate=1/s&format=png&max_size=64kB")
    keep(tmp_path, [0.1] * 2, "max_rate=1/s&format=png&max_size=64kB")

    sizes = [path.stat().st_size for path in tmp_path.iterdir() if path != mine]
    assert 40_000 < sum(sizes) <= 64_000
    assert kept(tmp_path) == [10, 11, 0, 1]  # of two runs, numbered on
    assert len(list(tmp_path.glob("*.png"))) == 4
    assert mine.read_text() == "keep me"


def test_a_picture_larger_than_the_limit_is_refused_and_nothing_is_removed(
    tmp_path: Path,
) -> None:
    said: list[str] = []
    sink = open_sink(
        f"captures:{tmp_path}?format=png&max_size=10kB&max_rate=1/s",
        options=SinkOptions(notify=said.append),
    )

    sink.decision(decision(0, score=0.1))  # black: a few bytes
    sink.decision(decision(1, score=0.1, at_ns=9 * SECOND, pixels=noise(1)))
    counts = sink.settle(60)
    sink.close(60)

    assert kept(tmp_path) == [0]
    assert counts.lost == 1
    assert "is over max_size" in said[0]


def test_what_a_kill_left_unfinished_is_removed_on_the_next_start(
    tmp_path: Path,
) -> None:
    leftover = tmp_path / ".00000007-20261027T103748Z.jpg.abc123.tmp"
    leftover.touch()
    other = tmp_path / ".something.tmp"
    other.touch()

    keep(tmp_path, [], "below=0.5")

    assert list(tmp_path.iterdir()) == [other]


CHILD = """
import sys, time
sys.path.insert(0, sys.argv[2])
from edgeclf.sinks import open_sink
from tests.unit.sinks.records import decision
from tests.unit.sinks.test_captures import noise
sink = open_sink(f"captures:{sys.argv[1]}?max_rate=1000/s&format=png&max_size=100kB")
pixels = noise(0)
for sequence in range(1_000_000):
    sink.decision(decision(sequence, score=0.1, at_ns=sequence * 10**7, pixels=pixels))
    time.sleep(0.001)
"""


def test_after_a_kill_every_picture_is_whole_and_has_its_record(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "doubtful"
    root = str(Path(__file__).parents[3])

    with subprocess.Popen([sys.executable, "-c", CHILD, folder, root]) as process:
        until(lambda: len(list(folder.glob("*.png"))) > 2)
        os.kill(process.pid, signal.SIGKILL)

    pictures = list(folder.glob("*.png"))
    assert pictures
    for picture in pictures:
        with Image.open(picture) as image:
            np.testing.assert_array_equal(np.asarray(image), noise(0))
        assert json.loads(picture.with_suffix(".json").read_text())["top"]
    keep(folder, [0.1], "format=png&max_size=100kB")
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 100_000


def test_a_folder_that_cannot_be_written_is_said_and_got_over(tmp_path: Path) -> None:
    said: list[str] = []
    folder = tmp_path / "doubtful"
    sink = open_sink(
        f"captures:{folder}?max_rate=1/s", options=SinkOptions(notify=said.append)
    )

    folder.rename(tmp_path / "moved")
    sink.decision(decision(0, score=0.1))
    until(lambda: bool(said))
    folder.mkdir()
    until(lambda: sink.counts().delivered == 1)
    sink.close(60)

    assert "cannot write" in said[0]
    assert kept(folder) == [0]


FULL_DISK = """
import resource, sys, time
sys.path.insert(0, sys.argv[2])
from edgeclf.sinks import SinkOptions, open_sink
from tests.unit.sinks.records import decision
from tests.unit.sinks.test_captures import SECOND, noise
said = []
sink = open_sink(
    f"captures:{sys.argv[1]}?max_rate=1/s&format=png&buffer=2",
    options=SinkOptions(notify=said.append),
)
def decide(sequence):
    shown = decision(
        sequence, score=0.1, at_ns=sequence * SECOND, pixels=noise(sequence)
    )
    sink.decision(shown)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
decide(0)
while sink.counts().delivered < 1:
    time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))  # a record fits, no picture
for sequence in range(1, 6):
    decide(sequence)
while not said:
    time.sleep(0.01)
print(*sorted(each.name for each in __import__("pathlib").Path(sys.argv[1]).iterdir()))
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
sink.close(60)
print(sink.counts())
print(*said, sep="\\n")
"""


def test_a_full_disk_leaves_nothing_half_and_is_got_over(tmp_path: Path) -> None:
    root = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, tmp_path, root],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    while_full, counts, *said = done.stdout.splitlines()
    assert [name.rpartition(".")[2] for name in while_full.split()] == ["json", "png"]
    assert "taken=6, delivered=3, lost=3" in counts
    assert kept(tmp_path) == [0, 4, 5]
    assert len(list(tmp_path.glob("*.png"))) == 3
    assert "cannot write" in said[0]
    assert "works again" in said[1]


def test_two_writers_of_one_folder_are_refused(tmp_path: Path) -> None:
    first = open_sink(f"captures:{tmp_path}")

    with pytest.raises(SinkError, match="another process"):
        open_sink(f"captures:{tmp_path}")

    first.close(60)


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("captures:", "incomplete"),
        ("captures:?below=0.5", "path of a folder"),
        ("captures:{folder}/none/here", "no such file"),
        ("captures:{folder}/file", "file exists"),
        ("captures:{folder}?below=2", "below must be a number from 0 to 1"),
        ("captures:{folder}?below=nan", "below must be a number from 0 to 1"),
        ("captures:{folder}?max_rate=often", "max_rate must be a rate"),
        ("captures:{folder}?max_rate=0/s", "max_rate must be a rate"),
        ("captures:{folder}?format=gif", "format must be jpg or png"),
    ],
)
def test_a_wrong_uri_says_what_is_wrong(uri: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SinkError, match=problem):
        open_sink(uri.format(folder=tmp_path))

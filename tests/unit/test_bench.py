"""The measured run, with a made-up machine and a clock that the test moves."""

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeclf.bench import QUICK, BenchOptions, BenchReport, Extent, measure
from edgeclf.errors import SourceError
from edgeclf.machine import MachineReader
from edgeclf.profiles import load_profile, profile_names
from edgeclf.stream import Stop
from edgeclf.testing import FakeClock, FakeSource
from edgeclf.types import Classification, EngineIdentity, Frame, Model, Prediction
from tests.machines import PI_5, write_tree
from tests.models import tiny_model

MODEL = tiny_model()
PC = {name: text for name, text in PI_5.items() if "device-tree" not in name}
BUSY = "cpu  {user} 0 50 9000 10 5 5 0 0 0\n"


@dataclass
class SlowClassifier:
    """Takes the time that it was told to, and does something at some frame."""

    clock: FakeClock
    invoke_ns: int = 5_000_000
    at: dict[int, Callable[[], object]] = field(default_factory=dict)
    model: Model = MODEL
    identity: EngineIdentity = field(
        default_factory=lambda: EngineIdentity(
            engine="litert",
            version="2.3.0",
            threads_requested=1,
            threads=1,
            delegates=("xnnpack",),
        )
    )

    def classify(self, frame: Frame) -> Prediction:
        self.clock.advance(self.invoke_ns)
        self.at.get(frame.sequence, lambda: None)()
        return Prediction(
            top=(Classification(index=0, label="cat", score=1.0),),
            stage_ns={"preprocess": 0, "invoke": self.invoke_ns, "head": 0},
            decided_ns=self.clock.now_ns,
            frame=frame,
        )


def pictures(count: int | None = None) -> Iterator[np.ndarray[Any, Any]]:
    return itertools.islice(itertools.repeat(np.zeros((4, 4, 3), np.uint8)), count)


def run(
    root: Path,
    profile: str = "raspberry-pi-5",
    *,
    invoke_ns: int = 5_000_000,
    at: dict[int, Callable[[], object]] | None = None,
    count: int | None = None,
    **options: Any,
) -> BenchReport:
    clock = FakeClock()
    settings = BenchOptions(
        **{
            "extent": Extent(frames=1024, seconds=2.0),
            "reader": MachineReader(
                root, clock=clock, own_cpu=lambda: 0, tool=lambda _: None
            ),
            "clock": clock,
            "process_age_ns": lambda: 400_000_000,
            "peak_memory_mib": lambda: 90.0,
            **options,
        }
    )
    return measure(
        SlowClassifier(clock=clock, invoke_ns=invoke_ns, at=at or {}),
        FakeSource(pictures(count), clock=clock),
        load_profile(profile),
        settings,
    )


def test_a_quiet_fast_run_on_its_own_board_is_within(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path))

    assert report.no_verdict == ()
    assert report.verdict == "within"
    assert report.exit_code == 0
    assert report.run.latency.stages["invoke"].p99_ns == 5_000_000
    assert report.conditions.duration_s == pytest.approx(1024 * 0.005)


def test_a_slow_run_is_over(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path), invoke_ns=40_000_000)

    assert report.verdict == "over"
    assert report.run.latency.over == ("total",)
    assert report.exit_code == 3


def test_any_machine_is_judged_by_the_generic_profile(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path, PC), "generic-cpu")

    assert report.verdict == "within"
    assert report.to_dict()["board"] is None


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        pytest.param(
            "sys/devices/platform/soc/soc:firmware/get_throttled",
            "4\n",
            "the board throttled: throttled",
            id="throttled now",
        ),
        pytest.param(
            "sys/devices/platform/soc/soc:firmware/get_throttled",
            "10000\n",
            "the board throttled: under voltage since boot",
            id="under voltage in between",
        ),
        pytest.param(
            "sys/class/thermal/thermal_zone0/temp",
            "81000\n",
            "it reached 81 °C, where raspberry-pi-5 throttles",
            id="hot",
        ),
        pytest.param(
            "proc/stat",
            BUSY.format(user=100 + 512),
            "other programs took 1.00 of a core",
            id="busy loop beside it",
        ),
        pytest.param(
            "proc/stat",
            "cpu  100 0 50 9000 10 5 5 256 0 0\n",
            "other programs took 0.50 of a core",
            id="hypervisor steals",
        ),
        pytest.param(
            "proc/vmstat",
            "pswpin 400\npswpout 200\n",
            "300 pages moved to or from swap",
            id="swapping",
        ),
    ],
)
@pytest.mark.parametrize(
    "invoke_ns", [5_000_000, 40_000_000], ids=["else within", "else over"]
)
def test_a_disturbed_run_is_invalid_not_slow(
    tmp_path: Path, name: str, text: str, problem: str, invoke_ns: int
) -> None:
    write_tree(tmp_path)
    scaled = text
    if invoke_ns > 5_000_000:  # the same share of a longer run
        scaled = text.replace(str(612), str(100 + 512 * 8)).replace("256", str(256 * 8))

    report = run(
        tmp_path,
        invoke_ns=invoke_ns,
        at={500: lambda: (tmp_path / name).write_text(scaled)},
    )

    assert report.verdict is None
    assert report.exit_code == 4
    assert [reason for reason in report.no_verdict if problem in reason]


def test_bits_from_before_the_run_do_not_spoil_it(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path, get_throttled="50000\n"))

    assert report.verdict == "within"


def test_background_work_below_a_tenth_of_a_core_does_not_spoil_a_run(
    tmp_path: Path,
) -> None:
    write_tree(tmp_path)
    change: dict[int, Callable[[], object]]
    change = {500: lambda: (tmp_path / "proc/stat").write_text(BUSY.format(user=140))}

    assert run(tmp_path, at=change).verdict == "within"


def test_a_run_too_short_for_a_tail_has_no_verdict(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path), extent=Extent(frames=1023, seconds=0.0))

    assert report.no_verdict == ("too few samples to judge total p99",)
    assert report.exit_code == 4


def test_a_run_too_short_to_see_others_has_no_verdict(tmp_path: Path) -> None:
    report = run(
        write_tree(tmp_path), invoke_ns=100_000, extent=Extent(frames=1024, seconds=0)
    )

    assert "cannot be seen whether other programs" in report.no_verdict[0]


@pytest.mark.parametrize("as_host", [False, True], ids=["plain", "as host"])
@pytest.mark.parametrize(
    "board",
    [None, "Raspberry Pi 4 Model B Rev 1.4\0", "Raspberry Pi 500 Rev 1.0\0"],
    ids=["a PC", "a Pi 4", "a board that no profile describes"],
)
def test_a_result_from_another_machine_is_never_the_boards(
    tmp_path: Path, board: str | None, as_host: bool
) -> None:
    write_tree(tmp_path, PC)
    if board is not None:
        write_tree(tmp_path, {"proc/device-tree/model": board})

    report = run(tmp_path, "raspberry-pi-5", as_host=as_host)

    found = report.to_dict()
    assert found["verdict"] is None
    assert found["board"] == (board and board.strip("\0"))
    assert found["is_profiles_machine"] is False
    assert found["no_verdict"][0].startswith(
        "this is not a verdict on raspberry-pi-5: it was measured on "
    )
    assert report.exit_code == 4
    assert bool(found["latency"]["judgements"]) is as_host


def test_as_host_compares_and_says_what_would_be_over(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path, PC), invoke_ns=40_000_000, as_host=True)

    assert report.to_dict()["over"] == ["total"]
    assert report.exit_code == 4


@pytest.mark.parametrize("name", profile_names())
def test_whatever_has_a_verdict_was_measured_on_the_profiles_machine(
    tmp_path: Path, name: str
) -> None:
    for number, files in enumerate((PI_5, PC)):
        report = run(write_tree(tmp_path / str(number), files), name, as_host=True)
        if report.verdict is not None:
            assert report.is_profiles_machine
            assert report.to_dict()["machine"]["board"] == report.machine.board


def test_a_source_that_ends_early_gives_no_verdict(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path), count=1000)

    assert not report.is_complete
    assert "the run ended early" in report.no_verdict


def test_a_run_that_is_stopped_reports_what_it_has(tmp_path: Path) -> None:
    stop = Stop()

    report = run(
        write_tree(tmp_path), stop=stop, at={131: lambda: stop.request("interrupted")}
    )

    assert report.run.counts.decided == 100
    assert report.run.ended == "interrupted"
    assert not report.is_complete


def test_the_warm_up_is_neither_counted_nor_skipped(tmp_path: Path) -> None:
    report = run(write_tree(tmp_path), warmup=50)

    assert report.warmup == 50
    assert report.run.counts.decided == 1024
    assert report.run.counts.skipped == 0
    assert report.run.latency.stages["total"].count == 1024


def test_a_source_that_ends_in_the_warm_up_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="warm-up of 32 frames"):
        run(write_tree(tmp_path), count=31)


def test_a_run_lasts_until_both_frames_and_seconds_are_there(tmp_path: Path) -> None:
    root = write_tree(tmp_path)

    by_time = run(root, extent=Extent(frames=10, seconds=3.0))
    by_frames = run(root, extent=Extent(frames=900, seconds=1.0))

    assert by_time.run.counts.decided == 600
    assert by_frames.run.counts.decided == 900


def test_the_quick_run_has_the_samples_and_the_time_for_a_verdict(
    tmp_path: Path,
) -> None:
    report = run(write_tree(tmp_path), extent=QUICK, invoke_ns=30_000_000)

    assert report.run.counts.decided >= 1024
    assert report.run.elapsed_ns >= 60_000_000_000
    assert report.verdict == "within"


def test_the_cold_start_ends_at_the_first_label(tmp_path: Path) -> None:
    asked = []

    def age() -> int:
        asked.append(1)
        return 400_000_000

    report = run(write_tree(tmp_path), process_age_ns=age)

    assert asked == [1]
    assert report.run.latency.readings.cold_start_ms == 400.0


def test_a_limit_that_nothing_was_measured_for_gives_no_verdict(
    tmp_path: Path,
) -> None:
    report = run(write_tree(tmp_path), process_age_ns=None)

    assert report.no_verdict == ("there was nothing to measure of cold_start",)


def test_progress_is_told_about_once_a_second(tmp_path: Path) -> None:
    told: list[float] = []

    run(write_tree(tmp_path), progress=told.append)

    assert len(told) == 5
    assert told == sorted(told)
    assert 0 < told[-1] <= 1


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: BenchOptions(warmup=0), id="no warm-up"),
        pytest.param(lambda: Extent(frames=0, seconds=1), id="no frames"),
        pytest.param(lambda: Extent(frames=1, seconds=-1), id="negative time"),
        pytest.param(lambda: Extent(frames=1, seconds=float("inf")), id="for ever"),
    ],
)
def test_a_run_that_cannot_be_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|a run has"):
        make()


def test_a_report_names_all_that_ran(tmp_path: Path) -> None:
    found = run(write_tree(tmp_path)).to_dict()

    json.dumps(found, allow_nan=False)
    assert found["model"]["digest"] == MODEL.digest
    assert found["engine"]["delegates"] == ("xnnpack",)
    assert found["machine"]["governor"] == "performance"
    assert found["conditions"]["temperature_max_c"] == 48.85
    assert found["profile"] == "raspberry-pi-5"

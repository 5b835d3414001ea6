"""Who a machine is and how it is doing, on made-up file trees."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeclf.machine import (
    MachineMonitor,
    MachineReader,
    MachineState,
    RunConditions,
    ThrottleBits,
    board_description,
    detect_board,
    peak_memory_mib,
    process_age_ns,
    read_identity,
    run_tool,
)
from edgeclf.machine.state import own_cpu_ns
from tests.machines import write_tree


def state(**changes: object) -> MachineState:
    values: dict[str, object] = {
        "at_ns": 0,
        "temperature_c": None,
        "clock_mhz": None,
        "throttle": None,
        "load_1m": None,
        "available_mib": None,
        "swap_used_mib": None,
        "swapped_pages": None,
        "busy_ns": None,
        "own_ns": 0,
    }
    return MachineState(**{**values, **changes})  # type: ignore[arg-type] # made up


def test_a_board_is_named_by_its_device_tree(tmp_path: Path) -> None:
    write_tree(tmp_path)

    assert detect_board(tmp_path) == "Raspberry Pi 5 Model B Rev 1.0"


def test_the_firmwares_own_place_serves_too(tmp_path: Path) -> None:
    write_tree(tmp_path, {"sys/firmware/devicetree/base/model": "NVIDIA Jetson Nano\0"})

    assert detect_board(tmp_path) == "NVIDIA Jetson Nano"


def test_no_device_tree_is_no_board_whatever_else_looks_like_one(
    tmp_path: Path,
) -> None:
    write_tree(tmp_path)
    (tmp_path / "proc/device-tree/model").unlink()

    assert detect_board(tmp_path) is None


def test_an_identity_reads_what_linux_shows(tmp_path: Path) -> None:
    identity = read_identity(write_tree(tmp_path), architecture="aarch64")

    assert identity.cpu == "Cortex-A76"
    assert identity.cpu_features == ("asimd", "asimddp", "asimdhp", "fphp")
    assert identity.memory_mib == 8062
    assert identity.system == "Debian GNU/Linux 12 (bookworm)"
    assert identity.governor == "performance"
    assert identity.architecture == "aarch64"
    assert identity.to_dict()["cores"] == len(os.sched_getaffinity(0))


def test_what_linux_does_not_show_is_unknown(tmp_path: Path) -> None:
    identity = read_identity(tmp_path)
    now = MachineReader(tmp_path, tool=lambda _: None).read()

    assert (identity.board, identity.cpu, identity.governor) == (None, None, None)
    assert identity.memory_mib is None
    assert (now.temperature_c, now.clock_mhz, now.throttle) == (None, None, None)
    assert (now.busy_ns, now.swapped_pages, now.load_1m) == (None, None, None)
    assert board_description(identity).startswith("a machine with")


def test_different_governors_are_all_named(tmp_path: Path) -> None:
    write_tree(tmp_path)
    policy = tmp_path / "sys/devices/system/cpu/cpufreq/policy4"
    policy.mkdir()
    (policy / "scaling_governor").write_text("ondemand\n")

    assert read_identity(tmp_path).governor == "ondemand,performance"


def test_a_state_reads_heat_clock_memory_and_bits(tmp_path: Path) -> None:
    root = write_tree(tmp_path, get_throttled="50005\n")

    now = MachineReader(root, clock=lambda: 7, own_cpu=lambda: 9).read()

    assert now.at_ns == 7
    assert now.own_ns == 9
    assert now.temperature_c == 48.85
    assert now.clock_mhz == 2400
    assert now.available_mib == 6835
    assert now.swap_used_mib == 0
    assert now.swapped_pages == 300
    assert now.load_1m == 0.12
    assert now.throttle == ThrottleBits(0x50005)
    assert now.busy_ns == 160 * 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def test_zones_are_chosen_by_type_as_their_order_varies(tmp_path: Path) -> None:
    root = write_tree(tmp_path)

    assert MachineReader(root).read().temperature_c == 48.85
    assert MachineReader(root, zone_types=["PMIC-Die"]).read().temperature_c == 100


def test_the_bits_are_found_where_a_pi_5_has_them(tmp_path: Path) -> None:
    name = "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
    write_tree(tmp_path, {name: "1\n"})

    reader = MachineReader(tmp_path, tool=lambda _: None)

    assert reader.read().throttle == ThrottleBits.UNDER_VOLTAGE
    assert reader.throttle.is_cheap


def test_bits_say_what_they_mean() -> None:
    bits = ThrottleBits(0x50001)

    assert bits.now == ThrottleBits.UNDER_VOLTAGE
    assert bits.words == (
        "under voltage, under voltage since boot, throttled since boot"
    )


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        pytest.param("throttled=0x4\n", ThrottleBits.THROTTLED, id="throttled"),
        pytest.param("throttled=0x0\n", ThrottleBits(0), id="well"),
        pytest.param("error=1\n", None, id="no answer"),
        pytest.param(None, None, id="no such tool"),
    ],
)
def test_without_the_kernels_file_the_tool_is_asked(
    tmp_path: Path, printed: str | None, expected: ThrottleBits | None
) -> None:
    asked: list[object] = []

    def tool(command: object) -> str | None:
        asked.append(command)
        return printed

    found = MachineReader(tmp_path, tool=tool).read().throttle

    assert found == expected
    assert asked == [("vcgencmd", "get_throttled")]


def test_a_machine_that_is_no_pi_is_asked_only_once(tmp_path: Path) -> None:
    asked: list[object] = []
    reader = MachineReader(tmp_path, tool=asked.append)

    reader.read()
    reader.read()

    assert len(asked) == 1


def test_a_tool_that_is_not_there_or_fails_says_nothing() -> None:
    assert run_tool(("edgeclf-no-such-tool",)) is None
    assert run_tool(("false",)) is None
    assert run_tool(("echo", "throttled=0x0")) == "throttled=0x0\n"


def test_what_others_take_is_what_is_left_after_this_process() -> None:
    first = state(busy_ns=10_000_000_000, own_ns=0)
    last = state(at_ns=10_000_000_000, busy_ns=23_000_000_000, own_ns=9_000_000_000)

    found = RunConditions.from_states([first, last])

    assert found.foreign_cores == pytest.approx(0.4)


def test_over_less_than_a_second_others_cannot_be_seen() -> None:
    first = state(busy_ns=0)
    last = state(at_ns=900_000_000, busy_ns=10_000_000)

    assert RunConditions.from_states([first, last]).foreign_cores is None


def test_clocks_that_tick_apart_are_no_negative_load() -> None:
    last = state(at_ns=2_000_000_000, busy_ns=10_000_000, own_ns=15_000_000)

    assert RunConditions.from_states([state(busy_ns=0), last]).foreign_cores == 0


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        pytest.param([0, 0, 0], 0, id="well"),
        pytest.param([0, 4, 0], 4, id="for a moment"),
        pytest.param([0x40000, 0x40000], 0, id="long before"),
        pytest.param([0, 0x40000], 0x40000, id="between two samples"),
        pytest.param([0x10000, 0, 0x10000], 0x10000, id="cleared and set again"),
        pytest.param([0x40000, None, 0x40004], 4, id="not every sample asks"),
        pytest.param([None, None], None, id="no such board"),
    ],
)
def test_a_run_keeps_the_bits_that_came_up_in_it(
    bits: list[int | None], expected: int | None
) -> None:
    states = [
        state(throttle=None if each is None else ThrottleBits(each)) for each in bits
    ]

    assert RunConditions.from_states(states).throttle == expected


def test_a_run_keeps_the_extremes() -> None:
    states = [
        state(temperature_c=50.0, clock_mhz=2400.0, available_mib=900),
        state(temperature_c=81.0, clock_mhz=1500.0, available_mib=300),
        state(temperature_c=70.0, clock_mhz=2000.0, available_mib=500),
    ]

    found = RunConditions.from_states(states)

    assert (found.temperature_start_c, found.temperature_max_c) == (50, 81)
    assert (found.clock_min_mhz, found.clock_max_mhz) == (1500, 2400)
    assert found.available_min_mib == 300
    assert found.to_dict()["throttle_bits"] is None


def test_a_monitor_samples_from_start_to_end(tmp_path: Path) -> None:
    reader = MachineReader(write_tree(tmp_path))

    with MachineMonitor(reader, interval_s=0.01) as monitor:
        while len(monitor.states) < 5:
            time.sleep(0.005)

    times = [each.at_ns for each in monitor.states]
    assert times == sorted(times)
    assert monitor.conditions.samples >= 6
    assert monitor.conditions.sampling_ns > 0


def test_a_monitor_of_days_keeps_no_more_than_its_limit(tmp_path: Path) -> None:
    reader = MachineReader(write_tree(tmp_path))
    taken = 0

    def clock() -> int:
        nonlocal taken
        taken += 1
        return taken

    reader = MachineReader(tmp_path, clock=clock)
    with MachineMonitor(reader, interval_s=0.0005, limit=8) as monitor:
        while taken < 60:
            time.sleep(0.005)

    assert len(monitor.states) <= 9
    assert monitor.states[0].at_ns == 1


def test_a_sample_costs_less_than_a_hundredth_of_a_second() -> None:
    reader = MachineReader()
    costs = []
    for _ in range(5):
        started = time.thread_time_ns()
        reader.read()
        costs.append(time.thread_time_ns() - started)

    # At one sample a second that is the promised hundredth of a core.
    assert min(costs) < 10_000_000


def test_a_process_knows_its_age_and_its_cost() -> None:
    age = process_age_ns()

    assert age is not None
    assert age >= time.process_time_ns() // 2
    peak = peak_memory_mib()
    assert peak is not None
    assert 5 < peak < 1 << 20
    assert own_cpu_ns() > 0


def test_a_name_with_brackets_does_not_hide_the_age(tmp_path: Path) -> None:
    fields = " ".join(["0"] * 18 + ["100"] + ["0"] * 20)
    write_tree(tmp_path, {"proc/self/stat": f"42 (a) (b c) S {fields}"})
    expected = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 100 * 10_000_000

    assert process_age_ns(tmp_path) == pytest.approx(expected, abs=1e9)


def test_this_machine_is_read_without_complaint() -> None:
    identity = read_identity()

    assert identity.python_bits == (64 if sys.maxsize > 2**32 else 32)
    assert identity.cores >= 1


def test_the_peak_memory_is_this_process_s_and_not_its_parent_s() -> None:
    code = "from edgeclf.machine import peak_memory_mib; print(peak_memory_mib())"
    ballast = bytearray(400 << 20)  # exec keeps ru_maxrss, so getrusage would say 400

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert len(ballast) == 400 << 20
    assert 5 < float(done.stdout) < 200


def test_without_proc_the_peak_memory_is_not_known(tmp_path: Path) -> None:
    assert peak_memory_mib(tmp_path) is None

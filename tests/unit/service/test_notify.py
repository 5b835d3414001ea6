"""What systemd hears, on a real datagram socket."""

import os
import select
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from edgeclf.service import ServiceManager, ServiceSink
from edgeclf.stream import Decision, Event, Phase
from edgeclf.testing import FakeClock
from edgeclf.types import Classification, Frame, Prediction

SECOND = 1_000_000_000
DECISION = Decision(
    frame=Frame(
        pixels=np.zeros((2, 2, 3), np.uint8),
        captured_ns=1,
        timestamp_origin="sensor",
        sequence=0,
    ),
    prediction=Prediction(
        top=(Classification(index=0, label="cat", score=0.9),),
        stage_ns={},
        decided_ns=2,
    ),
    stage_ns={},
    age_ns=1,
)


class Systemd:
    """Systemd's end of the socket."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def heard(self) -> list[str]:
        found = []
        while select.select([self._socket], [], [], 0)[0]:
            found.append(self._socket.recv(4096).decode())
        return found

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path / "notify")
    yield made
    made.close()


@pytest.fixture
def open_manager(systemd: Systemd) -> Iterator[Callable[..., ServiceManager]]:
    made = []

    def opened(clock: FakeClock | None = None, **environ: str) -> ServiceManager:
        variables = {"NOTIFY_SOCKET": str(systemd.path), **environ}
        made.append(ServiceManager(variables, clock=clock or FakeClock()))
        return made[-1]

    yield opened
    for each in made:
        each.close()


def source_event(phase: Phase) -> Event:
    return Event(
        kind="source",
        name="lost",
        phase=phase,
        at_ns=1,
        noticed_ns=1,
        detail="rtsp://camera: nothing came for 2.0 s",
    )


def test_it_is_ready_with_the_first_decision_and_says_so_once(
    systemd: Systemd, open_manager: Callable[..., ServiceManager]
) -> None:
    sink = ServiceSink(open_manager())
    assert systemd.heard() == []

    sink.decision(DECISION)
    sink.decision(DECISION)

    assert systemd.heard() == ["READY=1\nSTATUS=deciding"]


def test_a_lost_camera_is_the_status_until_it_is_back(
    systemd: Systemd, open_manager: Callable[..., ServiceManager]
) -> None:
    sink = ServiceSink(open_manager())

    sink.event(source_event("start"))
    sink.event(source_event("end"))

    assert systemd.heard() == [
        "STATUS=rtsp://camera: nothing came for 2.0 s",
        "STATUS=deciding",
    ]


def test_the_watchdog_hears_four_times_a_period_however_often_it_is_called(
    systemd: Systemd, open_manager: Callable[..., ServiceManager]
) -> None:
    clock = FakeClock()
    manager = open_manager(clock, WATCHDOG_USEC="8000000")

    for _ in range(81):  # 8 s, ten times a second
        manager.alive()
        clock.advance(SECOND // 10)

    assert systemd.heard() == ["WATCHDOG=1"] * 5


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": "8000000", "WATCHDOG_PID": str(os.getpid() + 1)},
        {"WATCHDOG_USEC": "soon"},
    ],
    ids=["no watchdog", "another process's", "no number"],
)
def test_a_watchdog_that_is_not_ours_hears_nothing(
    environ: dict[str, str],
    systemd: Systemd,
    open_manager: Callable[..., ServiceManager],
) -> None:
    open_manager(**environ).alive()

    assert systemd.heard() == []


def test_without_systemd_nothing_happens() -> None:
    manager = ServiceManager({}, clock=FakeClock())

    manager.ready("deciding")
    manager.alive()
    manager.stopping()
    manager.close()

    assert not manager.listens


def test_a_service_manager_that_went_away_does_not_end_the_loop(
    systemd: Systemd, open_manager: Callable[..., ServiceManager]
) -> None:
    manager = open_manager()
    systemd.close()
    systemd.path.unlink()

    manager.ready("deciding")

    assert manager.listens


def test_a_status_of_several_lines_sets_no_other_variable(
    systemd: Systemd, open_manager: Callable[..., ServiceManager]
) -> None:
    open_manager().status("lost\nWATCHDOG=1")

    assert systemd.heard() == ["STATUS=lost WATCHDOG=1"]


def test_an_abstract_socket_is_found() -> None:
    name = f"edgeclf-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}")
        manager = ServiceManager({"NOTIFY_SOCKET": f"@{name}"}, clock=FakeClock())
        manager.stopping()

        assert listening.recv(100) == b"STOPPING=1"
        manager.close()

import threading
from time import monotonic_ns

import numpy as np
import pytest

from edgeclf.sources import SourceOptions, live
from edgeclf.sources.live import LiveSource, Shot
from edgeclf.types import TimestampOrigin


class Stuck:
    """A device whose read ends when the test says so, whatever it is asked."""

    timestamp_origin: TimestampOrigin = "driver"

    def __init__(self) -> None:
        self.freed = threading.Event()
        self.released = threading.Event()

    def read(self) -> Shot:
        self.freed.wait()
        pixels = np.zeros((4, 6, 3), np.uint8)
        return Shot(captured_ns=monotonic_ns(), rgb=lambda: pixels)

    def interrupt(self) -> None:
        """Hear nothing."""

    def release(self) -> None:
        self.released.set()


def test_only_the_first_close_waits_for_a_driver_that_hangs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "_LETTING_GO_S", 600)
    device = Stuck()
    source = LiveSource(device, uri="stuck:", options=SourceOptions())
    first = threading.Thread(target=source.close)
    first.start()
    while not source._is_first_close.locked():
        pass

    source.close()
    is_first_waiting = first.is_alive()
    device.freed.set()
    first.join(60)

    assert is_first_waiting
    assert not first.is_alive()
    assert device.released.is_set()

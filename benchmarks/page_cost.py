"""What the page costs: processor time of its thread, with one viewer and with none."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from benchmarks.memory_sources import OnTime
from edgeclf.classifier import Classifier
from edgeclf.latency import LatencyBudget
from edgeclf.machine import MachineReader
from edgeclf.page import Access, LivePage, serve_page
from edgeclf.profiles import load_profile
from edgeclf.stream import HeatMonitor, Ledger, Stop, run_loop
from edgeclf.types import Model, Uint8Image

__all__ = ["page_cost"]

_FPS = 30.0


def page_cost(model: Model, made: list[Uint8Image], *, seconds: float) -> list[Figure]:
    """Run the loop at a camera's pace with its page open in no viewer, then in one."""
    ledger, stop = Ledger(), Stop()
    with (
        HeatMonitor(MachineReader()) as monitor,
        Classifier(model, top_k=5) as classifier,
    ):
        page = LivePage(
            model=model,
            budget=LatencyBudget.from_profile(load_profile("generic-cpu")),
            counts=ledger.so_far,
            machine=monitor,
        )
        with serve_page(page, port=0, access=Access()) as server:
            page.started(source="memory:", engine=classifier.identity, workers=1)
            loop = threading.Thread(
                target=run_loop,
                args=(OnTime(made, fps=_FPS), classifier),
                kwargs={"sinks": [page], "ledger": ledger, "stop": stop},
            )
            loop.start()
            time.sleep(3)  # the loop is warm, and its window begins to fill
            alone = _share(seconds / 3)
            with _viewer(server.port) as counted:
                time.sleep(3)
                before = counted()
                seen = [_share(seconds / 6) for _ in range(6)]
                pictures_per_s = (counted() - before) / seconds
            stop.request()
            loop.join()
    share = float(np.median(seen))
    return [
        Figure(
            name=f"page: share of one core, one viewer, {pictures_per_s:.1f} pictures a "
            f"second of 640x480 ({_FPS:.0f} frames a second are decided)",
            measured=f"{share:.3f} [{min(seen):.3f}, {max(seen):.3f}] (all of six)",
            bar="< 0.05",
            holds=max(seen) < 0.05,
        ),
        Figure(
            name="page: share of one core, nobody looks",
            measured=f"{alone:.4f}",
            bar="",
        ),
    ]


def _share(seconds: float) -> float:
    """Return the share of one core that the page's thread takes now."""
    began_ns, before_s = time.monotonic_ns(), _page_thread_s()
    time.sleep(seconds)
    return (_page_thread_s() - before_s) / ((time.monotonic_ns() - began_ns) / 1e9)


def _page_thread_s() -> float:
    """Return the processor time of the page's thread, as the kernel counts it."""
    (thread,) = (each for each in threading.enumerate() if each.name == "page")
    # Nanoseconds on the processor, from the scheduler itself: ticks are too coarse.
    text = Path(f"/proc/self/task/{thread.native_id}/schedstat").read_text()
    return int(text.split()[0]) / 1e9


@contextmanager
def _viewer(port: int) -> Iterator["_Count"]:
    """Look at the page from another process, as fast as it shows something new."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks.page_viewer", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield _Count(process.stdout or ())
        process.kill()


class _Count:
    """Counts the lines of a viewer: one a picture.

    Args:
        lines: They end with the viewer.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self._seen = 0
        threading.Thread(target=self._read, args=[lines], daemon=True).start()

    def __call__(self) -> int:
        return self._seen

    def _read(self, lines: Iterable[str]) -> None:
        for _ in lines:
            self._seen += 1

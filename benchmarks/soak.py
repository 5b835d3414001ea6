"""Whether the loop stays as it is: memory, open files and threads over a long run.

    python -m benchmarks.soak demo/efficientnet_lite0-int8-tflite.edgeclf

runs ``run_loop`` with two workers on a camera that gives frames faster than they are
decided, is unplugged every few thousand frames and found again, and whose decisions are
written as JSON. Ends after 200,000 decisions or an hour, whichever is sooner;
``--frames`` and ``--minutes`` make it shorter. The first quarter is the warm-up: buffers
fill, and the timers' exact samples move into their histograms. Exits with 3 when memory
grows by more than 5 MB after it, or files or threads do.
"""

import argparse
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.memory_sources import OnTime, pictures
from edgeclf.classifier import Classifier
from edgeclf.stream import (
    Decision,
    Event,
    JsonSink,
    LoopReport,
    Recovery,
    run_loop,
)

__all__ = ["main"]

_LOOKS = 200
_GROWTH_ALLOWED_KIB = 5000
_FAILS_AFTER = 5000


def main() -> None:
    """Run, print, and exit with 3 when something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    made = pictures()

    def open_camera() -> OnTime:
        return OnTime(made, fps=1000, fails_after=_FAILS_AFTER)

    watch = _Watch(frames=options.frames, seconds=60 * options.minutes)
    with (
        Classifier.open(options.bundle) as first,
        Classifier.open(options.bundle) as second,
        Path(os.devnull).open("w") as nowhere,
    ):

        def write(record: Mapping[str, Any]) -> None:
            print(record, file=nowhere)

        report = run_loop(
            open_camera(),
            first,
            beside=[second],
            sinks=[JsonSink(write), watch],
            frames=options.frames,
            duration_s=60 * options.minutes,
            recovery=Recovery(reopen=open_camera),
        )
    print(f"{report.counts}, lost {report.outages} times")
    sys.exit(watch.verdict())


@dataclass(frozen=True)
class _Look:
    """The process at one moment."""

    decisions: int
    rss_kib: int
    files: int
    threads: int


@dataclass
class _Watch:
    """A sink that looks at the process now and then."""

    frames: int
    seconds: float
    looks: list[_Look] = field(default_factory=list)
    decisions: int = 0
    _started_ns: int = field(default_factory=time.monotonic_ns)

    def decision(self, _: Decision) -> None:
        self.decisions += 1
        elapsed_s = (time.monotonic_ns() - self._started_ns) / 1e9
        done = max(self.decisions / self.frames, elapsed_s / self.seconds)
        if done * _LOOKS >= len(self.looks) + 1:
            self.looks.append(_look(self.decisions))

    def event(self, _: Event) -> None:
        """Only decisions are watched."""

    def report(self, _: LoopReport) -> None:
        """The caller has it."""

    def verdict(self) -> int:
        """Print what grew after the warm-up, and return the exit code."""
        looks = self.looks[len(self.looks) // 4 :]
        if len(looks) < 8:
            print("too short to say anything")
            return 4
        # Memory goes up and down a little; what counts is where it is in the end. So
        # with threads: there is one less between two cameras.
        first, last = looks[: len(looks) // 4], looks[-(len(looks) // 4) :]
        before, after = (max(each.rss_kib for each in part) for part in (first, last))
        files = {each.files for each in looks}
        threads = [max(each.threads for each in part) for part in (first, last)]
        print(
            f"{looks[0].decisions} to {looks[-1].decisions} decisions: RSS {before} to "
            f"{after} KiB ({after - before:+d}, allowed +{_GROWTH_ALLOWED_KIB}), open "
            f"files {sorted(files)}, threads {threads[0]} to {threads[1]}"
        )
        is_steady = len(files) == 1 and threads[1] <= threads[0]
        return 0 if is_steady and after - before <= _GROWTH_ALLOWED_KIB else 3


def _look(decisions: int) -> _Look:
    status = dict(
        line.split(":", 1)
        for line in Path("/proc/self/status").read_text().splitlines()
    )
    return _Look(
        decisions=decisions,
        rss_kib=int(status["VmRSS"].split()[0]),
        files=len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - five times faster
        threads=int(status["Threads"]),
    )


if __name__ == "__main__":
    main()

"""Whatever happens, the counts add up to what the source gave and the sinks got."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeclf.errors import BackendError, SourceError
from edgeclf.stream import Backoff, ChangeLimits, Recovery, Stop, run_loop
from edgeclf.testing import FakeClock
from edgeclf.types import Frame
from tests.live_sources import (
    Instant,
    Scripted,
    Step,
    Told,
    fail,
    give,
    give_after_gap,
    give_again,
    give_from_the_future,
    let_others_run,
)


def give_white(source: Scripted) -> Frame:
    return source.frame(pixels=np.full((4, 6, 3), 255, np.uint8))


def give_old(source: Scripted) -> Frame:
    return source.frame(captured_ns=1)


STEPS: tuple[Step, ...] = (
    *(give, give, give_white, give_old, give_after_gap),
    *(give_again, let_others_run, let_others_run, fail, give_from_the_future),
)


@dataclass
class Openings:
    """Opens one scripted source after the other; there are no more at some time."""

    scripts: list[list[Step]]
    clock: FakeClock
    live: bool
    opened: list[Scripted] = field(default_factory=list)

    def __call__(self) -> Scripted:
        if len(self.opened) == len(self.scripts):
            raise SourceError("no more")
        script = self.scripts[len(self.opened)]
        self.opened.append(Scripted(script, clock=self.clock, live=self.live))
        return self.opened[-1]


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    """Return scripts, and how to run them; every one ends, by ``max_outage_s`` if not
    sooner."""
    return {
        "scripts": draw(
            st.lists(
                st.lists(st.sampled_from(STEPS), max_size=30), min_size=1, max_size=3
            )
        ),
        "live": draw(st.booleans()),
        "recovers": draw(st.booleans()),
        "workers": draw(st.integers(1, 3)),
        "fails_at": draw(st.none() | st.integers(0, 40)),
        "stop_at": draw(st.none() | st.integers(0, 20)),
        "options": {
            "every_frame": draw(st.booleans()),
            "frames": draw(st.none() | st.integers(1, 30)),
            "max_age_ms": draw(st.none() | st.just(500.0)),
            "on_change": draw(st.none() | st.just(ChangeLimits())),
        },
    }


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(runs())
def test_every_frame_came_to_one_thing(run: dict[str, Any]) -> None:
    clock, stop = FakeClock(5_000_000_000), Stop()
    openings = Openings(run["scripts"], clock, run["live"])
    told = Told(
        on_decision=lambda each: (
            stop.request() if each.frame.sequence == run["stop_at"] else None
        )
    )
    classifiers = [
        Instant(clock, fails_at=run["fails_at"]) for _ in range(run["workers"])
    ]

    def reopen() -> Scripted:
        clock.advance(1_000_000_000)
        return openings()

    with suppress(SourceError, BackendError):
        run_loop(
            openings(),
            classifiers[0],
            beside=classifiers[1:],
            sinks=[told],
            recovery=Recovery(
                reopen=reopen,
                stall_s=1e6,
                start_s=1e6,
                max_outage_s=3,
                backoff=Backoff(share=lambda: 0.0),
            )
            if run["recovers"]
            else None,
            stop=stop,
            clock=clock,
            **run["options"],
        )

    (report,) = told.reports
    counts, sources = report.counts, openings.opened
    assert counts.captured == (
        counts.decided
        + counts.dropped
        + counts.duplicated
        + counts.unchanged
        + counts.late
        + counts.left
    )
    # A read that was under way at the end may bring one more, too late to count.
    handed = sum(len(each.handed) - each.impossible for each in sources)
    assert counts.captured <= handed <= counts.captured + 1
    numbered = sum(each.next_sequence - each.impossible for each in sources)
    repeated = sum(each.repeated for each in sources)
    if handed == counts.captured:
        assert counts.captured + counts.skipped == numbered + repeated
    assert counts.left <= 4 + 1 + 2 * run["workers"]  # queue, door, workers

    # Nothing is told twice, out of order, or invented.
    assert counts.decided == len(told.sequences)
    assert told.sequences == sorted(set(told.sequences))
    given_ = {id(frame.pixels) for each in sources for frame in each.handed}
    shown = [id(each.frame.pixels) for each in told.decisions]
    assert len(set(shown)) == len(shown)
    assert given_.issuperset(shown)
    phases = [each.phase for each in told.events]
    assert phases == ["start", "end"] * report.outages

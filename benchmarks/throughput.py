"""Frames a second: the loop with several workers, bare interpreters, single ones."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import cycle
from typing import Any

from benchmarks.figures import Figure
from benchmarks.intervals import Estimate, median_ratio
from benchmarks.memory_sources import InMemory
from edgeclf.classifier import Classifier
from edgeclf.stream import (
    Candidate,
    FrameClassifier,
    Stop,
    candidates_for,
    chosen_workers,
    run_loop,
    sample_frames,
)
from edgeclf.stream.choice import cores_at_hand
from edgeclf.types import Model, Uint8Image

__all__ = ["throughput"]

_BARE_THREADS = 2
_AUTO, _BARE, _ENGINES = "auto", "bare", "engines alone"

Side = Callable[[float], float]
"""Runs for some seconds, and returns frames a second."""


def throughput(
    name: str, model: Model, made: list[Uint8Image], *, rounds: int, turn_s: float
) -> tuple[list[Figure], Estimate, str]:
    """Compare the loop with what the machine gives, and with its best single engine.

    Args:
        name: Of the model.
        model: What decides.
        made: Frames.
        rounds: Turns of every side.
        turn_s: Seconds of a turn.

    Returns:
        The figures, the ratio to the best single engine, and a note.
    """

    def open_classifier(threads: int) -> Classifier:
        return Classifier(model, threads=threads)

    with ExitStack() as opened:
        probe = opened.enter_context(open_classifier(1))
        frames = sample_frames(InMemory(made), probe, stop=Stop())
        candidates = candidates_for(cores_at_hand())
        choice, chosen = opened.enter_context(
            chosen_workers(open_classifier, frames, candidates, stop=Stop())
        )
        singles = {
            each: opened.enter_context(open_classifier(each.threads))
            for each in candidates
            if each.workers == 1
        }
        bare = [opened.enter_context(open_classifier(1)) for _ in range(_BARE_THREADS)]
        for each in bare:
            each.classify(made[0])  # what a camera sees takes longer than all zeros
        sides: dict[str, Side] = {
            _AUTO: partial(_loop, chosen, made),
            _BARE: partial(_at_once, [_bare_round(each, made) for each in bare]),
            _ENGINES: partial(_at_once, [_invoke(each) for each in bare]),
            **{
                str(each): partial(_loop, [classifier], made)
                for each, classifier in singles.items()
            },
        }
        rates = _in_turns(sides, rounds, turn_s)
    return _judged(name, rates, singles, note=f"{name}: workers {choice}")


def _judged(
    name: str,
    rates: Mapping[str, Sequence[float]],
    singles: Mapping[Candidate, Any],
    *,
    note: str,
) -> tuple[list[Figure], Estimate, str]:
    best = max((str(each) for each in singles), key=lambda each: _median(rates[each]))
    to_bare = median_ratio(rates[_AUTO], rates[_BARE])
    to_engines = median_ratio(rates[_AUTO], rates[_ENGINES])
    to_single = median_ratio(rates[_AUTO], rates[best])
    figures = [
        Figure(
            name=f"{name}: frames a second, `--workers auto` ({_shown(rates[_AUTO])}) ÷ "
            f"{_BARE_THREADS} bare rounds in {_BARE_THREADS} threads "
            f"({_shown(rates[_BARE])})",
            measured=to_bare.text(),
            bar="≥ 0.95",
            holds=to_bare.value >= 0.95,
        ),
        Figure(
            name=f"{name}: same ÷ {_BARE_THREADS} engines that invoke and do nothing "
            f"else ({_shown(rates[_ENGINES])})",
            measured=to_engines.text(),
        ),
        Figure(
            name=f"{name}: same ÷ the loop with its best single engine, {best} threads "
            f"({_shown(rates[best])})",
            measured=to_single.text(),
            bar="≥ 1.0",
            holds=to_single.high >= 1.0,
        ),
    ]
    return figures, to_single, note


def _in_turns(
    sides: Mapping[str, Side], rounds: int, turn_s: float
) -> dict[str, list[float]]:
    """Return frames a second of each side; who is first changes."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(rounds + 1):
        start = number % len(names)
        for name in (*names[start:], *names[:start]):
            rate = sides[name](turn_s)
            if number:  # the first round warms up
                rates[name].append(rate)
    return rates


def _loop(
    classifiers: Sequence[FrameClassifier], made: list[Uint8Image], turn_s: float
) -> float:
    first, *beside = classifiers
    report = run_loop(InMemory(made), first, beside=beside, duration_s=turn_s)
    return report.decisions_per_s


def _bare_round(classifier: Classifier, made: list[Uint8Image]) -> Callable[[], None]:
    ring = cycle(made)
    resize = classifier.preprocessor.resize_alone
    invoke = _invoke(classifier)

    def bare() -> None:
        resize(next(ring))
        invoke()

    return bare


def _invoke(classifier: Classifier) -> Callable[[], Any]:
    """Return the engine's own invoke, without its adapter."""
    invoke: Callable[[], Any] = classifier.backend._interpreter.invoke  # type: ignore[attr-defined]  # noqa: SLF001
    return invoke


def _at_once(calls: Sequence[Callable[[], Any]], turn_s: float) -> float:
    """Return how many calls a second are made, each kind in a thread of its own."""
    made = [0] * len(calls)
    started_ns = time.monotonic_ns()
    ends_ns = started_ns + round(turn_s * 1e9)

    def work(number: int) -> None:
        call = calls[number]
        while time.monotonic_ns() < ends_ns:
            call()
            made[number] += 1

    threads = [
        threading.Thread(target=work, args=(number,)) for number in range(len(calls))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(made) * 1e9 / (time.monotonic_ns() - started_ns)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _shown(values: Sequence[float]) -> str:
    return f"{_median(values):.1f}"

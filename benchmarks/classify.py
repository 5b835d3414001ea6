"""What edgeclf costs beside a plain loop, in ratios measured in one run.

    python benchmarks/classify.py demo/efficientnet_lite0-int8-tflite.edgeclf

prints a table and writes it to ``benchmarks/results/classify.md``. One thread, frames
of 640x480, everything interleaved; medians, with 95 % intervals from the bootstrap.

What is our own is what ``classify`` takes beyond a bare round: ``resize_alone`` and the
engine's own invoke, nothing else. Both rounds come right after an invoke, so the resize
runs with caches that are as cold as in ``classify``. With it goes its preparation (the
look-up of the plan, the crop's view), some 20 µs more than OpenCV's call alone.
"""

import compileall
import datetime as dt
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

from benchmarks.intervals import (
    Estimate,
    difference_over,
    median_difference,
    median_ratio,
)
from benchmarks.plain_loop import PlainLoop
from edgeclf.bundle import read_bundle
from edgeclf.classifier import Classifier
from edgeclf.preprocess.geometry import plan_resize
from edgeclf.types import CropSpec, Frame, Model, PreprocessSpec, ResizeSpec, Uint8Image

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "classify.md"
FRAME_SIZE = (480, 640)
ROUNDS = 400
WARM_UP = 20
STARTS = 31
FRAMES_FOR_MEMORY = 30


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    figure: str
    measured: str
    bar: str
    holds: bool


def main() -> None:
    """Measure, print, write, and exit with 3 when a bar is missed."""
    path = Path(sys.argv[1])
    model = read_bundle(path).model
    compileall.compile_dir(HERE.parent / "edgeclf", quiet=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _unpack(path, model, folder)
        rows = [
            _beside_the_plain_loop(model, folder),
            *_own_share(model),
            *_new_processes(folder),
            *_imports(),
        ]
    table = _table(path, model, rows)
    print(table)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(table)
    sys.exit(0 if all(row.holds for row in rows) else 3)


def _frames() -> list[Uint8Image]:
    """Return more pictures than fit into the caches, smooth with some noise."""
    random = np.random.default_rng(7)
    down, across = np.mgrid[: FRAME_SIZE[0], : FRAME_SIZE[1]]
    frames = []
    for index in range(16):
        waves = [
            np.sin(down / (20 + index) + shift) + np.cos(across / (31 - index))
            for shift in range(3)
        ]
        smooth = np.stack(waves, axis=-1) * 55 + 127
        noisy = smooth + random.normal(0, 8, smooth.shape)
        frames.append(np.clip(noisy, 0, 255).astype(np.uint8))
    return frames


def _unpack(path: Path, model: Model, folder: Path) -> None:
    """Write what the plain loop needs: the model, its labels, and its settings."""
    plan = plan_resize(FRAME_SIZE, model.spec.preprocess)
    window = plan.source
    if plan.scaled != model.spec.preprocess.size:
        sys.exit(f"the plain loop has no resize like that of {path}")
    settings = {
        "crop": [window.top, window.left, window.height, window.width],
        "size": model.spec.preprocess.size,
        "half_pixel": model.spec.preprocess.resize.half_pixel,
    }
    (folder / "plain.json").write_text(json.dumps(settings))
    (folder / "model.tflite").write_bytes(model.data)
    (folder / "labels.txt").write_text("\n".join(model.labels))
    (folder / "model.edgeclf").write_bytes(path.read_bytes())
    np.save(folder / "frame.npy", _frames()[0])


def _beside_the_plain_loop(model: Model, folder: Path) -> Row:
    plain = PlainLoop(folder)
    classifier = Classifier(model, engine="litert")
    frames = [
        Frame(pixels=each, captured_ns=0, timestamp_origin="arrival", sequence=0)
        for each in _frames()
    ]
    swapped = [np.ascontiguousarray(each.pixels[..., ::-1]) for each in frames]
    _require_same_pixels(classifier, plain, frames, swapped)
    ours, theirs = _interleaved(
        _over(classifier.classify, frames), _over(plain, swapped), rounds=2 * ROUNDS
    )
    ratio = median_ratio(ours, theirs)
    return Row(
        figure=f"`Classifier.classify` ({_ms(ours)} ms) ÷ plain loop ({_ms(theirs)} ms)",
        measured=ratio.text(),
        bar="≤ 1.02, upper end ≤ 1.05",
        holds=ratio.value <= 1.02 and ratio.high <= 1.05,
    )


def _require_same_pixels(
    classifier: Classifier,
    plain: PlainLoop,
    frames: list[Frame],
    swapped: list[Uint8Image],
) -> None:
    """See to it that both loops feed the same; labels may differ where scores tie."""
    for frame, bgr in zip(frames, swapped, strict=True):
        ours = classifier.preprocessor.resized(frame.pixels)
        apart = np.abs(ours.astype(int) - plain.resize(bgr)[..., ::-1]).max()
        if apart > 1:
            sys.exit(f"the two loops feed other pixels: {apart} steps apart")


def _own_share(model: Model) -> Iterator[Row]:
    """Yield, for several specs, what is neither the engine nor the resize kernel."""
    for name, preprocess in _variants(model.spec.preprocess):
        changed = replace(model, spec=replace(model.spec, preprocess=preprocess))
        with Classifier(changed, engine="litert") as classifier:
            share, kernel = _share(classifier)
        yield Row(
            figure=f"(classify - invoke - resize kernel) ÷ invoke: {name} ({kernel})",
            measured=share.text(),
            bar="≤ 0.03",
            holds=share.value <= 0.03,
        )


def _variants(own: PreprocessSpec) -> Iterator[tuple[str, PreprocessSpec]]:
    size = own.size
    everything = CropSpec()
    yield "the bundle's own", own
    yield (
        "bilinear",
        replace(own, crop=everything, resize=ResizeSpec(size=size)),
    )
    yield (
        "bilinear, antialiased",
        replace(own, crop=everything, resize=ResizeSpec(size=size, antialias=True)),
    )
    yield (
        "letterbox",
        replace(own, crop=everything, resize=ResizeSpec(size=size, mode="letterbox")),
    )
    yield "BGR", replace(own, colour_order="bgr")
    yield (
        "mean and std a channel",
        replace(own, mean=(123.7, 116.3, 103.5), std=(58.4, 57.1, 57.4)),
    )
    yield (
        "mean and std a channel, BGR",
        replace(
            own,
            mean=(103.5, 116.3, 123.7),
            std=(57.4, 57.1, 58.4),
            colour_order="bgr",
        ),
    )


def _share(classifier: Classifier) -> tuple[Estimate, str]:
    frames = _frames()
    preprocessor = classifier.preprocessor
    # The engine without its adapter: what no program can do without.
    invoke: Callable[[], Any] = classifier.backend._interpreter.invoke  # type: ignore[attr-defined]  # noqa: SLF001
    invoked: list[int] = []

    def bare(frame: Uint8Image) -> None:
        preprocessor.resize_alone(frame)
        started = perf_counter_ns()
        invoke()
        invoked.append(perf_counter_ns() - started)

    ours, theirs = _interleaved(
        _over(classifier.classify, frames), _over(bare, frames), rounds=ROUNDS
    )
    return difference_over(ours, theirs, invoked[WARM_UP:]), preprocessor.kernel


def _over(call: Callable[[Any], Any], frames: list[Any]) -> Callable[[], Any]:
    ring = cycle(frames)
    return lambda: call(next(ring))


def _interleaved(
    ours: Callable[[], Any], theirs: Callable[[], Any], *, rounds: int
) -> tuple[list[int], list[int]]:
    """Return nanoseconds of each, measured in turns; who is first changes."""
    taken: dict[Any, list[int]] = {ours: [], theirs: []}
    for index in range(WARM_UP + rounds):
        for call in (ours, theirs) if index % 2 else (theirs, ours):
            started = perf_counter_ns()
            call()
            taken[call].append(perf_counter_ns() - started)
    return taken[ours][WARM_UP:], taken[theirs][WARM_UP:]


def _new_processes(folder: Path) -> Iterator[Row]:
    starts: dict[str, list[int]] = {"edgeclf": [], "plain": []}
    peaks: dict[str, list[int]] = {"edgeclf": [], "plain": []}
    for _ in range(STARTS + 1):
        for name, taken in starts.items():
            started_ns, peak_kib = _start(name, folder)
            taken.append(started_ns)
            peaks[name].append(peak_kib)
    ours, theirs = starts["edgeclf"][1:], starts["plain"][1:]
    cold = median_ratio(ours, theirs)
    yield Row(
        figure=f"cold start to first label ({_ms(ours, 0)} ms) ÷ plain ({_ms(theirs, 0)} ms)",
        measured=cold.text(),
        bar="≤ 1.25",
        holds=cold.value <= 1.25,
    )
    memory = median_ratio(peaks["edgeclf"], peaks["plain"])
    mib = {name: np.median(peak) / 1024 for name, peak in peaks.items()}
    yield Row(
        figure=f"peak RSS ({mib['edgeclf']:.0f} MiB) ÷ plain ({mib['plain']:.0f} MiB)",
        measured=memory.text(),
        bar="≤ 1.25",
        holds=memory.value <= 1.25,
    )


def _start(name: str, folder: Path) -> tuple[int, int]:
    """Return nanoseconds from a new process to its first label, and its peak KiB."""
    command = [sys.executable, str(HERE / f"{name}_loop.py"), str(folder)]
    started = perf_counter_ns()
    with subprocess.Popen(  # noqa: S603 - our own programs
        [*command, str(FRAMES_FOR_MEMORY)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=_as_installed(),
    ) as process:
        assert process.stdout is not None  # noqa: S101 - a pipe was asked for
        label = process.stdout.readline()
        first_ns = perf_counter_ns() - started
        peak = process.stdout.readline()
    if process.returncode or not label.strip():
        sys.exit(f"{name}_loop.py failed: run it by hand to see why")
    return first_ns, int(peak)


def _imports() -> Iterator[Row]:
    for code, bar in (("edgeclf", 60.0), ("edgeclf.classifier", None)):
        ours: list[int] = []
        theirs: list[int] = []
        for _ in range(STARTS + 1):
            ours.append(_run_ns(f"import numpy, {code}"))
            theirs.append(_run_ns("import numpy"))
        beyond = median_difference(ours[1:], theirs[1:])
        in_ms = Estimate(beyond.value / 1e6, beyond.low / 1e6, beyond.high / 1e6)
        yield Row(
            figure=f"`import {code}` beyond `import numpy`, ms",
            measured=in_ms.text(1),
            bar="none" if bar is None else f"≤ {bar:.0f}",
            holds=bar is None or in_ms.value <= bar,
        )


def _run_ns(code: str) -> int:
    started = perf_counter_ns()
    subprocess.run(  # noqa: S603 - our code
        [sys.executable, "-c", code], check=True, env=_as_installed()
    )
    return perf_counter_ns() - started


def _as_installed() -> dict[str, str]:
    """Return an environment in which Python uses bytecode, as after an install."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "PYTHONDONTWRITEBYTECODE"
    }


def _ms(samples: list[int], digits: int = 2) -> str:
    return f"{np.median(samples) / 1e6:.{digits}f}"


def _table(path: Path, model: Model, rows: list[Row]) -> str:
    packages = ("numpy", "ai-edge-litert", "opencv-python-headless", "pillow")
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in packages
    )
    today = dt.datetime.now(dt.timezone.utc).date()  # noqa: TID251 - for people
    lines = [
        "# classify, beside a plain loop",
        "",
        (
            f"{today}, {platform.machine()}, {_processor()}, Python "
            f"{platform.python_version()}, {versions}; `{path.name}` "
            f"({model.digest[:12]}), frames of 640x480, one thread. Medians with 95 % "
            "intervals (bootstrap), interleaved in one run. The frames of the plain loop "
            "are BGR, as OpenCV gives them, and it swaps them; edgeclf's frames are RGB."
        ),
        "",
        "| figure | measured | bar | |",
        "|---|---|---|---|",
        *(
            f"| {row.figure} | {row.measured} | {row.bar} | {'' if row.holds else 'MISSED'} |"
            for row in rows
        ),
        "",
    ]
    return "\n".join(lines)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("model name", "Model")):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"


if __name__ == "__main__":
    main()

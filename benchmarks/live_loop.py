"""What the live loop gets out of a machine, in ratios measured in one run.

    python -m benchmarks.live_loop demo/efficientnet_lite0-int8-tflite.edgeclf

prints a table and writes it to ``benchmarks/results/live_loop.md``. Exits with 3 when a
bar is missed. ``--only PART`` measures one part and keeps the others as they were;
``--turn``, ``--rounds``, ``--frames``, ``--minutes``, ``--times`` and ``--seconds`` make
it shorter.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.ending import ending
from benchmarks.figures import Figure, is_reached, kept_parts, page, write_part
from benchmarks.freshness import at_camera_pace, far_too_fast
from benchmarks.intervals import Estimate
from benchmarks.memory_sources import pictures
from benchmarks.page_cost import page_cost
from benchmarks.reconnect import reconnect
from benchmarks.speed_models import speed_models
from benchmarks.throughput import throughput
from edgeclf.bundle import read_bundle
from edgeclf.stream.choice import cores_at_hand
from edgeclf.types import Model, Uint8Image

__all__ = ["main"]

PARTS = ("workers", "age", "backlog", "reconnect", "ending", "page")
RESULTS = Path(__file__).parent / "results" / "live_loop.md"
KEPT = RESULTS.with_suffix("")
MODELS = Path(".cache/live_loop")

_ABOUT = """\
Made by `python -m benchmarks.live_loop`. Frames of 640x480, in memory. All sides of a
ratio take turns in one run; medians, with 95 % intervals from the bootstrap. A *bare
round* is what no program can do without: the resize kernel alone and the engine's own
invoke, with a frame in and no label out. The loop's frames go the whole way: counted,
classified, timed, put into order.
"""

_LITE0 = "EfficientNet-Lite0 int8."


def main() -> None:
    """Measure, print, write, and exit with 3 when a bar is missed."""
    options = _options()
    lite0 = read_bundle(options.bundle).model
    made = pictures()
    for name in options.only or PARTS:
        print(f"{name} ...", file=sys.stderr)
        figures, text = _measured(name, lite0, made, options)
        write_part(options.parts, name, figures, text)
    parts = list(kept_parts(options.parts, PARTS))
    text = page("The live loop", _ABOUT, parts)
    print(text)
    if options.parts == KEPT:
        RESULTS.write_text(text)
    sys.exit(0 if all(is_reached(part) for part in parts) else 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part")
    parser.add_argument("--turn", type=float, default=1.0, help="seconds of a turn")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each side")
    parser.add_argument("--frames", type=int, default=1500, help="at camera pace")
    parser.add_argument("--minutes", type=float, default=10.0, help="far too fast")
    parser.add_argument("--times", type=int, default=10, help="of an outage, an end")
    parser.add_argument("--seconds", type=float, default=60.0, help="with a viewer")
    parser.add_argument(
        "--parts", type=Path, default=KEPT, help="folder that keeps what parts found"
    )
    return parser.parse_args()


def _measured(
    name: str, lite0: Model, made: list[Uint8Image], options: argparse.Namespace
) -> tuple[Sequence[Figure], str]:
    """Measure one part; return its figures, and what else there is to say."""
    if name == "workers":
        return _workers({"EfficientNet-Lite0 int8": lite0, **_others()}, made, options)
    if name == "age":
        return at_camera_pace(lite0, made, frames=options.frames), _LITE0
    if name == "backlog":
        return far_too_fast(lite0, made, minutes=options.minutes), _LITE0
    if name == "reconnect":
        return reconnect(lite0, made[0], times=options.times), _LITE0
    if name == "ending":
        return ending(options.bundle, times=options.times), _LITE0
    return page_cost(lite0, made, seconds=options.seconds), _LITE0


def _others() -> dict[str, Model]:
    made = speed_models(MODELS)
    return {
        "MobileNetV2 int8": made["mobilenetv2-int8"],
        "MobileNetV2 fp32": made["mobilenetv2-fp32"],
    }


def _workers(
    models: dict[str, Model], made: list[Uint8Image], options: argparse.Namespace
) -> tuple[Sequence[Figure], str]:
    found = [
        throughput(name, model, made, rounds=options.rounds, turn_s=options.turn)
        for name, model in models.items()
    ]
    figures = [figure for figures, _, _ in found for figure in figures]
    notes = [f"{cores_at_hand()} cores.", "", *(f"* {note}" for _, _, note in found)]
    gains = [gain for _, gain, _ in found]
    return (*figures, *_median_gain(gains)), "\n".join(notes)


def _median_gain(gains: Sequence[Estimate]) -> Iterator[Figure]:
    median = float(np.median([each.value for each in gains]))
    yield Figure(
        name="`--workers auto` ÷ the best single engine, median over the models",
        measured=f"{median:.3f}",
        bar="≥ 1.15",
        holds=median >= 1.15,
    )


if __name__ == "__main__":
    main()

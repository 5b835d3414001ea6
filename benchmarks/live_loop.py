"""What the live loop gets out of a machine, in ratios measured in one run.

    python -m benchmarks.live_loop demo/efficientnet_lite0-int8-tflite.edgeclf

prints a table and writes it to ``benchmarks/results/live_loop.md``. Exits with 3 when a
bar is missed. ``--turn``, ``--rounds``, ``--frames`` and ``--minutes`` make it shorter;
``--dry`` writes nothing.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Part, here, is_reached, page
from benchmarks.freshness import at_camera_pace, far_too_fast
from benchmarks.intervals import Estimate
from benchmarks.memory_sources import pictures
from benchmarks.speed_models import speed_models
from benchmarks.throughput import throughput
from edgeclf.bundle import read_bundle
from edgeclf.stream.choice import cores_at_hand
from edgeclf.types import Model

__all__ = ["main"]

RESULTS = Path(__file__).parent / "results" / "live_loop.md"
MODELS = Path(".cache/live_loop")

_ABOUT = """\
Made by `python -m benchmarks.live_loop`. Frames of 640x480, in memory. All sides of a
ratio take turns in one run; medians, with 95 % intervals from the bootstrap. A *bare
round* is what no program can do without: the resize kernel alone and the engine's own
invoke, with a frame in and no label out. The loop's frames go the whole way: counted,
classified, timed, put into order.
"""


def main() -> None:
    """Measure, print, write, and exit with 3 when a bar is missed."""
    options = _options()
    lite0 = read_bundle(options.bundle).model
    made = pictures()
    parts = [
        _throughput({"EfficientNet-Lite0 int8": lite0, **_others()}, made, options),
        Part(
            name="Freshness",
            measured=here(),
            figures=(
                *at_camera_pace(lite0, made, frames=options.frames),
                *far_too_fast(lite0, made, minutes=options.minutes),
            ),
            text="EfficientNet-Lite0 int8.",
        ),
    ]
    text = page("The live loop", _ABOUT, parts)
    print(text)
    if not options.dry:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(text)
    sys.exit(0 if all(is_reached(part) for part in parts) else 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--turn", type=float, default=1.0, help="seconds of a turn")
    parser.add_argument("--rounds", type=int, default=20, help="turns of each side")
    parser.add_argument("--frames", type=int, default=1500, help="at camera pace")
    parser.add_argument("--minutes", type=float, default=10.0, help="far too fast")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    return parser.parse_args()


def _others() -> dict[str, Model]:
    made = speed_models(MODELS)
    return {
        "MobileNetV2 int8": made["mobilenetv2-int8"],
        "MobileNetV2 fp32": made["mobilenetv2-fp32"],
    }


def _throughput(
    models: dict[str, Model],
    made: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]],
    options: argparse.Namespace,
) -> Part:
    found = [
        throughput(name, model, made, rounds=options.rounds, turn_s=options.turn)
        for name, model in models.items()
    ]
    figures = [figure for figures, _, _ in found for figure in figures]
    return Part(
        name="Frames a second",
        measured=f"{here()}, {cores_at_hand()} cores",
        figures=(*figures, *_median_gain([gain for _, gain, _ in found])),
        text="\n".join(f"* {note}" for _, _, note in found),
    )


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

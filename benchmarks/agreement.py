"""How often int8 decides as fp32 does, on photos that calibration did not see.

The photos are split in two: calibrate on one half, compare on the other, then swap.

    python benchmarks/agreement.py [--photos DIR] [--source NAME] [--json]

prints a table and writes it to ``benchmarks/results/agreement.md``. Exits with 3 when the TFLite agreement is under the bar in either direction.
"""

import argparse
import datetime as dt
import json
import platform
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, get_args

from converters.photos import PhotoSet
from converters.pipeline import ConversionRequest, ConversionResult, convert
from converters.recipe import Target

BAR = 0.96
"""Of TFLite's agreement, in each direction."""

PHOTOS = Path("../shared/data/photos")
RESULTS = Path(__file__).parent / "results" / "agreement.md"


def main() -> None:
    """Convert four times, print a table, and say whether the bar was reached."""
    options = _options()
    if not options.photos.is_dir():
        sys.exit(f"{options.photos}: no such folder; give --photos DIR")
    with tempfile.TemporaryDirectory(prefix="edgeclf-agreement-") as folder:
        halves = _halves(options.photos, Path(folder))
        rows = list(_measure(options.source, halves, Path(folder)))
    worst = min(row["agreement"] for row in rows if row["target"] == "tflite")
    verdict = f"TFLite agrees on at least {worst:.1%}; the bar is {BAR:.0%}."
    if options.json:
        print(json.dumps({"source": options.source, "rows": rows}, indent=2))
    else:
        text = f"{_table(options.source, rows)}\n{verdict}\n"
        RESULTS.write_text(text)
        print(text)
    sys.exit(0 if worst >= BAR else 3)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--source", default="efficientnet-lite0")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _halves(photos: Path, folder: Path) -> tuple[Path, Path]:
    """Return two folders of links to every other photo, with their labels."""
    found = PhotoSet.scan(photos).photos
    halves = folder / "first", folder / "second"
    for number, half in enumerate(halves):
        half.mkdir()
        for photo in found[number::2]:
            (half / photo.path.name).symlink_to(photo.path.resolve())
    return halves


def _measure(
    source: str, halves: tuple[Path, Path], folder: Path
) -> Iterator[dict[str, Any]]:
    for target in get_args(Target):
        for seen, unseen in (halves, halves[::-1]):
            request = ConversionRequest(
                source=source,
                output=folder / f"{target}.edgeclf",
                target=target,
                precision="int8",
                calibrate=seen,
                evaluate=unseen,
                accept_undecided=True,
            )
            yield _row(target, seen.name, unseen.name, convert(request))


def _row(
    target: str, seen: str, unseen: str, result: ConversionResult
) -> dict[str, Any]:
    manifest = result.bundle.manifest
    agreement = manifest.quality.agreement
    assert agreement is not None, "photos were given"  # noqa: S101 - for the type
    return {
        "target": target,
        "calibrated_on": seen,
        "compared_on": unseen,
        "photos": agreement.n,
        "agreement": agreement.value,
        "low": agreement.low,
        "high": agreement.high,
        "model_mb": len(result.bundle.model_bytes) / 1e6,
        "seconds": result.seconds,
        "engine": manifest.golden.kernels.engine,
    }


def _table(source: str, rows: list[dict[str, Any]]) -> str:
    today = dt.datetime.now(tz=dt.timezone.utc).date()  # noqa: TID251 - for people
    versions = ", ".join(
        f"{name} {metadata.version(name)}"
        for name in ("tensorflow", "keras", "tf2onnx", "onnxruntime", "ai-edge-litert")
    )
    lines = [
        f"# {source}, int8 against fp32: agreement of top-1",
        "",
        (
            f"{today}, {platform.machine()}, {versions}. Made by "
            "`python benchmarks/agreement.py`: every other photo calibrates, the rest "
            "judge, then the other way round. 95 % intervals are Wilson's."
        ),
        "",
        "| target | calibrated on | judged on | agreement | 95 % interval | MB | s |",
        "|---|---|---|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {row['target']} | {row['calibrated_on']} half | {row['photos']} photos, "
        f"{row['compared_on']} half | {row['agreement']:.1%} | {row['low']:.1%} to "
        f"{row['high']:.1%} | {row['model_mb']:.2f} | {row['seconds']:.0f} |"
        for row in rows
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    main()

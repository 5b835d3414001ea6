"""What compression loses and gains, beside the tools that do the same.

    python -m benchmarks.compression [--only PART] [--photos DIR] [--data DIR]

measures the parts, keeps what each found in ``benchmarks/results/compression`` and writes all of
them to ``benchmarks/results/compression.md``. Exits with 3 when a bar is missed. Needs
photos with labels, Fashion-MNIST (``benchmarks/fashion_mnist.py`` says how to get it)
and litert-quantizer in its own environment:

    python -m venv .envs/litert-quantizer
    .envs/litert-quantizer/bin/pip install litert-quantizer==0.11.0
"""

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.figures import Part, is_reached, kept_parts, page, write_part
from benchmarks.peers import LITERT_QUANTIZER

__all__ = ["PARTS", "main"]

RESULTS = Path(__file__).parent / "results" / "compression.md"
KEPT = Path(__file__).parent / "results" / "compression"
PHOTOS = Path("../shared/data/photos")

_ABOUT = """\
Made by `python -m benchmarks.compression`. Every tool gets the same trained Keras model
without its last softmax and the same 300 calibration photos or fewer; none sees the
photos it is judged on. A *flip* is a picture whose top-1 is not the float model's.
Intervals are of 95 %, from the bootstrap, drawn by photo. Times are of one invoke on one
thread, all files of a table interleaved, on this machine: ratios say more than they do.
edgeclf's seconds hold the search for settings and the verification; the others' do not.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the parts measure on.

    Attributes:
        photos: Folder of photos with labels.
        fashion_mnist: Folder of the data; ``None`` looks where packages put it.
    """

    photos: Path
    fashion_mnist: Path | None


def _lite0(target: str) -> Callable[[Inputs], Part]:
    def measure(inputs: Inputs) -> Part:
        from benchmarks.lite0 import against_plain  # noqa: PLC0415 - TensorFlow

        return write_part(
            KEPT, f"lite0-{target}", *against_plain(inputs.photos, target)
        )

    return measure


def _lite0_sabotage(inputs: Inputs) -> Part:
    from benchmarks.lite0 import sabotaged  # noqa: PLC0415 - TensorFlow

    return write_part(KEPT, "lite0-sabotage", *sabotaged(inputs.photos))


def _lite0_pruned(inputs: Inputs) -> Part:
    from benchmarks.lite0 import pruned  # noqa: PLC0415 - TensorFlow

    return write_part(KEPT, "lite0-pruned", *pruned(inputs.photos))


def _fashion(name: str) -> Callable[[Inputs], Part]:
    def measure(inputs: Inputs) -> Part:
        from benchmarks.fashion import quantized  # noqa: PLC0415 - TensorFlow

        return write_part(KEPT, name, *quantized(name, inputs.fashion_mnist))

    return measure


def _fashion_sabotage(inputs: Inputs) -> Part:
    from benchmarks.fashion import sabotaged  # noqa: PLC0415 - TensorFlow

    found = sabotaged("mobilenetv2", inputs.fashion_mnist)
    return write_part(KEPT, "mobilenetv2-sabotage", *found)


def _fashion_pruned(inputs: Inputs) -> Part:
    from benchmarks.fashion import pruned  # noqa: PLC0415 - TensorFlow

    found = pruned("mobilenetv2", inputs.fashion_mnist)
    return write_part(KEPT, "mobilenetv2-pruned", *found)


PARTS: Mapping[str, Callable[[Inputs], Part]] = {
    "lite0-tflite": _lite0("tflite"),
    "lite0-onnx": _lite0("onnx"),
    "lite0-sabotage": _lite0_sabotage,
    "lite0-pruned": _lite0_pruned,
    "mobilenetv2": _fashion("mobilenetv2"),
    "mobilenetv3-small": _fashion("mobilenetv3-small"),
    "mobilenetv2-sabotage": _fashion_sabotage,
    "mobilenetv2-pruned": _fashion_pruned,
}


def main() -> None:
    """Measure, write the page, and say whether every bar was reached."""
    options = _options()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    inputs = Inputs(photos=options.photos, fashion_mnist=options.data)
    measured = [_measured(name, inputs) for name in options.only or PARTS]
    text = page("Compression", _ABOUT, list(kept_parts(KEPT, list(PARTS))))
    RESULTS.write_text(text)
    print(text)
    sys.exit(0 if all(is_reached(part) for part in measured) else 3)


def _measured(name: str, inputs: Inputs) -> Part:
    print(f"{name} …", file=sys.stderr, flush=True)
    return PARTS[name](inputs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=list(PARTS))
    parser.add_argument("--photos", type=Path, default=PHOTOS)
    parser.add_argument("--data", type=Path, help="Fashion-MNIST's folder")
    options = parser.parse_args()
    if not options.photos.is_dir():
        sys.exit(f"{options.photos}: no such folder; give --photos DIR")
    if not (LITERT_QUANTIZER / "bin/python").exists():
        sys.exit(
            f"{LITERT_QUANTIZER}: not there; python -m venv {LITERT_QUANTIZER} && "
            f"{LITERT_QUANTIZER}/bin/pip install litert-quantizer==0.11.0"
        )
    return options


if __name__ == "__main__":
    main()

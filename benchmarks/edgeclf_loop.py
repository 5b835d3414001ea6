"""The same as ``plain_loop.py`` with edgeclf: ``edgeclf_loop.py FOLDER FRAMES``."""

import sys
from pathlib import Path

import numpy as np

from edgeclf import Classifier


def peak_kib() -> int:
    """Return the largest memory so far; ru_maxrss would start at the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("no VmHWM in /proc/self/status")


def main() -> None:
    """Print the first label and, after some frames, the peak memory in KiB."""
    folder = Path(sys.argv[1])
    classifier = Classifier.open(folder / "model.edgeclf")
    frame = np.load(folder / "frame.npy")
    print(classifier.classify(frame).best.label, flush=True)
    for _ in range(int(sys.argv[2]) - 1):
        classifier.classify(frame)
    print(peak_kib())


if __name__ == "__main__":
    main()

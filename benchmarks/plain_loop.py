"""The loop that people write by hand: resize, swap, set_tensor, invoke, top five.

It is the yardstick, so it is as short and fast as it can be, for one model and one
size of frame. As a program: ``plain_loop.py FOLDER FRAMES`` prints the first label and
the peak memory in KiB.
"""

import json
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from ai_edge_litert.interpreter import Interpreter


class PlainLoop:
    """Everything that is the same for each frame, worked out before."""

    def __init__(self, folder: Path) -> None:
        settings = json.loads((folder / "plain.json").read_text())
        self.labels = (folder / "labels.txt").read_text().splitlines()
        self.top, self.left, self.height, self.width = settings["crop"]
        self.out_height, self.out_width = settings["size"]
        self.half_pixel = settings["half_pixel"]
        self.matrix = np.array(
            [
                [self.width / self.out_width, 0, 0],
                [0, self.height / self.out_height, 0],
            ]
        )
        self.interpreter = Interpreter(str(folder / "model.tflite"), num_threads=1)
        self.interpreter.allocate_tensors()
        self.input = self.interpreter.get_input_details()[0]["index"]
        output = self.interpreter.get_output_details()[0]
        self.output = output["index"]
        self.scale, self.zero_point = output["quantization"]

    def resize(self, frame: Any) -> Any:
        """Return the crop at the model's size."""
        crop = frame[
            self.top : self.top + self.height, self.left : self.left + self.width
        ]
        if self.half_pixel:
            return cv2.resize(crop, (self.out_width, self.out_height))
        return cv2.warpAffine(
            crop,
            self.matrix,
            (self.out_width, self.out_height),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def __call__(self, frame: Any) -> list[tuple[str, float]]:
        """Return the five best labels of a BGR frame, with their scores."""
        rgb = cv2.cvtColor(self.resize(frame), cv2.COLOR_BGR2RGB)
        self.interpreter.set_tensor(self.input, rgb[np.newaxis])
        self.interpreter.invoke()
        scores = self.interpreter.get_tensor(self.output)[0]
        best = np.argpartition(scores, -5)[-5:]
        best = best[np.argsort(scores[best])[::-1]]
        return [
            (self.labels[i], self.scale * (int(scores[i]) - self.zero_point))
            for i in best
        ]


def peak_kib() -> int:
    """Return the largest memory so far; ru_maxrss would start at the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise OSError("no VmHWM in /proc/self/status")


def main() -> None:
    """Print the first label and, after some frames, the peak memory in KiB."""
    folder = Path(sys.argv[1])
    loop = PlainLoop(folder)
    frame = np.load(folder / "frame.npy")[..., ::-1].copy()
    print(loop(frame)[0][0], flush=True)
    for _ in range(int(sys.argv[2]) - 1):
        loop(frame)
    print(peak_kib())


if __name__ == "__main__":
    main()

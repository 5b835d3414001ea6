"""MobileNets trained on Fashion-MNIST from nothing, for the benchmarks to compress.

    python -m benchmarks.fashion_models [--data DIR] [--threads N] [NAME ...]

trains what ``.cache/models`` does not hold yet and prints each test accuracy. Seeded;
after each epoch the state is saved, and a killed run goes on from there. The nets are
``keras.applications``'s own with a small input, and learn on smaller pictures first,
which costs a third as much an epoch.
"""

import argparse
import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fashion_mnist import LABELS, Part, find_data, read_part, resized

__all__ = ["FOLDER", "NETS", "Net", "trained"]

FOLDER = Path(".cache/models")
_BATCH = 128
_PEAK = 2e-3
"""Learning rate of Adam, after the warm-up and before the cosine."""

_WARM_UP = 200
"""Steps."""

_MOMENTUM = 0.99
"""Of batch normalisation: Keras's 0.999 remembers more steps than there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """What is trained, and on what.

    Attributes:
        application: Name in ``keras.applications``.
        alpha: Width multiplier.
        preset: How it sees pictures (``edgeclf.preprocess``).
        stages: Side of the input in pixels and epochs at it; the last side stays.
    """

    application: str
    alpha: float
    preset: str
    stages: tuple[tuple[int, int], ...]

    @property
    def side(self) -> int:
        """Side of the finished net's input, in pixels."""
        return self.stages[-1][0]


NETS: Mapping[str, Net] = {
    "mobilenetv2": Net(
        application="MobileNetV2",
        alpha=1.0,
        preset="keras",
        stages=((32, 3), (48, 4)),
    ),
    "mobilenetv3-small": Net(
        application="MobileNetV3Small",
        alpha=1.0,
        preset="keras-raw",
        stages=((32, 4), (48, 4)),
    ),
}


def trained(name: str, data: Path) -> Path:
    """Return the path of a trained net, ``.keras``, after training it if need be.

    ``labels.txt`` lies beside it, and ``NAME.json`` with its test accuracy.
    """
    path = FOLDER / f"{name}.keras"
    if not path.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / "labels.txt").write_text("\n".join(LABELS) + "\n")
        model = _train(NETS[name], data, path.with_suffix(".unfinished.keras"))
        _report(path, _accuracy(model, NETS[name], read_part(data, "test")))
        _save(model, path)
        path.with_suffix(".unfinished.keras").unlink()
    return path


def _train(net: Net, data: Path, checkpoint: Path) -> Any:
    part = read_part(data, "train")
    steps = len(part.truth) // _BATCH
    plan = [side for side, epochs in net.stages for _ in range(epochs)]
    model, done = _resumed(checkpoint)
    for epoch in range(done, len(plan)):
        side = plan[epoch]
        if model is None or model.input.shape[1] != side:
            model = _at(net, side, model)
        _one_epoch(model, net, part, epoch=epoch, last_step=steps * len(plan))
        _save(model, checkpoint)
        checkpoint.with_suffix(".json").write_text(json.dumps({"done": epoch + 1}))
    checkpoint.with_suffix(".json").unlink(missing_ok=True)
    return model


def _resumed(checkpoint: Path) -> tuple[Any, int]:
    import keras  # noqa: PLC0415 - after main() has set the threads

    progress = checkpoint.with_suffix(".json")
    if not checkpoint.is_file() or not progress.is_file():
        keras.utils.set_random_seed(0)
        return None, 0
    return keras.models.load_model(checkpoint), json.loads(progress.read_text())["done"]


def _at(net: Net, side: int, smaller: Any) -> Any:
    """Return the net for a size, with the weights that it has learnt so far."""
    import keras  # noqa: PLC0415

    model = getattr(keras.applications, net.application)(
        input_shape=(side, side, 3), alpha=net.alpha, weights=None, classes=len(LABELS)
    )
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    if smaller is not None:
        model.set_weights(smaller.get_weights())
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def _one_epoch(model: Any, net: Net, part: Part, *, epoch: int, last_step: int) -> None:
    side = model.input.shape[1]
    grey = resized(part.pixels, side)
    losses = []
    first = epoch * (len(grey) // _BATCH)
    for step, (pixels, truth) in enumerate(_batches(grey, part, epoch), start=first):
        model.optimizer.learning_rate.assign(_rate(step, last_step))
        losses.append(float(model.train_on_batch(_real(pixels, net), truth)))
        if step % 50 == 0:
            print(
                f"step {step} of {last_step}: loss {np.mean(losses[-50:]):.3f}",
                flush=True,
            )
    print(f"epoch {epoch + 1} at {side} pixels: loss {np.mean(losses):.4f}", flush=True)


def _batches(grey: Any, part: Part, epoch: int) -> Iterator[tuple[Any, Any]]:
    """Yield shuffled batches, every other picture mirrored, the same for an epoch."""
    random = np.random.default_rng([0, epoch])
    order = random.permutation(len(grey))
    for start in range(0, len(grey) - _BATCH + 1, _BATCH):
        chosen = order[start : start + _BATCH]
        pixels = grey[chosen]
        mirrored = random.random(len(chosen)) < 0.5
        pixels[mirrored] = pixels[mirrored, :, ::-1]
        yield pixels, part.truth[chosen]


def _rate(step: int, last: int) -> float:
    """Return the learning rate: up in a line, then down along half a cosine.

    Source:
        Loshchilov and Hutter 2017, arXiv:1608.03983, equation 5, without restarts.
    """
    return _PEAK * min((step + 1) / _WARM_UP, (1 + math.cos(math.pi * step / last)) / 2)


def _real(pixels: Any, net: Net) -> Any:
    """Return what the net takes of grey uint8 pixels: float32, three channels."""
    from edgeclf.preprocess import preset  # noqa: PLC0415

    spec = preset(net.preset, size=(net.side, net.side))
    real = np.repeat(pixels[..., np.newaxis].astype(np.float32), 3, axis=3)
    return (real - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)


def _accuracy(model: Any, net: Net, part: Part) -> float:
    grey = resized(part.pixels, net.side)
    right = 0
    for start in range(0, len(grey), 500):
        scores = model.predict_on_batch(_real(grey[start : start + 500], net))
        right += int((scores.argmax(axis=1) == part.truth[start : start + 500]).sum())
    return right / len(grey)


def _report(path: Path, accuracy: float) -> None:
    print(f"{path}: {accuracy:.2%} of the test pictures", flush=True)
    path.with_suffix(".json").write_text(json.dumps({"test_accuracy": accuracy}))


def _save(model: Any, path: Path) -> None:
    """Write in one step: a killed run leaves the old file or the new one."""
    part = path.with_name(f"part-{path.name}")
    model.save(part)
    part.replace(path)


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*NETS, []], metavar="NAME")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--threads", default="1")
    options = parser.parse_args()
    os.environ["TF_NUM_INTRAOP_THREADS"] = options.threads
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    data = find_data(options.data)
    for name in options.names or NETS:
        print(trained(name, data), flush=True)


if __name__ == "__main__":
    main()

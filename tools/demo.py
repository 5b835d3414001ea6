"""`make demo`: the whole chain on a real model and real photos, step by step.

Each step is a command that a user could type; it is shown, run, and its output follows.
"""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import click
import cv2
import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
DEMO = Path("demo")
BUNDLES = {
    target: DEMO / f"efficientnet_lite0-int8-{target}.edgeclf"
    for target in ("tflite", "onnx")
}
PHOTOS = DEMO / "photos"
CALIBRATION = DEMO / "calibration"
VIDEO = DEMO / "photos.mp4"
MODEL = "EfficientNet-Lite0 (ImageNet weights)"
CATS = range(281, 286)
"""ImageNet's domestic cats: tabby, tiger cat, Persian, Siamese, Egyptian."""

FRAMES_A_PHOTO = 6
VIDEO_SIZE = (480, 640)


def heading(text: str) -> None:
    """Print the title of a step."""
    click.secho(f"\n== {text}", bold=True)


def run(*arguments: str, quiet: bool = False, good: tuple[int, ...] = (0,)) -> str:
    """Show an edgeclf command, run it, and return what it printed.

    Args:
        arguments: Behind ``edgeclf``.
        quiet: Do not show the output.
        good: Exit codes to go on with.
    """
    show_command(arguments)
    done = call(arguments)
    if not quiet:
        click.echo(done.stdout, nl=False)
    if done.returncode not in good:
        sys.exit(f"error: the command above ended with exit code {done.returncode}")
    return done.stdout


def show_command(arguments: Sequence[str]) -> None:
    """Show an edgeclf command as one types it."""
    click.secho(f"$ edgeclf {shlex.join(arguments)}", fg="cyan")


def call(
    arguments: Sequence[str], *, messages: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run an edgeclf command.

    Args:
        arguments: Behind ``edgeclf``.
        messages: What becomes of stderr: shown as it comes, or ``subprocess.PIPE``.
    """
    return subprocess.run(  # noqa: S603 - our own command
        [BIN / "edgeclf", *arguments],
        stdout=subprocess.PIPE,
        stderr=messages,
        text=True,
        check=False,
    )


def make_photos() -> None:
    """Copy the packaged photos and cut the seeded crops for calibration."""
    command = [sys.executable, str(ROOT / "tools" / "demo_photos.py"), str(CALIBRATION)]
    subprocess.run(command, check=True)  # noqa: S603 - our own script


def convert() -> None:
    """Convert EfficientNet-Lite0 to int8 for each kind of engine, all at once.

    One conversion keeps one core busy. The first shows how far it is; the others, in
    a process each, are shown when it is done.
    """
    first, *others = BUNDLES
    with ThreadPoolExecutor(len(BUNDLES)) as pool:
        jobs = {
            target: pool.submit(call, conversion(target), messages=subprocess.PIPE)
            for target in others
        }
        heading(f"Convert {MODEL} to int8 for {first}; beside it for {others[0]}")
        run(*conversion(first))
        for target, job in jobs.items():
            heading(f"Convert {MODEL} to int8 for {target}")
            show_command(conversion(target))
            done = job.result()
            click.echo(done.stderr, nl=False, err=True)
            click.echo(done.stdout, nl=False)
            if done.returncode:
                sys.exit(f"error: it ended with exit code {done.returncode}")


def conversion(target: str) -> list[str]:
    """Return the arguments that make a bundle for one kind of engine.

    The recipe leaves out the search for better settings, which takes a minute or two.
    """
    return [
        "convert",
        "efficientnet-lite0",
        f"--recipe={os.path.relpath(ROOT / 'converters/recipes')}/{target}-int8.toml",
        f"--calibrate={CALIBRATION}",
        "--allow-small-calibration",
        "--accept-undecided",
        "--profile=raspberry-pi-4b",
        "-o",
        str(BUNDLES[target]),
    ]


def check_cat() -> None:
    """Classify the photo of the cat and stop if it is not one."""
    printed = run(
        "classify", str(BUNDLES["tflite"]), str(cat_photo()), "--json", quiet=True
    )
    best = json.loads(printed)["images"][0]["top"][0]
    if best["index"] not in CATS:
        sys.exit(f"error: the cat came out as {best['label']!r}")
    click.echo(f"the cat is a cat: {best['label']}, {best['score']:.0%}")


def cat_photo() -> Path:
    """Return the path of the photo of scikit-image's cat."""
    return next(PHOTOS.glob("cat.*"))


def encode_video() -> None:
    """Encode a real video file: a slow pan over each photo."""
    height, width = VIDEO_SIZE
    writer = cv2.VideoWriter(
        str(VIDEO), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (width, height)
    )
    for path in sorted(PHOTOS.iterdir()):
        photo = cv2.imread(str(path))
        if photo is None:
            sys.exit(f"error: OpenCV cannot read {path}")
        for step in range(FRAMES_A_PHOTO):
            writer.write(view(photo, step / FRAMES_A_PHOTO))
    writer.release()
    click.echo(f"{VIDEO}: {VIDEO.stat().st_size / 1e6:.1f} MB")


def view(photo: Pixels, progress: float) -> Pixels:
    """Return the 4:3 part of a photo that a panning camera sees, at video size."""
    height, width = VIDEO_SIZE
    rows, columns = photo.shape[:2]
    scale = min(rows / height, columns / width)
    part_rows, part_columns = int(height * scale), int(width * scale)
    top = int((rows - part_rows) * progress)
    left = int((columns - part_columns) * progress)
    part = photo[top : top + part_rows, left : left + part_columns]
    resized: Pixels = cv2.resize(part, (width, height), interpolation=cv2.INTER_AREA)
    return resized


def main() -> None:
    """Run the demo in a folder ``demo``: the repository's, or one below argument 1."""
    os.chdir(sys.argv[1] if len(sys.argv) > 1 else ROOT)
    DEMO.mkdir(exist_ok=True)
    heading("Photos: those that scikit-image ships, and seeded crops of them")
    make_photos()
    convert()
    for path in BUNDLES.values():
        heading(f"Verify {path.name} on this machine")
        run("verify", str(path))
    heading("Classify the photos")
    run("classify", str(BUNDLES["tflite"]), str(PHOTOS), "--top-k=1")
    check_cat()
    heading("Play a video through the live loop")
    encode_video()
    run("run", str(BUNDLES["tflite"]), "--source", str(VIDEO), "--every-frame")
    heading("Measure this machine (no verdict on a Raspberry Pi)")
    run("bench", str(BUNDLES["tflite"]), "--frames=300", "--warmup=20", good=(0, 3, 4))
    say_what_happened()


def say_what_happened() -> None:
    """Say in plain words what was done and what to do next."""
    heading("What happened")
    click.echo(
        f"""\
A trained EfficientNet-Lite0 was converted to int8, once for LiteRT (.tflite) and once for
ONNX Runtime (.onnx). Both bundles carry their own preprocessing, labels and golden
vectors, and were verified on this machine. The photos at hand are few: calibration used
seeded crops of some (--allow-small-calibration), and crops of the others cannot tell
whether int8 decides as the source does (--accept-undecided); the bundles say both.
A shipped recipe was followed (--recipe); without it, convert looks for the settings that
decide most like the source. Calibrate with your own photos before you trust a model.
The latency above is this machine's and says nothing about a Raspberry Pi.

  {BUNDLES["tflite"]}
  {BUNDLES["onnx"]}

What to type next:

  .venv/bin/edgeclf inspect {BUNDLES["tflite"]}
  .venv/bin/edgeclf classify {BUNDLES["onnx"]} {cat_photo()}
  .venv/bin/edgeclf run {BUNDLES["tflite"]} --source synthetic:7 --frames 100
  .venv/bin/edgeclf doctor
  make wheelhouse BOARD=raspberry-pi-5"""
    )


if __name__ == "__main__":
    main()

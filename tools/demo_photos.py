"""Make a folder of calibration pictures out of the photos that scikit-image ships.

    python tools/demo_photos.py OUT_DIR

Writes seeded crops to OUT_DIR and the photos themselves to OUT_DIR/../photos. Crops of
a few photos are no substitute for as many photos: fewer than 128 are made on purpose,
so that whoever calibrates with them has to say --allow-small-calibration.
"""

import argparse
from pathlib import Path

from PIL import Image

from converters.crops import crops
from edgeclf.decode import read_image
from edgeclf.types import DecodeSpec, Uint8Image

# The colour photos inside scikit-image's wheel; its other pictures would be downloaded.
PHOTOS = {
    "astronaut": "astronaut.png",
    "cat": "chelsea.png",
    "coffee": "coffee.png",
    "motorcycle": "motorcycle_left.png",
    "rocket": "rocket.jpg",
}
CROPS = 100
SEED = 0


def main() -> None:
    """Write both folders; the same bytes each time."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("out_dir", type=Path)
    out_dir: Path = parser.parse_args().out_dir
    photos = _photos()
    for name, photo in photos.items():
        _write(photo, out_dir.parent / "photos" / f"{name}.jpg")
    names = list(photos)
    for number, crop in enumerate(crops(list(photos.values()), CROPS, seed=SEED)):
        # The name says which photo it is a crop of: they are not as many photos.
        name = names[number % len(names)]
        _write(crop, out_dir / f"{name}-crop{number // len(names):02}.jpg")
    print(f"{len(photos)} photos in {out_dir.parent / 'photos'}")
    print(f"{CROPS} seeded crops of them in {out_dir}")


def _photos() -> dict[str, Uint8Image]:
    import skimage  # noqa: PLC0415 - of the demo group only

    folder = Path(skimage.__file__).parent / "data"
    return {
        name: read_image(folder / file, DecodeSpec()) for name, file in PHOTOS.items()
    }


def _write(pixels: Uint8Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, quality=95)


if __name__ == "__main__":
    main()

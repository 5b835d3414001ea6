"""How a bare model file wants its pictures: its metadata, a preset, the user's word."""

import math
from dataclasses import replace

import numpy as np

from edgeclf.errors import ModelFileError, SpecError
from edgeclf.modelfile import FileMetadata
from edgeclf.packing.agreement import require_agreement
from edgeclf.packing.flags import ModelFlags
from edgeclf.preprocess import PRESETS, preset
from edgeclf.types import CropSpec, Layout, PreprocessSpec, TensorSpec

__all__ = ["picture_geometry", "resolve_preprocess"]

Channels = tuple[float, float, float]

# Of the 256 pixel values: more lost at the ends, or fewer told apart, is a wrong scale.
_MOST_CLIPPED = 64
_FEWEST_STEPS = 16


def resolve_preprocess(
    flags: ModelFlags, metadata: FileMetadata, image: TensorSpec, *, name: str
) -> PreprocessSpec:
    """Return what turns a picture into the model's input.

    A spec that edgeclf wrote into the file is whole. TFLite Metadata know mean and
    std, a preset the rest. Flags that contradict either are refused, unless they shall
    override them.

    Args:
        flags: What the user says.
        metadata: What the file says.
        image: The model's input.
        name: The model file, for messages.

    Raises:
        ModelFileError: The input is no RGB picture.
        SpecError: Something is missing or contradicts something else.
    """
    layout, size = picture_geometry(image, name)
    spec = _base(flags, metadata, size, name)
    spec = _with_values(spec, flags, metadata, image, name)
    spec = replace(spec, layout=layout, dtype=image.dtype)
    if flags.crop_fraction is not None:
        spec = _with_crop(spec, flags.crop_fraction)
    if metadata.preprocess is not None:
        stated = replace(metadata.preprocess, layout=layout, dtype=image.dtype)
        require_agreement(flags, spec, stated, name=name)
    _check_range(spec, image, name)
    return spec


def picture_geometry(image: TensorSpec, name: str) -> tuple[Layout, tuple[int, int]]:
    """Return the layout and the (height, width) of the picture that an input takes.

    Raises:
        ModelFileError: It takes something else than one RGB picture.
    """
    shape = image.shape
    if len(shape) == 4 and shape[0] == 1:
        if shape[3] == 3:
            return "nhwc", (shape[1], shape[2])
        if shape[1] == 3:
            return "nchw", (shape[2], shape[3])
    raise ModelFileError(
        f"{name}: the input {image.name!r} has shape {shape}; edgeclf feeds one RGB "
        "picture, (1, height, width, 3) or (1, 3, height, width)"
    )


def _base(
    flags: ModelFlags, metadata: FileMetadata, size: tuple[int, int], name: str
) -> PreprocessSpec:
    own = metadata.preprocess
    if flags.preset is not None:
        # float32 until the model's own type is put in: presets give real numbers.
        spec = preset(flags.preset, size=size)
        if own is None or own.normalization == "device" or flags.override_metadata:
            return spec
        # A preset does not know that this file takes raw pixels.
        return replace(
            spec, mean=own.mean, std=own.std, normalization="graph", dtype=own.dtype
        )
    if own is not None:
        return own
    known = "mean and std, but not " if metadata.normalization else "nothing of "
    raise SpecError(
        f"{name} says {known}how pictures are cropped and resized: give the preset of "
        f"its trainer, such as --preset efficientnet-lite (there are "
        f"{', '.join(PRESETS)})"
    )


def _with_values(
    spec: PreprocessSpec,
    flags: ModelFlags,
    metadata: FileMetadata,
    image: TensorSpec,
    name: str,
) -> PreprocessSpec:
    """Settle mean and std, and who applies them."""
    if _takes_raw_pixels(spec, image):
        return _raw(spec, flags, image, name)
    stated = metadata.normalization
    mean, std = spec.mean, spec.std
    if stated is None or metadata.preprocess is not None or flags.override_metadata:
        return replace(spec, mean=flags.mean or mean, std=flags.std or std)
    said = replace(
        spec, mean=_channels(stated.mean, name), std=_channels(stated.std, name)
    )
    if flags.mean is not None or flags.std is not None:
        mean, std = flags.mean or said.mean, flags.std or said.std
    require_agreement(flags, replace(spec, mean=mean, std=std), said, name=name)
    return said


def _takes_raw_pixels(spec: PreprocessSpec, image: TensorSpec) -> bool:
    # The first as edgeclf's own spec in the file says, the second as the type implies.
    is_unscaled = image.dtype != "float32" and image.quantization is None
    return spec.normalization == "graph" or is_unscaled


def _raw(
    spec: PreprocessSpec, flags: ModelFlags, image: TensorSpec, name: str
) -> PreprocessSpec:
    """Return a spec for a model that takes pixels as they are."""
    if image.dtype != "uint8":
        raise ModelFileError(
            f"{name}: the input {image.name!r} is {image.dtype} without scale and zero "
            "point: what it stores is unknown"
        )
    if flags.mean is not None or flags.std is not None:
        raise SpecError(
            f"{name} takes raw uint8 pixels and normalizes them itself: leave --mean "
            "and --std out"
        )
    if spec.normalization == "graph":
        return spec
    return replace(
        spec,
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        dtype="uint8",
        normalization="graph",
    )


def _channels(values: tuple[float, ...], name: str) -> Channels:
    if len(values) == 1:
        return (values[0], values[0], values[0])
    if len(values) != 3:
        raise ModelFileError(
            f"{name}: its metadata have {len(values)} means or deviations for 3 channels"
        )
    return (values[0], values[1], values[2])


def _with_crop(spec: PreprocessSpec, fraction: float) -> PreprocessSpec:
    """Keep another share of the shorter side, in the preset's own order of steps."""
    if spec.crop.kind == "size" and spec.crop.when == "after-resize":
        side = math.floor(min(spec.size) / fraction)
        return replace(spec, resize=replace(spec.resize, size=(side, side)))
    if fraction == 1:
        return replace(spec, crop=CropSpec())
    crop = replace(spec.crop, kind="fraction", fraction=fraction, size=None)
    return replace(spec, crop=crop)


def _check_range(spec: PreprocessSpec, image: TensorSpec, name: str) -> None:
    """Refuse mean and std that the input's scale and zero point cannot hold.

    The classic slip, such as the raw pixels' preset for a model of -1…1, saturates
    nearly every pixel or makes nearly all alike, and the model answers nonetheless.
    """
    if image.quantization is None or spec.normalization == "graph":
        return
    scale, zero_point = image.quantization.scale, image.quantization.zero_point
    limits = np.iinfo(image.dtype)
    pixels = np.arange(256.0)
    for mean, std in zip(spec.mean, spec.std, strict=True):
        stored = np.rint((pixels - mean) / std / scale) + zero_point
        clipped = int(np.count_nonzero((stored < limits.min) | (stored > limits.max)))
        steps = len(np.unique(np.clip(stored, limits.min, limits.max)))
        if clipped > _MOST_CLIPPED or steps < _FEWEST_STEPS:
            raise SpecError(
                f"{name}: mean {mean:g} and std {std:g} do not fit its input, which "
                f"stores {(limits.min - zero_point) * scale:.4g} to "
                f"{(limits.max - zero_point) * scale:.4g}: {clipped} of 256 pixel "
                f"values are cut off and {steps} stay distinct; give another --preset, "
                "or --mean and --std"
            )

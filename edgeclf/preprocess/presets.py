"""What trainers do to a picture, by name; each checked against the trainer's code.

Every preset gives real numbers on the device: float32, NHWC. Adapt one to a model with
``dataclasses.replace``.
"""

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from edgeclf.errors import SpecError
from edgeclf.types import CropSpec, DecodeSpec, Filter, PreprocessSpec, ResizeSpec

__all__ = ["PRESETS", "Preset", "preset"]

Size = tuple[int, int]
_IMAGENET_MEAN = (0.485 * 255, 0.456 * 255, 0.406 * 255)
_IMAGENET_STD = (0.229 * 255, 0.224 * 255, 0.225 * 255)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """One trainer's way with pictures.

    Attributes:
        description: One line for people.
        source: Repository or package, version, file and function that it follows.
        square_only: Whether the trainer's code takes square sizes only.
        build: Makes the spec for a (height, width).
    """

    description: str
    source: str
    build: Callable[[Size], PreprocessSpec]
    square_only: bool = False


def preset(name: str, *, size: Size = (224, 224)) -> PreprocessSpec:
    """Return a preset's spec for a model that sees ``size``.

    Args:
        name: Key of ``PRESETS``.
        size: (height, width) of the model's input, in pixels.

    Raises:
        SpecError: There is no such preset, or it cannot have this size.
    """
    if name not in PRESETS:
        close = difflib.get_close_matches(name, PRESETS, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"one of {_names()}"
        raise SpecError(f"no preprocessing preset {name!r}: {hint}")
    if min(size) < 1:
        raise SpecError(f"preset {name!r}: size must be at least 1 pixel, got {size}")
    entry = PRESETS[name]
    if entry.square_only and size[0] != size[1]:
        raise SpecError(
            f"preset {name!r} is for square inputs, got {size}: "
            "describe the preprocessing with a spec of its own"
        )
    return entry.build(size)


def _names() -> str:
    return ", ".join(PRESETS)


def _keras(*, values: str, loader: str) -> Preset:
    """Return a Keras preset: how a loader resizes, and what the model then expects."""
    description, source, fields = _KERAS_VALUES[values]
    resize_fields, decode, how, where = _KERAS_LOADERS[loader]

    def build(size: Size) -> PreprocessSpec:
        resize = ResizeSpec(size=size, **resize_fields)
        return PreprocessSpec(resize=resize, decode=decode, **fields)

    return Preset(
        description=f"Keras: {description}; {how}",
        source=f"keras 3.15.1, {source}; {where}",
        build=build,
    )


_KERAS_VALUES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "tf": (
        "pixels to -1…1 (MobileNet, MobileNetV2)",
        "keras/src/applications/imagenet_utils.py, mode 'tf'",
        {"mean": (127.5, 127.5, 127.5), "std": (127.5, 127.5, 127.5)},
    ),
    "raw": (
        "pixels as they are (MobileNetV3, EfficientNet, EfficientNetV2)",
        "keras/src/applications/{mobilenet_v3,efficientnet,efficientnet_v2}.py",
        {},
    ),
    "torch": (
        "ImageNet mean and deviation (DenseNet)",
        "keras/src/applications/imagenet_utils.py, mode 'torch'",
        {"mean": _IMAGENET_MEAN, "std": _IMAGENET_STD},
    ),
    "caffe": (
        "BGR minus the ImageNet mean (ResNet, VGG)",
        "keras/src/applications/imagenet_utils.py, mode 'caffe'",
        {"mean": (103.939, 116.779, 123.68), "colour_order": "bgr"},
    ),
}

_KERAS_LOADERS: Mapping[str, tuple[Mapping[str, Any], DecodeSpec, str, str]] = {
    "dataset": (
        {"filter": "bilinear"},
        DecodeSpec(sixteen_bit="high-byte"),
        "image_dataset_from_directory's bilinear squash",
        "keras/src/utils/image_dataset_utils.py, _load_image_tf",
    ),
    "load-img": (
        {"filter": "nearest", "arithmetic": "pillow"},
        DecodeSpec(sixteen_bit="saturate"),
        "load_img's nearest squash",
        "keras/src/utils/image_utils.py, load_img",
    ),
}


def _torchvision(
    *, resize_size: int, filter_: Filter = "bilinear"
) -> Callable[[Size], PreprocessSpec]:
    """Return torchvision's evaluation: shorter side, then the centre."""

    def build(size: Size) -> PreprocessSpec:
        side = size[0] * resize_size // 224
        return _shorter_side_then_centre(size, side, filter_)

    return build


def _timm(*, fraction: float, filter_: Filter) -> Callable[[Size], PreprocessSpec]:
    """Return timm's evaluation with crop_pct: as torchvision, with its own sizes."""

    def build(size: Size) -> PreprocessSpec:
        return _shorter_side_then_centre(size, math.floor(size[0] / fraction), filter_)

    return build


def _shorter_side_then_centre(size: Size, side: int, filter_: Filter) -> PreprocessSpec:
    return PreprocessSpec(
        decode=DecodeSpec(sixteen_bit="saturate"),
        resize=ResizeSpec(
            size=(side, side),
            mode="shorter-side",
            filter=filter_,
            antialias=True,
            arithmetic="pillow",
        ),
        crop=CropSpec(
            kind="size", size=size, when="after-resize", offset_rounding="half-even"
        ),
        mean=_IMAGENET_MEAN,
        std=_IMAGENET_STD,
    )


def _efficientnet_lite(size: Size) -> PreprocessSpec:
    return PreprocessSpec(
        crop=CropSpec(
            kind="fraction",
            fraction=size[0] / (size[0] + 32),
            offset_rounding="ceil",
        ),
        resize=ResizeSpec(size=size, filter="bilinear", half_pixel=False),
        mean=(127.0, 127.0, 127.0),
        std=(128.0, 128.0, 128.0),
    )


PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "keras": _keras(values="tf", loader="dataset"),
        "keras-raw": _keras(values="raw", loader="dataset"),
        "keras-torch": _keras(values="torch", loader="dataset"),
        "keras-caffe": _keras(values="caffe", loader="dataset"),
        "keras-load-img": _keras(values="tf", loader="load-img"),
        "keras-raw-load-img": _keras(values="raw", loader="load-img"),
        "keras-torch-load-img": _keras(values="torch", loader="load-img"),
        "keras-caffe-load-img": _keras(values="caffe", loader="load-img"),
        "torchvision": Preset(
            description="torchvision: shorter side to 256, centre 224 (V1 weights)",
            source="torchvision 0.29.2, transforms/_presets.py, ImageClassification",
            build=_torchvision(resize_size=256),
            square_only=True,
        ),
        "torchvision-v2": Preset(
            description="torchvision: shorter side to 232, centre 224 (V2 weights)",
            source="torchvision 0.29.2, models/mobilenetv2.py and mobilenetv3.py, "
            "IMAGENET1K_V2",
            build=_torchvision(resize_size=232),
            square_only=True,
        ),
        "timm": Preset(
            description="timm: bicubic, crop_pct 0.875, centre",
            source="timm 1.0.31, data/transforms_factory.py, transforms_imagenet_eval "
            "with data/config.py's defaults",
            build=_timm(fraction=0.875, filter_="bicubic"),
            square_only=True,
        ),
        "efficientnet-lite": Preset(
            description="TensorFlow's EfficientNet-Lite: centre crop, bilinear on the "
            "old grid, (x - 127) / 128",
            source="tensorflow/tpu, models/official/efficientnet/preprocessing.py, "
            "_decode_and_center_crop with CROP_PADDING 32 as at b3293eb; main.py, main, "
            "at 01b6706 (bilinear for lite); lite/efficientnet_lite_builder.py",
            build=_efficientnet_lite,
            square_only=True,
        ),
    }
)
"""By name, for ``preset`` and ``--preset``."""

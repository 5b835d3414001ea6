"""Specs in words for people, the same in every command."""

from edgeclf.types import CropSpec, PreprocessSpec, ResizeSpec, TensorSpec

__all__ = ["preprocess_words", "tensor_words"]


def tensor_words(tensor: TensorSpec) -> str:
    """Return ``int8 (1, 224, 224, 3), scale 0.00784, zero point -1``."""
    words = f"{tensor.dtype} {tensor.shape}"
    if tensor.quantization is None:
        return words
    quantization = tensor.quantization
    return (
        f"{words}, scale {quantization.scale:.6g}, zero point {quantization.zero_point}"
    )


def preprocess_words(spec: PreprocessSpec) -> str:
    """Return the steps in their order, commas between."""
    crop, resize = _crop_words(spec.crop), _resize_words(spec.resize)
    before = spec.crop.when == "before-resize"
    steps = [
        "" if spec.enhancement == "none" else spec.enhancement,
        crop if before else "",
        resize,
        "" if before else crop,
        _value_words(spec),
    ]
    return ", ".join(step for step in steps if step)


def _crop_words(crop: CropSpec) -> str:
    if crop.kind == "fraction":
        return f"centre {crop.fraction:.4g} of the shorter side"
    if crop.size is not None:
        return f"centre {crop.size[0]}x{crop.size[1]}"
    return ""


def _resize_words(resize: ResizeSpec) -> str:
    height, width = resize.size
    to = f"{height}x{width}"
    if resize.mode == "shorter-side":
        to = f"shorter side {min(resize.size)}"
    elif resize.mode == "letterbox":
        to = f"letterbox {to}"
    grid = "" if resize.half_pixel else ", old grid"
    antialias = ", antialiased" if resize.antialias else ""
    return f"{resize.filter} to {to}{antialias}{grid}"


def _value_words(spec: PreprocessSpec) -> str:
    order = spec.colour_order.upper()
    if spec.normalization == "graph":
        return f"raw {order} pixels (the model normalizes)"
    mean, std = (_channels(values) for values in (spec.mean, spec.std))
    return f"{order}, (pixel - {mean}) / {std}"


def _channels(values: tuple[float, float, float]) -> str:
    if len(set(values)) == 1:
        return f"{values[0]:g}"
    return f"({', '.join(f'{value:g}' for value in values)})"

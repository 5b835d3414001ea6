"""From a picture to the model's tensor, as the spec says."""

import numpy as np

from edgeclf.errors import SpecError
from edgeclf.preprocess.arrange import arrange
from edgeclf.preprocess.enhance import ENHANCEMENTS
from edgeclf.preprocess.geometry import ResizePlan, plan_resize
from edgeclf.preprocess.kernels import ResizeKernel, open_kernel
from edgeclf.preprocess.picture import require_picture
from edgeclf.types import PreprocessSpec, Tensor, TensorSpec, Uint8Image

__all__ = ["Preprocessor"]

_PLANS_KEPT = 32
_UINT8 = np.dtype(np.uint8)


class Preprocessor:
    """The one implementation of ``PreprocessSpec``; for one thread at a time.

    Buffers and tables are made once: the spec's when it is made, a picture size's
    when the first picture of that size comes.

    Args:
        spec: What to do.
        tensor: The model's input.
        opencv: Whether OpenCV may be used where it is installed. The tensor is the
            same within one step of a pixel.
        resizer: What resizes instead of the fastest proven kernel.

    Attributes:
        kernel: Who resizes: ``opencv``, ``pillow`` or ``edgeclf``.

    Raises:
        SpecError: The spec gives another shape or dtype than the model takes.
    """

    def __init__(
        self,
        spec: PreprocessSpec,
        tensor: TensorSpec,
        *,
        opencv: bool = True,
        resizer: ResizeKernel | None = None,
    ) -> None:
        _check_agreement(spec, tensor)
        self.spec = spec
        self._resizer = resizer or open_kernel(spec.resize, opencv=opencv)
        self.kernel: str = self._resizer.name
        self._enhance = ENHANCEMENTS.get(spec.enhancement)
        self._arranged = arrange(spec, tensor, opencv=opencv)
        self._plans: dict[tuple[int, ...], ResizePlan] = {}
        self._last_plan: ResizePlan | None = None
        self._cut: tuple[slice, slice] = (slice(None), slice(None))
        self._area = self._arranged.pixels

    def __call__(self, pixels: Uint8Image) -> Tensor:
        """Return the tensor of a picture.

        Args:
            pixels: uint8, shape (height, width, 3), RGB, any strides.

        Returns:
            The tensor's shape and dtype; the next call writes into the same memory.

        Raises:
            ValueError: The array is not such a picture.
        """
        self.resize_alone(pixels)
        for step in self._arranged.steps:
            step()
        return self._arranged.tensor

    def resized(self, pixels: Uint8Image) -> Uint8Image:
        """Return the pixels after enhancement, crop and resize.

        Args:
            pixels: uint8, shape (height, width, 3), RGB, any strides.

        Returns:
            uint8, shape ``spec.size`` + (3,), RGB; the caller's own.

        Raises:
            ValueError: The array is not such a picture.
        """
        self.resize_alone(pixels)
        return np.array(self._arranged.pixels)

    def resize_alone(self, pixels: Uint8Image) -> None:
        """Enhance, crop and resize into the inner buffer: what a benchmark takes out.

        Args:
            pixels: uint8, shape (height, width, 3), RGB, any strides.

        Raises:
            ValueError: The array is not such a picture.
        """
        plan = self._plan(pixels)
        if self._enhance is not None:
            pixels = self._enhance(pixels)
        source = _with_contiguous_rows(pixels[self._cut])
        self._resizer.resize(source, plan, self._area)

    def _plan(self, pixels: Uint8Image) -> ResizePlan:
        plan = self._plans.get(pixels.shape)
        if plan is None or pixels.dtype != _UINT8:
            plan = self._new_plan(pixels)
        if plan is not self._last_plan:
            self._place(plan)
        return plan

    def _new_plan(self, pixels: Uint8Image) -> ResizePlan:
        require_picture(pixels)
        shape = pixels.shape
        if len(self._plans) >= _PLANS_KEPT:
            self._plans.clear()
        plan = plan_resize((shape[0], shape[1]), self.spec)
        self._plans[shape] = plan
        return plan

    def _place(self, plan: ResizePlan) -> None:
        """Turn to another picture size: the letterbox's border moves."""
        pixels = self._arranged.pixels
        pixels[...] = self.spec.resize.letterbox_value
        self._cut = plan.source.slices
        self._area = pixels[plan.placed.slices]
        self._last_plan = plan


def _with_contiguous_rows(pixels: Uint8Image) -> Uint8Image:
    """Return the pixels, copied if a row is not a run of bytes (flipped, BGR view)."""
    down, across, channel = pixels.strides
    if channel == 1 and across == 3 and down >= 3 * pixels.shape[1]:
        return pixels
    return np.ascontiguousarray(pixels)


def _check_agreement(spec: PreprocessSpec, tensor: TensorSpec) -> None:
    height, width = spec.size
    shape = (1, height, width, 3) if spec.layout == "nhwc" else (1, 3, height, width)
    if tensor.shape != shape:
        raise SpecError(
            f"the preprocessing gives {shape}, the model's input {tensor.name!r} takes "
            f"{tensor.shape}: set the size and layout that the model was trained with"
        )
    if tensor.dtype != spec.dtype:
        raise SpecError(
            f"the preprocessing gives {spec.dtype}, the model's input {tensor.name!r} "
            f"takes {tensor.dtype}: set dtype to {tensor.dtype!r}"
        )

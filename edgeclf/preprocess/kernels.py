"""Who resizes: a library where a test proves it within one step, else our kernel."""

import importlib
from functools import lru_cache
from types import ModuleType
from typing import Protocol

from edgeclf.preprocess.geometry import ResizePlan
from edgeclf.preprocess.numpy_kernel import NumpyKernel
from edgeclf.types import ResizeSpec, Uint8Image

__all__ = ["ResizeKernel", "load_opencv", "open_kernel"]


class ResizeKernel(Protocol):
    """Resizes one picture.

    Attributes:
        name: ``opencv``, ``pillow`` or ``edgeclf``.
    """

    name: str

    def resize(self, source: Uint8Image, plan: ResizePlan, out: Uint8Image) -> None:
        """Write the kept part of the resized picture into ``out``.

        Args:
            source: Shape ``plan.source.size`` + (3,), rows contiguous.
            plan: Sizes.
            out: Shape ``plan.kept.size`` + (3,), rows contiguous.
        """
        ...


@lru_cache(maxsize=1)
def load_opencv() -> ModuleType | None:
    """Return the OpenCV adapter, or ``None`` where OpenCV cannot be imported.

    A package whose shared libraries are missing, or which was built for another
    numpy, counts as absent: pictures come out the same within one step.
    """
    try:
        return importlib.import_module("edgeclf.preprocess.opencv_kernels")
    except (ImportError, AttributeError):  # cv2 fails so with the wrong numpy
        return None


def open_kernel(spec: ResizeSpec, *, opencv: bool = True) -> ResizeKernel:
    """Return the fastest kernel that is proven for a filter.

    Args:
        spec: Filter, antialias, grid and the cubic's a.
        opencv: Whether OpenCV may be used where it is installed.
    """
    if spec.antialias:
        from edgeclf.preprocess.pillow_kernel import PillowKernel  # noqa: PLC0415 - Pillow costs each start 12 ms

        if PillowKernel.serves(spec):
            return PillowKernel(spec)
    adapter = load_opencv() if opencv else None
    if adapter is not None:
        for kernel in (adapter.OpenCvKernel, adapter.OpenCvWarpKernel):
            if kernel.serves(spec):
                found: ResizeKernel = kernel(spec)
                return found
    return NumpyKernel(spec)

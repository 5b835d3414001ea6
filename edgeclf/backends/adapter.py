"""What every adapter does alike: checks, closing, and counting threads."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgeclf.errors import BackendError
from edgeclf.types import EngineIdentity, Tensor, TensorSpec

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Adapter", "thread_ids", "threads_since"]


class Adapter:
    """A loaded model; a subclass gives it an engine.

    Attributes:
        engine: Name of the engine.
        input: What ``run`` takes.
        output: What ``run`` gives.
    """

    engine: ClassVar[str]
    input: TensorSpec
    output: TensorSpec

    def __init__(self) -> None:
        self._is_open = False
        self._identity: EngineIdentity | None = None
        self._shape: tuple[int, ...] = ()
        self._dtype: np.dtype[Any] = np.dtype(np.float32)

    @property
    def identity(self) -> EngineIdentity:
        """What really runs; read back when first asked for, at the latest on closing."""
        if self._identity is None:
            self._identity = self._identify()
        return self._identity

    @classmethod
    def parts(cls) -> Mapping[str, str | None]:
        """Return why each part of the engine does not work; ``None`` for one that does."""
        return {}

    def run(self, tensor: Tensor) -> Tensor:
        """Return the scores; see ``edgeclf.backends.Backend``."""
        if (
            tensor.shape != self._shape
            or tensor.dtype != self._dtype
            or not self._is_open
        ):
            raise self._refusal(tensor)
        return self._run(tensor)

    def close(self) -> None:
        """Let go of the model; closing twice does nothing."""
        if self._is_open:
            self._identity = self.identity
            self._is_open = False
            self._release()

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.close()

    def undelegated(self) -> tuple[str, ...]:
        """Return the kinds of the operators that no delegate took, in running order.

        Empty where the engine hands out no operators, as ONNX Runtime's CPU provider.
        """
        return ()

    def _run(self, tensor: Tensor) -> Tensor:
        raise NotImplementedError

    def _identify(self) -> EngineIdentity:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError

    def _accept(self, image: TensorSpec, scores: TensorSpec) -> None:
        """Take the model's tensors and be open."""
        self.input = image
        self.output = scores
        self._shape = image.shape
        self._dtype = np.dtype(image.dtype)
        self._is_open = True

    def _refusal(self, tensor: Tensor) -> BackendError:
        if not self._is_open:
            return BackendError(f"the {self.engine} backend is closed: open it again")
        return BackendError(
            f"the model takes {self.input.dtype} {self._shape}, "
            f"got {tensor.dtype} {tensor.shape}"
        )


def thread_ids() -> frozenset[str] | None:
    """Return the kernel's ids of this process's threads, or None without /proc."""
    try:
        return frozenset(os.listdir("/proc/self/task"))  # noqa: PTH208 - 5 times faster
    except OSError:
        return None


def threads_since(before: frozenset[str] | None) -> int | None:
    """Return how many threads an engine uses: the caller's and those it started.

    Threads that others start meanwhile are counted too: open models before cameras.
    """
    after = thread_ids()
    if before is None or after is None:
        return None
    return 1 + len(after - before)

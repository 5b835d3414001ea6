"""Stand-ins that obey the protocols, for tests of programs that use edgeclf.

clock = FakeClock()
source = FakeSource([picture, picture], clock=clock, every_ns=33_000_000)
backend = FakeBackend(model.spec, scores=[[0.1, 0.9]], clock=clock, run_ns=5_000_000)
classifier = Classifier(model, backend=backend)
"""

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from edgeclf.errors import BackendError, SourceError
from edgeclf.types import (
    EngineIdentity,
    Frame,
    ModelSpec,
    Tensor,
    TensorSpec,
    TimestampOrigin,
    Uint8Image,
)

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self  # in typing from Python 3.11 on

__all__ = ["FakeBackend", "FakeClock", "FakeSource"]


class FakeClock:
    """A clock that stands still until it is told to go on.

    Calling it returns nanoseconds, as ``time.monotonic_ns`` does.
    """

    def __init__(self, start_ns: int = 1_000_000_000, *, step_ns: int = 0) -> None:
        """Set the clock.

        Args:
            start_ns: What it shows first.
            step_ns: How far it goes on each time that it is read.
        """
        self.now_ns = start_ns
        self.step_ns = step_ns

    def __call__(self) -> int:
        """Return the time, then go on by ``step_ns``."""
        shown = self.now_ns
        self.now_ns += self.step_ns
        return shown

    def advance(self, ns: int) -> None:
        """Go on by so many nanoseconds; a clock never goes back."""
        if ns < 0:
            raise ValueError(f"a clock never goes back, got {ns} ns")
        self.now_ns += ns


class _Closing:
    """Closes on leaving the ``with`` statement, and remembers that it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        """Let go; closing twice does nothing."""
        self.closed = True

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None:
        self.close()


class FakeSource(_Closing):
    """A source that gives the pictures it was given.

    Attributes:
        closed: Whether it was closed.
        unreadable: Always 0.
    """

    def __init__(  # noqa: PLR0913 - all but one are keyword-only options
        self,
        pictures: Iterable[Uint8Image],
        *,
        clock: FakeClock | None = None,
        every_ns: int = 0,
        live: bool = False,
        timestamp_origin: TimestampOrigin = "arrival",
        error: str | None = None,
        hangs: bool = False,
    ) -> None:
        """Take the pictures.

        Args:
            pictures: uint8, shape (height, width, 3), RGB.
            clock: Gives ``captured_ns``, and goes on by ``every_ns`` before a frame.
            every_ns: Time between two frames.
            live: What the source says of itself.
            timestamp_origin: Likewise.
            error: Message of the ``SourceError`` that ends it, instead of a good end.
            hangs: After the pictures a read blocks until ``close`` or ``interrupt``, as
                that of a camera which gives nothing any more.
        """
        super().__init__()
        self.uri = "fake:"
        self.live = live
        self.timestamp_origin: TimestampOrigin = timestamp_origin
        self.unreadable = 0
        self._clock = clock or FakeClock()
        self._every_ns = every_ns
        self._error = error
        self._hangs = hangs
        self._let_go = threading.Event()
        self._frames = self._make(pictures)

    def __iter__(self) -> Iterator[Frame]:
        return self._frames

    def close(self) -> None:
        """Give no more frames."""
        super().close()
        self.interrupt()

    def interrupt(self) -> None:
        """End a read that hangs; from any thread."""
        self._let_go.set()

    def _make(self, pictures: Iterable[Uint8Image]) -> Iterator[Frame]:
        for sequence, pixels in enumerate(pictures):
            if self.closed:
                return
            self._clock.advance(self._every_ns)
            now_ns = self._clock()
            yield Frame(
                pixels=pixels,
                captured_ns=now_ns,
                timestamp_origin=self.timestamp_origin,
                sequence=sequence,
                ready_ns=now_ns,
            )
        if self._hangs:
            self._let_go.wait()
        if self._error is not None and not self.closed:
            raise SourceError(self._error)


class FakeBackend(_Closing):
    """A backend that gives the scores it was given, over and over.

    Attributes:
        input: What ``run`` takes.
        output: What ``run`` gives.
        identity: Says that nothing real ran.
        tensors: A copy of each tensor that was run.
        closed: Whether it was closed.
    """

    def __init__(
        self,
        spec: ModelSpec,
        *,
        scores: Sequence[ArrayLike],
        clock: FakeClock | None = None,
        run_ns: int = 0,
    ) -> None:
        """Take the scores.

        Args:
            spec: Of the model that it stands for.
            scores: One answer a run, as the model stores them, ``classes`` numbers
                each; after the last comes the first.
            clock: Goes on by ``run_ns`` with each run.
            run_ns: How long a run takes.
        """
        super().__init__()
        self.input: TensorSpec = spec.input
        self.output: TensorSpec = spec.output
        self.identity = EngineIdentity(
            engine="fake", version="0", threads_requested=1, threads=1, delegates=()
        )
        self.tensors: list[Tensor] = []
        self._answers = [self._answer(answer) for answer in scores]
        self._clock = clock
        self._run_ns = run_ns

    def run(self, tensor: Tensor) -> Tensor:
        """Return the next scores; refuses what a real backend would refuse."""
        if self.closed:
            raise BackendError("the fake backend is closed: open it again")
        if tensor.shape != self.input.shape or tensor.dtype != np.dtype(
            self.input.dtype
        ):
            raise BackendError(
                f"the model takes {self.input.dtype} {self.input.shape}, "
                f"got {tensor.dtype} {tensor.shape}"
            )
        answer: Tensor = self._answers[len(self.tensors) % len(self._answers)]
        self.tensors.append(tensor.copy())
        if self._clock is not None:
            self._clock.advance(self._run_ns)
        scores: Tensor = answer.copy()
        return scores

    def _answer(self, scores: ArrayLike) -> Tensor:
        answer: Tensor = np.array(scores, self.output.dtype, ndmin=2)
        if answer.shape != self.output.shape:
            raise ValueError(
                f"one answer has shape {self.output.shape}, got {answer.shape}"
            )
        return answer

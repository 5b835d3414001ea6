"""What LiteRT and tflite-runtime have in common: the interpreter's own interface.

Neither is imported here; each adapter hands in its ``Interpreter`` class.
"""

import functools
from collections.abc import Sequence
from typing import Any, ClassVar, get_args

import numpy as np

from edgeclf.backends.adapter import Adapter, thread_ids, threads_since
from edgeclf.backends.plan import undelegated
from edgeclf.backends.quiet import held_stderr
from edgeclf.errors import BackendError
from edgeclf.types import DType, EngineIdentity, QuantParams, Tensor, TensorSpec

__all__ = ["PROBE_MODEL", "InterpreterBackend"]

PROBE_MODEL = bytes.fromhex(
    "0800000054464c33c6ffffff14000000180000001c00000020000000030000000100000004010000"
    "0000000000000000010000001c00000001000000fc00000000000e001800140010000c0008000400"
    "0e000000140000001c000000200000002400000028000000040000006d61696e0000000001000000"
    "300000000100000001000000010000000000000002000000740000004400000000000e0014000000"
    "10000c000b0004000e000000140000000000000b1000000014000000040004000400000001000000"
    "01000000020000000000000000000000e0ffffff080000000c000000010000006200000002000000"
    "01000000010000000c000c0008000000000004000c000000080000000c0000000100000061000000"
    "020000000100000001000000040006000400000000000a0008000000000004000a00000001000000"
)
"""A ``.tflite`` file of one float ADD, 320 bytes: ``b = a + a``, shape (1, 1)."""


class InterpreterBackend(Adapter):
    """A ``.tflite`` model in a TensorFlow Lite interpreter."""

    interpreter_class: ClassVar[Any]

    def __init__(self, data: bytes, *, threads: int = 1) -> None:
        super().__init__()
        self.probe()
        before = thread_ids()
        self._interpreter = self._load(data, threads)
        self._accept(
            _only(self._interpreter.get_input_details(), "input"),
            _only(self._interpreter.get_output_details(), "output"),
        )
        self._input_index = self._interpreter.get_input_details()[0]["index"]
        self._output_index = self._interpreter.get_output_details()[0]["index"]
        if threads > 1:  # some kernels start theirs only when they run
            self.run(np.zeros(self._shape, self._dtype))
        self._threads_requested = threads
        self._threads = threads_since(before)

    @classmethod
    def version(cls) -> str:
        """Return the engine's version."""
        raise NotImplementedError

    @classmethod
    def probe(cls) -> None:
        """Run the built-in model, once a process; raises what the engine raises.

        The first XNNPACK delegate of a process announces itself on stderr. It is
        this model's, which cannot crash, so a real model's messages are not touched.
        """
        _probe(cls.interpreter_class)

    def undelegated(self) -> tuple[str, ...]:
        """Return the kinds of the operators that the interpreter runs itself."""
        return undelegated(self._interpreter._get_ops_details())  # noqa: SLF001

    def _load(self, data: bytes, threads: int) -> Any:
        if not data:
            raise BackendError(f"{self.engine} cannot load the model: it is empty")
        self._check(data)
        try:
            interpreter = self.interpreter_class(
                model_content=data, num_threads=threads
            )
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise BackendError(
                f"{self.engine} cannot load the model: {' '.join(str(error).split())}"
            ) from error
        return interpreter

    def _check(self, data: bytes) -> None:
        """Refuse what would crash the engine; LiteRT looks at every offset itself."""

    def _run(self, tensor: Tensor) -> Tensor:
        interpreter = self._interpreter
        try:
            interpreter.set_tensor(self._input_index, tensor)
            interpreter.invoke()
            scores: Tensor = interpreter.get_tensor(self._output_index)  # a copy
        except (RuntimeError, ValueError) as error:
            raise BackendError(
                f"{self.engine} cannot run the model: {' '.join(str(error).split())}"
            ) from error
        return scores

    def _identify(self) -> EngineIdentity:
        return EngineIdentity(
            engine=self.engine,
            version=self.version(),
            threads_requested=self._threads_requested,
            threads=self._threads,
            delegates=_delegates(self._interpreter),
        )

    def _release(self) -> None:
        self._interpreter = None


@functools.cache
def _probe(interpreter_class: Any) -> None:
    with held_stderr():
        interpreter = interpreter_class(model_content=PROBE_MODEL, num_threads=1)
        interpreter.allocate_tensors()
        interpreter.invoke()


def _delegates(interpreter: Any) -> tuple[str, ...]:
    # There is no public way to see the plan. The interpreter applies XNNPACK by
    # itself, and we apply no other delegate.
    plan = interpreter._get_ops_details()  # noqa: SLF001
    return ("xnnpack",) if any(node["op_name"] == "DELEGATE" for node in plan) else ()


def _only(details: Sequence[dict[str, Any]], what: str) -> TensorSpec:
    if len(details) != 1:
        raise BackendError(f"the model has {len(details)} {what}s: edgeclf needs one")
    (tensor,) = details
    dtype = np.dtype(tensor["dtype"]).name
    if dtype not in get_args(DType):
        raise BackendError(
            f"the model's {what} is {dtype}: edgeclf runs {', '.join(get_args(DType))}"
        )
    return TensorSpec(
        name=tensor["name"],
        shape=tuple(int(side) for side in tensor["shape"]),
        dtype=dtype,
        quantization=None if dtype == "float32" else _quantization(tensor),
    )


def _quantization(tensor: dict[str, Any]) -> QuantParams | None:
    params = tensor["quantization_parameters"]
    if len(params["scales"]) != 1 or not params["scales"][0] > 0:
        return None
    return QuantParams(
        scale=float(params["scales"][0]), zero_point=int(params["zero_points"][0])
    )

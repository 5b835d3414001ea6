"""ONNX Runtime on the CPU."""

import functools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnxruntime

from edgeclf.backends.adapter import Adapter, thread_ids, threads_since
from edgeclf.backends.provider_library import loading_fault
from edgeclf.errors import BackendError
from edgeclf.types import DType, EngineIdentity, Tensor, TensorSpec

__all__ = ["PROBE_MODEL", "OnnxRuntimeBackend", "provider_fault"]

PROBE_MODEL = (
    b"\x08\x07:7\n\x10\n\x01a\x12\x01b\x22\x08Identity\x12\x01pZ\x0f\n\x01a\x12\n\n\x08"
    b"\x08\x01\x12\x04\n\x02\x08\x01b\x0f\n\x01b\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08"
    b"\x01B\x04\n\x00\x10\r"
)
"""An ``.onnx`` file of one Identity over one float."""

_DTYPES: dict[str, DType] = {
    "tensor(float)": "float32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
}
_PROVIDERS = ["CPUExecutionProvider"]
_ONLY_FATAL = 4
_ELSEWHERE = frozenset(["AzureExecutionProvider"])
"""Providers that run nothing on this machine."""


class OnnxRuntimeBackend(Adapter):
    """An ``.onnx`` model in ONNX Runtime, on the CPU."""

    engine: ClassVar[str] = "onnxruntime"

    def __init__(self, data: bytes, *, threads: int = 1) -> None:
        super().__init__()
        before = thread_ids()
        session = _session(data, _options(threads))
        image = _only(session.get_inputs(), "input")
        scores = _only(session.get_outputs(), "output")
        self._invoke = session.run
        self._input_name = image.name
        self._output_names = [scores.name]
        image_spec = TensorSpec(
            name=image.name, shape=_fixed_shape(image), dtype=_dtype(image, "input")
        )
        # Exporters often leave the output's sides open: the first run tells them.
        first = self._run(np.zeros(image_spec.shape, image_spec.dtype))
        self._accept(
            image_spec,
            TensorSpec(
                name=scores.name, shape=first.shape, dtype=_dtype(scores, "output")
            ),
        )
        self._identity = EngineIdentity(
            engine=self.engine,
            version=self.version(),
            threads_requested=threads,
            threads=threads_since(before),
            delegates=tuple(session.get_providers()),
        )

    @classmethod
    def version(cls) -> str:
        """Return the version of ``onnxruntime``."""
        return str(onnxruntime.__version__)

    @classmethod
    def probe(cls) -> None:
        """Run the built-in model, once a process; raises what the engine raises."""
        _probe()

    @classmethod
    def parts(cls) -> Mapping[str, str | None]:
        """Run the built-in model on each execution provider that was compiled in."""
        names = onnxruntime.get_available_providers()
        return {name: provider_fault(name) for name in names if name not in _ELSEWHERE}

    def _run(self, tensor: Tensor) -> Tensor:
        try:
            scores: Tensor = self._invoke(
                self._output_names, {self._input_name: tensor}
            )[0]
        except Exception as error:
            raise BackendError(
                f"onnxruntime cannot run the model: {_one_line(error)}"
            ) from error
        return scores

    def _release(self) -> None:
        del self._invoke


def provider_fault(name: str) -> str | None:
    """Return why an execution provider does not work here, or ``None``.

    That it is compiled in says little: without its libraries or its device, sessions
    silently fall back to the CPU. So a session is asked what it really uses.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the answer below says it
            session = onnxruntime.InferenceSession(
                PROBE_MODEL, _options(threads=1), providers=[name]
            )
        used = session.get_providers()
        session.run(None, {"a": np.zeros(1, np.float32)})
    except Exception as error:  # noqa: BLE001 - its errors have no common class
        return _one_line(error)
    if name in used:
        return None
    folder = Path(onnxruntime.__file__).parent / "capi"
    cause = loading_fault(folder, name)
    fallen_back = f"the session runs on {', '.join(used)} instead"
    return f"{fallen_back} ({cause})" if cause else fallen_back


def _options(threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # What goes wrong comes as an exception; the log would say it a second time.
    options.log_severity_level = _ONLY_FATAL
    return options


def _session(data: bytes, options: Any) -> Any:
    try:
        return onnxruntime.InferenceSession(data, options, providers=_PROVIDERS)
    except Exception as error:
        raise BackendError(
            f"onnxruntime cannot load the model: {_one_line(error)}"
        ) from error


@functools.cache
def _probe() -> None:
    session = onnxruntime.InferenceSession(
        PROBE_MODEL, _options(threads=1), providers=_PROVIDERS
    )
    session.run(None, {"a": np.zeros(1, np.float32)})


def _only(arguments: Sequence[Any], what: str) -> Any:
    if len(arguments) != 1:
        raise BackendError(f"the model has {len(arguments)} {what}s: edgeclf needs one")
    return arguments[0]


def _dtype(argument: Any, what: str) -> DType:
    if argument.type not in _DTYPES:
        raise BackendError(
            f"the model's {what} is {argument.type}: "
            f"edgeclf runs {', '.join(sorted(_DTYPES.values()))}"
        )
    return _DTYPES[argument.type]


def _fixed_shape(argument: Any) -> tuple[int, ...]:
    """Return the shape; an open batch becomes 1, an open height or width is refused."""
    shape = tuple(argument.shape)
    if shape and not isinstance(shape[0], int):
        shape = (1, *shape[1:])
    if not all(isinstance(side, int) for side in shape):
        raise BackendError(
            f"the model's input {argument.name!r} has open sides {argument.shape}: "
            "fix its height and width when exporting it"
        )
    return shape


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())

"""Engines behind one protocol: which there are, which work here, and opening one.

An engine is imported by its one adapter module, and the adapter only when it is used.
"""

import functools
import importlib
import sys
from collections.abc import Mapping
from operator import index
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from edgeclf.errors import BackendError, MissingDependencyError
from edgeclf.types import EngineIdentity, ModelFormat, Tensor, TensorSpec

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = [
    "BACKENDS",
    "MAX_THREADS",
    "Backend",
    "BackendEntry",
    "EngineStatus",
    "available_engines",
    "engine_parts",
    "engine_status",
    "open_backend",
]


class Backend(Protocol):
    """A model, loaded by an engine and ready to run; for one thread at a time."""

    @property
    def input(self) -> TensorSpec:
        """What ``run`` takes."""
        ...

    @property
    def output(self) -> TensorSpec:
        """What ``run`` gives."""
        ...

    @property
    def identity(self) -> EngineIdentity:
        """What really runs, read back from the process."""
        ...

    def run(self, tensor: Tensor) -> Tensor:
        """Return the scores as the model gives them.

        Args:
            tensor: In the dtype and shape of ``input``; not kept.

        Returns:
            In the dtype and shape of ``output``; it belongs to the caller.

        Raises:
            BackendError: The tensor does not fit, the engine fails, or it is closed.
        """
        ...

    def close(self) -> None:
        """Let go of the model; closing twice does nothing."""
        ...

    def __enter__(self) -> "Self": ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> None: ...


class BackendEntry(NamedTuple):
    """Where an engine's adapter lives, and what it needs.

    Attributes:
        target: ``module:class`` of the adapter.
        needs: The package that it imports.
        extra: The extra of edgeclf that installs it.
        format: The model files that it runs.
    """

    target: str
    needs: str
    extra: str
    format: ModelFormat


class EngineStatus(NamedTuple):
    """Whether an engine runs a model on this machine.

    Attributes:
        usable: It has run a small built-in model in this process.
        version: The engine's own; ``None`` when it cannot be imported.
        reason: Why it is not usable.
        hint: What mends that, as a command where one does.
    """

    usable: bool
    version: str | None = None
    reason: str | None = None
    hint: str | None = None


BACKENDS: Mapping[str, BackendEntry] = MappingProxyType(
    {
        "litert": BackendEntry(
            target="edgeclf.backends.litert:LiteRTBackend",
            needs="ai_edge_litert",
            extra="litert",
            format="tflite",
        ),
        "tflite-runtime": BackendEntry(
            target="edgeclf.backends.tflite_runtime:TFLiteRuntimeBackend",
            needs="tflite_runtime",
            extra="tflite",
            format="tflite",
        ),
        "onnxruntime": BackendEntry(
            target="edgeclf.backends.ort:OnnxRuntimeBackend",
            needs="onnxruntime",
            extra="onnx",
            format="onnx",
        ),
    }
)
"""Every engine by name, in the order of preference for its model files."""

MAX_THREADS = 1024
"""More are refused: engines start every one of them, and fail in their own ways."""


def open_backend(
    data: bytes,
    *,
    format: ModelFormat,  # noqa: A002 - the field's word, as in ModelSpec
    engine: str | None = None,
    threads: int = 1,
) -> Backend:
    """Load a model file into an engine and run it once.

    Args:
        data: The file's bytes.
        format: What kind of file it is.
        engine: A name in ``BACKENDS``; by default the first that works here.
        threads: Threads that one ``run`` may use, the caller's included.

    Raises:
        MissingDependencyError: The engine is not installed, or does not work here.
        BackendError: There is no such engine, it does not run this format, or it
            cannot load this file.
        TypeError: ``threads`` is not a whole number.
        ValueError: ``threads`` is not 1 to ``MAX_THREADS``.
    """
    try:
        index(threads)
    except TypeError:
        raise TypeError(f"threads must be a whole number, got {threads!r}") from None
    if not 1 <= threads <= MAX_THREADS:
        raise ValueError(f"threads must be 1 to {MAX_THREADS}, got {threads}")
    name = _first_usable(format) if engine is None else _checked(engine, format)
    adapter, status = _examine(name)
    if not status.usable:
        raise MissingDependencyError(f"{name} {status.reason}: {status.hint}")
    backend: Backend = adapter(data, threads=threads)
    return backend


def available_engines() -> Mapping[str, EngineStatus]:
    """Try every engine on a small built-in model; imports those that are installed."""
    return {name: _examine(name)[1] for name in BACKENDS}


def engine_status(name: str) -> EngineStatus:
    """Try one engine of ``BACKENDS``."""
    return _examine(name)[1]


def engine_parts(name: str) -> Mapping[str, str | None]:
    """Run a small model on each part of an engine, such as its execution providers.

    Args:
        name: Of an engine in ``BACKENDS``.

    Returns:
        Why each part that was compiled into it does not work here, by name; ``None``
        for one that does. Empty for an engine without parts, or one that does not work.
    """
    adapter, status = _examine(name)
    parts: Mapping[str, str | None] = adapter.parts() if status.usable else {}
    return parts


def _checked(name: str, model_format: ModelFormat) -> str:
    if name not in BACKENDS:
        import difflib  # noqa: PLC0415 - only for a misspelt engine

        close = difflib.get_close_matches(name, BACKENDS, n=1)
        meant = f"did you mean {close[0]!r}? " if close else ""
        raise BackendError(
            f"no engine {name!r}: {meant}there are {', '.join(BACKENDS)}"
        )
    if BACKENDS[name].format != model_format:
        fitting = " or ".join(_engines_for(model_format))
        article = "an" if model_format[0] in "aeiou" else "a"
        raise BackendError(
            f"{name} cannot run {article} .{model_format} file: use --engine {fitting}"
        )
    return name


def _first_usable(model_format: ModelFormat) -> str:
    names = _engines_for(model_format)
    for name in names:
        if _examine(name)[1].usable:
            return name
    # One that is installed and broken says more than one that is not there.
    broken = [name for name in names if _examine(name)[1].version is not None]
    return (broken or names)[0]


def _engines_for(model_format: ModelFormat) -> list[str]:
    names = [name for name in BACKENDS if BACKENDS[name].format == model_format]
    if not names:
        raise BackendError(f"no engine runs {model_format!r} files")
    return names


@functools.cache
def _examine(name: str) -> tuple[Any, EngineStatus]:
    """Return an engine's adapter class and whether it works here.

    Importing is not enough to know: tflite-runtime imports beside numpy 2 and fails
    at its first model.
    """
    entry = BACKENDS[name]
    module_name, _, attribute = entry.target.partition(":")
    version: str | None = None
    try:
        adapter = getattr(importlib.import_module(module_name), attribute)
        version = adapter.version()
        adapter.probe()
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != entry.needs:
            raise
        return None, EngineStatus(
            usable=False, reason="is not installed", hint=_install_hint(entry)
        )
    except (AttributeError, ImportError, OSError, RuntimeError, SystemError) as error:
        return None, EngineStatus(
            usable=False,
            version=version,
            reason=f"is installed and does not work here ({_cause(entry, error)})",
            hint=_install_hint(entry),
        )
    return adapter, EngineStatus(usable=True, version=version)


def _install_hint(entry: BackendEntry) -> str:
    """Return the install line, or that of another engine where there is no wheel."""
    import platform  # noqa: PLC0415 - only on failure

    from edgeclf.install import install_line  # noqa: PLC0415 - 20 ms, only on failure

    arm32 = platform.machine().startswith("armv")
    if entry.extra == "litert" and arm32:
        return f"LiteRT has no 32-bit ARM wheel; {install_line('tflite')}"
    if entry.extra == "onnx" and arm32:
        return "ONNX Runtime has no 32-bit ARM wheel; convert with --target tflite"
    if entry.extra == "tflite" and sys.version_info >= (3, 12):
        return f"it has no wheel for Python 3.12 or newer; {install_line('litert')}"
    return install_line(entry.extra)


def _cause(entry: BackendEntry, error: BaseException) -> str:
    """Return what went wrong, in words that help where it is known."""
    if entry.extra == "tflite" and not np.__version__.startswith("1."):
        return f"it needs numpy 1, here is numpy {np.__version__}"
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__

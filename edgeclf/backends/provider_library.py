"""Why a library of ONNX Runtime's providers cannot be loaded; the engine only logs it."""

import ctypes
from pathlib import Path

__all__ = ["loading_fault"]


def loading_fault(folder: Path, provider: str) -> str | None:
    """Return what the system's loader says against a provider's library.

    Args:
        folder: Of ONNX Runtime's libraries.
        provider: Name of the execution provider, such as ``CUDAExecutionProvider``.

    Returns:
        The loader's message, which names a library that is missing; ``None`` when it
        can be loaded, or the provider has no library of its own.
    """
    stem = provider.removesuffix("ExecutionProvider").lower()
    library = folder / f"libonnxruntime_providers_{stem}.so"
    if not library.exists():
        return None
    try:
        shared = folder / "libonnxruntime_providers_shared.so"
        if shared.exists():  # what every provider's library builds on
            ctypes.CDLL(str(shared), mode=ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(library))
    except OSError as error:
        return " ".join(str(error).split())
    return None

"""Run a job in a process of its own, so that a native crash becomes an error message.

TensorFlow and the engines are C++: a bad model, or too little memory, ends the whole
process. The parent watches the child's progress, reads its result from a file, and
leaves nothing behind: on Ctrl-C the child ends, and if the parent is killed the kernel
ends the child.
"""

import contextlib
import ctypes
import errno
import importlib
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import edgeclf.errors
from converters.quiet import quieten_tensorflow
from edgeclf.errors import ConversionError, EdgeclfError, OutputFileError
from edgeclf.files import write_atomically

__all__ = ["ChildError", "Report", "run_in_child"]

Report: TypeAlias = Callable[[str, float], None]
"""Called by the job with the phase's name and how much of the phase is done, 0 to 1."""

_BOOT = (
    "import sys; sys.path[:] = sys.argv[2].split(chr(10)); "
    "from converters.child import serve; serve(sys.argv[1])"
)
_UNEXPECTED = 70
_NO_ROOM = 74
_FULL = (
    "the disk that temporary files go to is full, and nothing was written: free some "
    "space, or set TMPDIR to a folder that has it"
)
_TOO_LARGE = (
    "a temporary file would be larger than files may be here, and nothing was written: "
    "raise the limit (ulimit -f), or set TMPDIR to a file system without one"
)
_PATIENCE_S = 3.0
_PR_SET_PDEATHSIG = 1


class ChildError(ConversionError):
    """The child ended without a result; ``log`` has the last lines that it wrote."""

    def __init__(self, message: str, *, log: str) -> None:
        super().__init__(message)
        self.log = log


def run_in_child(
    target: str, arguments: Mapping[str, Any], *, folder: Path, report: Report
) -> dict[str, Any]:
    """Call a function in a child process and return what it returns.

    Args:
        target: ``module:function``; called as ``function(arguments, report)``. What it
            raises of ``edgeclf.errors`` is raised here.
        arguments: JSON-ready.
        folder: Existing and empty; for the job's files, its log and its result.
        report: Called here with the progress that the child reports.

    Returns:
        What the function returned, JSON-ready.

    Raises:
        ChildError: It crashed, was killed, or raised something unexpected.
    """
    job = folder / "job.json"
    reader, writer = os.pipe()
    settings = {
        "target": target,
        "arguments": dict(arguments),
        "progress": writer,
        "parent": os.getpid(),
    }
    write_atomically(job, json.dumps(settings).encode())
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - this interpreter and our own code
            [sys.executable, "-c", _BOOT, str(job), "\n".join(sys.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(writer,),
            env=_environment(folder),
            start_new_session=True,  # Ctrl-C reaches the parent alone, which ends it
        )
    os.close(writer)
    phase = "starting"
    try:
        for phase, done in _progress(reader):
            report(phase, done)
        process.wait()
    finally:
        _end(process)
    return _result(process.returncode, folder, phase)


def serve(job: str) -> NoReturn:
    """Do a job of ``run_in_child``; what the child process runs."""
    settings = json.loads(Path(job).read_text())
    _die_with(settings["parent"])
    folder = Path(job).parent
    with os.fdopen(settings["progress"], "w", buffering=1) as pipe:

        def report(phase: str, done: float) -> None:
            pipe.write(json.dumps([phase, done]) + "\n")

        outcome = _call(settings["target"], settings["arguments"], report)
    status = outcome.pop("status")
    try:
        (folder / "result.json").write_text(json.dumps(outcome))
    except OSError:
        os._exit(_NO_ROOM)  # not even for the result
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # a native library's exit handlers cannot spoil a good result


# What the user reads, and how it is known; TensorFlow says it in words only.
_DISK_TROUBLES = (
    (_FULL, {errno.ENOSPC, errno.EDQUOT}, "No space left on device"),
    (_TOO_LARGE, {errno.EFBIG}, "File too large"),
)


def _call(target: str, arguments: dict[str, Any], report: Report) -> dict[str, Any]:
    module, _, function = target.partition(":")
    try:
        returned = getattr(importlib.import_module(module), function)(arguments, report)
    except EdgeclfError as error:
        return {"status": 1, "error": type(error).__name__, "message": str(error)}
    except BaseException as error:  # noqa: BLE001 - it goes to the parent as ChildError
        traceback.print_exc()
        text = " ".join(str(error).split())
        for message, numbers, words in _DISK_TROUBLES:
            if getattr(error, "errno", None) in numbers or words in text:
                name = OutputFileError.__name__
                return {"status": 1, "error": name, "message": message}
        return {"status": _UNEXPECTED, "message": f"{type(error).__name__}: {text}"}
    return {"status": 0, "returned": returned}


def _environment(folder: Path) -> dict[str, str]:
    environment = dict(os.environ)
    quieten_tensorflow(environment)
    environment |= {
        "CUDA_VISIBLE_DEVICES": "-1",  # the same kernels on every machine
        "PYTHONHASHSEED": "0",  # tf2onnx walks sets of names
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(folder),
    }
    return environment


def _progress(reader: int) -> Iterator[tuple[str, float]]:
    with os.fdopen(reader) as pipe:
        for line in pipe:
            with contextlib.suppress(ValueError):  # cut short by a crash
                phase, done = json.loads(line)
                yield phase, done


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no child behind, nor what it started: ask, wait, insist."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _result(status: int, folder: Path, phase: str) -> dict[str, Any]:
    result = folder / "result.json"
    if status == _NO_ROOM:
        raise OutputFileError(_FULL)
    if status < 0 or not result.exists():
        raise ChildError(
            f"conversion stopped while {phase}: {_cause(status)}", log=_log_tail(folder)
        )
    outcome = json.loads(result.read_text())
    if status == 0:
        returned: dict[str, Any] = outcome["returned"]
        return returned
    message = outcome["message"]
    if status == _UNEXPECTED:
        raise ChildError(
            f"conversion failed while {phase}: {message}", log=_log_tail(folder)
        )
    raise getattr(edgeclf.errors, outcome["error"])(message)


def _cause(status: int) -> str:
    if status >= 0:
        return f"the process exited with {status} and no result"
    name = signal.Signals(-status).name
    if -status == signal.SIGKILL:
        return f"the process was killed by {name}, usually for want of memory"
    return f"the process crashed with {name}, a fault in a native library"


def _log_tail(folder: Path, lines: int = 20) -> str:
    text = (folder / "log.txt").read_bytes().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its parent ends (Linux)."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)

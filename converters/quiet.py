"""Keep TensorFlow's start-up chatter off the user's terminal.

TensorFlow reads its log levels from the environment when it is first imported, so they
are set before that, in this process or in the environment of a child process. A few
lines come before it has read them; those are held back while it is being imported, and
shown if the import fails.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager

__all__ = ["import_tensorflow", "quieten_tensorflow"]

_SETTINGS = {
    "TF_CPP_MIN_LOG_LEVEL": "3",  # what matters comes back as an exception
    "ABSL_MIN_LOG_LEVEL": "3",
    "GLOG_minloglevel": "3",
    "KERAS_BACKEND": "tensorflow",
}


def quieten_tensorflow(environment: MutableMapping[str, str] | None = None) -> None:
    """Set the log levels that are not yet set.

    Args:
        environment: Of a child process; this process's own when left out.
    """
    target = os.environ if environment is None else environment
    for name, value in _SETTINGS.items():
        target.setdefault(name, value)


def import_tensorflow() -> None:
    """Import TensorFlow and Keras without a word, unless it fails.

    Raises:
        ModuleNotFoundError: One of them is not installed.
    """
    if "tensorflow" in sys.modules and "keras" in sys.modules:
        return
    quieten_tensorflow()
    with _held_back_stderr():
        importlib.import_module("tensorflow")
        importlib.import_module("keras")


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Send the process's stderr to a file; copy it back if an exception passes."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(terminal, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)

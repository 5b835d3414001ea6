"""The program ``edgeclf``, also as ``python -m edgeclf``."""

import os
import sys
from pathlib import Path

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C while Python is still importing ends quietly too."""
    _open_missing_streams()
    try:
        from edgeclf.cli import main as run_command_line  # noqa: PLC0415 - takes 70 ms
    except KeyboardInterrupt:
        sys.exit(130)
    run_command_line()


def _open_missing_streams() -> None:
    """Send what nobody listens to nowhere: a service may start with closed streams."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - to the end


if __name__ == "__main__":
    main()

"""The program ``edgeclf``, also as ``python -m edgeclf``."""

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line; Ctrl-C while Python is still importing ends quietly too."""
    try:
        from edgeclf.cli import main as run_command_line  # noqa: PLC0415 - takes 70 ms
    except KeyboardInterrupt:
        sys.exit(130)
    run_command_line()


if __name__ == "__main__":
    main()

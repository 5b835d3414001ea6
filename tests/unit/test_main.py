"""How the program ends, in a process of its own."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys, threading
from edgeclf.__main__ import main
atexit.register(print, "Python ended")
{before}
sys.argv = ["edgeclf", *{arguments}]
main()
"""
HANGING = "threading.Thread(target=threading.Event().wait, daemon=True).start()"


def ended(before: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    code = PROGRAM.format(before=before, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--version"], 0), (["inspect", "/none"], 1), (["x"], 2)]
)
def test_a_thread_that_hangs_does_not_see_pythons_own_end(
    arguments: list[str], code: int
) -> None:
    done, usual = ended(HANGING, *arguments), ended("", *arguments)

    assert done.returncode == usual.returncode == code
    assert done.stderr == usual.stderr
    assert done.stdout + "Python ended\n" == usual.stdout

"""Say in one line when this Python cannot run edgeclf; used before anything is made."""

import sys

if not (3, 10) <= sys.version_info[:2] <= (3, 13):
    sys.exit(
        "error: edgeclf needs Python 3.10 to 3.13, this is "
        f"{sys.version.split()[0]} ({sys.executable}); "
        "name another one: make PYTHON=python3.12 …"
    )
try:
    import ensurepip  # noqa: F401 - looked for, not used
    import venv  # noqa: F401
except ImportError:
    sys.exit(
        "error: this Python has no venv module: "
        f"sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    )

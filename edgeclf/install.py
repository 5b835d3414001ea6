"""How this copy of edgeclf was installed, so that hints can be typed as they stand."""

import json
import sys

__all__ = ["install_line", "system_install_line"]


def install_line(extra: str) -> str:
    """Return the shell command that adds an extra to this very installation.

    Args:
        extra: Name of the extra: ``"litert"``, ``"onnx"``, ``"convert"``, …
    """
    return f"{_installer()} {_requirement(extra)}"


def system_install_line(packages: str) -> str:
    """Return the shell command that installs the distribution's packages.

    A virtual environment has to be made so that it sees them; pip cannot bring them.

    Args:
        packages: Their names, as apt takes them.
    """
    line = f"sudo apt install {packages}"
    if sys.prefix == sys.base_prefix:
        return line
    return (
        f"{line}, in an environment of the system's Python that sees it: "
        f"/usr/bin/python3 -m venv --system-site-packages {sys.prefix}"
    )


def _installer() -> str:
    if sys.prefix == sys.base_prefix:
        return "python3 -m pip install"
    return f"{sys.prefix}/bin/python -m pip install"


def _requirement(extra: str) -> str:
    """Return what to ask pip for: the folder of an editable install, or the name."""
    from importlib import metadata  # noqa: PLC0415 - 20 ms, only for a hint

    try:
        text = metadata.distribution("edgeclf").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        text = None
    origin = json.loads(text) if text else {}
    url = str(origin.get("url", ""))
    if origin.get("dir_info", {}).get("editable") and url.startswith("file://"):
        return f"-e '{url.removeprefix('file://')}[{extra}]'"
    return f"'edgeclf[{extra}]'"

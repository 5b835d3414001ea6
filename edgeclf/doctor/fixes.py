"""Commands that mend more than one fault."""

from edgeclf.doctor.surroundings import Surroundings

__all__ = ["pip", "show_system_packages"]


def pip(here: Surroundings) -> str:
    """Return how pip is called for this very Python."""
    return f"{here.prefix}/bin/python -m pip" if here.in_venv else "python3 -m pip"


def show_system_packages(here: Surroundings) -> str:
    """Return what lets a virtual environment see the distribution's packages."""
    setting = "include-system-site-packages = "
    return f"sed -i 's/{setting}false/{setting}true/' {here.prefix}/pyvenv.cfg"

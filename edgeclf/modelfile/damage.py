"""The one exception that readers inside this package raise on bad bytes."""

from edgeclf.errors import ModelFileError

__all__ = ["DamagedError", "damaged"]


class DamagedError(Exception):
    """Bytes contradict their format; the public functions name the file and re-raise."""


def damaged(name: str, error: DamagedError) -> ModelFileError:
    """Return the error that users see.

    Args:
        name: The file.
        error: What is wrong with it.
    """
    return ModelFileError(
        f"{name}: the model file is damaged or cut short: {error}; "
        "copy or export it again"
    )

"""The one exception that readers inside this package raise on bad bytes."""

__all__ = ["DamagedError"]


class DamagedError(Exception):
    """Bytes contradict their format; the public functions name the file and re-raise."""

"""How a camera of this machine is written: ``NAME[?width=…&height=…&fps=…]``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from edgeclf.errors import SourceError

__all__ = ["CameraForm"]

_SIDE = r"[1-9][0-9]{0,4}"
_FPS = r"[1-9][0-9]{0,3}(?:\.[0-9]{1,3})?|0\.[0-9]{1,3}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraForm:
    """Which camera is meant, and what is asked of it.

    Attributes:
        name: What stands before the question mark.
        size: (height, width) in pixels, or ``None`` for the camera's own.
        fps: Frames a second, or ``None`` for the camera's own.
        others: Further options, which the kind of camera knows.
    """

    name: str
    size: tuple[int, int] | None
    fps: float | None
    others: Mapping[str, str]

    @classmethod
    def read(
        cls, text: str, *, form: str, others: Mapping[str, str] | None = None
    ) -> "CameraForm":
        """Take what follows the scheme apart.

        Args:
            text: Such as ``0?width=640&height=480``.
            form: How it is written, for messages.
            others: Pattern of the value of each further option.

        Raises:
            SourceError: It is written otherwise.
        """
        name, _, query = text.partition("?")
        known = {"width": _SIDE, "height": _SIDE, "fps": _FPS, **(others or {})}
        values: dict[str, str] = {}
        for pair in filter(None, query.split("&")):
            key, _, value = pair.partition("=")
            if key in values or not re.fullmatch(known.get(key, r"(?!)"), value):
                raise SourceError(f"{pair!r} is no option of this camera: write {form}")
            values[key] = value
        width, height = values.pop("width", None), values.pop("height", None)
        fps = values.pop("fps", None)
        if (width is None) != (height is None):
            raise SourceError(f"width and height go together: write {form}")
        return cls(
            name=name,
            size=None if width is None or height is None else (int(height), int(width)),
            fps=None if fps is None else float(fps),
            others=values,
        )

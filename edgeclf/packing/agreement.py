"""Whether flags say of a model's pictures what the file itself says."""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from edgeclf.errors import SpecError
from edgeclf.packing.flags import ModelFlags
from edgeclf.types import PreprocessSpec

__all__ = ["require_agreement"]

_FLAGS = ("--preset", "--mean", "--std", "--crop-fraction")


def require_agreement(
    flags: ModelFlags, wanted: PreprocessSpec, stated: PreprocessSpec, *, name: str
) -> None:
    """Refuse flags that contradict the file, unless they are to override it.

    Args:
        flags: What the user says.
        wanted: What follows from it.
        stated: What follows from the file alone.
        name: The model file, for messages.

    Raises:
        SpecError: They differ; both are shown.
    """
    if flags.override_metadata:
        return
    said, given = dict(_leaves(stated)), dict(_leaves(wanted))
    differing = [
        field for field in said if not _is_same(field, said[field], given[field])
    ]
    if not differing:
        return
    typed = " and ".join(flag for flag in _FLAGS if flag in flags.given)
    raise SpecError(
        f"{name} says of its pictures: {_shown(said, differing)}; and {typed} says: "
        f"{_shown(given, differing)}: leave {typed} out, or give --override-metadata "
        "to let flags count"
    )


def _leaves(spec: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for each in fields(spec):
        value = getattr(spec, each.name)
        if is_dataclass(value):
            yield from _leaves(value, f"{prefix}{each.name}.")
        else:
            yield prefix + each.name, value


def _is_same(field: str, one: Any, other: Any) -> bool:
    if field in {"mean", "std"}:  # metadata round them, and a pixel is a whole step
        return np.allclose(one, other, rtol=1e-3, atol=0.02)
    return bool(one == other)


def _shown(values: dict[str, Any], names: list[str]) -> str:
    return ", ".join(f"{name} {_words(values[name])}" for name in names)


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        parts = dict.fromkeys(_words(part) for part in value)
        return ",".join(parts if len(parts) == 1 else [_words(part) for part in value])
    return f"{value:g}" if isinstance(value, float) else str(value)

"""What was tried, one row each: for people, for programs, and across a crash."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeclf.gate_record import GateRecord
from edgeclf.json_values import from_json_value, to_json_value

__all__ = [
    "LayerCost",
    "Trial",
    "TrialTable",
    "read_trials",
    "trial_rows",
    "write_trials",
]

_FILE = "trials.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """A layer that stays in float.

    Attributes:
        layer: Its name.
        share: Of the multiply-accumulates.
        error: Share of its output's power that eight bits would lose.
        ms: What it costs on the machine that measured, against eight bits; ``None``
            until it is measured.
    """

    layer: str
    share: float
    error: float
    ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One recipe that was tried.

    Attributes:
        name: What was done, for people.
        precision: What it computes in.
        model_bytes: Size of its file; ``None`` if none was made.
        divergence: Mean Kullback-Leibler divergence of the probabilities from the
            source's, on photos that calibrated, in nats.
        gate: The verdict on other photos; ``None`` if it was not judged.
        int8_share: Of the multiply-accumulates that are computed in eight bits.
        float_layers: Those that are not, worst first.
        refused: Why nothing came of it.
        is_chosen: Whether it is in the bundle.
    """

    name: str
    precision: str
    model_bytes: int | None = None
    divergence: float | None = None
    gate: GateRecord | None = None
    int8_share: float | None = None
    float_layers: tuple[LayerCost, ...] = ()
    refused: str | None = None
    is_chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeedResult:
    """The chosen recipe, calibrated on another draw of photos.

    Attributes:
        seed: Of the draw.
        value: The drop or the agreement, as the gate measures it, on the same photos.
    """

    seed: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trials:
    trials: tuple[Trial, ...]


class TrialTable:
    """What was tried so far.

    Args:
        tried: Called with all rows whenever one changes.
    """

    def __init__(self, tried: Callable[[Sequence[Trial]], None]) -> None:
        self._tried = tried
        self.rows: list[Trial] = []

    def add(self, trial: Trial) -> int:
        """Add a row, and return its number."""
        self.rows.append(trial)
        self._tried(self.rows)
        return len(self.rows) - 1

    def change(self, row: int, **changes: Any) -> None:
        """Give a row other values."""
        self.rows[row] = replace(self.rows[row], **changes)
        self._tried(self.rows)


def write_trials(folder: Path, trials: Sequence[Trial]) -> None:
    """Keep what was tried, for whoever asks after a refusal."""
    document = to_json_value(_Trials(trials=tuple(trials)))
    (folder / _FILE).write_text(json.dumps(document))


def read_trials(folder: Path) -> tuple[Trial, ...]:
    """Return what was tried; nothing where nothing was."""
    path = folder / _FILE
    if not path.exists():
        return ()
    document: Any = json.loads(path.read_text())
    return from_json_value(_Trials, document, where="trials").trials


def trial_rows(trials: Sequence[Trial]) -> list[str]:
    """Return a table for people: a line of heads, then one a trial."""
    rows = [("", "tried", "size", "divergence", "in int8", "verdict")]
    rows += [
        (
            "*" if trial.is_chosen else "",
            trial.name,
            "" if trial.model_bytes is None else f"{trial.model_bytes / 1e6:.2f} MB",
            "" if trial.divergence is None else f"{trial.divergence:.2g}",
            "" if trial.int8_share is None else f"{trial.int8_share:.1%}",
            _verdict(trial),
        )
        for trial in trials
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _verdict(trial: Trial) -> str:
    gate = trial.gate
    if trial.refused is not None:
        return trial.refused
    if gate is None:
        return "" if trial.is_chosen else "not judged"
    if gate.measure == "accuracy":
        figure = f"drop {100 * gate.value:+.2f} points"
        interval = f"{100 * gate.low:+.2f} to {100 * gate.high:+.2f}"
    else:
        figure = f"agreement {gate.value:.1%}"
        interval = f"{gate.low:.1%} to {gate.high:.1%}"
    return f"{gate.verdict}: {figure} ({interval})"

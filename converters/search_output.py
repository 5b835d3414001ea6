"""What ``edgeclf convert`` says of the gate and of what was tried."""

from collections.abc import Sequence
from typing import Any

from converters.gate.outcome import measured_words, wish_words
from converters.gate.trials import LayerCost, SeedResult, Trial, trial_rows
from edgeclf.commands.console import one_line, print_json, say
from edgeclf.errors import EdgeclfError
from edgeclf.gate_record import GateRecord
from edgeclf.json_values import to_json_value

__all__ = [
    "gate_words",
    "layer_lines",
    "say_refusal",
    "say_trials",
    "spread_words",
    "tried_payload",
]


def gate_words(record: GateRecord | None) -> str:
    """Return the verdict and what it rests on, in a line."""
    if record is None:
        return "not judged: there are no photos to compare on"
    if record.measure == "accuracy":
        asked = f"at most {100 * record.bar:.2f} points"
    else:
        asked = f"at least {record.bar:.1%}"
    words = f"{record.verdict}: {measured_words(record)}, {asked}"
    if record.verdict != "undecided":
        return words
    accepted = " (accepted: --accept-undecided)" if record.accepted else ""
    return f"{words}{accepted}; {wish_words(record)}"


def layer_lines(trials: Sequence[Trial]) -> list[str]:
    """Return a line for each layer that the chosen artefact keeps in float."""
    chosen = next((trial for trial in trials if trial.is_chosen), None)
    if chosen is None or not chosen.float_layers:
        return []
    share = 1.0 if chosen.int8_share is None else chosen.int8_share
    head = f"in float   {len(chosen.float_layers)} layers; {share:.1%} of the "
    return [
        f"{head}multiply-accumulates are in int8",
        *(f"{'':<10} {_layer(cost)}" for cost in chosen.float_layers),
    ]


def spread_words(results: Sequence[SeedResult], record: GateRecord | None) -> str:
    """Return what other draws of calibration photos gave."""
    if not results:
        return ""
    values = [result.value for result in results]
    is_drop = record is not None and record.measure == "accuracy"
    shown = [f"{100 * v:+.2f}" if is_drop else f"{v:.1%}" for v in values]
    what = "drop in points" if is_drop else "agreement"
    span = 100 * (max(values) - min(values))
    return (
        f"{what} with {len(values)} draws of calibration photos: {', '.join(shown)} "
        f"(span {span:.2f} points)"
    )


def say_refusal(error: EdgeclfError, trials: Sequence[Trial], *, as_json: bool) -> None:
    """Say on stderr what was tried and why nothing was written; JSON on stdout."""
    if as_json:
        payload = {
            "error": type(error).__name__,
            "message": str(error),
            "tried": tried_payload(trials),
        }
        print_json("error", payload, one_line=True)
    say_trials(trials)
    say(f"error: {one_line(str(error))}")


def say_trials(trials: Sequence[Trial]) -> None:
    """Say on stderr what was tried."""
    if trials:
        say("\n".join(trial_rows(trials)))


def tried_payload(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Return what was tried, JSON-ready."""
    return [to_json_value(trial) for trial in trials]


def _layer(cost: LayerCost) -> str:
    time = "" if cost.ms is None else f", costs {cost.ms:+.3f} ms on this machine"
    return (
        f"{cost.layer}: {cost.share:.1%} of the work, eight bits lose "
        f"{cost.error:.2%} of its output{time}"
    )

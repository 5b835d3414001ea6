"""What a verdict means for the bundle, and its words."""

from dataclasses import replace

from converters.gate.wanted import FEWEST_THINGS, fewest_to_pass
from converters.recipe import Recipe
from edgeclf.errors import NoVerdictError, OutOfBoundsError
from edgeclf.gate_record import ClassDrop, GateRecord

__all__ = [
    "accepted_or_refused",
    "is_accepted",
    "measured_words",
    "refusal",
    "wish_words",
]


def accepted_or_refused(
    record: GateRecord | None, recipe: Recipe, *, name: str
) -> GateRecord | None:
    """Return the record that goes into the bundle, or refuse the artefact.

    Numbers in 8 bits, and a model that lost channels, must pass. A float artefact of
    an unchanged model must not fail: bars on its scores say more than decisions do.

    Args:
        record: The gate's; ``None`` where nothing could be judged.
        recipe: Says what was done, and whether undecided is accepted.
        name: Of the source, for the message.

    Raises:
        OutOfBoundsError: It failed.
        NoVerdictError: It is undecided, and that is not accepted.
    """
    if record is not None and record.verdict == "fail":
        raise OutOfBoundsError(
            f"below the gate: {refusal(record, name)}; no bundle was written"
        )
    if not is_accepted(record, recipe):
        raise NoVerdictError(_undecided(record, name))
    if record is None or record.verdict == "pass" or not recipe.is_lossy:
        return record
    return replace(record, accepted=True)


def is_accepted(record: GateRecord | None, recipe: Recipe) -> bool:
    """Whether an artefact with this verdict may go into a bundle."""
    if record is not None and record.verdict != "undecided":
        return record.verdict == "pass"
    return recipe.accept_undecided or not recipe.is_lossy


def refusal(record: GateRecord, name: str) -> str:
    """Return what was measured, against what was asked."""
    worst = record.worst_class
    by_class = record.measure == "accuracy" and record.low <= record.bar
    if by_class and worst is not None and worst.low > worst.bar:
        return (
            f"class {worst.label!r} is recognised {_class_words(worst)}, "
            f"{_points(worst.bar)} allowed"
        )
    if record.measure == "accuracy":
        return (
            f"{measured_words(record)} against {name}'s, {_points(record.bar)} allowed"
        )
    return f"{measured_words(record)} with {name}, {record.bar:.1%} asked"


def measured_words(record: GateRecord) -> str:
    """Return what was measured, with its interval."""
    if record.measure == "accuracy":
        interval = f"{100 * record.low:+.2f} to {100 * record.high:+.2f}"
        return (
            f"top-1 accuracy drops by {_points(record.value)} (95 % interval "
            f"{interval}) on {record.photos} photos{_clusters(record)}"
        )
    return (
        f"decisions agree on {record.value:.1%} (95 % interval {record.low:.1%} to "
        f"{record.high:.1%}) of {record.photos} photos{_clusters(record)}"
    )


def worst_class_words(worst: ClassDrop | None) -> str:
    """Return how the class that lost most came off; nothing without one."""
    if worst is None:
        return ""
    return f"{worst.label!r} is recognised {_class_words(worst)}"


def wish_words(record: GateRecord) -> str:
    """Return what would decide an undecided record."""
    is_clustered = record.clusters < record.photos
    if is_clustered and record.clusters < FEWEST_THINGS:
        return _few_things(record)
    if record.more_photos is None:
        return "it is so near the bar that no practical number of photos would decide"
    if is_clustered:
        return (
            f"about {record.more_photos} photos of other things would decide; more of "
            "the same would not"
        )
    return f"about {record.more_photos} more photos like these would decide"


def _few_things(record: GateRecord) -> str:
    fewest = fewest_to_pass(record.measure, record.bar)
    needed = "" if fewest is None else f", and at least {fewest} are needed"
    return (
        f"all {record.photos} photos show only {record.clusters} different "
        f"{'things' if record.clusters > 1 else 'thing'}{needed}: photos of other "
        "things would decide, more of the same would not"
    )


def _undecided(record: GateRecord | None, name: str) -> str:
    way = "write the bundle as it is with --accept-undecided"
    if record is None:
        return (
            f"undecided: there are no photos to compare the result with {name} on, and "
            f"no bundle was written; give some with --evaluate, or {way}"
        )
    return (
        f"undecided: {refusal(record, name)}; {wish_words(record)}; no bundle was "
        f"written: give other photos with --evaluate, or {way}"
    )


def _class_words(worst: ClassDrop) -> str:
    return (
        f"{_points(worst.value)} less often (interval {100 * worst.low:+.1f} to "
        f"{100 * worst.high:+.1f}, corrected for {worst.classes} classes) on "
        f"{worst.photos} photos"
    )


def _clusters(record: GateRecord) -> str:
    if record.clusters == record.photos:
        return ""
    things = "things" if record.clusters > 1 else "thing"
    return f" of {record.clusters} different {things}"


def _points(share: float) -> str:
    return f"{100 * share:.2f} points"

"""What flags on pruning and recovery add to a recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from edgeclf.errors import SpecError

__all__ = ["EPOCHS", "PruneWish", "with_source_passes"]

EPOCHS = 20
"""How often fine-tuning sees each photo, when nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneWish:
    """What flags ask of pruning; ``None`` where they ask nothing.

    Attributes:
        share: Of the multiply-accumulates to remove.
        target_ms: What one picture may take on the profile's board, in milliseconds.
        importance: What channels are ranked by.
        epochs: How often each photo to learn from is seen.
        finetunes: Whether there are photos to learn from.
    """

    share: float | None
    target_ms: float | None
    importance: str | None
    epochs: int | None
    finetunes: bool

    @property
    def prunes(self) -> bool:
        """Whether anything is to be removed."""
        return self.share is not None or self.target_ms is not None


def with_source_passes(
    document: Mapping[str, Any], wish: PruneWish, *, name: str
) -> Mapping[str, Any]:
    """Return a recipe's values with the passes that the flags ask for.

    A pruned model is always recovered: by fine-tuning on photos given for that, else
    by measuring its batch statistics again (no epochs).

    Args:
        document: A recipe's values.
        wish: What the flags say.
        name: Of the recipe, for messages.

    Raises:
        SpecError: Flags and recipe ask for the same.
    """
    if not wish.prunes:
        return document
    steps = list(document.get("passes", []))
    if any(isinstance(step, dict) and step.get("name") == "prune" for step in steps):
        raise SpecError(
            f"--prune contradicts {name}, which prunes already: leave out one of the two"
        )
    options = {
        "share": wish.share,
        "target_ms": wish.target_ms,
        "importance": wish.importance,
    }
    given = {key: value for key, value in options.items() if value is not None}
    epochs = wish.epochs
    if epochs is None:
        epochs = EPOCHS if wish.finetunes else 0
    recover = {"name": "recover", "options": {"epochs": epochs}}
    return {
        **document,
        "passes": [{"name": "prune", "options": given}, recover, *steps],
    }

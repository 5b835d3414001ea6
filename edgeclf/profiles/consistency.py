"""What must hold between the parts of a profile."""

import difflib
from collections.abc import Iterable

from edgeclf.profiles.schema import CHOICES, FACTS
from edgeclf.profiles.table import Table
from edgeclf.profiles.values import Profile

__all__ = ["check_consistency"]


def check_consistency(profile: Profile, table: Table) -> None:
    """Refuse gaps and contradictions.

    Raises:
        ProfileError: A fact is neither stated nor said to be missing, or both; a
            generic profile speaks of hardware; a source is absent, or not cited.
    """
    _check_missing(profile, table)
    _check_completeness(profile, table)
    _check_sources(profile, table)


def _check_missing(profile: Profile, table: Table) -> None:
    """What is listed as missing is a fact, and is missing."""
    for key in profile.missing:
        if key not in FACTS:
            close = difflib.get_close_matches(key, FACTS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise table.fail("missing", f"there is no fact {key!r}{hint}")
        if key in profile.facts:
            raise table.fail("missing", f"{key!r} is stated too")


def _check_completeness(profile: Profile, table: Table) -> None:
    """Every fact is stated or listed as missing."""
    if profile.is_board and not profile.device_tree_models:
        raise table.fail("device_tree_models", "a board names itself somehow")
    for key in FACTS:
        is_choice = key.startswith(CHOICES)
        is_known = key in profile.facts
        if not profile.is_board and not is_choice and is_known:
            raise table.fail(key, "a generic profile claims nothing of hardware")
        if (profile.is_board or is_choice) and not (is_known or key in profile.missing):
            raise table.fail(key, "state it with its source, or list it under missing")


def _check_sources(profile: Profile, table: Table) -> None:
    """Every value's source is there, and every source is used."""
    cited = set(_cited(profile))
    for key in sorted(cited - profile.sources.keys()):
        raise table.fail("sources", f"{key!r} is cited and not there")
    for key in sorted(profile.sources.keys() - cited):
        raise table.fail("sources", f"{key!r} is not cited by anything")


def _cited(profile: Profile) -> Iterable[str]:
    yield from (fact.source for fact in profile.facts.values())
    yield from (system.source for system in profile.systems)
    yield from (ratio.source for ratio in profile.latency_ratios)
    yield profile.budget.source

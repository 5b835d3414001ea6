"""Device profiles: what is known of a board, where it was read, and what is not known.

The data are TOML files in ``firmware_profiles``; their format is described in
``docs/profile-format.md``.
"""

from edgeclf.profiles.reader import parse_profile
from edgeclf.profiles.schema import FACTS, FORMAT, FactRule
from edgeclf.profiles.shelf import load_profile, profile_for_board, profile_names
from edgeclf.profiles.values import (
    BudgetLimits,
    Fact,
    FactValue,
    LatencyRatio,
    Profile,
    Source,
    SystemSupport,
)

__all__ = [
    "FACTS",
    "FORMAT",
    "BudgetLimits",
    "Fact",
    "FactRule",
    "FactValue",
    "LatencyRatio",
    "Profile",
    "Source",
    "SystemSupport",
    "load_profile",
    "parse_profile",
    "profile_for_board",
    "profile_names",
]

"""How much to remove: as said, or so that a picture takes a given time."""

from collections.abc import Callable, Sequence
from typing import Any

from converters.graph.macs import layer_macs
from converters.prune.budget import estimated_share, published_law
from converters.prune.options import PruneOptions
from converters.prune.search import share_for_time
from converters.prune.side_artefact import side_artefact
from converters.prune.speed import shortest_ms
from converters.workpiece import Workpiece
from edgeclf.backends import open_backend
from edgeclf.bench.judge import is_profiles_machine
from edgeclf.errors import SpecError
from edgeclf.machine import board_description, read_identity
from edgeclf.profiles import Profile, load_profile

__all__ = ["resolve_share"]


def resolve_share(
    work: Workpiece, options: PruneOptions, pruned: Callable[[float], Any]
) -> tuple[float, Sequence[str]]:
    """Return the share of multiply-accumulates to remove, and what it rests on.

    On the profile's own board times are measured, of files such as the recipe makes;
    else the board's published times are the ground, and that is said.

    Args:
        work: Before pruning.
        options: Say a share or a time.
        pruned: Makes the model without a share.

    Raises:
        SpecError: A time without a profile, without ground, or out of reach.
    """
    if options.target_ms is None:
        assert options.share is not None  # noqa: S101 - the options are either
        return options.share, ()
    if work.recipe.profile is None:
        raise SpecError(
            "--prune-to is a time on a board: give --profile NAME, or --prune SHARE"
        )
    profile = load_profile(work.recipe.profile)
    if is_profiles_machine(profile, read_identity()):
        return _measured(work, options.target_ms, pruned)
    return _estimated(work, options.target_ms, profile)


def _estimated(
    work: Workpiece, target_ms: float, profile: Profile
) -> tuple[float, Sequence[str]]:
    is_int8 = work.recipe.precision == "int8"
    law = published_law(profile.name, str(work.engine), is_int8=is_int8)
    if law is None:
        raise SpecError(
            f"--prune-to: no times of {work.engine} are published for {profile.name} "
            "that an estimate could rest on: give --prune SHARE, or run it on the board"
        )
    macs = sum(layer_macs(work.scoring_model).values())
    share, words = estimated_share(target_ms, macs, law, board=profile.name)
    return share, [f"--prune-to {target_ms:g} ms: {words}"]


def _measured(
    work: Workpiece, target_ms: float, pruned: Callable[[float], Any]
) -> tuple[float, Sequence[str]]:
    def time_of(share: float) -> float:
        data = side_artefact(work, pruned(share), work.recipe)
        target = work.recipe.target
        with open_backend(data, format=target, engine=work.engine) as backend:
            return shortest_ms(backend)

    share, milliseconds = share_for_time(target_ms, time_of)
    where = board_description(read_identity())
    words = (
        f"--prune-to {target_ms:g} ms: {milliseconds:.3g} ms measured on {where} with "
        f"{work.engine}"
    )
    return share, [words]

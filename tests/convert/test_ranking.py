"""Which channels go for a target."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeclf.errors import ConversionError
from tests.convert.graph_models import branchy, varied

groups_module: Any = pytest.importorskip("converters.graph.groups")
importance: Any = pytest.importorskip("converters.prune.importance")
keras: Any = pytest.importorskip("keras")
macs: Any = pytest.importorskip("converters.graph.macs")
ranking: Any = pytest.importorskip("converters.prune.ranking")
surgery: Any = pytest.importorskip("converters.graph.surgery")

pytestmark = pytest.mark.convert


@pytest.fixture(scope="module")
def model() -> Any:
    return branchy()


@pytest.fixture(scope="module")
def groups(model: Any) -> Any:
    return groups_module.channel_groups(model)


@pytest.fixture(scope="module")
def mobilenet() -> Any:
    return varied(
        keras.applications.MobileNetV2(
            weights=None, input_shape=(32, 32, 3), alpha=0.5, classes=5
        )
    )


def by_weights(model: Any, groups: Any) -> dict[str, Any]:
    return dict(importance.channel_importance(model, groups, "l1"))


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_target_is_met_and_the_rest_is_in_tiles(mobilenet: Any, share: float) -> None:
    groups = groups_module.channel_groups(mobilenet)
    found = by_weights(mobilenet, groups)

    removal = ranking.plan_removal(mobilenet, groups, found, target_macs_share=share)

    assert removal.share == pytest.approx(share, abs=ranking.TOLERANCE)
    sizes = {group.name: group.size for group in groups}
    ragged = [
        name
        for name, gone in removal.channels.items()
        if sizes[name] >= 16 and (sizes[name] - len(gone)) % 8
    ]
    assert len(ragged) <= 1


def test_a_plan_s_macs_are_those_of_the_model_it_makes(mobilenet: Any) -> None:
    groups = groups_module.channel_groups(mobilenet)
    found = by_weights(mobilenet, groups)
    removal = ranking.plan_removal(mobilenet, groups, found, target_macs_share=0.4)

    smaller = surgery.without_channels(mobilenet, removal.channels)

    assert sum(macs.layer_macs(smaller).values()) == removal.macs_after
    assert sum(macs.layer_macs(mobilenet).values()) == removal.macs_before


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    share=st.floats(0, 0.7),
    round_to=st.sampled_from([1, 2, 4, 8]),
    min_keep=st.sampled_from([0.05, 0.1, 0.25]),
)
def test_any_plan_goes_by_worth_and_keeps_what_must_stay(
    model: Any, groups: Any, seed: int, share: float, round_to: int, min_keep: float
) -> None:
    numbers = np.random.default_rng(seed)
    scores = {g.name: numbers.exponential(size=g.size) for g in groups if g.prunable}

    removal = ranking.plan_removal(
        model,
        groups,
        scores,
        target_macs_share=share,
        round_to=round_to,
        min_keep=min_keep,
    )

    after = sum(macs.macs_without(model, groups, removal.channels).values())
    assert after == removal.macs_after
    for group in groups:
        gone = list(removal.channels.get(group.name, ()))
        assert group.size - len(gone) >= min_keep * group.size
        if gone:
            stays = np.delete(scores[group.name], gone)
            assert scores[group.name][gone].max() <= stays.min()


def test_nothing_goes_for_a_target_of_nothing(model: Any, groups: Any) -> None:
    found = by_weights(model, groups)

    removal = ranking.plan_removal(model, groups, found, target_macs_share=0.0)

    assert removal.channels == {}
    assert removal.share == 0


def test_channels_that_are_worth_nothing_go_first(model: Any, groups: Any) -> None:
    scores = {g.name: np.ones(g.size) for g in groups if g.prunable}
    scores["right"][[1, 5]] = 0

    removal = ranking.plan_removal(
        model, groups, scores, target_macs_share=0.05, round_to=1
    )

    assert list(removal.channels) == ["right"]
    assert set(removal.channels["right"]) <= {1, 5}


def test_a_target_beyond_what_must_stay_is_refused(model: Any, groups: Any) -> None:
    found = by_weights(model, groups)

    with pytest.raises(ConversionError, match="down to what must stay"):
        ranking.plan_removal(model, groups, found, target_macs_share=0.9, min_keep=0.9)


@pytest.mark.parametrize(
    "options",
    [
        {"target_macs_share": 1.0},
        {"target_macs_share": 0.1, "round_to": 0},
        {"target_macs_share": 0.1, "min_keep": 0.0},
    ],
)
def test_arguments_out_of_range_are_refused(
    model: Any, groups: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="must be"):
        ranking.plan_removal(model, groups, {}, **options)

"""What channels are worth, and which of them go for a target."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeclf.errors import ConversionError
from tests.convert.graph_models import branchy, operations, pictures, silence, varied

groups_module: Any = pytest.importorskip("converters.graph.groups")
importance: Any = pytest.importorskip("converters.prune.importance")
keras: Any = pytest.importorskip("keras")
layers_module: Any = pytest.importorskip("converters.graph.layers")
macs: Any = pytest.importorskip("converters.graph.macs")
ranking: Any = pytest.importorskip("converters.prune.ranking")
surgery: Any = pytest.importorskip("converters.graph.surgery")
taylor: Any = pytest.importorskip("converters.prune.taylor")

pytestmark = pytest.mark.convert

SILENT = {"stem": [1, 4], "squeeze": [0], "right": [2, 3, 7], "hidden": [5]}


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


def batches(model: Any, *, labelled: bool = False, count: int = 12) -> Any:
    images = pictures(model, count).astype(np.float32)
    classes = np.arange(count) % 3 if labelled else None
    return [(images, classes)]


def worth(model: Any, groups: Any, method: str, **options: Any) -> dict[str, Any]:
    if method == "taylor":
        options["batches"] = batches(model, **options)
        options.pop("labelled", None)
    return dict(importance.channel_importance(model, groups, method, **options))


def test_silent_channels_are_worth_least_by_taylor() -> None:
    model = branchy()
    groups = groups_module.channel_groups(model)
    silence(model, groups, SILENT)

    found = worth(model, groups, "taylor")

    for name, silent in SILENT.items():
        others = np.delete(found[name], silent)
        assert found[name][silent].max() <= others.min(), name
        assert found[name][silent].max() < others.max(), name


def test_a_silenced_channel_loses_worth_by_l1() -> None:
    model = branchy()
    groups = groups_module.channel_groups(model)
    before = worth(model, groups, "l1")
    silence(model, groups, SILENT)

    found = worth(model, groups, "l1")

    for name, silent in SILENT.items():
        assert (found[name][silent] < before[name][silent]).all(), name


def test_each_prunable_group_is_ranked(model: Any, groups: Any) -> None:
    sizes = {group.name: group.size for group in groups if group.prunable}

    for method in ("l1", "taylor"):
        found = worth(model, groups, method)
        assert {name: len(values) for name, values in found.items()} == sizes
        assert all((values >= 0).all() for values in found.values())


def test_shares_of_weights_add_up_to_one(model: Any, groups: Any) -> None:
    found = worth(model, groups, "l1")

    assert {name: values.sum() for name, values in found.items()} == pytest.approx(
        dict.fromkeys(found, 1.0)
    )


def test_batch_norm_ranks_by_the_gain_alone() -> None:
    model = branchy()
    stem = layers_module.named_layers(model)["stem_bn"]
    stem.gamma.assign([0.1, -2.0, 0.5, 0.0, 3.0, 1.0])
    groups = groups_module.channel_groups(model)

    found = worth(model, groups, "batch-norm")

    assert np.argsort(found["stem"]).tolist() == [3, 0, 2, 5, 1, 4]
    assert "extra" not in found  # it has no norm


def test_batch_norm_of_a_model_without_one_is_refused() -> None:
    model = operations()

    with pytest.raises(ConversionError, match="--importance l1 or taylor"):
        worth(model, groups_module.channel_groups(model), "batch-norm")


def test_taylor_without_pictures_is_refused(model: Any, groups: Any) -> None:
    with pytest.raises(ConversionError, match="needs pictures"):
        importance.channel_importance(model, groups, "taylor")


def test_taylor_predicts_what_the_loss_changes_by() -> None:
    """A channel nearly gone: the change is the gradient along it."""
    model = branchy()
    images, classes = batches(model, labelled=True, count=1)[0]
    found = taylor.taylor_scores(model, [(images, classes)])["hidden"]

    changes = [_change(model, images, classes, channel) for channel in range(10)]

    assert np.square(changes) == pytest.approx(found, rel=0.05, abs=1e-6)


def _change(model: Any, images: Any, classes: Any, channel: int) -> float:
    """Return the change of the loss for each unit of a reader's weights taken away."""
    kernel = layers_module.named_layers(model)["scores"].kernel
    before, loss = kernel.numpy(), _loss(model, images, classes)
    step = 1e-2
    kernel.assign(before * (1 - step * (np.arange(10) == channel)[:, None]))
    change = (_loss(model, images, classes) - loss) / step
    kernel.assign(before)
    return change


def _loss(model: Any, images: Any, classes: Any) -> float:
    logits = np.asarray(model(images, training=False), dtype=np.float64)[0]
    return float(np.log(np.exp(logits - logits.max()).sum()) + logits.max()) - float(
        logits[classes[0]]
    )


def test_without_classes_taylor_is_the_fisher_information() -> None:
    """On average over signs, the square weighted by the model's own beliefs."""
    model = branchy()
    last = layers_module.named_layers(model)["scores"]
    last.set_weights([last.kernel.numpy() / 30, last.bias.numpy() / 30])
    images = batches(model, count=2)[0][0]
    logits = np.asarray(model(images, training=False))
    beliefs = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)

    drawn = [
        taylor.taylor_scores(model, [(images, None)], seed=seed)["hidden"]
        for seed in range(30)
    ]

    exact = np.zeros(10)
    for number, belief in enumerate(beliefs):
        for label, share in enumerate(belief):
            one = [(images[number : number + 1], np.array([label]))]
            exact += share * taylor.taylor_scores(model, one)["hidden"] / 2
    assert np.mean(drawn, axis=0) == pytest.approx(exact, rel=0.5, abs=exact.max() / 20)


def test_probabilities_are_ranked_as_their_logits_are(model: Any) -> None:
    probable = keras.Model(model.input, keras.layers.Softmax()(model.output))
    images = batches(model, labelled=True)

    of_logits = taylor.taylor_scores(model, images)["stem"]
    of_probabilities = taylor.taylor_scores(probable, images, scores="probabilities")

    assert of_probabilities["stem"] == pytest.approx(of_logits, rel=0.01)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_a_target_is_met_and_the_rest_is_in_tiles(mobilenet: Any, share: float) -> None:
    groups = groups_module.channel_groups(mobilenet)
    found = worth(mobilenet, groups, "l1")

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
    found = worth(mobilenet, groups, "l1")
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
    found = worth(model, groups, "l1")

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
    found = worth(model, groups, "l1")

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

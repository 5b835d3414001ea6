"""What channels are worth."""

from typing import Any

import numpy as np
import pytest

from edgeclf.errors import ConversionError
from tests.convert.graph_models import branchy, operations, pictures, silence

groups_module: Any = pytest.importorskip("converters.graph.groups")
importance: Any = pytest.importorskip("converters.prune.importance")
keras: Any = pytest.importorskip("keras")
layers_module: Any = pytest.importorskip("converters.graph.flattening")
taylor: Any = pytest.importorskip("converters.prune.taylor")

pytestmark = pytest.mark.convert

SILENT = {"stem": [1, 4], "squeeze": [0], "right": [2, 3, 7], "hidden": [5]}


@pytest.fixture(scope="module")
def model() -> Any:
    return branchy()


@pytest.fixture(scope="module")
def groups(model: Any) -> Any:
    return groups_module.channel_groups(model)


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

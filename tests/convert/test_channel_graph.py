"""Coupled channels: which groups there are, and what cannot be followed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeclf.errors import ConversionError
from tests.convert.graph_models import (
    branchy,
    nested,
    operations,
    sequential,
    shared,
)

groups_module: Any = pytest.importorskip("converters.graph.groups")
macs: Any = pytest.importorskip("converters.graph.macs")
keras: Any = pytest.importorskip("keras")

pytestmark = pytest.mark.convert

layers: Any = keras.layers


def by_name(model: Any) -> dict[str, Any]:
    return {group.name: group for group in groups_module.channel_groups(model)}


def names(slots: Any) -> set[str]:
    return {slot.layer for slot in slots}


@pytest.fixture(scope="module")
def mobilenet() -> dict[str, Any]:
    return by_name(
        keras.applications.MobileNetV2(weights=None, input_shape=(32, 32, 3))
    )


def test_mobilenet_v2_has_the_groups_of_its_paper(mobilenet: dict[str, Any]) -> None:
    prunable = {name: group for name, group in mobilenet.items() if group.prunable}
    linear = {name: group.size for name, group in prunable.items() if group.is_linear}

    # A stem, 16 expansions, 7 bottleneck widths and the last convolution.
    assert len(prunable) == 1 + 16 + 7 + 1
    assert list(linear.values()) == [16, 24, 32, 64, 96, 160, 320]


def test_a_residual_group_has_every_writer_and_reader(
    mobilenet: dict[str, Any],
) -> None:
    group = mobilenet["block_3_project"]

    assert names(group.writers) == {
        f"block_{number}_project{norm}" for number in (3, 4, 5) for norm in ("", "_BN")
    }
    assert names(group.readers) == {f"block_{n}_expand" for n in (4, 5, 6)}
    assert group.carriers == ()


def test_depthwise_and_its_norm_carry_an_expansion(mobilenet: dict[str, Any]) -> None:
    group = mobilenet["block_5_expand"]

    assert names(group.carriers) == {"block_5_depthwise", "block_5_depthwise_BN"}
    assert names(group.readers) == {"block_5_project"}
    assert not group.is_linear


def test_input_and_scores_are_not_prunable(mobilenet: dict[str, Any]) -> None:
    assert "input" in next(iter(mobilenet.values())).reason
    assert not mobilenet["predictions"].prunable


def test_every_axis_has_its_channels_and_no_others() -> None:
    groups = by_name(branchy())

    sizes = {name: group.size for name, group in groups.items() if group.prunable}
    assert sizes == {
        "stem": 6,
        "squeeze": 4,
        "right": 8,
        "extra": 5,
        "separable": 7,
        "grown": 4,
        "hidden": 10,
    }


def test_a_depth_multiplier_gives_each_channel_several_places() -> None:
    slots = {(s.layer, s.weight): s for s in by_name(branchy())["stem"].slots}

    assert slots["deep", "kernel"].is_whole
    assert slots["deep", "bias"].members.tolist() == np.repeat(range(6), 2).tolist()
    assert slots["left", "kernel"].members.tolist() == np.repeat(range(6), 2).tolist()


def test_the_gate_of_squeeze_and_excitation_is_carried_with_what_it_gates() -> None:
    group = by_name(branchy())["stem"]

    assert "excite" in names(group.carriers)
    assert {"squeeze", "left", "right"} == names(group.readers)


def test_a_concatenation_gives_each_part_its_own_places() -> None:
    groups = by_name(branchy())

    sides, extra = (
        next(s for s in groups[name].slots if s.layer == "separable")
        for name in ("right", "extra")
    )
    assert sides.members.tolist() == [*range(8)] + [-1] * 5
    assert extra.members.tolist() == [-1] * 8 + [*range(5)]


def test_flatten_repeats_the_channels_at_each_place() -> None:
    slot = by_name(branchy())["grown"].readers[0]

    assert slot.layer == "hidden"
    assert slot.members[:8].tolist() == [0, 1, 2, 3] * 2
    assert len(slot.members) % 4 == 0


def test_calls_of_one_layer_are_coupled() -> None:
    groups = by_name(shared())

    assert names(groups["first"].writers) >= {"first", "twice"}


def test_nested_applications_are_entered() -> None:
    inside = by_name(nested())
    assert inside["expanded_conv_1_expand"].prunable
    assert names(inside["conv_1"].readers) == {"mine"}

    flattened = by_name(sequential())
    assert len(flattened["Conv_1"].readers[0].members) == 1280


def test_operations_are_followed_like_layers() -> None:
    group = by_name(operations())["stem"]

    assert names(group.writers) == {"stem", "other"}
    assert names(group.readers) == {"other", "scores"}


@pytest.mark.parametrize(
    ("activation", "is_linear"),
    [
        (None, True),
        ("relu", True),
        ("leaky_relu", True),
        ("relu6", False),
        ("silu", False),
        ("hard_silu", False),
        ("sigmoid", False),
    ],
)
def test_only_what_is_in_proportion_is_linear(
    activation: str | None, is_linear: bool
) -> None:
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1, activation=activation, name="made")(inputs)
    x = layers.GlobalAveragePooling2D()(x)

    model = keras.Model(inputs, layers.Dense(2)(x))

    assert by_name(model)["made"].is_linear == is_linear


@pytest.mark.parametrize(
    "reader",
    [
        pytest.param(lambda x: x + 1.0, id="a number added"),
        pytest.param(layers.Rescaling(2.0, offset=1.0), id="an offset"),
        pytest.param(lambda x: x * x, id="a square"),
        pytest.param(lambda x: keras.ops.maximum(x, 0.5), id="a floor"),
        pytest.param(lambda x: 1.0 / x, id="an inverse"),
        pytest.param(layers.Softmax(), id="a softmax"),
    ],
)
def test_what_is_out_of_proportion_ends_a_linear_group(
    reader: Callable[[Any], Any],
) -> None:
    inputs = keras.Input((4, 4, 3))
    x = reader(layers.Conv2D(4, 1, name="made")(inputs))
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))

    assert not by_name(model)["made"].is_linear


def test_a_grouped_convolution_keeps_its_channels_and_those_it_reads() -> None:
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(8, 1, name="before")(inputs)
    x = layers.Conv2D(8, 3, groups=2, name="grouped")(x)
    x = layers.Conv2D(6, 1, name="after")(x)
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling2D()(x)))

    groups = by_name(model)

    assert "'grouped'" in groups["before"].reason
    assert "'grouped'" in groups["grouped"].reason
    assert groups["after"].prunable


@keras.saving.register_keras_serializable()
class Conv2D(layers.Layer):  # type: ignore[misc]  # keras is not typed
    def call(self, x: Any) -> Any:
        return x


@pytest.mark.parametrize(
    "layer",
    [
        pytest.param(lambda: layers.Lambda(lambda x: x, name="culprit"), id="Lambda"),
        pytest.param(lambda: Conv2D(name="culprit"), id="custom"),
        pytest.param(lambda: layers.Reshape((8, 4, 2), name="culprit"), id="reshape"),
        pytest.param(lambda: layers.Permute((3, 1, 2), name="culprit"), id="permute"),
        pytest.param(
            lambda: layers.TimeDistributed(layers.LSTM(4), name="culprit"), id="lstm"
        ),
        pytest.param(
            lambda: layers.BatchNormalization(axis=1, name="culprit"), id="norm's axis"
        ),
        pytest.param(
            lambda: layers.Conv2D(4, 1, activation=lambda x: -x, name="culprit"),
            id="own activation",
        ),
        pytest.param(
            lambda: layers.ZeroPadding2D(
                1, data_format="channels_first", name="culprit"
            ),
            id="channels first",
        ),
        pytest.param(
            lambda: layers.SpectralNormalization(layers.Conv2D(4, 1), name="culprit"),
            id="wrapper",
        ),
    ],
)
def test_a_layer_that_cannot_be_followed_is_named(layer: Callable[[], Any]) -> None:
    inputs = keras.Input((4, 4, 3))
    x = layers.Conv2D(4, 1)(inputs)
    model = keras.Model(inputs, layers.Dense(2)(layers.Flatten()(layer()(x))))

    with pytest.raises(ConversionError, match="'culprit'"):
        groups_module.channel_groups(model)


def test_macs_are_those_worked_out_by_hand() -> None:
    found = macs.layer_macs(branchy())

    assert found["stem"] == 16 * 16 * 9 * 3 * 6
    assert found["deep"] == 16 * 16 * 9 * 12
    assert found["squeeze"] == 12 * 4
    assert found["separable"] == 7 * 7 * (9 * 13 * 2 + 26 * 7)
    assert found["grown"] == 7 * 7 * 4 * 4 * 7
    assert found["hidden"] == 14 * 14 * 4 * 10
    assert found["scores"] == 10 * 3


def test_mobilenet_v2_has_the_published_number_of_macs() -> None:
    model = keras.applications.MobileNetV2(weights=None)

    total = sum(macs.layer_macs(model).values())

    # 300 million: Sandler et al. 2018, arXiv:1801.04381, table 4.
    assert total == pytest.approx(300e6, rel=0.01)

"""Smaller models: what they compute, what they cost, and that they are plain Keras."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeclf.errors import ConversionError
from tests.convert.graph_models import (
    branchy,
    nested,
    operations,
    scores,
    sequential,
    shared,
    silence,
    some_of_each,
    varied,
)

groups_module: Any = pytest.importorskip("converters.graph.groups")
macs: Any = pytest.importorskip("converters.graph.macs")
surgery: Any = pytest.importorskip("converters.graph.surgery")
lite: Any = pytest.importorskip("converters.efficientnet_lite")
keras: Any = pytest.importorskip("keras")

pytestmark = pytest.mark.convert

APPLICATIONS = {
    # Groups that can be pruned; those among them that are linear.
    "MobileNet": (14, 0),
    "MobileNetV2": (25, 7),
    "MobileNetV3Small": (27, 16),
    "MobileNetV3Large": (30, 18),
    "EfficientNetB0": (40, 7),
    "EfficientNetB1": (53, 6),
    "EfficientNetB2": (53, 6),
    "EfficientNetB3": (59, 6),
    "EfficientNetV2B0": (44, 5),
}
SMALL = {"MobileNet": 0.25, "MobileNetV2": 0.35}
TINY = [branchy, operations, shared]
CUT = ["MobileNet", "MobileNetV2", "MobileNetV3Small"]


@pytest.fixture
def float64() -> Iterator[None]:
    """Rounding far below every difference that a mistake would make."""
    policy = keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy(policy)


def application(name: str, **options: Any) -> Any:
    if name in SMALL:
        options["alpha"] = SMALL[name]
    function = getattr(keras.applications, name)
    return function(weights=None, input_shape=(32, 32, 3), classes=7, **options)


@cache
def unchanged(name: str) -> Any:
    """Return an application that no test changes, built once."""
    return application(name)


def lite0() -> Any:
    variant = lite.Variant(1.0, 1.0, 32, "")
    return varied(lite.build(variant, name="lite", classes=7))


def check_smaller(model: Any, share: float) -> Any:
    groups = groups_module.channel_groups(model)
    removed = some_of_each(groups, share)

    smaller = surgery.without_channels(model, removed)

    assert macs.layer_macs(smaller) == macs.macs_without(model, groups, removed)
    kept = {
        group.name: group.size - len(removed.get(group.name, [])) for group in groups
    }
    found = {g.name: g.size for g in groups_module.channel_groups(smaller)}
    assert found == kept
    assert scores(smaller).shape == scores(model).shape
    assert np.isfinite(scores(smaller)).all()
    return smaller


@pytest.mark.parametrize("name", APPLICATIONS)
def test_every_application_is_followed(name: str) -> None:
    model = unchanged(name)

    groups = [g for g in groups_module.channel_groups(model) if g.prunable]

    linear = [group for group in groups if group.is_linear]
    assert (len(groups), len(linear)) == APPLICATIONS[name]


@pytest.mark.parametrize("name", CUT)
def test_applications_are_cut_as_predicted(name: str) -> None:
    check_smaller(unchanged(name), 0.25)


@pytest.mark.parametrize("size", ["Small", "Large"])
def test_the_minimalistic_variants_are_linear_throughout(size: str) -> None:
    model = application(f"MobileNetV3{size}", minimalistic=True)

    groups = [g for g in groups_module.channel_groups(model) if g.prunable]

    assert len(groups) == {"Small": 18, "Large": 22}[size]
    assert all(group.is_linear for group in groups)  # it has only ReLU


@pytest.mark.parametrize("build", [*TINY, sequential])
def test_nothing_removed_is_the_same_model(build: Callable[[], Any]) -> None:
    model = build()

    same = surgery.without_channels(model, {})

    assert np.array_equal(scores(same), scores(model))
    assert [w.shape for w in same.weights] == [w.shape for w in model.weights]
    assert not {id(w) for w in same.weights} & {id(w) for w in model.weights}


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
@pytest.mark.parametrize("build", TINY)
def test_own_models_are_cut_as_predicted(
    build: Callable[[], Any], share: float
) -> None:
    check_smaller(build(), share)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "build",
    [
        *TINY,
        pytest.param(
            lambda: varied(application("EfficientNetB0")), id="EfficientNetB0"
        ),
    ],
)
def test_channels_that_are_zero_can_go_unnoticed(build: Callable[[], Any]) -> None:
    model = build()
    groups = groups_module.channel_groups(model)
    removed = some_of_each(groups, 0.4)
    silence(model, groups, removed)

    smaller = surgery.without_channels(model, removed)

    assert scores(smaller) == pytest.approx(scores(model), rel=1e-9)
    assert macs.layer_macs(smaller) == macs.macs_without(model, groups, removed)


@pytest.mark.usefixtures("float64")
def test_channels_that_are_not_zero_are_missed() -> None:
    """What the test above would not see if nothing reached the scores."""
    model = branchy()
    removed = some_of_each(groups_module.channel_groups(model), 0.4)

    smaller = surgery.without_channels(model, removed)

    assert np.abs(scores(smaller) / scores(model) - 1).max() > 1e-3


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 0.8))
def test_any_silent_channels_of_any_groups_can_go(seed: int, share: float) -> None:
    model = branchy()
    groups = groups_module.channel_groups(model)
    removed = some_of_each(groups, share, seed)
    silence(model, groups, removed)

    smaller = surgery.without_channels(model, removed)

    assert scores(smaller) == pytest.approx(scores(model), rel=1e-3, abs=1e-4)
    assert macs.layer_macs(smaller) == macs.macs_without(model, groups, removed)


@pytest.mark.parametrize("build", [*TINY, nested])
def test_a_smaller_model_is_saved_and_loaded_as_plain_keras(
    build: Callable[[], Any], tmp_path: Path
) -> None:
    model = build()
    removed = some_of_each(groups_module.channel_groups(model), 0.5)
    smaller = surgery.without_channels(model, removed)

    smaller.save(tmp_path / "smaller.keras")
    loaded = keras.models.load_model(tmp_path / "smaller.keras", safe_mode=True)

    assert scores(loaded) == pytest.approx(scores(smaller), rel=1e-5)


def test_a_smaller_model_can_be_made_smaller() -> None:
    smaller = check_smaller(branchy(), 0.3)

    check_smaller(smaller, 0.3)


def test_the_source_is_left_as_it_is() -> None:
    model = branchy()
    before = scores(model)

    check_smaller(model, 0.5)

    assert np.array_equal(scores(model), before)
    assert [layer.name for layer in model.layers][-1] == "scores"


@pytest.mark.parametrize(
    ("removed", "error", "said"),
    [
        ({"quux": [0]}, ValueError, "no group 'quux'"),
        ({"stem": [6]}, ValueError, "0 to 5"),
        ({"stem": range(6)}, ValueError, "one must stay"),
        ({"scores": [0]}, ConversionError, "the model's scores"),
    ],
)
def test_what_cannot_be_removed_is_refused(
    removed: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        surgery.without_channels(branchy(), removed)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(
    "build",
    [
        lite0,
        pytest.param(lambda: varied(application("MobileNetV2")), id="MobileNetV2"),
        pytest.param(
            lambda: varied(application("MobileNetV3Small", minimalistic=True)),
            id="MobileNetV3Small minimalistic",
        ),
        branchy,
        shared,
        nested,
    ],
)
def test_scaling_linear_groups_leaves_the_function(build: Callable[[], Any]) -> None:
    model = build()
    before, numbers = scores(model), np.random.default_rng(3)

    scaled = [g for g in groups_module.channel_groups(model) if g.is_linear]
    for group in scaled:
        scales = 10 ** numbers.uniform(-1, 1, group.size)
        surgery.scale_group(model, group, scales)

    assert scaled
    assert scores(model) == pytest.approx(before, rel=1e-9)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 2**16), reach=st.floats(0, 1))
def test_any_scales_in_float32_leave_the_function(seed: int, reach: float) -> None:
    model = branchy()
    before, numbers = scores(model), np.random.default_rng(seed)
    groups = [g for g in groups_module.channel_groups(model) if g.is_linear]

    for group in groups:
        scales = 10 ** numbers.uniform(-reach, reach, group.size)
        surgery.scale_group(model, group, scales)

    assert scores(model) == pytest.approx(before, rel=1e-3, abs=1e-4)


def test_scaling_changes_what_flows_between() -> None:
    model = branchy()
    groups = {group.name: group for group in groups_module.channel_groups(model)}
    hidden = next(layer for layer in model.layers if layer.name == "hidden")
    before = hidden.kernel.numpy()

    surgery.scale_group(model, groups["hidden"], np.full(10, 2.0))

    assert np.array_equal(hidden.kernel.numpy(), 2 * before)


@pytest.mark.parametrize(
    ("name", "scales", "said"),
    [
        ("stem", np.ones(6), "not linear"),
        ("hidden", np.ones(9), "10 scales"),
        ("hidden", np.zeros(10), "above 0"),
    ],
)
def test_scales_that_cannot_be_are_refused(name: str, scales: Any, said: str) -> None:
    model = branchy()
    groups = {group.name: group for group in groups_module.channel_groups(model)}

    with pytest.raises(ValueError, match=said):
        surgery.scale_group(model, groups[name], scales)

"""Models made flat: names, nested models, and what is no graph of layers."""

from typing import Any

import pytest

from edgeclf.errors import ConversionError
from tests.convert.graph_models import nested, shared

flattening: Any = pytest.importorskip("converters.graph.flattening")
keras: Any = pytest.importorskip("keras")

pytestmark = pytest.mark.convert

layers: Any = keras.layers


class OwnModel(keras.Model):  # type: ignore[misc]  # keras is not typed
    def __init__(self) -> None:
        super().__init__()
        self.scores = layers.Dense(2)

    def call(self, x: Any) -> Any:
        return self.scores(x)


def test_a_nested_model_s_layers_stand_among_the_others_in_running_order() -> None:
    flat = flattening.flatten_model(nested())

    known = {tensor for _, tensor in flat.inputs}
    for step in flat.steps:
        assert known.issuperset(step.inputs), step.name
        known.update(step.outputs)
    assert known.issuperset(flat.outputs)
    assert not any(isinstance(step.operation, keras.Model) for step in flat.steps)


def test_nested_layers_of_one_name_are_told_apart() -> None:
    found = flattening.named_layers(shared())

    # The model called first keeps the layer's own name.
    assert {"same", "one_same"} <= set(found)


def test_a_model_that_is_code_is_refused() -> None:
    with pytest.raises(ConversionError, match="not a graph of layers"):
        flattening.flatten_model(OwnModel())


def test_an_open_input_size_is_refused() -> None:
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, layers.GlobalAveragePooling2D()(inputs))

    with pytest.raises(ConversionError, match="leaves its input size open"):
        flattening.flatten_model(model)

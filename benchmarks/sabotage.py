"""A model that float does not notice and eight bits do: channels at different scales."""

from typing import Any

import numpy as np

from converters.graph.groups import channel_groups
from converters.graph.surgery import scale_group

__all__ = ["sabotage"]


def sabotage(model: Any, seed: int = 0) -> Any:
    """Return a copy of a Keras model with its linear channels scaled at random.

    In every linear group the layers that make a channel are multiplied by s and those
    that read it divided by s, s drawn log-uniformly from 0.1 to 10.

    Args:
        model: As ``channel_groups`` takes it; left as it is.
        seed: Of the draws.

    Returns:
        The same function but for float rounding (6e-7 for EfficientNet-Lite0).
    """
    import keras  # noqa: PLC0415 - benchmarks that need no model do without TensorFlow

    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    random = np.random.default_rng(seed)
    for group in channel_groups(copy):
        if group.is_linear:
            scale_group(copy, group, 10 ** random.uniform(-1, 1, group.size))
    return copy

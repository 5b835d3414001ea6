"""Windows along a side: where numpy, sliding over the padded side, sees them."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from converters.quantize.windows import WindowAxis, same_padding, some_places

sizes = st.integers(1, 40)
small = st.integers(1, 4)


@settings(deadline=None)
@given(
    size=sizes, window=small, stride=small, dilation=small, before=small, after=small
)
def test_taps_are_what_slides_over_the_padded_side(
    size: int, window: int, stride: int, dilation: int, before: int, after: int
) -> None:
    reach = (window - 1) * dilation + 1
    assume(size + before + after >= reach)
    side = np.arange(-before, size + after)
    slides = np.lib.stride_tricks.sliding_window_view(side, reach)
    axis = WindowAxis(
        size=size,
        window=window,
        stride=stride,
        dilation=dilation,
        padding=(before, after),
    )

    taps = axis.taps(np.arange(axis.outputs))

    assert taps.tolist() == slides[::stride, ::dilation].tolist()


@settings(deadline=None)
@given(size=sizes, window=small, stride=small, dilation=small)
def test_same_padding_gives_an_output_for_every_stride_and_no_more_than_it_takes(
    size: int, window: int, stride: int, dilation: int
) -> None:
    padding = same_padding(size=size, window=window, stride=stride, dilation=dilation)
    axis = WindowAxis(
        size=size, window=window, stride=stride, dilation=dilation, padding=padding
    )

    assert axis.outputs == -(-size // stride)
    assert 0 <= padding[1] - padding[0] <= 1
    if padding[1]:
        assert axis.taps(np.array([axis.outputs - 1])).max() == size + padding[1] - 1


def test_some_places_are_all_where_they_are_few_and_else_different_ones() -> None:
    numbers = np.random.default_rng(0)

    assert some_places(5, 8, numbers).tolist() == [0, 1, 2, 3, 4]
    some = some_places(100, 8, numbers).tolist()
    assert len(set(some)) == 8
    assert some == sorted(some)

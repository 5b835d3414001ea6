import numpy as np
import pytest

from edgeclf.errors import SourceError
from edgeclf.sources.rows import without_padding


def test_what_pads_the_rows_is_left_out() -> None:
    padded = np.full((3, 8), 99, np.uint8)
    padded[:, :6] = np.arange(18).reshape(3, 6)

    rows = without_padding(padded.reshape(-1), (3, 6), 8)

    assert rows.tolist() == np.arange(18).reshape(3, 6).tolist()
    assert rows.flags.c_contiguous
    assert rows.flags.writeable
    assert not np.shares_memory(rows, padded)


def test_the_last_row_needs_no_padding() -> None:
    data = np.arange(14, dtype=np.uint8)

    assert without_padding(data, (2, 6), 8).tolist() == [
        [0, 1, 2, 3, 4, 5],
        [8, 9, 10, 11, 12, 13],
    ]


@pytest.mark.parametrize(("size", "bytes_per_row"), [(13, 8), (99, 5), (0, 8)])
def test_memory_that_is_not_there_is_not_read(size: int, bytes_per_row: int) -> None:
    with pytest.raises(SourceError, match="cannot hold 2 rows of 6 bytes"):
        without_padding(np.zeros(size, np.uint8), (2, 6), bytes_per_row)

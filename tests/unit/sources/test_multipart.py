from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeclf.errors import SourceError
from edgeclf.sources.multipart import MAX_PART_BYTES, MultipartReader, boundary_of

PICTURES = [b"\xff\xd8first\xff\xd9", b"\xff\xd8\r\n--fr\r\nsecond\xff\xd9", b"x" * 300]


def read(stream: bytes, boundary: str = "frame") -> list[bytes]:
    return [each.data for each in MultipartReader(boundary).feed(stream, 0)]


def with_length(data: bytes, boundary: bytes = b"--frame") -> bytes:
    return boundary + b"\r\nContent-Length: %d\r\n\r\n" % len(data) + data + b"\r\n"


def without_length(data: bytes, boundary: bytes = b"--frame") -> bytes:
    return boundary + b"\r\nContent-Type: image/jpeg\r\n\r\n" + data + b"\r\n"


STREAMS = {
    "with lengths": b"".join(map(with_length, PICTURES)),
    "without lengths": b"".join(map(without_length, PICTURES)) + b"--frame",
    "mixed": with_length(PICTURES[0])
    + without_length(PICTURES[1])
    + with_length(PICTURES[2]),
}


@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
@settings(deadline=None)
@given(cuts=st.lists(st.integers(min_value=0, max_value=600), max_size=12))
def test_pieces_of_any_size_give_the_same_parts(stream: bytes, cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(stream)]
    reader = MultipartReader("frame")

    parts = [
        part.data
        for start, end in pairwise(places)
        for part in reader.feed(stream[start:end], 0)
    ]

    assert parts == PICTURES


@pytest.mark.parametrize(
    ("stream", "boundary"),
    [
        pytest.param(
            with_length(b"A") + with_length(b"B"), "--frame", id="dashes in the name"
        ),
        pytest.param(
            without_length(b"A", b"----frame")
            + without_length(b"B", b"----frame")
            + b"----frame",
            "--frame",
            id="dashes before dashes",
        ),
        pytest.param(
            (with_length(b"A") + with_length(b"B")).replace(b"\r\n", b"\n"),
            "frame",
            id="bare line feeds",
        ),
        pytest.param(
            (without_length(b"A") + without_length(b"B") + b"--frame").replace(
                b"\r\n", b"\n"
            ),
            "frame",
            id="bare line feeds without lengths",
        ),
        pytest.param(
            with_length(b"A").removesuffix(b"\r\n") + with_length(b"B"),
            "frame",
            id="no line end before a boundary",
        ),
        pytest.param(
            without_length(b"A").removesuffix(b"\r\n")
            + without_length(b"B").removesuffix(b"\r\n")
            + b"--frame",
            "frame",
            id="no line end before a boundary without lengths",
        ),
        pytest.param(
            b"welcome\r\n" + with_length(b"A") + b"\r\n\r\n" + with_length(b"B"),
            "frame",
            id="words before and lines between",
        ),
        pytest.param(
            b"--frame\r\ncontent-length : 1\r\nX-A: b\r\n\r\nA\r\n"
            b"--frame\r\nCONTENT-LENGTH:1\r\n\r\nB",
            "frame",
            id="other letters in the header",
        ),
        pytest.param(
            b"--frame\r\n\r\nA\r\n--frame\r\nContent-Length: none\r\n\r\nB\r\n--frame",
            "frame",
            id="no header or a senseless length",
        ),
        pytest.param(
            with_length(b"A", b"---") + with_length(b"B", b"---"), "-", id="only a dash"
        ),
    ],
)
def test_what_cameras_do_is_read_as_it_is_meant(stream: bytes, boundary: str) -> None:
    assert read(stream, boundary) == [b"A", b"B"]


def test_a_part_arrives_when_its_first_byte_does() -> None:
    reader = MultipartReader("frame")

    assert reader.feed(b"--frame\r\nContent-Length: 2\r\n\r\n", 10) == []
    assert reader.feed(b"A", 20) == []
    (part,) = reader.feed(b"B\r\n", 30)

    assert part.data == b"AB"
    assert part.arrived_ns == 20


def test_a_part_that_comes_with_its_header_arrived_then() -> None:
    (part,) = MultipartReader("frame").feed(with_length(b"A"), 10)

    assert part.arrived_ns == 10


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"x" * 70_000, "no boundary in 64 KiB"),
        (with_length(b"A") + b"x" * 70_000, "no boundary in 64 KiB"),
        (b"--frame\r\n" + b"X-A: b\r\n" * 2_000, "header of a part is over 8 KiB"),
        (
            b"--frame\r\n" + b"X-A: b\r\n" * 2_000 + b"\r\n\r\n",
            "header of a part is over 8 KiB",
        ),
        (
            b"--frame\r\nContent-Length: %d\r\n\r\n" % (MAX_PART_BYTES + 1),
            "part is over 32 MiB",
        ),
        (b"--frame\r\n\r\n" + bytes(MAX_PART_BYTES + 1), "part is over 32 MiB"),
        (with_length(b"A") + b"--frame--\r\n", "the server ended the stream"),
    ],
    ids=["junk", "junk later", "endless header", "header", "announced", "long", "end"],
)
def test_what_no_camera_sends_ends_the_stream(stream: bytes, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        read(stream)


@settings(deadline=None)
@given(stream=st.binary(max_size=400))
def test_no_bytes_whatsoever_break_it(stream: bytes) -> None:
    try:
        parts = read(b"--frame" + stream, "frame")
    except SourceError:
        return
    assert all(part in stream for part in parts)


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("multipart/x-mixed-replace;boundary=frame", "frame"),
        ('multipart/x-mixed-replace; boundary="a b;c"', "a b;c"),
        ("multipart/x-mixed-replace; charset=x; BOUNDARY = --f ; x=y", "--f"),
        ("multipart/x-mixed-replace", None),
        ("image/jpeg", None),
    ],
)
def test_the_boundary_is_read_from_the_content_type(
    content_type: str, expected: str | None
) -> None:
    assert boundary_of(content_type) == expected

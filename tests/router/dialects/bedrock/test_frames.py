"""Frames are the same at any split, and what is no frame is never one."""

from itertools import pairwise
from struct import pack
from zlib import crc32

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.bedrock.frames import (
    MOST_HEADERS,
    MOST_PAYLOAD,
    Frame,
    Frames,
    framed,
    headers_of,
)

NAME = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
FRAME = st.builds(
    Frame, st.dictionaries(NAME, st.text(max_size=30), max_size=4), st.binary(max_size=80)
)


def written(frames: list[Frame]) -> bytes:
    return b"".join(framed(frame.headers, frame.payload) for frame in frames)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(FRAME, max_size=6), st.lists(st.integers(0, 10_000), max_size=20))
def test_any_split_of_a_stream_gives_the_same_frames(frames, cuts) -> None:
    reader = Frames()
    read = [frame for piece in pieces(written(frames), cuts) for frame in reader.feed(piece)]
    assert read == frames
    assert not reader.broken


@given(st.lists(FRAME, min_size=1, max_size=4))
def test_botocore_reads_the_same(frames) -> None:
    theirs = EventStreamBuffer()
    theirs.add_data(written(frames))
    assert [(event.headers, event.payload) for event in theirs] == [
        (frame.headers, frame.payload) for frame in frames
    ]


@given(
    st.lists(FRAME, min_size=1, max_size=3),
    st.integers(0, 10_000),
    st.integers(1, 255),
    st.lists(st.integers(0, 10_000), max_size=5),
)
def test_one_wrong_byte_breaks_the_stream_there_and_not_before(frames, at, flip, cuts) -> None:
    data = bytearray(written(frames))
    at %= len(data)
    data[at] ^= flip
    good, length = [], 0
    for frame in frames:
        length += len(written([frame]))
        if length > at:
            break
        good.append(frame)
    reader = Frames()
    assert [f for piece in pieces(bytes(data), cuts) for f in reader.feed(piece)] == good
    assert reader.broken
    assert reader.feed(written(frames)) == []


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_whatever_comes_nothing_is_raised(data) -> None:
    reader = Frames()
    for piece in data:
        reader.feed(piece)


@given(st.binary(max_size=60))
def test_headers_that_are_malformed_are_none(data) -> None:
    told = headers_of(data)
    frame_size = 16 + len(data)
    prelude = pack(">II", frame_size, len(data))
    prelude += pack(">I", crc32(prelude))
    frame = prelude + data + pack(">I", crc32(prelude + data))
    reader = Frames()
    assert reader.feed(frame) == ([] if told is None else [Frame(told, b"")])
    assert bool(reader.broken) is (told is None)


def test_headers_of_every_type_are_passed_over_but_texts() -> None:
    values = {0: b"", 1: b"", 2: b"1", 3: b"12", 4: b"1234", 5: b"12345678", 8: b"12345678"}
    data = b"".join(b"\1x" + bytes([kind]) + value for kind, value in values.items())
    data += b"\1b\6\0\2ab" + b"\1u\x09" + b"u" * 16 + b"\1s\7\0\3abc"
    assert headers_of(data) == {"s": "abc"}


@pytest.mark.parametrize(
    ("total", "headers"),
    [
        (16 + MOST_PAYLOAD + 1, 0),
        (2**32 - 1, 0),
        (16 + MOST_HEADERS + 1, MOST_HEADERS + 1),
        (15, 0),
        (20, 5),
    ],
)
def test_a_frame_that_is_too_long_or_too_short_is_refused_before_it_has_come(
    total: int, headers: int
) -> None:
    prelude = pack(">II", total, headers)
    reader = Frames()
    assert reader.feed(prelude + pack(">I", crc32(prelude))) == []
    assert reader.broken == "a frame of a length that none may have"


def test_a_long_frame_in_many_pieces_is_joined_once() -> None:
    data = framed({"a": "b"}, b"x" * 1_000_000)
    reader = Frames()
    read = [f for at in range(0, len(data), 1000) for f in reader.feed(data[at : at + 1000])]
    assert read == [Frame({"a": "b"}, b"x" * 1_000_000)]

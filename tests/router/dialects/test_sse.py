import itertools
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.sse import MOST_EVENT, Oversized, Splitter, comment, data_of

ENDS = [b"\n", b"\r", b"\r\n"]
LINES = [b"data: a", b"data:b", b"data", b"data:  c ", b": note", b"event: x"]
STREAMS = st.lists(st.sampled_from(ENDS + LINES), max_size=40).map(b"".join)


def told(stream: bytes) -> list[bytes]:
    """The data of every event, by the standard's own words: line after line."""
    events: list[bytes] = []
    data: list[bytes] = []
    for line in [*re.split(rb"\r\n|\n|\r", stream), b""]:
        if line == b"data" or line.startswith(b"data:"):
            data.append(line[5:].removeprefix(b" "))
        elif not line and data:
            events.append(b"\n".join(data))
            data = []
    return events


def read(pieces: list[bytes]) -> list[bytes]:
    """The same by the splitter, fed in these pieces; no byte is lost or changed on the way."""
    splitter = Splitter()
    events = [event for piece in pieces for event in splitter.feed(piece)]
    events.append(splitter.rest())
    assert b"".join(events) == b"".join(pieces)
    assert splitter.rest() == b""
    return [data for event in events if (data := data_of(event)) is not None]


def cut(stream: bytes, at: list[int]) -> list[bytes]:
    places = sorted({place % (len(stream) + 1) for place in at} | {0, len(stream)})
    return [stream[begin:end] for begin, end in itertools.pairwise(places)]


@given(STREAMS, st.lists(st.integers(min_value=0), max_size=12))
def test_any_split_of_any_line_ends_gives_the_same_events(stream: bytes, at: list[int]) -> None:
    assert read(cut(stream, at)) == told(stream)


@given(st.binary(max_size=60), st.lists(st.integers(min_value=0), max_size=8))
def test_any_bytes_are_framed_without_loss(stream: bytes, at: list[int]) -> None:
    assert read(cut(stream, at)) == told(stream)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_single_split_gives_the_same_events(end: bytes) -> None:
    lines = [b"data: one", b"", b": note", b"", b"event: x", b"data: two", b"data: more", b"", b""]
    stream = end.join([*lines, b"data: last"])
    for place in range(len(stream) + 1):
        assert read([stream[:place], stream[place:]]) == [b"one", b"two\nmore", b"last"]
    assert read([bytes([byte]) for byte in stream]) == [b"one", b"two\nmore", b"last"]


def test_an_event_keeps_its_original_bytes() -> None:
    stream = b"data: a\n\nevent: x\r\ndata:b\r\n\r\ndata: c\r\r"
    whole = [b"data: a\n\n", b"event: x\r\ndata:b\r\n\r\n", b"data: c\r\r"]
    assert Splitter().feed(stream) == whole


@pytest.mark.parametrize(
    ("event", "data"),
    [
        (b"data: a\n\n", b"a"),
        (b"data:a\n\n", b"a"),
        (b"data:  a \n\n", b" a "),
        (b"data: a\ndata: b\n\n", b"a\nb"),
        (b"data\n\n", b""),
        (b"data:\n\n", b""),
        (b": data: a\n\n", None),
        (b"database: a\n\n", None),
        (b"event: x\n\n", None),
        (b"id: 1\nevent: x\ndata: a\nretry: 5\n\n", b"a"),
        (b"\ndata: a\r\n\r\n", b"a"),
        (b"\n\n", None),
        (b"", None),
    ],
)
def test_data_is_what_the_standard_says(event: bytes, data: bytes | None) -> None:
    assert data_of(event) == data


def test_an_event_may_be_large_and_not_endless() -> None:
    splitter = Splitter()
    image = b"data: " + b"x" * (MOST_EVENT - 100) + b"\n\n"
    assert splitter.feed(image[:1000]) + splitter.feed(image[1000:]) == [image]
    with pytest.raises(Oversized, match="longer than"):
        splitter.feed(b"x" * (MOST_EVENT + 1))


def test_a_long_line_in_small_pieces_costs_no_more_than_its_length() -> None:
    splitter = Splitter()
    began = time.process_time()
    for _ in range(MOST_EVENT // 1000):
        assert splitter.feed(b"x" * 1000) == []
    assert time.process_time() - began < 1  # joined with every piece, it is half a minute


def test_a_comment_is_no_event() -> None:
    assert comment("keep-alive") == b": keep-alive\n\n"
    assert data_of(comment("data: x")) is None


LONE = st.builds(bytes.__add__, st.sampled_from([b"data: ", b"data: a", b""]), STREAMS)


@given(LONE, st.sampled_from([b"", b"\n\n"]))
def test_an_event_that_comes_alone_is_the_same_event(data: bytes, end: bytes) -> None:
    data += end
    if (lone := Splitter().lone(data)) is not None:
        assert Splitter().feed(data) == [data]
        assert data_of(data) == lone
    held = Splitter()
    held.feed(b"x")
    assert held.lone(data) is None


def test_the_usual_event_is_known_when_it_comes_alone() -> None:
    assert Splitter().lone(b'data: {"a":1}\n\n') == b'{"a":1}'

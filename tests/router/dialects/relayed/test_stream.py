"""Streams that are relayed as they are."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome
from router.dialects.common.events import Usage
from router.dialects.errors.quirks import EVERYBODY
from router.dialects.relayed.stream import RelayedStream

DELTA = b'event: transcript.text.delta\ndata: {"type":"transcript.text.delta","delta":"on"}\n\n'
DONE = (
    b'data: {"type":"transcript.text.done","text":"once",'
    b'"usage":{"type":"tokens","input_tokens":9,"output_tokens":4}}\n\n'
)
STREAM = b": comment\n\n" + DELTA + DELTA + DONE + b"data: [DONE]\n\n"


def reader(wanted: int = 1) -> RelayedStream:
    return RelayedStream(wanted, EVERYBODY)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_split_passes_the_same_events(cuts: list[int]) -> None:
    stream = reader()
    places = [0, *sorted(cuts), len(STREAM)]
    passed = b"".join(stream.feed(STREAM[begin:end]) for begin, end in pairwise(places))
    assert passed == DELTA + DELTA + DONE
    assert (stream.content, stream.ended, stream.done) == (3, True, True)
    assert stream.usage == Usage(9, 4)


def test_as_many_ends_are_waited_for_as_things_were_asked_for() -> None:
    image = b'data: {"type":"image_generation.completed","b64_json":"AA"}\n\n'
    stream = reader(2)
    stream.feed(image)
    assert not stream.ended
    stream.feed(image)
    assert stream.ended


def test_an_error_inside_is_a_failure() -> None:
    stream = reader()
    assert stream.feed(DELTA) == DELTA
    assert stream.feed(b'data: {"type":"error","error":{"message":"no","code":500}}\n\n') == b""
    assert stream.failure is not None
    assert stream.failure.outcome is Outcome.FAILED


@given(st.binary(max_size=300))
def test_whatever_comes_raises_nothing(data: bytes) -> None:
    stream = reader()
    stream.feed(data)
    stream.finish()

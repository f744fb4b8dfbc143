"""What is on the channel may be anything."""

from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import News
from router.fleet.words import Word, decode, digest, encode, instant, items


@given(st.text(max_size=300), st.sampled_from(list(News)), st.floats(0, 1e6), st.binary(max_size=8))
def test_a_word_is_read_as_it_was_said(name: str, news: News, left: float, place: bytes) -> None:
    word = Word("one", name, news, left, place)
    assert decode(encode(word)) == word


@given(st.binary(max_size=200))
def test_what_is_malformed_is_none(told: bytes) -> None:
    word = decode(told)
    assert word is None or isinstance(word, Word)


@pytest.mark.parametrize(
    "told",
    [
        ["one", "a/m", "sick", 1.0],
        ["one", "a/m", "dead", 1.0, b""],
        ["one", "a/m", "sick", "soon", b""],
        ["one", "a/m", "sick", math.nan, b""],
        ["one", "a/m", "sick", math.inf, b""],
        ["one", "a" * 1001, "sick", 1.0, b""],
        ["one", "a/m", "sick", 1.0, b"0" * 33],
        {"who": "one"},
        None,
    ],
)
def test_what_is_no_word_is_refused(told: object) -> None:
    assert decode(msgspec.msgpack.encode(told)) is None


def test_of_an_identity_nothing_goes_out_but_a_digest() -> None:
    identity = "https://key@host/v1 model"
    assert digest(identity) == digest(identity) != digest("https://host/v1 model")
    assert len(digest(identity)) == 8


def test_an_entry_of_a_stream_that_holds_something_else_has_no_word() -> None:
    told = [[b"17-0", [b"w", b"x"]], [b"18-0", [b"a", b"b", b"c", b"d"]], [b"19-0", None]]
    assert items(told) == [(b"17-0", b"x"), (b"18-0", b""), (b"19-0", b"")]
    assert items(None) == []
    assert decode(b"") is None
    assert instant(b"17500-3") == 17.5

"""How requests are read off the wire."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.testing.request import MalformedRequest, Reading, Request
from tests.router.testing.asking import request

WIRE = (
    request(text="é" * 20)
    + b"GET / HTTP/1.1\r\n\r\n"
    + b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n"
    + b"0\r\na: b\r\n\r\n"
    + b"POST /b HTTP/1.1\r\ncontent-length: 0\r\n\r\n"
)


def read(*pieces: bytes) -> list[Request]:
    came: list[Request] = []
    reading = Reading(came.append)
    for piece in pieces:
        reading.feed(piece)
    return came


@given(st.sets(st.integers(0, len(WIRE))))
def test_wherever_they_are_split_the_same_requests_are_read(places: set[int]):
    borders = [0, *sorted(places), len(WIRE)]
    split = [WIRE[begin:end] for begin, end in pairwise(borders)]
    came, whole = read(*split), read(WIRE)
    assert [each.body for each in whole][1:] == [b"", b"abc0123456789", b""]
    assert [(each.method, each.path, each.headers, each.body) for each in came] == [
        (each.method, each.path, each.headers, each.body) for each in whole
    ]
    assert all(each.whole.is_set() for each in came)


@pytest.mark.parametrize(
    "wire",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nspace : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nsize\r\n",
        b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        b"x" * 1_000_001,
    ],
)
def test_what_is_doubtful_is_refused(wire: bytes):
    with pytest.raises(MalformedRequest):
        read(wire)


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_refused(wire: bytes):
    with suppress(MalformedRequest):
        read(wire + b"\r\n\r\n", b"0\r\n\r\n")


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b"\xff"])
def test_a_body_that_is_no_object_has_no_fields(body: bytes):
    assert Request("POST", "/", [], body).fields == {}

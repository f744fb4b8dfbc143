"""A provider that fails in prebuilt bytes, by the first part of the path that is asked for, so that
next to nothing of what is measured is its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple, cast

from benchmarks.nothing import CHUNK, END
from benchmarks.wire.canned import LENGTH, STREAM_HEAD, framed, message

ROLE = (
    b'data: {"id":"chatcmpl-0","object":"chat.completion.chunk","created":1700000000,"model":"m",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
)


def refusal(code: str) -> bytes:
    """A 400 with this code."""
    error = b'{"error":{"message":"no","type":"invalid_request_error","param":null,"code":"%b"}}'
    body = error % code.encode()
    head = (
        b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    )
    return head % len(body) + body


class Said(NamedTuple):
    """What is answered. `then` is `keep`, `close`, or `hang`: nothing more, the connection open."""

    data: bytes
    then: str = "keep"


BEGUN = STREAM_HEAD + framed(ROLE)
SAYS = {
    "whole": Said(message(500)),
    "stream": Said(BEGUN + framed(CHUNK) + framed(CHUNK + END) + b"0\r\n\r\n"),
    "cut": Said(BEGUN, "close"),
    "cut_after": Said(BEGUN + framed(CHUNK), "close"),
    "stall": Said(BEGUN + framed(CHUNK), "hang"),
    "silent": Said(b"", "hang"),
    "rejects": Said(refusal("invalid_value")),
    "unfit": Said(refusal("context_length_exceeded")),
}
LATER = 0.002
"""Seconds between content and the break: what comes in one read is rescued as if none had come."""


class Faulty(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        came = self._came + data if self._came else data
        end = came.find(b"\r\n\r\n")
        length = LENGTH.search(came)
        if end < 0 or length is None or len(came) < end + 4 + int(length[1]):
            self._came = came
            return
        self._came = b""
        said = SAYS[came[came.find(b"/") + 1 :].partition(b"/")[0].decode()]
        if said.data:
            self._transport.write(said.data)
        if said.then == "close":
            asyncio.get_running_loop().call_later(LATER, self._transport.close)


@asynccontextmanager
async def faulty() -> AsyncIterator[int]:
    """Its port, for as long as the context lasts."""
    server = await asyncio.get_running_loop().create_server(Faulty, "127.0.0.1", 0, backlog=4096)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()

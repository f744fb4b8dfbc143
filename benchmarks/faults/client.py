"""Clients that know just enough HTTP to see when an answer has begun and when it is over."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter
from typing import NamedTuple, Self


class Told(NamedTuple):
    """One answer: its status, whether it holds an error, and when its content and its end came, in
    seconds from the request on.
    """

    status: int
    error: bool
    first: float
    ended: float


class Client:
    """One connection, for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, address: str) -> Self:
        """Connect."""
        host, port = address.rsplit(":", 1)
        return cls(*await asyncio.open_connection(host, int(port), limit=1 << 20))

    async def post(self, model: str, *, stream: bool) -> Told:
        """Ask a model."""
        return await self.send(asking(model, stream=stream))

    async def send(self, request: bytes) -> Told:
        """Send these bytes, and read the answer to its end."""
        began = perf_counter()
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        first, body = perf_counter(), b""
        if b"\r\ncontent-length: " in head:
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            body = await self._reader.readexactly(length)
        else:
            while (size := int((await self._reader.readuntil(b"\r\n")).strip(), 16)) > 0:
                body += await self._reader.readexactly(size + 2)
            await self._reader.readexactly(2)
        ended = perf_counter()
        return Told(int(head[9:12]), b'"error":' in body, first - began, ended - began)

    async def close(self) -> None:
        """Leave."""
        self._writer.close()
        await self._writer.wait_closed()


def asking(model: str, *, stream: bool) -> bytes:
    """A request of half a kilobyte."""
    messages = [{"role": "user", "content": "word " * 80}]
    body = json.dumps({"model": model, "messages": messages, "stream": stream}).encode()
    head = "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

"""A client that knows sockets and nothing else, for servers under test."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.router.front.wire import Answer, read_answer

CHAT = "/v1/chat/completions"
QUIET = 0.1  # seconds without a byte after which nothing more is waited for


class Told(NamedTuple):
    """All that came, and what became of the connection: closed, reset, or open."""

    data: bytes
    end: str


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, path: str = CHAT, /, **fields: Any) -> None:
        self.writer.write(request(path, **fields))

    async def answer(self, path: str = CHAT, /, **fields: Any) -> Answer:
        """Send a request, and read one answer with a length or in chunks."""
        self.send(path, **fields)
        return await read_answer(self.reader)

    async def everything(self, quiet: float = QUIET) -> Told:
        """What comes until the connection ends, or nothing more comes."""
        data = bytearray()
        try:
            while True:
                async with asyncio.timeout(quiet):
                    if not (piece := await self.reader.read(65_536)):
                        return Told(bytes(data), "closed")
                data += piece
        except TimeoutError:
            return Told(bytes(data), "open")
        except ConnectionError:
            # What came just before an error, the reader keeps for itself.
            return Told(bytes(data + self.reader._buffer), "reset")  # type: ignore[attr-defined]


@asynccontextmanager
async def calling(url: str, context: ssl.SSLContext | None = None) -> AsyncIterator[Caller]:
    """A connection to whatever listens there."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def told(url: str, path: str = CHAT, /, **fields: Any) -> Told:
    """Everything that comes of one request on a connection of its own."""
    async with calling(url) as caller:
        caller.send(path, **fields)
        return await caller.everything()


def request(path: str = CHAT, /, **fields: Any) -> bytes:
    body = json.dumps({"model": "m", **fields}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def events(data: bytes) -> list[str]:
    """What stands in the events of a stream, chunked or not."""
    return [line[6:].decode() for line in data.split(b"\n") if line.startswith(b"data: ")]


def content(data: bytes) -> str:
    """The text that a stream of a chat has said."""
    chunks = [json.loads(event) for event in events(data) if event.startswith('{"id"')]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    return "".join(choice["delta"].get("content", "") for choice in choices)

"""A client that leaves costs nothing more: its provider's work ends, its place is free."""

import asyncio
import json
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.e2e.running import Router, body, serving

CONFIG = """\
version: 1
server: {{drain: {{announce: 0s, wait: 1s}}}}
providers:
  slow: {{base_url: "http://127.0.0.1:{port}/v1", models: [m]}}
models:
  m: {{targets: [slow/m]}}
"""
SOON = 0.5  # seconds
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Endless:
    """A provider that writes for ever, or never begins; it knows when its reader is gone."""

    def __init__(self, *, begins: bool) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()
        self._begins = begins

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked.set()
        writing = asyncio.create_task(self._write(writer))
        try:
            while await reader.read(65536):
                pass
        except ConnectionError:
            pass
        finally:
            self.left.set()
            writing.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writing
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter) -> None:
        if not self._begins:
            return
        writer.write(HEAD)
        delta = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
        event = b"data: " + json.dumps({"choices": [delta]}).encode() + b"\n\n"
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(event), event))
            await writer.drain()
            await asyncio.sleep(0.01)


@pytest.fixture
def door() -> Iterator[socket.socket]:
    """Where the provider will listen."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield door


@pytest.fixture
def router(tmp_path, door) -> Iterator[Router]:
    with serving(tmp_path, CONFIG.format(port=door.getsockname()[1])) as running:
        yield running


@pytest.mark.parametrize(
    ("begins", "stream"), [(True, True), (False, True), (False, False)],
    ids=["within a stream", "before a stream", "before a whole answer"],
)  # fmt: skip
async def test_the_providers_connection_ends_with_the_clients(door, router, begins, stream):
    provider = Endless(begins=begins)
    host, port = router.listen.split(":")
    async with await asyncio.start_server(provider.answer, sock=door):
        reader, writer = await asyncio.open_connection(host, int(port))
        sent = body("m", stream=stream).encode()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n")
        writer.write(b"Content-Type: application/json\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(sent), sent))
        async with asyncio.timeout(5):
            await (reader.readuntil(b"word ") if begins else provider.asked.wait())
        assert (await asyncio.to_thread(router.status))["targets"]["slow/m"]["in_flight"] == 1
        writer.close()
        async with asyncio.timeout(SOON):
            await provider.left.wait()
        status = await asyncio.to_thread(router.status)
    assert status["running"] == 0
    assert status["targets"]["slow/m"]["in_flight"] == 0
    assert status["targets"]["slow/m"]["health"] == 1.0
    assert [(row["end"], row["count"]) for row in status["requests"]] == [("gone", 1)]
    assert [(row["outcome"], row["count"]) for row in status["attempts"]] == [("abandoned", 1)]

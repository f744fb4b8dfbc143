"""A provider whose answers are prebuilt bytes, so that next to nothing of what is measured is its
own: whole answers by the path that is asked for, and streams that are led by hand.

Nothing is parsed but where a request ends, which path it asks for and who asks (`user`).
"""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

from benchmarks.nothing import CHUNK, END

CHUNKS = 100
BACKLOG = 4096
HEADERS = (
    b"date: Mon, 05 Jan 2026 12:00:00 GMT\r\nserver: canned\r\n"
    b"x-request-id: req_0123456789abcdef0123456789abcdef\r\nopenai-processing-ms: 412\r\n"
    b"x-ratelimit-limit-requests: 100000000\r\nx-ratelimit-remaining-requests: 99990000\r\n"
    b"x-ratelimit-remaining-tokens: 1999000000\r\nx-ratelimit-reset-requests: 6ms\r\n"
)
"""As many as providers send; and its limits leave room for what it is asked, else the router would
go by them.
"""
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
USER = re.compile(rb'"user": ?"(\d+)"')


def message(size: int) -> bytes:
    """A chat completion of about so many bytes."""
    told = (
        b'{"id":"chatcmpl-0123456789","object":"chat.completion","created":1700000000,"model":"m0",'
        b'"choices":[{"index":0,"message":{"role":"assistant","content":"%b"},"finish_reason":'
        b'"stop"}],"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150}}'
    )
    body = told % (b"word " * ((size - len(told)) // 5))
    return (
        b"HTTP/1.1 200 OK\r\n%bcontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
        % (HEADERS, len(body), body)
    )


WHOLE = {b"small": message(500), b"large": message(20_000)}
"""Answers in one piece, by the first part of their path."""
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\n%bcontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    % HEADERS
)


def framed(data: bytes) -> bytes:
    """As one chunk of a body of unknown length."""
    return b"%x\r\n%b\r\n" % (len(data), data)


FIRST = STREAM_HEAD + framed(CHUNK)
NEXT = framed(CHUNK)
LAST = framed(CHUNK + END) + b"0\r\n\r\n"


class Canned(asyncio.Protocol):
    """One connection. `streams` are those under way, by who asked for them."""

    def __init__(self, streams: dict[bytes, Canned], connections: set[asyncio.Transport]) -> None:
        self._streams = streams
        self._connections = connections
        self._transport: asyncio.Transport
        self._came = b""
        self._to_come = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.add(self._transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        came = self._came + data if self._came else data
        end = came.find(b"\r\n\r\n")
        length = LENGTH.search(came)
        if end < 0 or length is None or len(came) < end + 4 + int(length[1]):
            self._came = came
            return
        self._came = b""
        asked = came[came.find(b"/") + 1 :].partition(b"/")[0]
        whole = WHOLE.get(asked)
        if whole is not None:
            self._transport.write(whole)
            return
        user = USER.search(came, end)
        assert asked == b"stream" and user is not None, came[:200]  # noqa: PT018 - no test
        self._streams[user[1]] = self
        self._to_come = CHUNKS - 1
        self._transport.write(FIRST)

    def go_on(self) -> None:
        """Write the next chunk, in a write of its own."""
        if self._to_come:
            self._to_come -= 1
            self._transport.write(NEXT if self._to_come else LAST)


class Provider:
    """The canned provider, listening. `plain` and `secure` are its ports, `ca` is the certificate
    to trust.
    """

    def __init__(self, plain: int, secure: int, ca: Path, streams: dict[bytes, Canned]) -> None:
        self.ports = {False: plain, True: secure}
        self.ca = ca
        self._streams = streams

    def go_on(self, user: bytes) -> None:
        """The next chunk of the stream that `user` asked for."""
        self._streams[user].go_on()


@asynccontextmanager
async def provided(folder: Path) -> AsyncIterator[Provider]:
    """A canned provider for as long as the context lasts, with a certificate made for it."""
    loop = asyncio.get_running_loop()
    streams: dict[bytes, Canned] = {}
    connections: set[asyncio.Transport] = set()

    def made() -> Canned:
        return Canned(streams, connections)

    cert, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    plain = await loop.create_server(made, "127.0.0.1", 0, backlog=BACKLOG)
    secure = await loop.create_server(made, "127.0.0.1", 0, backlog=BACKLOG, ssl=context)
    try:
        ports = [server.sockets[0].getsockname()[1] for server in (plain, secure)]
        yield Provider(ports[0], ports[1], cert, streams)
    finally:
        plain.close()
        secure.close()
        for transport in list(connections):
            transport.abort()


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for `localhost`, and its key."""
    cert, key = folder / "canned.pem", folder / "canned.key"
    openssl = shutil.which("openssl")
    assert openssl, "a certificate for the run is made with the command openssl"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-noenc", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key

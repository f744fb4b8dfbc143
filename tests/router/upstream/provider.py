"""A provider on a real socket that does exactly what a test says, and sees who reads on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from router.bell import Bell
from router.dialects.openai.dialect import SPOKEN
from router.upstream.credential import Credential
from router.upstream.http import ANY, Http
from router.upstream.proxy import Proxy
from router.upstream.tls import SYSTEM, Tls
from router.upstream.transport import Exchange, Head, Timeouts, Upstream

BODY = b'{"model":"m"}'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Request(NamedTuple):
    """What came. `headers` as they were written, names in lower case."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given == name]


Act = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Provider:
    """What it has seen; `left` is set once a client has closed its connection."""

    origin: str
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def provider(act: Act, *, requests: int = 1) -> AsyncIterator[Provider]:
    """Answer so many requests on each connection by `act`, then wait until the client is gone."""
    seen = Provider("")

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        # Resets and cancelled waits are what some of the tests are about.
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            for _ in range(requests):
                seen.requests.append(await read_request(reader))
                watching = asyncio.ensure_future(watch(reader, seen.left, requests))
                try:
                    await act(reader, writer)
                finally:
                    if requests > 1 or writer.is_closing():
                        watching.cancel()
                    with suppress(asyncio.CancelledError, ConnectionError):
                        await watching
        writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    seen.origin = f"http://{host}:{port}"
    try:
        yield seen
    finally:
        server.close()
        await server.wait_closed()


async def watch(reader: asyncio.StreamReader, left: asyncio.Event, requests: int) -> None:
    """Notice when the client is gone; on a connection for one request it sends nothing more."""
    if requests > 1:
        return
    try:
        await reader.read(1)
    finally:
        left.set()


async def read_request(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    line, *lines = head.strip().split("\r\n")
    fields = (text.split(":", 1) for text in lines)
    headers = [(name.lower(), value.strip()) for name, value in fields]
    length = int(dict(headers).get("content-length", 0))
    return Request(line, headers, await reader.readexactly(length))


def saying(answer: bytes, *, close: bool = False) -> Act:
    """Say this, whatever was asked."""

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        if close:
            writer.close()

    return act


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing."""


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(body: bytes, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@dataclass
class Asking:
    """One exchange, and whoever waits for its bell."""

    exchange: Exchange
    bell: Bell
    came: bytes = b""

    async def head(self) -> Head:
        while self.exchange.head is None:
            await self._ring()
        return self.exchange.head

    async def piece(self) -> bytes:
        """The next bytes; `b""` at the end. Raises `UpstreamError`."""
        while (data := self.exchange.take()) is None:
            await self._ring()
        return data

    async def body(self) -> bytes:
        """All bytes to the end; `came` holds them if there is an error instead."""
        while data := await self.piece():
            self.came += data
        return self.came

    async def _ring(self) -> None:
        async with asyncio.timeout(2):
            await self.bell.wait(asyncio.get_running_loop().time() + 5)


@asynccontextmanager
async def client() -> AsyncIterator[Http]:
    http = Http()
    try:
        yield http
    finally:
        await http.close()


@asynccontextmanager
async def asking(
    http: Http,
    origin: str,
    *,
    headers: Mapping[str, str] | None = None,
    credentials: Mapping[str, str] | None = None,
    connect: float = 1.0,
    body: bytes = BODY,
    most: float = ANY,
    proxy: Proxy | None = None,
    tls: Tls = SYSTEM,
    credential: Credential | None = None,
) -> AsyncIterator[Asking]:
    """Send a request to this origin; whatever happens, it is over afterwards."""
    given = {"content-type": "application/json", **(credentials or {})}
    transport = http.to(
        f"{origin}/v1", given, most=most, proxy=proxy, tls=tls, credential=credential
    )
    bell = Bell(asyncio.get_running_loop())
    upstream = Upstream(
        target="a/m",
        model="m",
        speaks=SPOKEN,
        transport=transport,
        timeouts=Timeouts(connect=connect),
    )
    exchange = transport.open(upstream, "/chat/completions", headers or {}, body, bell)
    try:
        yield Asking(exchange, bell)
    finally:
        exchange.abort()
        bell.close()
        await asyncio.sleep(0.001)

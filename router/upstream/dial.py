"""Making a connection: names, sockets, proxies, TLS. The only part of the client that awaits.

Every error on the way becomes one that says what to do, with nothing in it that is secret.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohappyeyeballs import AddrInfoType, start_connection

from policies import Phase
from router.upstream import tls
from router.upstream.connection import Connection, Secure
from router.upstream.proxy import Proxy
from router.upstream.transport import UpstreamError

if TYPE_CHECKING:
    from router.upstream.pool import Pool

SECOND_FAMILY = 0.25
"""Seconds after which the other address family is tried beside the first (RFC 8305, section 5)."""
ADDRESSES = 10.0
"""Seconds for which the addresses of a name are remembered."""
ROOM = 64 * 1024
"""Bytes that are read of a TLS connection at once; a record has 16 kB."""
OURS = frozenset({errno.EMFILE, errno.ENFILE})
"""What it is called that this machine, and nobody else, lets us open no more."""
MOST_REPLY = 16 * 1024
"""Bytes of a proxy's answer to `CONNECT`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider is, and by which way it is reached."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None = None
    tls: tls.Tls = tls.SYSTEM

    @property
    def authority(self) -> str:
        """Host and port as requests name them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == usual else f"{host}:{self.port}"


class Contexts:
    """TLS contexts by what they were made of: reading the system's authorities takes a while."""

    def __init__(self) -> None:
        self._made: dict[tls.Tls, ssl.SSLContext] = {}

    async def get(self, wanted: tls.Tls) -> ssl.SSLContext:
        """The context; its files are read outside the event loop, once."""
        if wanted not in self._made:
            loop = asyncio.get_running_loop()
            made = await loop.run_in_executor(None, tls.context, wanted)
            self._made.setdefault(wanted, made)
        return self._made[wanted]


class Dialler:
    """Makes connections to one place. See `pool.Dial`."""

    def __init__(self, place: Place, contexts: Contexts, loop: asyncio.AbstractEventLoop) -> None:
        self._place = place
        self._contexts = contexts
        self._loop = loop
        self._room = memoryview(bytearray(ROOM if place.scheme == "https" else 0))
        self._addresses: list[AddrInfoType] = []
        self._known_until = 0.0

    async def __call__(self, pool: Pool, within: float) -> Connection:
        """A connection for `pool`, within so many seconds. Raises `UpstreamError`."""
        try:
            async with asyncio.timeout(within):
                return await self._connect(pool)
        except TimeoutError:
            raise UpstreamError(
                Phase.CONNECT, f"no connection within {within:g} s (timeouts: connect)"
            ) from None
        except (OSError, ValueError) as error:
            self._known_until = 0.0
            ours = isinstance(error, OSError) and error.errno in OURS
            raise UpstreamError(Phase.CONNECT, said(error), ours=ours) from error

    async def _connect(self, pool: Pool) -> Connection:
        place, loop = self._place, self._loop
        context = await self._contexts.get(place.tls) if place.scheme == "https" else None
        wire = await start_connection(
            await self._resolve(), happy_eyeballs_delay=SECOND_FAMILY, interleave=1, loop=loop
        )
        if place.proxy is not None and context is not None:
            return await self._through(wire, place.proxy, context, pool)
        _, connection = await loop.create_connection(
            lambda: self._made(pool),
            sock=wire,
            ssl=context,
            server_hostname=place.host if context is not None else None,
        )
        return connection

    def _made(self, pool: Pool) -> Connection:
        now = self._loop.time()
        return Secure(pool, now, self._room) if self._room else Connection(pool, now)

    async def _resolve(self) -> list[AddrInfoType]:
        if self._loop.time() >= self._known_until:
            towards = self._place.proxy or self._place
            found = await self._loop.getaddrinfo(
                towards.host, towards.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
            )
            self._addresses = list(found)
            self._known_until = self._loop.time() + ADDRESSES
        return self._addresses

    async def _through(
        self, wire: socket.socket, proxy: Proxy, context: ssl.SSLContext, pool: Pool
    ) -> Connection:
        """TLS to the place, inside a tunnel that its proxy makes."""
        loop, place = self._loop, self._place
        host = f"[{place.host}]" if ":" in place.host else place.host
        target = f"{host}:{place.port}"
        asked = f"CONNECT {target} HTTP/1.1\r\nhost: {target}\r\n"
        if proxy.authorization:
            asked += f"proxy-authorization: {proxy.authorization}\r\n"
        tunnel: asyncio.Transport
        tunnel, waiting = await loop.create_connection(lambda: Tunnel(loop), sock=wire)
        tunnel.write(f"{asked}\r\n".encode())
        connection = self._made(pool)
        try:
            await waiting.opened
            inside = await loop.start_tls(tunnel, connection, context, server_hostname=place.host)
            if inside is None:
                raise ConnectionError("the proxy closed the tunnel")
            connection.connection_made(inside)
        finally:
            if not connection.usable:
                tunnel.abort()
        return connection


class Tunnel(asyncio.Protocol):
    """Waits for a proxy to say that the way is open. Raises OSError from `opened`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.opened: asyncio.Future[None] = loop.create_future()
        self._came = b""

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, whole, rest = self._came.partition(b"\r\n\r\n")
        if self.opened.done() or not (whole or len(self._came) > MOST_REPLY):
            return
        status = head.split(b" ", 2)[1:2]
        if whole and not rest and status and status[0][:1] == b"2":
            self.opened.set_result(None)
            return
        told = status[0].decode("latin-1")[:3] if status else "nonsense"
        remedy = ": write its user and password into the proxy's URL" if told == "407" else ""
        self._fail(f"the proxy answered {told}{remedy}")

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the proxy closed the connection")

    def _fail(self, why: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError(why))
            self.opened.exception()  # seen: whoever waited may be gone


def said(error: OSError | ValueError) -> str:
    """What kept us from connecting; never with an address's credentials in it."""
    match error:
        case ssl.SSLError():
            return tls.told(error)
        case socket.gaierror():
            return f"no such host ({error.strerror}): is base_url right?"
        case OSError() if error.errno in OURS:
            return "this machine lets us open no more connections: raise `ulimit -n`"
        case OSError():
            return f"cannot connect: {error.strerror or str(error) or type(error).__name__}"
        case _:
            return "the base URL is not a valid address"

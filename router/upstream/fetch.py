"""Fetches what callers name by its address, for providers that want it as bytes: images, documents,
sounds.

By this a caller must not reach what it could not reach itself. A name is resolved once, every
address that it has must be public, and the connection goes to one of those that were looked at;
wherever a redirect leads is looked at the same way. There is no proxy: behind one nothing could be
told. Hosts that the configuration names are trusted, wherever they are.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from aiohappyeyeballs import AddrInfoType

from policies import Phase
from router.bell import Bell
from router.upstream.dial import Contexts, Dialler, Place
from router.upstream.exchange import HttpExchange
from router.upstream.pool import Pool
from router.upstream.tls import SYSTEM, Tls
from router.upstream.transport import Head, UpstreamError

MOST_BYTES = 20 * 1024 * 1024
"""Of one file: what providers take in one request."""
MOST_REDIRECTS = 3
MOST_AT_ONCE = 16
PATIENCE = 20.0
"""Seconds that a file may take, with its redirects."""
CONNECT = 5.0
LONGEST_URL = 8192
PORTS = frozenset({80, 443})
TYPES = re.compile(r"(image|audio)/[a-z0-9.+-]+|application/pdf")
UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream"})
BEGINNINGS = (
    (b"\x89PNG\r\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
)
"""How a file begins of which its server says no more than that it is one."""
NOT_PUBLIC = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "224.0.0.0/3",
        "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
"""Beside what the standard library knows not to be global; in some versions it knows less."""
GLOBAL = ip_network("2000::/3")
NAT64 = ip_network("64:ff9b::/96")

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_SAFE = "/%:@!$&'()*+,;=~-._?"


class FetchError(Exception):
    """It cannot be had; the message says why, and is for the caller."""


class Fetched(NamedTuple):
    """A file."""

    media_type: str
    content: bytes


class Fetcher:
    """Fetches files. `hosts` may be fetched from wherever they are: `host`, or `host:port` where
    the port is not the usual one.
    """

    def __init__(self, hosts: Iterable[str] = (), tls: Tls = SYSTEM) -> None:
        self._hosts = frozenset(hosts)
        self._tls = tls
        self._contexts = Contexts()
        self._room = asyncio.Semaphore(MOST_AT_ONCE)
        # Of its own: names that nobody answers for must not keep providers' names waiting.
        self._resolver = ThreadPoolExecutor(4, "fetch")

    async def get(self, url: str, within: float, took: Callable[[int], None]) -> Fetched:
        """What is at `url`, in at most so many seconds. `took` is told of bytes as they come, and
        may raise. Raises `FetchError`.
        """
        try:
            async with asyncio.timeout(min(within, PATIENCE)), self._room:
                for _ in range(MOST_REDIRECTS + 1):
                    found = await self._ask(url, took)
                    if isinstance(found, Fetched):
                        return found
                    url = urljoin(url, found)
        except TimeoutError:
            raise FetchError("it did not come in time") from None
        except ValueError:
            raise FetchError("it redirects to what is no URL") from None
        raise FetchError(f"it redirects more than {MOST_REDIRECTS} times")

    def close(self) -> None:
        """Nothing is fetched any more."""
        self._resolver.shutdown(wait=False, cancel_futures=True)

    async def _ask(self, url: str, took: Callable[[int], None]) -> Fetched | str:
        """The file, or where to it redirects."""
        place, target = placed(url, self._tls)
        free = place.authority in self._hosts
        if not free and place.port not in PORTS:
            raise FetchError("only the ports 80 and 443 are fetched from")
        loop = asyncio.get_running_loop()
        bell = Bell(loop)
        dialler = Guarded(place, self._contexts, loop, self._resolver, free=free)
        pool = Pool(dialler, 1, loop)
        exchange = HttpExchange(pool, request(place, target), bell, CONNECT)
        pool.send(exchange)
        try:
            return await read(exchange, bell, took)
        except UpstreamError as error:
            raise FetchError(error.detail) from None
        finally:
            exchange.abort()
            bell.close()
            await pool.close()


class Guarded(Dialler):
    """Makes connections to public addresses alone; `free`: to any."""

    def __init__(
        self,
        place: Place,
        contexts: Contexts,
        loop: asyncio.AbstractEventLoop,
        resolver: ThreadPoolExecutor,
        *,
        free: bool,
    ) -> None:
        super().__init__(place, contexts, loop)
        self._where = place
        self._resolver = resolver
        self._free = free

    async def _resolve(self) -> list[AddrInfoType]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._resolver, addresses_of, self._where.host, self._where.port
            )
        except socket.gaierror:
            found = []
        if not found or not (self._free or all(is_public(str(one[4][0])) for one in found)):
            # One answer to both: it is nobody's business which names there are inside.
            raise UpstreamError(Phase.CONNECT, "its host is unknown, or not a public one")
        return found


def addresses_of(host: str, port: int) -> list[AddrInfoType]:
    """What a name leads to. Raises `socket.gaierror`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(found)


def is_public(text: str) -> bool:
    """Whether an address is one of the internet's; also where another stands for it."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        if address.scope_id is not None:
            return False
        if (inner := inside(address)) is not None:
            return is_public(str(inner))
        if address not in GLOBAL:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in NOT_PUBLIC)
    )


def inside(address: IPv6Address) -> IPv4Address | None:
    """The address of the older kind that this one stands for."""
    if address in NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


def placed(url: str, tls: Tls) -> tuple[Place, str]:
    """Where an URL leads, and what is asked for there. Raises `FetchError`."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        raise FetchError("it is no URL") from None
    if parts.scheme not in ("http", "https") or len(url) > LONGEST_URL:
        raise FetchError("only http and https are fetched")
    if not _HOST.fullmatch(host) or "@" in parts.netloc:
        raise FetchError("it is no URL of a host")
    secure = parts.scheme == "https"
    place = Place(
        parts.scheme, host, port or (443 if secure else 80), None, tls if secure else SYSTEM
    )
    query = f"?{quote(parts.query, safe=_SAFE)}" if parts.query else ""
    return place, (quote(parts.path, safe=_SAFE) or "/") + query


def request(place: Place, target: str) -> bytes:
    """What is sent."""
    return (
        f"GET {target} HTTP/1.1\r\nhost: {place.authority}\r\n"
        "accept: image/*, audio/*, application/pdf\r\naccept-encoding: identity\r\n"
        "user-agent: pointsman\r\nconnection: close\r\n\r\n"
    ).encode()


async def read(exchange: HttpExchange, bell: Bell, took: Callable[[int], None]) -> Fetched | str:
    """The file, or where to it redirects. Raises `FetchError`, `UpstreamError`."""
    loop = asyncio.get_running_loop()
    content = bytearray()
    looked = False
    while (data := exchange.take()) != b"":
        if not looked and exchange.head is not None:
            looked = True
            if (elsewhere := promising(exchange.head)) is not None:
                return elsewhere
        if data is None:
            await bell.wait(loop.time() + PATIENCE)
            continue
        content += data
        if len(content) > MOST_BYTES:
            raise FetchError(f"it is larger than {MOST_BYTES >> 20} MB")
        took(len(data))
    if exchange.head is None:
        raise FetchError("there was no answer")
    if not looked and (elsewhere := promising(exchange.head)) is not None:
        return elsewhere
    if not content:
        raise FetchError("it is empty")
    return Fetched(media_type(exchange.head, content), bytes(content))


def promising(head: Head) -> str | None:
    """Where to it redirects; None: it comes. Raises `FetchError` if it does not."""
    headers = head.headers
    if head.status in (301, 302, 303, 307, 308) and (elsewhere := headers.get("location")):
        return elsewhere
    if head.status != 200:
        raise FetchError(f"its host answered {head.status}")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("its host sends it compressed")
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > MOST_BYTES:
        raise FetchError(f"it is larger than {MOST_BYTES >> 20} MB")
    media_type(head, None)
    return None


def media_type(head: Head, content: bytearray | None) -> str:
    """What it is, as its host says; where that says nothing, as it begins (None: not yet known).
    Raises `FetchError` for what is no image, sound or document.
    """
    told = head.headers.get("content-type", "").partition(";")[0].strip().lower()
    if TYPES.fullmatch(told):
        return told
    if told in UNTOLD:
        if content is None:
            return told
        found = next((kind for begins, kind in BEGINNINGS if content.startswith(begins)), None)
        if found is not None:
            return found
    raise FetchError("it is no image, sound or PDF")

"""HTTP/1.1 to providers: requests as they are written, and where they lead.

Our own client, since what a router spends most of its time on is this. It carries; whether to send
again is decided above. Redirects are not followed: a provider that moves is a matter for the
configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from router.bell import Bell
from router.upstream.credential import Credential, Renewals
from router.upstream.dial import Contexts, Dialler, Place
from router.upstream.exchange import HttpExchange
from router.upstream.pool import Pool
from router.upstream.proxy import Proxy
from router.upstream.tls import SYSTEM, Tls
from router.upstream.transport import Upstream

ANY: Final = float("inf")
ASKED_WITHIN: Final = 3.0
"""Seconds to connect, where no target of a provider says otherwise."""
MOST_GIVEN: Final = 100
"""Of the headers that come with requests, kept as they were written: most clients give the same."""
UNSIGNED: Final = b"?"
"""Stands for a request until it shows who asks, and is never written."""
SIGNED: Final = ("content-type",)
"""Headers of a call that a signature covers: the others may be changed on the way."""


class Http:
    """The connections to all providers, by where they lead. A pool lives as long as a transport or
    a connection of it: so it is kept over a reload, if it is still wanted.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.renewals = Renewals(self._loop)
        self._contexts = Contexts()
        self._pools: WeakValueDictionary[tuple[Place, float], Pool] = WeakValueDictionary()

    def to(
        self,
        base_url: str,
        headers: Mapping[str, str],
        *,
        proxy: Proxy | None = None,
        tls: Tls = SYSTEM,
        most: float = ANY,
        credential: Credential | None = None,
    ) -> HttpTransport:
        """A transport to the API at `base_url`, over at most so many connections, that sends
        `headers` with every request, and those of `credential`. Raises ValueError for what is no
        URL or no header.
        """
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("a base URL is written https://host/v1")
        host = parts.hostname.encode("idna").decode() if not parts.hostname.isascii() else None
        place = Place(
            parts.scheme,
            host or parts.hostname,
            parts.port or (443 if parts.scheme == "https" else 80),
            proxy,
            tls if parts.scheme == "https" else SYSTEM,
        )
        pool = self._pools.get((place, most))
        if pool is None:
            dialler = Dialler(place, self._contexts, self._loop)
            self._pools[place, most] = pool = Pool(dialler, most, self._loop)
        if credential is not None:
            return SigningTransport(pool, place, parts.path, headers, credential)
        return HttpTransport(pool, place, parts.path, headers)

    @property
    def connections(self) -> int:
        """How many are open or being made."""
        return sum(pool.connections for pool in self._pools.values())

    async def close(self) -> None:
        """End every connection; what is under way breaks off."""
        for pool in list(self._pools.values()):
            await pool.close()


class HttpTransport:
    """The transport of one provider. See `Transport`."""

    def __init__(self, pool: Pool, place: Place, base: str, headers: Mapping[str, str]) -> None:
        self._pool = pool
        self._own = frozenset(name.lower() for name in headers)
        self._heads: dict[str, bytes] = {}
        self._given: dict[tuple[tuple[str, str], ...], bytes] = {}
        through = place.proxy if place.scheme == "http" else None
        self._base = f"http://{place.authority}{base}" if through is not None else base
        sent = {"host": place.authority, "accept-encoding": "identity", **headers}
        if through is not None and through.authorization:
            sent["proxy-authorization"] = through.authorization
        self._headers = written(sent)

    def open(
        self, upstream: Upstream, path: str, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> HttpExchange:
        prefix = self._heads.get(path)
        if prefix is None:
            self._heads[path] = prefix = self.head(path)
        given = tuple(headers.items())
        passed = self._given.get(given)
        if passed is None:
            passed = written({name: value for name, value in given if name not in self._own})
            if len(self._given) < MOST_GIVEN:
                self._given[given] = passed
        request = b"%b%bcontent-length: %d\r\n\r\n%b" % (prefix, passed, len(body), body)
        exchange = HttpExchange(self._pool, request, bell, upstream.timeouts.connect)
        self._pool.send(exchange)
        return exchange

    def ask(self, method: str, path: str, headers: Mapping[str, str], bell: Bell) -> HttpExchange:
        """Send a request without a body to a path that is hardly asked twice; ring `bell` whenever
        something comes.
        """
        given = {name: value for name, value in headers.items() if name not in self._own}
        exchange = HttpExchange(self._pool, self.bare(method, path, given), bell, ASKED_WITHIN)
        self._pool.send(exchange)
        return exchange

    def bare(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        """A request without a body."""
        length = b"content-length: 0\r\n" if method == "POST" else b""
        first = f"{method} {self._base}{path} HTTP/1.1\r\n".encode()
        return b"%b%b%b%b\r\n" % (first, self._headers, written(headers), length)

    def head(self, path: str) -> bytes:
        """How every request to `path` begins."""
        return f"POST {self._base}{path} HTTP/1.1\r\n".encode() + self._headers


class SigningTransport(HttpTransport):
    """The same where each request shows anew who asks; it is sent once it can."""

    def __init__(
        self,
        pool: Pool,
        place: Place,
        base: str,
        headers: Mapping[str, str],
        credential: Credential,
    ) -> None:
        super().__init__(pool, place, base, headers)
        self._credential = credential
        self._path = base
        self._shown = {"host": place.authority, **headers}

    def open(
        self, upstream: Upstream, path: str, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> HttpExchange:
        exchange = HttpExchange(self._pool, UNSIGNED, bell, upstream.timeouts.connect)
        return self._when_ready(exchange, lambda: self._request(path, headers, body))

    def ask(self, method: str, path: str, headers: Mapping[str, str], bell: Bell) -> HttpExchange:
        exchange = HttpExchange(self._pool, UNSIGNED, bell, ASKED_WITHIN)
        return self._when_ready(
            exchange, lambda: self.bare(method, path, self._showing(method, path, headers, b""))
        )

    def _when_ready(self, exchange: HttpExchange, request: Callable[[], bytes]) -> HttpExchange:
        def send() -> None:
            if not exchange.over:
                exchange.request = request()
                self._pool.send(exchange)

        self._credential.when_ready(send, exchange.broken)
        return exchange

    def _request(self, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        head = self.head(path) + written(self._showing("POST", path, headers, body))
        return b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body)

    def _showing(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> dict[str, str]:
        """The client's headers, with those that show who asks."""
        given = {name: value for name, value in headers.items() if name not in self._own}
        covered = {name: given[name] for name in SIGNED if name in given} | self._shown
        return {**given, **self._credential.headers(method, self._path + path, covered, body)}


def written(headers: Mapping[str, str]) -> bytes:
    """Headers as they go over the wire. Raises ValueError for what would end one early."""
    text = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if text.count("\n") != len(headers) or text.count("\r") != len(headers) or "\0" in text:
        raise ValueError("a header holds a line break")
    return text.encode()

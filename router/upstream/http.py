"""HTTP to a provider, by aiohttp's client.

A task per exchange pumps what comes into the exchange; it stops reading when nobody takes, so a
slow client holds back the provider and not our memory. Bodies are asked for unencoded and
redirects are not followed: a provider that moves is a matter for the configuration.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from policies import Phase
from router.bell import Bell
from router.upstream.transport import Head, Upstream, UpstreamError

HIGH_WATER = 256 * 1024
"""Bytes that have come and were not taken, beyond which reading pauses."""
IDLE = 15.0
"""Seconds that an unused connection is kept: less than common servers keep theirs."""


class Http:
    """The transport of real providers. One for all of them: connections are pooled by origin."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    def open(
        self, upstream: Upstream, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> HttpExchange:
        """See `Transport.open`."""
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=IDLE),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("User-Agent",),
                requote_redirect_url=False,
            )
        sent = {**headers, **upstream.headers, "accept-encoding": "identity"}
        return HttpExchange(self._session, upstream, sent, body, bell)

    async def close(self) -> None:
        """See `Transport.close`."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()


class HttpExchange:
    """One request and its answer. See `Exchange`."""

    __slots__ = ("_bell", "_ended", "_error", "_held", "_room", "_taken", "_task", "head")

    def __init__(
        self,
        session: aiohttp.ClientSession,
        upstream: Upstream,
        headers: Mapping[str, str],
        body: bytes,
        bell: Bell,
    ) -> None:
        self.head: Head | None = None
        self._bell = bell
        self._taken: list[bytes] = []
        self._held = 0
        self._room = asyncio.Event()
        self._error: UpstreamError | None = None
        self._ended = False
        self._task = asyncio.get_running_loop().create_task(
            self._pump(session, upstream, headers, body)
        )

    def take(self) -> bytes | None:
        """See `Exchange.take`."""
        if self._taken:
            taken = b"".join(self._taken)
            self._taken.clear()
            self._held = 0
            self._room.set()
            return taken
        if self._error is not None:
            raise self._error
        return b"" if self._ended else None

    def abort(self) -> None:
        """See `Exchange.abort`."""
        self._task.cancel()

    async def _pump(
        self,
        session: aiohttp.ClientSession,
        upstream: Upstream,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        # Names, sockets and TLS together: a name that nobody answers for must not take longer.
        timeout = aiohttp.ClientTimeout(total=None, connect=upstream.timeouts.connect)
        try:
            async with session.post(
                upstream.url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                lower = {name.lower(): value for name, value in response.headers.items()}
                self.head = Head(response.status, lower)
                self._bell.ring()
                async for data in response.content.iter_any():
                    await self._receive(data)
                self._ended = True
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._error = broken(error, answered=self.head is not None)
        finally:
            if not self._ended and self._error is None:
                self._error = UpstreamError(Phase.HEAD, "the exchange was stopped")
            self._bell.ring()

    async def _receive(self, data: bytes) -> None:
        self._taken.append(data)
        self._held += len(data)
        self._bell.ring()
        if self._held > HIGH_WATER:
            self._room.clear()
            await self._room.wait()


def broken(error: Exception, *, answered: bool) -> UpstreamError:
    """What went wrong, in our words; never with an address's credentials or a body in it."""
    if answered:
        return UpstreamError(Phase.BODY, f"the connection broke off ({type(error).__name__})")
    if isinstance(error, aiohttp.ClientSSLError):
        return UpstreamError(Phase.CONNECT, f"TLS: {error.os_error}")
    if isinstance(error, aiohttp.ClientConnectorError):
        return UpstreamError(
            Phase.CONNECT, f"cannot connect: {error.os_error.strerror or error.os_error}"
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UpstreamError(Phase.CONNECT, "no connection within the time for it")
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return UpstreamError(Phase.CONNECT, "the base URL is not a valid address")
    return UpstreamError(
        Phase.HEAD, f"the connection broke before an answer ({type(error).__name__})"
    )

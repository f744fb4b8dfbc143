"""aiohttp's side of a connection: its settings, what it does about errors, what it writes.

All that binds the listener to aiohttp's server beyond its request object is here. Nothing of what
a client did wrong is logged, and nothing that went wrong here is told to a client.

Its parts are imported by module: `aiohttp.web` as a whole costs 1.6 MB more, for an application
framework that nobody here uses.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        "access_log": None,
        "auto_decompress": False,
        # Longer than the 60 s after which load balancers commonly drop an idle connection, so
        # that they do, and not we while a request is on its way.
        "keepalive_timeout": 75.0,
        # A client that is still sending a body which nobody wants will read its answer only if
        # its bytes are taken for a while.
        "lingering_time": 2.0,
    }
)

# The kernel otherwise takes some 4 MB ahead of a client that reads slowly: kept for each stream,
# and it hides for as long that the client takes anything at all. Absent on some systems.
NOT_SENT_LOWAT: int | None = getattr(socket, "TCP_NOTSENT_LOWAT", None)
NOT_SENT_BYTES = 128 * 1024


class Connection(RequestHandler):
    """One connection of a listener's.

    It is in `transports` while it is open. `malformed` answers what is not HTTP, given the words
    of the parser; `on_error` is told of any other exception.
    """

    __slots__ = ("_malformed", "_on_error", "_transports", "_wire")

    def __init__(
        self,
        server: Server,
        loop: asyncio.AbstractEventLoop,
        transports: set[asyncio.Transport],
        malformed: Callable[[BaseRequest, str], None],
        on_error: Callable[[BaseException], None],
    ) -> None:
        super().__init__(server, loop=loop, **SETTINGS)
        self._transports = transports
        self._malformed = malformed
        self._on_error = on_error
        self._wire: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # `self.transport` is None from the moment when this side closes, with bytes still to go.
        self._wire = cast("asyncio.Transport", transport)
        self._transports.add(self._wire)
        if NOT_SENT_LOWAT is not None:
            wire = transport.get_extra_info("socket")
            wire.setsockopt(socket.IPPROTO_TCP, NOT_SENT_LOWAT, NOT_SENT_BYTES)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        if self._wire is not None:
            self._transports.discard(self._wire)
            self._wire = None
        super().connection_lost(exc)

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> StreamResponse:
        if isinstance(exc, HttpProcessingError):
            self._malformed(request, message or "")
        elif exc is not None:
            self._on_error(exc)
        return LAST

    def log_exception(self, *args: object, **kw: object) -> None:
        error = kw.get("exc_info")
        if isinstance(error, BaseException):
            self._on_error(error)


class Written(StreamResponse):
    """What aiohttp is given to send when everything has been written already."""

    def __init__(self, *, keep_alive: bool) -> None:
        super().__init__()
        self._kept = keep_alive

    @property
    def keep_alive(self) -> bool:
        return self._kept

    async def prepare(self, request: BaseRequest) -> None:
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        return None


NEXT = Written(keep_alive=True)  # the connection may bring another request
LAST = Written(keep_alive=False)

"""The HTTP/1.1 listener for clients, and for the admin pages: bytes in, bytes out, bounded.

It sits on aiohttp's low-level server: its parser, its keep-alive, its cancellation of a handler
whose client has left. It knows nothing of models or dialects, and must not decide who may do what
beyond its guard.
"""

import asyncio
from collections.abc import Callable
from functools import partial

from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import StreamResponse
from aiohttp.web_server import Server

from router.front.body import read_body
from router.front.connection import LAST, NEXT, Connection
from router.front.exchange import Handler, Inbound, Refuse, Refused
from router.front.guard import Guard, cors, preflight, split_address
from router.front.responder import HttpDate, WireResponder
from router.sink import ClientGone

BACKLOG = 1024  # connections that wait to be accepted while the loop is busy
BODY_PACE = 30.0  # seconds for each `PACE_BYTES` of a body, or for its end
UNWIND = 5.0  # seconds that handlers have, once cancelled, before `close` gives up on them


class Listener:
    """Answers the requests at one address with `handler`.

    `guard` is asked before anything is read. `max_body` is in bytes; `client_write` is for how
    many seconds a client may take nothing of its answer (it may be set anew at any time),
    `body_pace` for how many it may send next to nothing of its body. `refuse` renders what is
    refused here; `on_error` is told of every exception that nobody expected.
    """

    def __init__(
        self,
        address: str,
        handler: Handler,
        *,
        guard: Guard,
        refuse: Refuse,
        on_error: Callable[[BaseException], None],
        max_body: int,
        client_write: float,
        body_pace: float = BODY_PACE,
    ) -> None:
        self._address = address
        self._handler = handler
        self._guard = guard
        self._refuse = refuse
        self._on_error = on_error
        self._max_body = max_body
        self.client_write = client_write
        self._body_pace = body_pace
        self._date = HttpDate()
        self._open: dict[RequestHandler, WireResponder] = {}
        self._transports: set[asyncio.Transport] = set()
        self._stopping = False
        self._server: Server | None = None
        self._sockets: asyncio.Server | None = None

    @property
    def requests_open(self) -> int:
        """How many requests are being answered."""
        return len(self._open)

    async def start(self) -> str:
        """Listen, and give the address that was bound: port 0 takes a free one.

        Raises OSError when the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        server = Server(self._serve, handler_cancellation=True)
        connection = partial(
            Connection, server, loop, self._transports, self._malformed, self._on_error
        )
        host, port = split_address(self._address)
        sockets = await loop.create_server(connection, host or None, int(port), backlog=BACKLOG)
        self._server, self._sockets = server, sockets
        name, bound = sockets.sockets[0].getsockname()[:2]
        return f"[{name}]:{bound}" if ":" in name else f"{name}:{bound}"

    async def stop_accepting(self) -> None:
        """Take no more connections and end those that are idle; open requests go on."""
        self._stopping = True
        if self._server is None or self._sockets is None:
            return
        self._sockets.close()
        for responder in self._open.values():
            responder.keep_alive = False
        for connection in self._server.connections:
            if connection not in self._open:
                connection.force_close()

    async def close(self, wait: float = 0.0) -> None:
        """Stop accepting, give open requests `wait` seconds to end and arrive, and cut the rest.

        A handler that is cut sees what it would see if its client had left.
        """
        await self.stop_accepting()
        server = self._server
        if server is None:
            return
        await _wait_until(lambda: not self._transports, wait)
        for responder in self._open.values():
            responder.abort()
        for transport in list(self._transports):
            transport.abort()
        await _wait_until(lambda: not (self._transports or server.connections), UNWIND)

    async def _serve(self, request: BaseRequest) -> StreamResponse:
        connection, transport = request.protocol, request.transport
        if transport is None:
            return LAST
        responder = WireResponder(request, transport, self._date, self.client_write)
        if self._stopping:
            responder.keep_alive = False
        self._open[connection] = responder
        try:
            await self._answer(self._inbound(request, responder), responder)
        except ClientGone:
            responder.lost = True
        finally:
            del self._open[connection]
            if responder.lost or not responder.ended:
                responder.abort()
        return NEXT if responder.keep_alive else LAST

    def _inbound(self, request: BaseRequest, responder: WireResponder) -> Inbound:
        target = request.rel_url
        ask = responder.ask_for_body
        body = partial(read_body, request, ask, self._max_body, self._body_pace)
        return Inbound(
            request.method,
            target.raw_path,
            target.raw_query_string,
            request.headers,
            request.remote or "",
            body,
        )

    async def _answer(self, inbound: Inbound, responder: WireResponder) -> None:
        """Let the handler answer, or answer in its place. Only `ClientGone` passes this door."""
        try:
            await self._run(inbound, responder)
        except ClientGone:
            raise
        except Refused as refused:
            if responder.started:
                self._on_error(refused)
            else:
                await responder.send(*self._refuse(inbound.path, refused))
        except Exception as error:  # noqa: BLE001 - one request's fault must not be the others'
            self._on_error(error)
            if not responder.started:
                fault = Refused(500, "internal_error", "the router failed; its log says how")
                await responder.send(*self._refuse(inbound.path, fault))

    async def _run(self, inbound: Inbound, responder: WireResponder) -> None:
        refused = self._guard.check(inbound.headers)
        if refused is not None:
            raise refused
        origin = inbound.headers.get("origin")
        if origin is not None:
            responder.added = cors(origin)
            leave = preflight(inbound.method, inbound.headers)
            if leave is not None:
                await responder.send(204, leave, b"")
                return
        await self._handler(inbound, responder)
        if not (responder.ended or responder.lost):
            raise RuntimeError(f"{inbound.method} {inbound.path} was left without a whole answer")

    def _malformed(self, request: BaseRequest, message: str) -> None:
        """Answer what could not be parsed; `request` stands in for it, and says nothing."""
        transport = request.transport
        if transport is None or transport.is_closing():
            return
        reason = message.partition(":")[0]  # what follows quotes the client's bytes
        refused = Refused(400, "malformed_request", f"this is not an HTTP/1.1 request: {reason}")
        responder = WireResponder(request, transport, self._date, self.client_write)
        responder.send_soon(*self._refuse("", refused))


async def _wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for `done`, at most so long. It polls: it runs once, and requests pay nothing for it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not done() and loop.time() < deadline:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.005)

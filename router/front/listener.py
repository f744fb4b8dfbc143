"""The HTTP/1.1 listener for clients, and for the admin pages: bytes in, bytes out, bounded.

It knows nothing of models or dialects, and must not decide who may do what beyond its guard.
"""

import asyncio
import socket
from collections.abc import Callable, Sequence
from functools import partial

from router.front.connection import Connection
from router.front.exchange import Handler, Headers, Refuse, Refused
from router.front.guard import Guard, cors, preflight, split_address
from router.front.request import Bounds, Request
from router.front.responder import HttpDate, WireResponder
from router.sink import ClientGone

BACKLOG = 1024  # connections that wait to be accepted while the loop is busy
BODY_PACE = 30.0  # seconds for each `PACE_BYTES` of a body, or for its end
TICK = 5.0  # seconds between two looks for connections that are idle for too long
FAULT = Refused(500, "internal_error", "the router failed; its log says how")
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
        self._bounds = Bounds(max_body, body_pace)
        self.client_write = client_write
        self._date = HttpDate()
        self._open: dict[Connection, WireResponder] = {}
        self._connections: set[Connection] = set()
        self._stopping = False
        self._ticker: asyncio.TimerHandle | None = None
        self._doors: list[asyncio.Server] = []

    @property
    def requests_open(self) -> int:
        """How many requests are being answered."""
        return len(self._open)

    async def start(self, bound: Sequence[socket.socket] = ()) -> str:
        """Listen, and give the address that was bound: port 0 takes a free one. `bound` are the
        sockets to listen at where somebody else has bound them.

        Raises OSError when the address cannot be had.
        """
        loop = asyncio.get_running_loop()
        connection = partial(
            Connection, loop, self._connections, self._serve, self._malformed, self._bounds
        )
        if bound:
            for each in bound:
                unix = each.family == socket.AF_UNIX
                serve = loop.create_unix_server if unix else loop.create_server
                self._doors.append(await serve(connection, sock=each, backlog=BACKLOG))
        else:
            host, port = split_address(self._address)
            door = await loop.create_server(connection, host or None, int(port), backlog=BACKLOG)
            self._doors.append(door)
        self._tick(loop)
        return address_of(self._doors[0].sockets[0])

    async def stop_accepting(self) -> None:
        """Take no more connections and end those that are idle; open requests go on."""
        self._stopping = True
        for door in self._doors:
            door.close()
        for responder in self._open.values():
            responder.keep_alive = False
        for connection in list(self._connections):
            if not connection.busy:
                connection.transport.close()

    async def close(self, wait: float = 0.0) -> None:
        """Stop accepting, give open requests `wait` seconds to end and arrive, and cut the rest.

        A handler that is cut sees what it would see if its client had left.
        """
        await self.stop_accepting()
        if self._ticker is not None:
            self._ticker.cancel()
        await _wait_until(lambda: not self._connections, wait)
        for responder in self._open.values():
            responder.abort()
        for connection in list(self._connections):
            connection.transport.abort()
        await _wait_until(lambda: not (self._connections or self._open), UNWIND)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._connections):
            connection.expire(now)
        self._ticker = loop.call_later(TICK, self._tick, loop)

    async def _serve(self, connection: Connection, request: Request) -> None:
        responder = WireResponder(request, connection, self._date, self.client_write)
        if self._stopping:
            responder.keep_alive = False
        self._open[connection] = responder
        try:
            leave = self._vet(connection, request, responder)
            if leave is not None:
                await responder.send(204, leave, b"")
                return
            await self._handler(request, responder)
            if not (responder.ended or responder.lost):
                left = f"{request.method} {request.path} was left without a whole answer"
                await self._answer_for(RuntimeError(left), request, responder)
        except ClientGone:
            responder.lost = True
        except Exception as error:  # noqa: BLE001 - one request's fault must not be the others'
            await self._answer_for(error, request, responder)
        finally:
            del self._open[connection]
            if responder.lost or not responder.ended:
                responder.abort()
            connection.over(request, keep=responder.keep_alive)

    def _vet(
        self, connection: Connection, request: Request, responder: WireResponder
    ) -> Headers | None:
        """Ask the guard; raises what it refuses. Gives what answers a browser that asks before it
        sends.
        """
        headers = request.headers
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is None and host == connection.vetted:
            return None
        refused = self._guard.check(headers)
        if refused is not None:
            raise refused
        connection.vetted = host
        if origin is None:
            return None
        responder.added = cors(origin)
        return preflight(request.method, headers)

    async def _answer_for(
        self, error: Exception, request: Request, responder: WireResponder
    ) -> None:
        """Answer in the place of a handler that raised."""
        told = None if responder.started else self._refuse(error, request)
        if told is None:
            self._on_error(error)
        if not responder.started:
            try:
                await responder.send(*(told or self._render(FAULT, request)))
            except ClientGone:
                responder.lost = True

    def _render(self, refused: Refused, request: Request) -> tuple[int, Headers, bytes]:
        told = self._refuse(refused, request)
        assert told is not None  # noqa: S101 - what is refused here can be told
        return told

    def _malformed(self, connection: Connection, words: str) -> None:
        """Answer what could not be parsed."""
        if connection.transport.is_closing():
            return
        refused = Refused(400, "malformed_request", f"this is not an HTTP/1.1 request: {words}")
        request = Request(connection, "", "", {}, version="", keep_alive=False)
        responder = WireResponder(request, connection, self._date, self.client_write)
        responder.send_soon(*self._render(refused, request))


def address_of(bound: socket.socket) -> str:
    """Where a socket is bound, as `host:port`, or as the path of one that only this machine has."""
    name = bound.getsockname()
    if isinstance(name, str):
        return name
    host, port = name[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _wait_until(done: Callable[[], bool], seconds: float) -> None:
    """Wait for `done`, at most so long. It polls: it runs once, and requests pay nothing for it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not done() and loop.time() < deadline:  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.005)

"""Whatever a client sends, in whatever pieces: nothing is raised, nothing hangs, nothing is left
behind, and the requests that are read do not depend on the pieces.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from router.front.connection import Connection
from router.front.exchange import Inbound, Responder
from router.front.guard import Guard
from router.front.listener import Listener
from router.front.request import Bounds
from tests.router.front.wire import GET, POST, refuse
from tests.router.mangled import mangled, split

OTHER = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
CORPUS = [
    GET + b"\r\n",
    GET + b"\r\n" + GET + b"\r\n",
    POST + b"Content-Length: 5\r\n\r\nhello" + GET + b"X: a\r\nx: b\r\n\r\n",
    POST + CHUNKED + b"3\r\nsix\r\n0\r\n\r\n" + POST + b"Content-Length: 0\r\n\r\n",
    POST
    + CHUNKED
    + b"3;a=b\r\nabc\r\n4\r\ndefg\r\n0\r\nHost: evil\r\nX: y\r\n\r\n"
    + GET
    + b"\r\n",
    POST + OTHER + b"Content-Length: 9\r\n\r\nin pieces" + GET + OTHER + b"\r\n" + GET + b"\r\n",
    POST + OTHER + CHUNKED + b"3\r\nsix\r\n0\r\n\r\n" + GET + b"\r\n",
    POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
    POST + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi" + GET + b"\r\n",
    POST + b"Content-Length: 2000\r\n\r\nmore than is taken" + GET + b"\r\n",
    POST + b"Content-Length: 5\r\n" + CHUNKED + b"0\r\n\r\n",
    POST + b"Content-Length: five\r\n\r\n",
    POST + CHUNKED + b"zz\r\nno size\r\n" + GET + b"\r\n",
    GET + b"Host: evil.com\r\n\r\n",
    b"GET http://localhost/v1/models?x=%31 HTTP/1.1\r\nHost: localhost\r\nX: \xff\xc3\xa9\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n" + GET + b"\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.com\r\n\r\n" + GET + b"\r\n",
    b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n\r\nraw",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"garbage\r\n\r\n",
]
"""What was ever of interest: kept, so that it stays tested."""
TURNS = 60
"""Of the loop: more than everything here needs to come to rest."""


class Socket:
    """Takes any option."""

    family = socket.AF_INET

    def setsockopt(self, *option: object) -> None:
        pass


class Wire(asyncio.Transport):
    """A transport without a socket."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = self.paused = False
        self.written = b""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return Socket() if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


class Seen(NamedTuple):
    """A request that was read to its end."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


async def until(at_rest: Callable[[], bool]) -> None:
    for _ in range(TURNS):
        if at_rest():
            return
        await asyncio.sleep(0)
    raise AssertionError("it hangs")


def fed(pieces: list[bytes]) -> list[Seen]:
    """The requests of a client that sends these pieces, and leaves when all is answered."""

    async def scene() -> list[Seen]:
        seen: list[Seen] = []
        errors: list[BaseException] = []

        async def echo(inbound: Inbound, responder: Responder) -> None:
            body = inbound.at_hand()
            if body is None:
                body = await inbound.body()
            told = inbound.method, inbound.path, inbound.query, dict(inbound.headers)
            seen.append(Seen(*told, body))
            await responder.send(200, {}, body)

        listener = Listener(
            "", echo, guard=Guard.of("127.0.0.1:0"), refuse=refuse, on_error=errors.append,
            max_body=1000, client_write=1, body_pace=1,
        )  # fmt: skip
        open_: set[Connection] = set()
        connection = Connection(
            asyncio.get_running_loop(), open_, listener._serve, listener._malformed, Bounds(1000, 1)
        )
        wire = Wire()
        connection.connection_made(wire)
        for piece in pieces:
            await until(lambda: wire.closing or not wire.paused)
            if wire.closing:
                break
            connection.data_received(piece)

        def at_rest() -> bool:
            requests = connection._requests
            return wire.closing or not requests or requests[0].wanted is not None

        await until(at_rest)
        connection.connection_lost(None)
        await until(lambda: len(asyncio.all_tasks()) == 1)
        assert wire.written.count(b"HTTP/1.1 200 OK\r\n") == len(seen)
        assert (errors, open_, listener.requests_open) == ([], set(), 0)
        return seen

    return asyncio.run(scene())


@given(mangled(CORPUS, 2), st.lists(st.integers(0, 4000), max_size=8))
@example(CORPUS[5], [])
@example(CORPUS[5], list(range(400)))
def test_the_requests_that_are_read_do_not_depend_on_the_pieces(
    data: bytes, cuts: list[int]
) -> None:
    assert fed(split(data, cuts)) == fed([data])


def test_whatever_is_known_to_be_of_interest_is_read_alike_at_every_cut() -> None:
    for data in CORPUS:
        whole = fed([data])
        assert fed([data[at : at + 1] for at in range(len(data))]) == whole, data
        for at in range(1, len(data)):
            assert fed([data[:at], data[at:]]) == whole, (data[:at], data[at:])


def test_as_many_are_read_as_were_sent_before_what_is_wrong() -> None:
    assert [len(fed([data])) for data in CORPUS] == [
        1, 2, 2, 2, 2, 3, 2, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0,
    ]  # fmt: skip

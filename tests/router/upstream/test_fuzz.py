"""Whatever a provider sends, in whatever pieces: nothing is raised, nothing hangs, nothing grows,
and no connection is kept about which there is a doubt.
"""

import asyncio
from typing import NamedTuple

from hypothesis import example, given
from hypothesis import strategies as st

from policies import Phase
from router.bell import Bell
from router.upstream.connection import HIGH_WATER, Connection
from router.upstream.exchange import HttpExchange
from router.upstream.pool import Pool
from router.upstream.transport import Head, UpstreamError
from tests.router.mangled import mangled, split

EVENT = b'data: {"choices":[{"delta":{"content":"hi"}}]}\n\n'
EVENTS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(EVENT), EVENT)
CORPUS = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + EVENTS,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil it closes",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw",
    b"<html>503</html>",
]
"""What was ever of interest: kept, so that it stays tested."""


class Wire(asyncio.Transport):
    """A transport without a socket."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closing

    def abort(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Seen(NamedTuple):
    """What an exchange came to; `kept`: its connection may carry another."""

    head: Head | None
    body: bytes
    broke: Phase | None
    kept: bool


async def never(pool: Pool, within: float) -> Connection:
    """Nobody is called."""
    raise UpstreamError(Phase.CONNECT, "there is no network here")


def fed(pieces: list[bytes]) -> Seen:
    """An exchange whose connection brings these pieces, and then ends."""

    async def scene() -> Seen:
        loop = asyncio.get_running_loop()
        pool = Pool(never, 0, loop)
        connection = Connection(pool, loop.time())
        wire = Wire(connection)
        connection.connection_made(wire)
        exchange = HttpExchange(pool, b"POST / HTTP/1.1\r\n\r\n", Bell(loop), 1)
        connection.carry(exchange)
        body = b""
        for piece in pieces:
            if wire.closing:
                break
            connection.data_received(piece)
            assert exchange.held <= HIGH_WATER + len(piece)
            while exchange.pieces:
                body += exchange.take() or b""
        kept = connection in pool._idle and not wire.closing
        if not wire.closing:
            connection.eof_received()
        connection.connection_lost(None)
        assert connection not in pool._idle
        broke = None
        try:
            while (last := exchange.take()) != b"":
                assert last is not None, "it hangs"
                body += last
        except UpstreamError as error:
            broke = error.phase
        await pool.close()
        return Seen(exchange.head, body, broke, kept)

    return asyncio.run(scene())


@given(mangled(CORPUS), st.lists(st.integers(0, 1 << 20), max_size=12))
@example(CORPUS[8], [])
@example(CORPUS[4], list(range(60)))
def test_what_comes_in_other_pieces_is_the_same_answer(answer: bytes, cuts: list[int]) -> None:
    whole, pieces = fed([answer] if answer else []), fed(split(answer, cuts))
    assert (whole.head, whole.body, whole.broke) == (pieces.head, pieces.body, pieces.broke)


def test_every_split_of_the_corpus_is_the_same_answer() -> None:
    for answer in CORPUS:
        whole = fed([answer])
        for cut in range(1, len(answer)):
            pieces = fed([answer[:cut], answer[cut:]])
            assert pieces[:3] == whole[:3], (answer, cut)


def test_what_is_right_is_kept() -> None:
    assert [fed([answer]).kept for answer in CORPUS] == [
        True, True, True, False, True, True, True, False, False, False, True, False, False,
    ]  # fmt: skip


@given(mangled(CORPUS), mangled(CORPUS))
def test_a_connection_is_kept_only_after_exactly_one_whole_answer(one: bytes, two: bytes) -> None:
    if fed([one]).kept:
        assert not fed([one + two]).kept or not two.strip(b"\r\n")


@given(st.binary(max_size=600), st.lists(st.integers(0, 600), max_size=5))
def test_bytes_that_are_no_http_break_off(noise: bytes, cuts: list[int]) -> None:
    assert fed(split(b"\x00" + noise, cuts)).broke is Phase.HEAD

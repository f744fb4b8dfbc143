"""What a connection does with all that HTTP/1.1 allows, and with what it does not."""

import asyncio

import pytest

from policies import Phase
from router.upstream.connection import MOST_BETWEEN, MOST_HEADERS
from router.upstream.transport import UpstreamError
from tests.router.front.wire import on_both_loops
from tests.router.upstream.provider import (
    CHUNKED,
    Act,
    asking,
    chunk,
    client,
    provider,
    read_request,
    saying,
    whole,
)

EARLY = whole(b'{"error":"too large"}', "413 Too Large")


@on_both_loops
@pytest.mark.parametrize(
    "before",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nOpenAI-Link: </x>\r\n\r\n" * 3,
        b"HTTP/1.1 102 Processing\r\nX: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
    ],
)
async def test_interim_answers_are_read_past(before: bytes) -> None:
    answer = saying(before + whole(b"{}", headers="OpenAI-Is: the answer\r\n"))
    async with provider(answer, requests=2) as seen, client() as http:
        for _ in range(2):
            async with asking(http, seen.origin) as ask:
                assert await ask.body() == b"{}"
                assert (await ask.head()).headers["openai-is"] == "the answer"
                assert "openai-link" not in (await ask.head()).headers
        assert seen.connections == 1


@on_both_loops
async def test_chunk_extensions_and_trailers_are_no_part_of_a_body() -> None:
    body = b"4;name=value\r\n1234\r\n3\r\n567\r\n0\r\nOpenAI-Sum: 7\r\n\r\n"
    async with provider(saying(CHUNKED + body), requests=2) as seen, client() as http:
        for _ in range(2):
            async with asking(http, seen.origin) as ask:
                assert await ask.body() == b"1234567"
                assert "openai-sum" not in (await ask.head()).headers
        assert seen.connections == 1


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_ends_with_its_head(status: str) -> None:
    answer = f"HTTP/1.1 {status}\r\n\r\n".encode()
    async with provider(saying(answer), requests=2) as seen, client() as http:
        for _ in range(2):
            async with asking(http, seen.origin) as ask:
                assert await ask.body() == b""
        assert seen.connections == 1


async def test_an_answer_that_comes_byte_by_byte_is_the_same() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in whole(b"123", headers="OpenAI-A: b\r\nOpenAI-A: c\r\n"):
            writer.write(bytes([byte]))
            await asyncio.sleep(0)

    async with provider(drip) as seen, client() as http, asking(http, seen.origin) as ask:
        assert await ask.body() == b"123"
        assert (await ask.head()).headers["openai-a"] == "b, c"


@on_both_loops
@pytest.mark.parametrize(
    "answer",
    [
        whole(b"{}", headers="Connection: close\r\n"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        whole(b"{}") + whole(b"[]"),
        whole(b"{}") + b"what nobody asked for",
        CHUNKED + chunk(b"{}") + b"0\r\n\r\n" + b"HTTP/1.1 ",
    ],
)
async def test_a_connection_with_a_doubt_is_not_used_again(answer: bytes) -> None:
    async with provider(saying(answer)) as seen, client() as http:
        for count in (1, 2):
            async with asking(http, seen.origin) as ask:
                assert await ask.body() == b"{}"
            assert seen.connections == count


@on_both_loops
async def test_words_that_nobody_asked_for_end_an_idle_connection() -> None:
    said = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(b"{}"))
        await asyncio.sleep(0.02)
        writer.write(whole(b"[]", "408 Request Timeout"))
        said.set()

    async with provider(act) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            assert await ask.body() == b"{}"
        await said.wait()
        async with asyncio.timeout(0.3):
            await seen.left.wait()
        async with asking(http, seen.origin) as ask:
            assert await ask.body() == b"{}"
        assert seen.connections == 2


@on_both_loops
async def test_an_early_answer_is_told_and_its_connection_is_closed() -> None:
    """The provider answers while the body is still going out, and reads no more of it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(EARLY)
        await asyncio.sleep(0.1)
        writer.transport.abort()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as server, client() as http:
        port = server.sockets[0].getsockname()[1]
        async with asking(http, f"http://127.0.0.1:{port}", body=bytes(20_000_000)) as ask:
            assert (await ask.head()).status == 413
            assert b"too large" in await ask.body()
        assert http.connections == 0


@on_both_loops
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nX: " + bytes(2 * MOST_BETWEEN).replace(b"\0", b"x"),
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (MOST_HEADERS + 1) + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * (MOST_BETWEEN // 20),
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
async def test_what_is_no_answer_breaks_off_before_one(answer: bytes) -> None:
    async with provider(saying(answer)) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        assert caught.value.phase is Phase.HEAD
        assert not caught.value.stale
        assert http.connections == 0


@on_both_loops
@pytest.mark.parametrize(
    "more",
    [
        b"zz\r\nnot a size\r\n",
        b"FFFFFFFFFFFFFFFFFF\r\n",
        b"1;" + b"x" * 8 * MOST_BETWEEN,
        b"0\r\n" + b"X: y\r\n" * (MOST_HEADERS + 2),
    ],
)
async def test_what_goes_wrong_inside_a_body_breaks_off_after_what_came(more: bytes) -> None:
    async with provider(saying(CHUNKED + chunk(b"1234") + more)) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
            assert ask.came == b"1234"
        assert caught.value.phase is Phase.BODY
        assert http.connections == 0


def closing_when_used_again(connections: list[int]) -> Act:
    """Answers once on each connection, and closes it when the next request is there."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(1)
        await read_request(reader)
        writer.write(whole(b"{}"))
        await read_request(reader)
        writer.transport.abort()

    return connected


@on_both_loops
async def test_an_idle_connection_that_was_closed_is_told_apart_from_a_failure() -> None:
    connections: list[int] = []
    act = closing_when_used_again(connections)
    async with await asyncio.start_server(act, "127.0.0.1", 0) as server, client() as http:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asking(http, origin) as ask:
            await ask.body()
        async with asking(http, origin) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        assert caught.value.stale
        async with asking(http, origin) as ask:
            assert await ask.body() == b"{}"
        assert len(connections) == 2


@on_both_loops
async def test_a_new_connection_that_is_closed_is_a_failure() -> None:
    async with provider(saying(b"", close=True)) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        assert not caught.value.stale


@on_both_loops
async def test_after_what_matters_the_formal_end_may_come_late_and_the_connection_is_kept() -> None:
    late = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(b"data: [DONE]\n\n"))
        await late.wait()
        writer.write(b"0\r\n\r\n")

    async with provider(act, requests=2) as seen, client() as http:
        for _ in range(2):
            late.clear()
            async with asking(http, seen.origin) as ask:
                assert await ask.piece() == b"data: [DONE]\n\n"
                ask.exchange.finish()
                late.set()
                await asyncio.sleep(0.02)
        assert seen.connections == 1


@on_both_loops
async def test_a_formal_end_that_never_comes_costs_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.upstream.pool.LINGER", 0.02)
    monkeypatch.setattr("router.upstream.pool.TICK", 0.01)
    async with provider(saying(CHUNKED + chunk(b"all"))) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            assert await ask.piece() == b"all"
            ask.exchange.finish()
            async with asyncio.timeout(0.3):
                await seen.left.wait()
        assert http.connections == 0

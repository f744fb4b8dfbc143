import asyncio
import gzip
import socket

import pytest

from policies import Phase
from router.upstream.connection import HIGH_WATER
from router.upstream.http import Http
from router.upstream.transport import UpstreamError
from tests.router.front.wire import on_both_loops
from tests.router.upstream.provider import (
    BODY,
    CHUNKED,
    Act,
    asking,
    chunk,
    client,
    provider,
    saying,
    silent,
    whole,
)

SECRET = "sk-very-secret"
KEY = {"authorization": f"Bearer {SECRET}"}


@on_both_loops
async def test_a_request_and_its_answer_cross_whole() -> None:
    answer = whole(b'{"a":1}', headers="Content-Type: application/json\r\nOpenAI-New: é\r\n")
    async with provider(saying(answer)) as seen, client() as http:
        sent = {"traceparent": "00-1", "content-type": "text/odd"}
        async with asking(http, seen.origin, headers=sent, credentials=KEY) as ask:
            head = await ask.head()
            assert head.status == 200
            assert (head.headers["content-type"], head.headers["openai-new"]) == (
                "application/json",
                "é",
            )
            assert await ask.body() == b'{"a":1}'
            assert ask.exchange.take() == b""
    (request,) = seen.requests
    assert request.line == "POST /v1/chat/completions HTTP/1.1"
    assert request.body == BODY
    assert request.header("authorization") == [f"Bearer {SECRET}"]
    assert request.header("traceparent") == ["00-1"]
    assert request.header("content-type") == ["application/json"]
    assert request.header("accept-encoding") == ["identity"]
    assert request.header("user-agent") == request.header("cookie") == []


@on_both_loops
async def test_a_stream_comes_piece_by_piece_as_it_is_sent() -> None:
    go = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        for data in (b"data: 1\n\n", b"data: 2\n\n"):
            await go.wait()
            go.clear()
            writer.write(chunk(data))
        await go.wait()
        writer.write(b"0\r\n\r\n")

    async with provider(act) as seen, client() as http, asking(http, seen.origin) as ask:
        assert (await ask.head()).status == 200
        assert ask.exchange.take() is None
        for data in (b"data: 1\n\n", b"data: 2\n\n", b""):
            go.set()
            assert await ask.piece() == data


@on_both_loops
async def test_an_error_is_an_answer_like_any_other() -> None:
    async with (
        provider(saying(whole(b"{}", "429 Too Many", "Retry-After: 7\r\n"))) as seen,
        client() as http,
        asking(http, seen.origin) as ask,
    ):
        assert await ask.body() == b"{}"
        head = await ask.head()
        assert (head.status, head.headers["retry-after"]) == (429, "7")


@on_both_loops
async def test_a_body_that_ends_with_its_connection_is_whole() -> None:
    answer = saying(b"HTTP/1.1 200 OK\r\n\r\nall of it", close=True)
    async with provider(answer) as seen, client() as http, asking(http, seen.origin) as ask:
        assert await ask.body() == b"all of it"


async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Break the connection as a crash does."""
    writer.transport.abort()


@pytest.mark.parametrize(
    ("act", "phase"),
    [
        (reset, Phase.HEAD),
        (saying(b"", close=True), Phase.HEAD),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Le", close=True), Phase.HEAD),
        (saying(b"this is not HTTP\r\n\r\n", close=True), Phase.HEAD),
        (saying(whole(b"1234567")[:-3], close=True), Phase.BODY),
        (saying(CHUNKED + chunk(b"1234"), close=True), Phase.BODY),
        (saying(CHUNKED + chunk(b"1234") + b"7\r\n567", close=True), Phase.BODY),
    ],
)
async def test_what_breaks_off_is_told_with_its_phase_after_what_came(
    act: Act, phase: Phase
) -> None:
    async with (
        provider(act) as seen,
        client() as http,
        asking(http, seen.origin, credentials=KEY) as ask,
    ):
        with pytest.raises(UpstreamError) as caught:
            await ask.body()
        assert caught.value.phase is phase
        assert ask.came.startswith(b"1234") == (phase is Phase.BODY)
        with pytest.raises(UpstreamError):
            ask.exchange.take()
        assert SECRET not in str(caught.value)
        assert seen.origin not in caught.value.detail


def an_empty_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("user", ["", f"user:{SECRET}@"], ids=["nobody", "somebody"])
async def test_what_cannot_be_reached_was_never_sent_anything(user: str) -> None:
    origin = f"http://{user}127.0.0.1:{an_empty_port()}"
    async with client() as http, asking(http, origin) as ask:
        with pytest.raises(UpstreamError) as caught:
            await ask.piece()
        assert caught.value.phase is Phase.CONNECT
        assert ask.exchange.head is None
        assert caught.value.detail
        assert SECRET not in caught.value.detail


@pytest.mark.parametrize("url", ["http://h:99999", "http://[half", "nonsense", "", "ftp://h"])
async def test_what_is_no_address_is_no_place_to_send_to(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Http().to(url, {})


async def test_a_header_cannot_bring_another_one() -> None:
    with pytest.raises(ValueError, match="line break"):
        Http().to("http://h", {"x": "1\r\ny: 2"})


@on_both_loops
async def test_the_time_to_connect_binds_the_handshake_too() -> None:
    async with provider(silent) as seen, client() as http:
        began = asyncio.get_running_loop().time()
        async with asking(http, seen.origin.replace("http", "https"), connect=0.05) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.piece()
        assert caught.value.phase is Phase.CONNECT
        assert asyncio.get_running_loop().time() - began < 0.3


@pytest.mark.parametrize("seconds", [0, 60])
async def test_a_name_that_nobody_knows_or_answers_for_is_given_up_in_time(
    seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def resolve(*args: object, **kwargs: object) -> None:
        await asyncio.sleep(seconds)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    async with client() as http, asking(http, "http://name.invalid", connect=0.05) as ask:
        with pytest.raises(UpstreamError) as caught:
            await ask.piece()
        assert caught.value.phase is Phase.CONNECT


@on_both_loops
async def test_tls_that_is_none_is_a_failure_to_connect() -> None:
    def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(whole(b"{}"))
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server, client() as http:
        port = server.sockets[0].getsockname()[1]
        async with asking(http, f"https://127.0.0.1:{port}") as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.piece()
    assert caught.value.phase is Phase.CONNECT
    assert caught.value.detail.startswith("TLS: ")


@on_both_loops
async def test_a_provider_that_nobody_reads_from_is_held_back() -> None:
    size = 20_000_000
    said = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal said
        wire = writer.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65_536)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while said < size:
            writer.write(bytes(100_000))
            said += 100_000
            await writer.drain()

    async with provider(flood) as seen, client() as http, asking(http, seen.origin) as ask:
        await ask.head()
        before = -1
        while said > before:
            before = said
            await asyncio.sleep(0.1)
        assert said < size / 2
        assert (first := ask.exchange.take()) is not None
        assert len(first) < 3 * HIGH_WATER
        assert len(first) + len(await ask.body()) == size


@pytest.mark.parametrize("begin", [b"", CHUNKED, CHUNKED + chunk(b"data")])
async def test_an_abort_ends_the_providers_side_at_once(begin: bytes) -> None:
    async with (
        provider(saying(begin)) as seen,
        client() as http,
        asking(http, seen.origin) as ask,
    ):
        if begin:
            await ask.head()
        else:
            await asyncio.sleep(0.02)
        ask.exchange.abort()
        ask.exchange.abort()
        async with asyncio.timeout(1):
            await seen.left.wait()


@on_both_loops
async def test_an_abort_reaches_a_provider_that_is_held_back() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        while not writer.is_closing():
            writer.write(chunk(bytes(100_000)))
            await writer.drain()

    async with provider(flood) as seen, client() as http, asking(http, seen.origin) as ask:
        await ask.head()
        await asyncio.sleep(0.1)
        ask.exchange.abort()
        async with asyncio.timeout(0.1):
            await seen.left.wait()


@on_both_loops
async def test_an_abort_before_anything_was_sent_sends_nothing() -> None:
    async with provider(silent) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            ask.exchange.abort()
            await asyncio.sleep(0.02)
        assert seen.requests == []


@on_both_loops
async def test_connections_are_used_again_and_cookies_are_not_kept() -> None:
    answer = whole(b"{}", headers="Set-Cookie: session=1; Path=/\r\n")
    async with provider(saying(answer), requests=3) as seen, client() as http:
        for _ in range(3):
            async with asking(http, seen.origin) as ask:
                await ask.body()
        assert (len(seen.requests), seen.connections) == (3, 1)
        assert all(request.header("cookie") == [] for request in seen.requests)


@on_both_loops
async def test_redirects_are_told_and_not_followed() -> None:
    answer = saying(whole(b"", "307 Temporary", "Location: /elsewhere\r\n"))
    async with provider(answer) as seen, client() as http, asking(http, seen.origin) as ask:
        assert await ask.body() == b""
        assert (await ask.head()).status == 307
        assert len(seen.requests) == 1


@on_both_loops
async def test_bytes_that_come_encoded_all_the_same_are_not_touched() -> None:
    packed = gzip.compress(b"hello", mtime=0)
    answer = saying(whole(packed, headers="Content-Encoding: gzip\r\n"))
    async with provider(answer) as seen, client() as http, asking(http, seen.origin) as ask:
        assert await ask.body() == packed


async def test_a_closed_transport_ends_what_is_asked_of_it_with_an_error() -> None:
    http = Http()
    async with provider(silent) as seen, asking(http, seen.origin) as ask:
        await asyncio.sleep(0.02)
        await http.close()
        await http.close()
        with pytest.raises(UpstreamError):
            await ask.piece()

import asyncio
import socket
from email.utils import parsedate_to_datetime

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.front.exchange import Inbound, Responder
from router.front.responder import render_fields
from router.sink import ClientGone, SlowClient
from tests.router.front.wire import GET, Served, on_both_loops, read_answer, serving, until, within

HEAD = b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\nHost: localhost\r\n\r\n"


async def count(inbound: Inbound, responder: Responder) -> None:
    """Stream three events."""
    assert not responder.started
    await responder.start(200, {"Content-Type": "text/event-stream"})
    assert responder.started
    for n in range(3):
        await responder.write(b"data: %d\n\n" % n)
        await responder.write(b"")
    await responder.end()


@on_both_loops
async def test_a_streamed_answer_is_chunked_and_the_connection_goes_on() -> None:
    async with serving(count) as served:
        reader, writer = await served.connect()
        for _ in range(2):
            writer.write(GET + b"\r\n")
            answer = await read_answer(reader)
            assert answer.whole
            assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
            assert answer.headers["content-type"] == "text/event-stream"
        writer.close()


@on_both_loops
async def test_the_head_of_a_stream_does_not_wait_for_its_body() -> None:
    go = asyncio.Event()

    async def wait(inbound: Inbound, responder: Responder) -> None:
        await responder.start(200, {})
        await go.wait()
        await responder.end()

    async with serving(wait) as served:
        reader, writer = await served.connect()
        writer.write(GET + b"\r\n")
        await within(1, reader.readuntil(b"\r\n\r\n"))
        go.set()
        assert await within(1, reader.readuntil(b"0\r\n\r\n")) == b"0\r\n\r\n"
        writer.close()


@on_both_loops
async def test_headers_go_out_as_given_with_ours_beside_them() -> None:
    async def answer_with_headers(inbound: Inbound, responder: Responder) -> None:
        given = {"X-Request-ID": "é1", "Content-Length": "7", "Date": "never", "connection": "x"}
        await responder.send(529, given, b"{}")

    async with serving(answer_with_headers) as served:
        answer = await served.ask(GET + b"\r\n")
    assert answer.status == 529
    assert set(answer.headers) == {"x-request-id", "date", "content-length"}
    assert (answer.headers["x-request-id"], answer.headers["content-length"]) == ("é1", "2")
    assert parsedate_to_datetime(answer.headers["date"]).year > 2000


@on_both_loops
async def test_head_gets_a_head_and_nothing_else() -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        for _ in range(2):
            writer.write(HEAD)
            answer = await read_answer(reader, bodiless=True)
            assert answer.headers["content-length"] == "0"
        writer.close()
    async with serving(count) as served:
        reader, writer = await served.connect()
        for _ in range(2):
            writer.write(HEAD)
            answer = await read_answer(reader, bodiless=True)
            assert "transfer-encoding" not in answer.headers
        writer.close()


@on_both_loops
async def test_a_client_of_http_1_0_gets_a_stream_that_ends_with_the_connection() -> None:
    async with serving(count) as served:
        reader, writer = await served.connect()
        writer.write(OLD)
        answer = await read_answer(reader)
        assert answer.headers["connection"] == "close"
        assert "transfer-encoding" not in answer.headers
        assert await within(1, reader.read()) == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
        writer.close()


@on_both_loops
async def test_a_client_of_http_1_0_does_not_take_a_cut_stream_for_a_whole_one() -> None:
    async def broken(inbound: Inbound, responder: Responder) -> None:
        await responder.start(200, {})
        await responder.write(b"half of")
        await asyncio.sleep(0.02)
        raise ZeroDivisionError

    async with serving(broken) as served:
        reader, writer = await served.connect()
        writer.write(OLD)
        with pytest.raises(ConnectionResetError):
            await within(1, reader.read())
        writer.close()
        served.errors.clear()


async def flood(responder: Responder) -> None:
    await responder.start(200, {})
    while True:
        await responder.write(b"x" * 16_384)


async def narrow(served: Served) -> socket.socket:
    """Connect with small buffers, and ask."""
    host, port = served.address.split(":")
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, (host, int(port)))
    await loop.sock_sendall(client, GET + b"\r\n")
    return client


async def read_to_the_end(client: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(client, 1 << 20):
        pass


@on_both_loops
async def test_a_client_that_takes_nothing_is_a_slow_client_and_is_cut() -> None:
    seen: list[type[BaseException]] = []

    async def handler(inbound: Inbound, responder: Responder) -> None:
        try:
            await flood(responder)
        except ClientGone as gone:
            seen.append(type(gone))
            raise

    async with serving(handler, client_write=0.2) as served:
        began = asyncio.get_running_loop().time()
        client = await narrow(served)
        await until(served.listener, requests_open=1)
        await until(served.listener, requests_open=0)
        assert 0.19 <= asyncio.get_running_loop().time() - began < 0.6
        with pytest.raises(ConnectionResetError):
            await read_to_the_end(client)
        client.close()
    assert seen == [SlowClient]


@on_both_loops
async def test_a_handler_that_takes_a_slow_client_calmly_is_no_error() -> None:
    done = asyncio.Event()

    async def handler(inbound: Inbound, responder: Responder) -> None:
        try:
            await flood(responder)
        except ClientGone:
            done.set()

    async with serving(handler, client_write=0.05) as served:
        client = await narrow(served)
        await within(2, done.wait())
        client.close()


@on_both_loops
async def test_a_client_that_takes_little_but_steadily_is_served() -> None:
    async def handler(inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, {}, b"x" * 2_000_000)

    async with serving(handler, client_write=0.2) as served:
        reader, writer = await served.connect()
        writer.write(GET + b"Connection: close\r\n\r\n")
        taken = 0
        while piece := await reader.read(40_000):
            taken += len(piece)
            await asyncio.sleep(0.01)
        assert taken > 2_000_000
        writer.close()


@on_both_loops
async def test_a_client_that_stays_away_is_not_buffered_for() -> None:
    written = 0

    async def handler(inbound: Inbound, responder: Responder) -> None:
        nonlocal written
        await responder.start(200, {})
        while True:
            await responder.write(b"x" * 16_384)
            written += 16_384

    async with serving(handler, client_write=0.2) as served:
        client = await narrow(served)
        await asyncio.sleep(0.1)
        assert 0 < written < 600_000
        client.close()


@on_both_loops
async def test_a_client_that_leaves_an_answer_is_gone() -> None:
    seen: list[BaseException] = []

    async def handler(inbound: Inbound, responder: Responder) -> None:
        try:
            await responder.start(200, {})
            while True:
                await responder.write(b"tick")
                await asyncio.sleep(0.001)
        except BaseException as gone:
            seen.append(gone)
            raise

    async with serving(handler) as served:
        reader, writer = await served.connect()
        writer.write(GET + b"\r\n")
        await within(1, reader.readuntil(b"tick"))
        writer.close()
        await until(served.listener, requests_open=0)
    assert [type(gone) for gone in seen] in ([asyncio.CancelledError], [ClientGone])


@on_both_loops
async def test_a_common_client_reads_whole_and_streamed_answers() -> None:
    async with serving(count) as served, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.get(f"http://{served.address}/v1/chat") as response:
                assert (await response.read()).endswith(b"data: 2\n\n")


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_no_header_breaks_out_of_its_line(headers: dict[str, str]) -> None:
    try:
        text = render_fields(headers)
    except ValueError:
        assert any(set("\r\n\0") & set(name + value) for name, value in headers.items())
    else:
        assert text.count("\n") == text.count("\r\n") <= len(headers)


def test_what_frames_an_answer_is_not_the_handlers() -> None:
    assert render_fields({"transfer-encoding": "chunked", "connection": "keep-alive"}) == ""

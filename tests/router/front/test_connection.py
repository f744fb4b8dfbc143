import asyncio
import logging

import pytest

from router.front.exchange import Inbound, Responder
from tests.router.front.wire import GET, POST, on_both_loops, read_answer, serving, until, within


@on_both_loops
async def test_a_connection_is_used_again() -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        for word in (b"one", b"two"):
            writer.write(POST + b"Content-Length: 3\r\n\r\n" + word)
            assert (await read_answer(reader)).body == word
        writer.write(GET + b"\r\n" + POST + b"Content-Length: 3\r\n\r\nsix")  # at once
        assert (await read_answer(reader)).headers["x-path"] == "/v1/models"
        assert (await read_answer(reader)).body == b"six"
        writer.close()


@on_both_loops
async def test_a_connection_whose_body_was_left_unread_is_closed() -> None:
    async def ignore(inbound: Inbound, responder: Responder) -> None:
        await responder.send(404, {}, b"no such path")

    async with serving(ignore) as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: 900\r\n\r\nhalf of it")
        assert (await read_answer(reader)).headers["connection"] == "close"
        writer.write(b"x" * 900)
        assert await within(2, reader.read()) == b""
        writer.close()


@on_both_loops
async def test_a_client_that_asks_for_the_end_of_the_connection_gets_it() -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        writer.write(GET + b"Connection: close\r\n\r\n")
        assert (await read_answer(reader)).headers["connection"] == "close"
        assert await within(2, reader.read()) == b""
        writer.close()


@on_both_loops
async def test_a_client_that_asks_for_another_protocol_is_answered_in_this_one() -> None:
    other = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    async with serving() as served:
        reader, writer = await served.connect()
        writer.write(POST + other + b"Content-Length: 9\r\n\r\nin ")
        await asyncio.sleep(0.02)
        writer.write(b"pieces" + GET + other + b"\r\n")
        assert (await read_answer(reader)).body == b"in pieces"
        assert (await read_answer(reader)).headers["x-path"] == "/v1/models"
        writer.write(POST + other + b"Transfer-Encoding: chunked\r\n\r\n3\r\nsix\r\n0\r\n\r\n")
        assert (await read_answer(reader)).body == b"six"
        writer.close()


@on_both_loops
async def test_headers_of_one_name_are_joined() -> None:
    async def look(inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, {}, inbound.headers["x"].encode())

    async with serving(look) as served:
        assert (await served.ask(GET + b"X: a\r\nx: b\r\n\r\n")).body == b"a, b"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"garbage\r\n\r\n",
        b"GET / FTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n",
        GET + b"X: " + b"a" * 9000 + b"\r\n\r\n",
        GET + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        POST + b"Content-Length: five\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/2.0\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda request_bytes: request_bytes[:30].decode("latin-1"),
)
async def test_what_is_not_http_gets_a_400_and_leaves_no_trace(
    request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as served:
        answer = await served.ask(request_bytes)
        assert (answer.status, answer.code) == (400, "malformed_request")
        assert answer.headers["connection"] == "close"
        assert "server" not in answer.headers
        assert b"aaaa" not in answer.body
    assert [record for record in caplog.records if record.name != "asyncio"] == []


@on_both_loops
async def test_a_client_that_leaves_cancels_its_handler_within_100_ms() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def wait(inbound: Inbound, responder: Responder) -> None:
        await inbound.body()
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with serving(wait) as served:
        _, writer = await served.connect()
        writer.write(POST + b"Content-Length: 2\r\n\r\nhi")
        await within(2, began.wait())
        assert served.listener.requests_open == 1
        writer.close()
        await within(0.1, ended.wait())
        await until(served.listener, requests_open=0)


@on_both_loops
async def test_a_client_that_leaves_in_the_middle_of_its_body_is_nobodys_error() -> None:
    async with serving() as served:
        _, writer = await served.connect()
        writer.write(POST + b"Content-Length: 900\r\n\r\nhalf of it")
        await until(served.listener, requests_open=1)
        writer.transport.abort()
        await until(served.listener, requests_open=0)

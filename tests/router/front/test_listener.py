import asyncio

import aiohttp
import pytest

from router.front.exchange import Inbound, Refused, Responder
from tests.router.front.wire import (
    GET,
    POST,
    echo,
    on_both_loops,
    read_answer,
    serving,
    until,
    within,
)


@on_both_loops
async def test_a_request_is_bytes_and_strings_as_they_came() -> None:
    seen: list[Inbound] = []

    async def look(inbound: Inbound, responder: Responder) -> None:
        seen.append(inbound)
        await responder.send(200, {}, b"")

    async with serving(look) as served:
        target = b"/v1/models/a%2Fb%20c?x=%31&y"
        await served.ask(b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nX-Thing: one\r\n\r\n")
    (inbound,) = seen
    assert (inbound.method, inbound.path) == ("GET", "/v1/models/a%2Fb%20c")
    assert (inbound.query, inbound.peer) == ("x=%31&y", "127.0.0.1")
    assert inbound.headers == {"host": "localhost", "x-thing": "one"}


@on_both_loops
async def test_a_request_without_a_body_has_an_empty_one() -> None:
    async with serving() as served:
        assert (await served.ask(GET + b"\r\n")).body == b""
        assert (await served.ask(POST + b"Content-Length: 0\r\n\r\n")).body == b""


@on_both_loops
async def test_a_foreign_host_is_refused_before_the_handler_is_asked() -> None:
    async def never(inbound: Inbound, responder: Responder) -> None:
        raise AssertionError

    async with serving(never) as served:
        answer = await served.ask(b"GET /v1/models HTTP/1.1\r\nHost: evil.com\r\n\r\n")
        assert (answer.status, answer.code) == (403, "host_not_allowed")
        assert b"/v1/models" in answer.body  # rendered for its path


@on_both_loops
async def test_a_foreign_origin_is_refused_and_may_not_read_why() -> None:
    async with serving(origins=["https://app.example"]) as served:
        answer = await served.ask(GET + b"Origin: https://evil.com\r\n\r\n")
        assert (answer.status, answer.code) == (403, "origin_not_allowed")
        assert "access-control-allow-origin" not in answer.headers


@on_both_loops
async def test_an_allowed_origin_may_read_answers_and_errors_too() -> None:
    async def teapot(inbound: Inbound, responder: Responder) -> None:
        raise Refused(418, "teapot", "this is a teapot")

    for handler, status in ((echo, 200), (teapot, 418)):
        async with serving(handler, origins=["https://app.example"]) as served:
            answer = await served.ask(GET + b"Origin: https://app.example\r\n\r\n")
            assert answer.headers["access-control-allow-origin"] == "https://app.example"
            assert answer.headers["vary"] == "Origin"
            assert answer.status == status


@on_both_loops
async def test_an_allowed_pages_preflight_is_answered_here() -> None:
    async with serving(origins=["https://app.example"]) as served:
        reader, writer = await served.connect()
        writer.write(
            b"OPTIONS /v1/chat HTTP/1.1\r\nHost: localhost\r\nOrigin: https://app.example\r\n"
            b"Access-Control-Request-Method: POST\r\n"
            b"Access-Control-Request-Headers: authorization\r\n\r\n"
        )
        answer = await read_answer(reader)
        assert answer.status == 204
        assert "content-length" not in answer.headers
        assert answer.headers["access-control-allow-headers"] == "authorization"
        writer.write(GET + b"\r\n")  # and what follows is not taken for its body
        assert (await read_answer(reader)).status == 200
        writer.close()


@on_both_loops
async def test_an_exception_that_nobody_expected_is_reported_and_answered_with_500() -> None:
    async def broken(inbound: Inbound, responder: Responder) -> None:
        await inbound.body()
        raise ZeroDivisionError

    async with serving(broken) as served:
        reader, writer = await served.connect()
        for _ in range(2):  # and the connection is none the worse
            writer.write(POST + b"Content-Length: 2\r\n\r\nhi")
            answer = await read_answer(reader)
            assert (answer.status, answer.code) == (500, "internal_error")
            assert b"ZeroDivision" not in answer.body
        writer.close()
        assert [type(error) for error in served.errors] == [ZeroDivisionError] * 2
        served.errors.clear()


@on_both_loops
async def test_an_exception_in_an_answer_cuts_it_and_never_ends_it() -> None:
    async def broken(inbound: Inbound, responder: Responder) -> None:
        await responder.start(200, {})
        await responder.write(b"half of")
        await asyncio.sleep(0.02)
        raise ZeroDivisionError

    async with serving(broken) as served:
        answer = await served.ask(GET + b"\r\n")
        assert (answer.status, answer.body, answer.whole) == (200, b"half of", False)
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                async with session.get(f"http://{served.address}/") as response:
                    await response.read()
        assert len(served.errors) == 2
        served.errors.clear()


@on_both_loops
async def test_a_handler_that_forgets_to_answer_is_an_error() -> None:
    async def silent(inbound: Inbound, responder: Responder) -> None:
        if inbound.query:
            await responder.start(200, {})

    async with serving(silent) as served:
        assert (await served.ask(POST + b"\r\n")).status == 500
        answer = await served.ask(GET + b"\r\n")
        assert (answer.status, answer.whole) == (200, False)
        assert len(served.errors) == 2
        assert "without a whole answer" in str(served.errors[0])
        served.errors.clear()


@on_both_loops
async def test_a_second_answer_is_an_error_and_the_first_stands() -> None:
    async def twice(inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, {}, b"first")
        await responder.send(200, {}, b"second")

    async with serving(twice) as served:
        reader, writer = await served.connect()
        for _ in range(2):
            writer.write(GET + b"\r\n")
            assert (await read_answer(reader)).body == b"first"
        writer.close()
        assert [type(error) for error in served.errors] == [RuntimeError] * 2
        served.errors.clear()


@on_both_loops
async def test_a_listener_that_stops_accepting_lets_open_requests_end() -> None:
    began, go = asyncio.Event(), asyncio.Event()

    async def wait(inbound: Inbound, responder: Responder) -> None:
        body = await inbound.body()
        began.set()
        await go.wait()
        await responder.send(200, {}, body)

    async with serving(wait) as served:
        idle, idle_writer = await served.connect()
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: 5\r\n\r\nhello")
        await within(2, began.wait())
        await served.listener.stop_accepting()
        assert await within(2, idle.read()) == b""
        with pytest.raises(OSError):  # noqa: PT011 - refused, whichever way the loop says so
            await served.connect()
        closing = asyncio.create_task(served.listener.close(wait=2))
        await asyncio.sleep(0.02)
        go.set()
        answer = await read_answer(reader)
        assert (answer.body, answer.headers["connection"]) == (b"hello", "close")
        await within(1, closing)
        writer.close()
        idle_writer.close()


@on_both_loops
async def test_a_body_on_its_way_still_arrives_after_the_listener_stops_accepting() -> None:
    async with serving() as served:
        reader, writer = await served.connect()
        writer.write(POST + b"Content-Length: 10\r\n\r\nhello")
        await until(served.listener, requests_open=1)
        await served.listener.stop_accepting()
        writer.write(b"world")
        assert (await read_answer(reader)).body == b"helloworld"
        writer.close()


@on_both_loops
async def test_close_cuts_what_does_not_end_in_time() -> None:
    cut = asyncio.Event()

    async def stream(inbound: Inbound, responder: Responder) -> None:
        await responder.start(200, {})
        await responder.write(b"and so on")
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    async with serving(stream) as served:
        reader, writer = await served.connect()
        writer.write(GET + b"\r\n")
        await within(2, reader.readuntil(b"and so on\r\n"))
        await within(1, served.listener.close(wait=0.05))
        assert cut.is_set()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()


async def test_a_listener_that_never_started_can_be_closed_and_a_taken_address_is_an_error() -> (
    None
):
    async with serving() as first:
        host = first.address
        second = first.listener.__class__(
            host,
            first.listener._handler,
            guard=first.listener._guard,
            refuse=first.listener._refuse,
            on_error=first.errors.append,
            max_body=1,
            client_write=1,
        )
        with pytest.raises(OSError, match="in use"):
            await second.start()
        await second.close()

"""What a provider has seen, who is connected to it, and how it goes and comes back."""

import asyncio
import http.client
import json
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest

from router.testing import Answer, Body, MalformedRequest, Provider, Reply, Request, Silence, Status
from tests.router.front.wire import on_both_loops, read_answer
from tests.router.testing.asking import CHAT, calling, request, told


@on_both_loops
async def test_what_came_can_be_looked_at() -> None:
    async with Provider() as provider, calling(provider.url) as caller:
        began = asyncio.get_running_loop().time()
        caller.writer.write(
            b"POST /v1/x?a=1 HTTP/1.1\r\nX-Twice: a\r\nx-twice:  b \r\nContent-Length: 9\r\n\r\n"
            b'{"a": 1}\n'
        )
        await read_answer(caller.reader)
        await caller.answer()
    first, second = provider.requests
    assert (first.method, first.path, first.json) == ("POST", "/v1/x?a=1", {"a": 1})
    assert first.header("X-TWICE") == ["a", "b"]
    assert (first.number, first.connection, first.reused) == (0, 0, False)
    assert (second.number, second.connection, second.reused) == (1, 0, True)
    assert began <= first.at <= second.at
    assert not first.left


@on_both_loops
async def test_connections_are_kept_and_counted() -> None:
    async with Provider(Body(b"ok")) as provider:
        async with calling(provider.url) as one, calling(provider.url) as two:
            for caller in (one, two, one):
                assert (await caller.answer()).body == b"ok"
            assert (provider.connections, provider.connections_open) == (2, 2)
            assert [request.connection for request in provider.requests] == [0, 1, 0]
        async with asyncio.timeout(0.3):
            while provider.connections_open:  # noqa: ASYNC110 - a number has no event
                await asyncio.sleep(0.001)
        assert provider.connections == 2


@pytest.mark.parametrize(
    "body", [b"", b"5\r\nhello\r\n0\r\n\r\n", b"5;a=b\r\nhello\r\n0\r\nx: y\r\n\r\n"]
)
async def test_bodies_come_with_a_length_in_chunks_or_not_at_all(body):
    coding = b"Transfer-Encoding: chunked\r\n" if body else b""
    async with Provider(Body(b"ok")) as provider, calling(provider.url) as caller:
        for _ in range(2):
            caller.writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n%b\r\n%b" % (coding, body))
            assert (await read_answer(caller.reader)).body == b"ok"
    assert [each.body for each in provider.requests] == [b"hello" if body else b""] * 2


async def test_a_client_that_waits_for_leave_to_send_its_body_gets_it():
    async with Provider(Body(b"ok")) as provider, calling(provider.url) as caller:
        caller.writer.write(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert await caller.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.writer.write(b"{}")
        assert (await read_answer(caller.reader)).body == b"ok"


@on_both_loops
async def test_when_a_client_leaves_is_known_at_once() -> None:
    async with Provider([Silence(), Answer().stalled(after=1)]) as provider:
        for stream in (False, True):
            async with calling(provider.url) as caller:
                caller.send(stream=stream)
                await caller.everything(0.03)
                assert not provider.requests[-1].left
            async with asyncio.timeout(0.1):
                assert await provider.requests[-1].until_over()


async def test_a_client_that_had_its_whole_answer_did_not_leave():
    async with Provider() as provider:
        async with calling(provider.url) as caller:
            await caller.answer()
        assert not await provider.requests[0].until_over()


async def test_an_answer_may_come_while_the_body_is_still_on_its_way():
    async with Provider([Status(413).early(), Body(b"next")]) as provider:
        async with calling(provider.url) as caller:
            whole = request(padding="x" * 1000)
            caller.writer.write(whole[:500])
            assert (await read_answer(caller.reader)).status == 413
            assert not provider.requests[0].whole.is_set()
            caller.writer.write(whole[500:])
            assert (await caller.answer()).body == b"next"
        assert provider.requests[0].fields["padding"] == "x" * 1000


@on_both_loops
async def test_it_can_be_gone_and_come_back_at_the_same_address() -> None:
    async with Provider(Silence()) as provider, calling(provider.url) as caller:
        caller.send()
        assert (await caller.everything(0.05)).end == "open"
        url = provider.url
        await provider.down()
        assert (await caller.everything()).end == "reset"
        for _ in range(3):
            with pytest.raises(ConnectionRefusedError):
                await told(url)
        await provider.up()
        await provider.up()
        assert (await told(url)).end == "open"
        assert provider.url == url


@on_both_loops
async def test_nothing_is_left_of_it() -> None:
    before = asyncio.all_tasks()
    async with AsyncExitStack() as stack:
        async with Provider(Silence()) as provider:
            caller, idle = [
                await stack.enter_async_context(calling(provider.url)) for _ in range(2)
            ]
            caller.send()
            await caller.everything(0.05)
            assert provider.connections_open == 2
        assert provider.connections_open == 0
        assert asyncio.all_tasks() == before
        assert provider.requests[0].left
        assert (await idle.everything()).end != "open"
        with pytest.raises(ConnectionRefusedError):
            await told(provider.url)


async def test_what_is_no_http_is_raised_where_the_provider_is_left():
    with pytest.raises(MalformedRequest, match="'hello'"):  # noqa: PT012 - on leaving
        async with Provider() as provider, calling(provider.url) as caller:
            caller.writer.write(b"hello\r\n\r\n")
            assert (await caller.everything()).end != "open"


async def test_so_is_what_a_script_raises_unless_the_test_fails_already():
    def wrong(asked: Request) -> Reply:
        raise KeyError(asked.path)

    with pytest.raises(KeyError, match=CHAT):
        async with Provider(wrong) as provider:
            assert (await told(provider.url)).end == "closed"
    with pytest.raises(AssertionError, match="the test's own"):  # noqa: PT012 - on leaving
        async with Provider(wrong) as provider:
            await told(provider.url)
            raise AssertionError("the test's own")
    with pytest.raises(ValueError, match="a script without a reply"):
        async with Provider([]) as provider:
            await told(provider.url)


def test_without_a_loop_it_runs_in_a_thread_of_its_own():
    with Provider(Answer("Hello")) as provider:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(provider.url).port)
        connection.request("POST", CHAT, b'{"model": "m"}')
        told = json.load(connection.getresponse())
        connection.close()
    assert told["choices"][0]["message"]["content"] == "Hello"
    assert provider.requests[0].fields == {"model": "m"}
    assert provider.connections_open == 0


def test_in_a_thread_faults_are_raised_as_well():
    provider = Provider([])
    with pytest.raises(ValueError, match="a script without a reply"), provider:
        asked_in_vain(provider)


def asked_in_vain(provider: Provider) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(provider.url).port)
    connection.request("GET", "/")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()

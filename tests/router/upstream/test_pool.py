"""Who gets which connection, and when one is let go."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

import pytest

from policies import Phase
from router.upstream.transport import UpstreamError
from tests.router.front.wire import on_both_loops
from tests.router.upstream.provider import Asking, asking, client, provider, saying, silent, whole

ANSWER = whole(b"{}")
ALIVE = whole(b"{}", headers="Keep-Alive: timeout=2, max=100\r\n")


async def until(truth: Callable[[], object]) -> None:
    """Wait until it says so; not for long."""
    async with asyncio.timeout(0.5):
        while not truth():  # noqa: ASYNC110 - what is waited for is on a socket's other side
            await asyncio.sleep(0.005)


@on_both_loops
async def test_the_connection_that_was_idle_for_the_shortest_time_is_used_first() -> None:
    async with provider(saying(ANSWER), requests=9) as seen, client() as http:
        async with asking(http, seen.origin) as one, asking(http, seen.origin) as two:
            await one.body()
            await two.body()
        for _ in range(3):
            async with asking(http, seen.origin) as ask:
                await ask.body()
        assert seen.connections == http.connections == 2


@on_both_loops
async def test_who_finds_no_room_waits_and_is_served_in_turn() -> None:
    served: list[int] = []
    go = asyncio.Semaphore(0)

    async def one_by_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.acquire()
        writer.write(ANSWER)

    def enough(found: list[int], count: int) -> bool:
        return len(found) == count

    async def ask(number: int, asked: Asking) -> None:
        await asked.body()
        served.append(number)

    async with (
        provider(one_by_one, requests=9) as seen,
        client() as http,
        AsyncExitStack() as stack,
        asyncio.TaskGroup() as group,
    ):
        for number in range(5):
            asked = await stack.enter_async_context(asking(http, seen.origin, most=2))
            group.create_task(ask(number, asked))
        await until(lambda: len(seen.requests) == 2)
        for count in range(1, 6):
            go.release()
            await until(partial(enough, served, count))
    assert served == sorted(served)
    assert seen.connections == 2


@on_both_loops
async def test_who_leaves_while_waiting_takes_nobodys_turn() -> None:
    go = asyncio.Event()

    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await go.wait()
        writer.write(ANSWER)

    async with provider(act, requests=9) as seen, client() as http:
        async with asking(http, seen.origin, most=1) as first:
            await until(lambda: seen.requests)
            async with asking(http, seen.origin, most=1):
                pass
            async with asking(http, seen.origin, most=1) as third:
                go.set()
                assert await first.body() == await third.body() == b"{}"
        assert len(seen.requests) == 2


@on_both_loops
async def test_a_waiter_is_served_by_a_new_connection_when_the_old_one_breaks() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(seen.requests) == 1:
            await go.wait()
            writer.transport.abort()
        else:
            writer.write(ANSWER)

    go = asyncio.Event()
    async with (
        provider(act) as seen,
        client() as http,
        asking(http, seen.origin, most=1) as first,
    ):
        await until(lambda: seen.requests)
        async with asking(http, seen.origin, most=1) as second:
            go.set()
            assert await second.body() == b"{}"
        with pytest.raises(UpstreamError):
            await first.body()


@on_both_loops
async def test_a_refused_connection_fails_everybody_who_waits_for_one() -> None:
    async with await asyncio.start_server(lambda _, w: w.close(), "127.0.0.1", 0) as server:
        origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with client() as http, AsyncExitStack() as stack:
        asked = [await stack.enter_async_context(asking(http, origin, most=2)) for _ in range(5)]
        for ask in asked:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
            assert caught.value.phase is Phase.CONNECT


@on_both_loops
@pytest.mark.parametrize(("idle", "answer"), [(0.05, ANSWER), (60.0, ALIVE)])
async def test_an_idle_connection_is_let_go_before_the_provider_does(
    idle: float, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.upstream.pool.IDLE", idle)
    monkeypatch.setattr("router.upstream.pool.MARGIN", 1.95)
    monkeypatch.setattr("router.upstream.pool.TICK", 0.01)
    async with provider(saying(answer), requests=2) as seen, client() as http:
        async with asking(http, seen.origin) as ask:
            await ask.body()
        assert http.connections == 1
        await until(lambda: http.connections == 0)


@on_both_loops
async def test_an_old_connection_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.upstream.pool.AGE", 0.03)
    async with provider(saying(ANSWER), requests=2) as seen, client() as http:
        for count in (1, 2):
            async with asking(http, seen.origin) as ask:
                await ask.body()
            await asyncio.sleep(0.04)
            assert seen.connections == count


@on_both_loops
async def test_where_one_idle_connection_met_its_end_the_others_are_let_go() -> None:
    async def act(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(seen.requests) == 3:
            writer.transport.abort()
        else:
            writer.write(ANSWER)

    async with provider(act, requests=2) as seen, client() as http:
        async with asking(http, seen.origin) as one, asking(http, seen.origin) as two:
            await one.body()
            await two.body()
        async with asking(http, seen.origin) as ask:
            with pytest.raises(UpstreamError) as caught:
                await ask.body()
        assert caught.value.stale
        await until(lambda: http.connections == 0)


@on_both_loops
async def test_two_accounts_at_one_address_share_their_connections_and_no_headers() -> None:
    async with provider(saying(ANSWER), requests=2) as seen, client() as http:
        for key in ("one", "two"):
            async with asking(http, seen.origin, credentials={"authorization": key}) as ask:
                await ask.body()
        assert [request.header("authorization") for request in seen.requests] == [["one"], ["two"]]
        assert seen.connections == 1


@on_both_loops
async def test_closing_ends_who_is_carried_and_who_waits() -> None:
    async with provider(silent) as seen, client() as http:
        async with (
            asking(http, seen.origin, most=1) as carried,
            asking(http, seen.origin, most=1) as waiting,
        ):
            await until(lambda: seen.requests)
            await http.close()
            for ask in (carried, waiting):
                with pytest.raises(UpstreamError):
                    await ask.body()
        await until(lambda: http.connections == 0)

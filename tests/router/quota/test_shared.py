"""Shared limits over a real server, and over one that is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from policies import Limits, Rate
from router.quota.bounds import Answered, Bound, Held, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.redis.down import Down
from tests.router.quota.servers import server


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@asynccontextmanager
async def shared(url: str) -> AsyncIterator[Shared]:
    redis = Redis(url)
    await redis.ping()
    one = Shared(redis, lambda _: None)
    try:
        yield one
    finally:
        await one.close()
        await redis.close()


def requests(name: str, most: int, seconds: float = 60.0) -> tuple[Bound, ...]:
    return bounds_of("test", name, Limits(requests=(Rate(most, seconds),)))


def held(bounds: tuple[Bound, ...], tokens: int, told: Answered, lease: str = "") -> Held:
    return Held(bounds, tokens, told.at, lease)


async def test_instances_share_one_limit_exactly(url: str) -> None:
    bounds = requests("one/m", 10)
    async with shared(url) as one, shared(url) as other:
        asked = [each.reserve((bounds,), 1, "") for _ in range(10) for each in (one, other)]
        told = await asyncio.gather(*asked)
    assert [answer.taken for answer in told].count(0) == 10
    waits = [answer.waits[0][0] for answer in told if answer.taken is None]
    assert all(wait is not None and 59 < wait <= 61 for wait in waits)


async def test_the_second_is_taken_where_the_first_is_full_and_none_of_the_first_stays(
    url: str,
) -> None:
    first = bounds_of("test", "first", Limits((Rate(100, 60.0),), (Rate(10, 60.0),)))
    second = requests("second", 5)
    async with shared(url) as one:
        assert (await one.reserve((first,), 10, "")).taken == 0
        told = await one.reserve((first, second), 10, "")
        assert told.taken == 1
        assert told.waits[0][0] == 0.0
        assert (told.waits[0][1] or 0) > 59
        # Of the first nothing was counted: 99 requests are left, of no tokens.
        for _ in range(99):
            assert (await one.reserve((first[:1],), 0, "")).taken == 0
        assert (await one.reserve((first[:1],), 0, "")).taken is None


async def test_what_was_not_used_is_there_for_the_next(url: str) -> None:
    bounds = bounds_of("test", "settled", Limits(tokens=(Rate(100, 60.0),)))
    async with shared(url) as one:
        told = await one.reserve((bounds,), 100, "")
        assert (await one.reserve((bounds,), 40, "")).taken is None
        one.settle(held(bounds, 100, told), 60, sent=True)
        assert (await one.reserve((bounds,), 40, "")).taken == 0
        assert (await one.reserve((bounds,), 1, "")).taken is None


async def test_a_refund_gives_the_request_back(url: str) -> None:
    bounds = requests("refund", 1)
    async with shared(url) as one:
        told = await one.reserve((bounds,), 1, "")
        one.settle(held(bounds, 1, told), 0, sent=False)
        assert (await one.reserve((bounds,), 1, "")).taken == 0


async def test_places_are_leased_and_given_back(url: str) -> None:
    bounds = bounds_of("test", "places", Limits(concurrent=2))
    async with shared(url) as one, shared(url) as other:
        first = await one.reserve((bounds,), 1, "a")
        assert (await other.reserve((bounds,), 1, "b")).taken == 0
        full = await one.reserve((bounds,), 1, "c")
        assert (full.taken, full.waits) == (None, ((None,),))
        one.settle(held(bounds, 1, first, "a"), 1, sent=True)
        assert (await one.reserve((bounds,), 1, "c")).taken == 0


async def test_who_leaves_while_waiting_holds_nothing(url: str) -> None:
    bounds = requests("left", 1)
    async with shared(url) as one:
        task = asyncio.ensure_future(one.reserve((bounds,), 1, ""))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        for _ in range(50):
            if (await one.reserve((bounds,), 1, "")).taken == 0:
                return
            await asyncio.sleep(0.002)
    raise AssertionError("what it had reserved never came back")


class Slow:
    """A server that takes its time, and sometimes never answers."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.takes = 0.001
        self.down = False

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        self.batches.append(len(keys))
        await asyncio.sleep(self.takes)
        if self.down:
            raise Down
        _, _, reservations = msgspec.msgpack.decode(argument)
        return msgspec.msgpack.encode((5, [(1, [[0]]) for _ in reservations]))

    async def ping(self) -> None:
        if self.down:
            raise Down


async def test_one_batch_is_under_way_and_what_comes_meanwhile_goes_in_the_next() -> None:
    slow = Slow()
    one = Shared(slow, lambda _: None)
    bounds = requests("m", 10)
    first = [asyncio.ensure_future(one.reserve((bounds,), 1, "")) for _ in range(5)]
    await asyncio.sleep(0.0005)
    later = [asyncio.ensure_future(one.reserve((bounds,), 1, "")) for _ in range(7)]
    await asyncio.gather(*first, *later)
    assert len(slow.batches) == 2
    await one.close()


async def test_a_server_that_is_away_is_asked_by_nobody_who_waits() -> None:
    slow = Slow()
    told: list[bool] = []
    one = Shared(slow, told.append)
    bounds = requests("m", 10)
    slow.down = True
    asked = [asyncio.ensure_future(one.reserve((bounds,), 1, "")) for _ in range(5)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(answer, Down) for answer in answers)
    for _ in range(100):
        with pytest.raises(Down):
            await one.reserve((bounds,), 1, "")
    assert (len(slow.batches), told) == (1, [False])
    await one.close()

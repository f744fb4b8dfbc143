"""Who leads a shift, and what all have seen of it, over real servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex

import pytest

from router.redis.address import address_of
from router.redis.down import Down
from router.redis.link import Link
from router.shifts.peers import Alone, Fleet, Met, Seen
from tests.router.quota.servers import Process, cluster, process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("valkey")) as one:
        yield one


@pytest.fixture
def fleet() -> str:
    """A fleet that no other test has met."""
    return token_hex(4)


@asynccontextmanager
async def peer(url: str, fleet: str, name: str, lease: float = 3.0) -> AsyncIterator[Fleet]:
    one = Fleet(Link(address_of(url), fleet), fleet, name, lease)
    try:
        yield one
    finally:
        await one.close()


async def until(true: Callable[[Met], bool], who: Fleet, within: float = 5.0) -> Met:
    async with asyncio.timeout(within):
        while True:
            try:
                if true(met := await who.meet({"s": b"x"})):
                    return met
            except Down:
                pass
            await asyncio.sleep(0.02)


async def test_who_is_alone_leads_everything_by_the_clock_on_the_wall() -> None:
    met = await Alone(lambda: 7.0).meet({"s": b"1"})
    assert met == Met(7.0, {"s": Seen("", mine=True, said=(b"1",))})


async def test_one_leads_and_hears_what_each_has_seen(server: Process, fleet: str) -> None:
    async with peer(server.url, fleet, "one") as one, peer(server.url, fleet, "two") as two:
        await one.meet({"s": b"1"})
        seen = (await two.meet({"s": b"2"})).shifts["s"]
        assert (seen.leader, seen.mine, seen.said) == ("one", False, [])
        met = await one.meet({"s": b"11"})
        assert (met.shifts["s"].mine, sorted(met.shifts["s"].said)) == (True, [b"11", b"2"])
        assert met.now == pytest.approx(time.time(), abs=5.0)


async def test_what_is_said_twice_counts_once(server: Process, fleet: str) -> None:
    async with peer(server.url, fleet, "one") as one:
        for _ in range(2):
            met = await one.meet({"s": b"5"})
        assert met.shifts["s"].said == [b"5"]


async def test_each_shift_has_a_leader_of_its_own(server: Process, fleet: str) -> None:
    async with peer(server.url, fleet, "one") as one, peer(server.url, fleet, "two") as two:
        await one.meet({"s": b"1"})
        met = await two.meet({"t": b"2", "s": b"3"})
        assert {name: seen.leader for name, seen in met.shifts.items()} == {"t": "two", "s": "one"}
        await one.leave(["s"])
        assert (await two.meet({"s": b"3"})).shifts["s"].mine


async def test_another_goes_on_when_the_leader_says_nothing_any_more(
    server: Process, fleet: str
) -> None:
    async with (
        peer(server.url, fleet, "one", 0.2) as one,
        peer(server.url, fleet, "two", 0.2) as two,
    ):
        await one.meet({"s": b"1"})
        assert not (await two.meet({"s": b"2"})).shifts["s"].mine
        met = await until(lambda met: met.shifts["s"].mine, two, within=1.0)
        assert b"1" in met.shifts["s"].said  # what it has seen still counts
        assert not (await one.meet({"s": b"1"})).shifts["s"].mine


async def test_without_the_server_nobody_leads_and_afterwards_all_is_known_again(
    tmp_path: Path,
) -> None:
    with process(tmp_path) as server:
        async with peer(server.url, "f", "one") as one, peer(server.url, "f", "two") as two:
            await one.meet({"s": b"1"})
            server.kill()
            for each in (one, two):
                with pytest.raises(Down):
                    await each.meet({"s": b"x"})
            await one.leave(["s"])  # which fails nobody
            server.start()
            await until(lambda met: met.shifts["s"].mine, one)
            await one.meet({"s": b"1"})
            await until(lambda _: True, two)
            met = await one.meet({"s": b"1"})
            assert sorted(met.shifts["s"].said) == [b"1", b"x"]


async def test_a_silent_server_is_not_waited_for(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        async with peer(server.url, "f", "one") as one:
            await one.meet({"s": b"1"})
            server.stop()
            try:
                began = time.monotonic()
                with pytest.raises(Down):
                    await one.meet({"s": b"1"})
                assert time.monotonic() - began < 1.0
            finally:
                server.go_on()


async def test_so_it_is_in_a_cluster(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        url = f"redis+cluster://127.0.0.1:{nodes[0].port}"
        async with peer(url, "f", "one") as one, peer(url, "f", "two") as two:
            await one.meet({"s": b"1", "t": b"1"})
            met = await two.meet({"s": b"2", "t": b"2"})
            assert [seen.leader for seen in met.shifts.values()] == ["one", "one"]


async def test_nothing_is_kept_for_ever_nor_of_any_number(server: Process, fleet: str) -> None:
    async with peer(server.url, fleet, "one") as one:
        key = f"{{pm:{fleet}}}:shift:s:seen"
        for number in range(500):
            server.say("HSET", key, f"gone{number}", "0")
        met = await one.meet({"s": b"1"})
        assert not met.shifts["s"].counts
        assert server.say("HLEN", key) == 500
        server.say("HDEL", key, "gone7")
        met = await one.meet({"s": b"1"})
        assert met.shifts["s"].counts
        assert server.say("HGET", key, "one") == b"1"
        assert 0 < server.say("PTTL", key) <= 7 * 86_400_000
        assert 0 < server.say("PTTL", f"{{pm:{fleet}}}:shift:s:leader") <= 3000

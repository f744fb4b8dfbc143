"""Which account made what, remembered by several instances together on a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from secrets import token_hex

import pytest

from router.redis.address import address_of
from router.redis.link import Link
from router.stored.fleet import Fleet
from router.stored.owners import KEPT_FOR, LONGEST, Owner, Owners
from tests.router.quota.servers import Process, process


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def fleet() -> str:
    """A fleet that no other test has met."""
    return token_hex(4)


@asynccontextmanager
async def instance(one: Process, fleet: str, **options: int) -> AsyncIterator[Owners]:
    others = Fleet(Link(address_of(one.url), fleet), fleet, **options)
    owners = Owners(lambda: 5.0, others=others)
    await owners.start()
    try:
        yield owners
    finally:
        await owners.close()


async def told(owners: Owners) -> None:
    """Return when the server has heard what these owners said."""
    await owners.learn([token_hex(8)])


async def test_what_one_instance_made_any_other_learns_when_it_needs_it(
    one: Process, fleet: str
) -> None:
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        here.keep("t", "a", "resp_1")
        here.keep("u", "b", "conv-ü")
        await told(here)
        assert there.of("resp_1") is None
        await there.learn(["resp_1", "conv-ü", "resp_of_nobody"])
        assert there.of("resp_1") == Owner("t", "a", 5.0)
        assert there.of("conv-ü") == Owner("u", "b", 5.0)
        assert there.of("resp_of_nobody") is None
    async with instance(one, f"{fleet}2") as elsewhere:
        await elsewhere.learn(["resp_1"])
        assert elsewhere.of("resp_1") is None


async def test_nobody_is_asked_about_what_is_known_here_or_can_be_no_id(
    one: Process, fleet: str
) -> None:
    async with instance(one, fleet) as here:
        here.keep("t", "a", "resp_1")
        await told(here)
        one.say("CONFIG", "RESETSTAT")
        await here.learn([])
        await here.learn(["resp_1", "x" * (LONGEST + 1)])
        here.keep("t", "a", "resp_1")
        here.keep("t", "a", "x" * (LONGEST + 1))
        assert b"cmdstat_mget" not in one.say("INFO", "commandstats")
        assert b"cmdstat_eval" not in one.say("INFO", "commandstats")


async def test_whose_an_id_is_does_not_change_for_the_fleet_either(
    one: Process, fleet: str
) -> None:
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        here.keep("t", "a", "conv_1")
        await told(here)
        there.keep("u", "b", "conv_1")
        await told(there)
        async with instance(one, fleet) as third:
            await third.learn(["conv_1"])
            assert third.of("conv_1") == Owner("t", "a", 5.0)


async def test_what_is_deleted_is_forgotten_by_who_did_not_know_it_yet(
    one: Process, fleet: str
) -> None:
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        here.keep("t", "a", "resp_1")
        here.forget("resp_1")
        await told(here)
        await there.learn(["resp_1"])
        assert there.of("resp_1") is None


async def test_it_is_kept_for_as_long_as_by_an_instance_and_the_oldest_give_way(
    one: Process, fleet: str
) -> None:
    async with instance(one, fleet, most=3) as here, instance(one, fleet) as there:
        for number in range(5):
            here.keep("t", "a", f"resp_{number}")
        await told(here)
        await there.learn([f"resp_{number}" for number in range(5)])
        assert [n for n in range(5) if there.of(f"resp_{n}")] == [2, 3, 4]
        keys = one.say("KEYS", f"{{pm:{fleet}}}:made*")
        assert len(keys) == 4
        for key in keys:
            assert KEPT_FOR - 60 < one.say("PTTL", key) / 1000 <= KEPT_FOR
            assert b"resp_" not in key


async def test_a_server_that_is_away_is_noticed_and_asked_again(one: Process, fleet: str) -> None:
    async with instance(one, fleet) as here, instance(one, fleet) as there:
        here.keep("t", "a", "resp_1")
        await told(here)
        one.stop()
        try:
            await there.learn(["resp_1"])
            assert there.unheard
            there.keep("t", "a", "resp_2")
            there.forget("resp_3")
            assert there.of("resp_2") is not None
        finally:
            one.go_on()
        await there._others.start()  # type: ignore[union-attr]
        await there.learn(["resp_1"])
        assert not there.unheard
        assert there.of("resp_1") is not None

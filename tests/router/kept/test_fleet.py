"""Documents that instances keep together on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from router.kept.contract import LARGEST, Document, TooLarge
from router.kept.fleet import GONE_FOR, Fleet
from router.kept.heard import LastHeard
from router.redis.address import address_of
from router.redis.down import Down
from router.redis.link import Link
from router.testing import Chaos
from tests.router.quota.servers import Process, process


class Instance(Fleet):
    """One of a fleet. `events` is its log."""

    def __init__(
        self, url: str, fleet: str, gone_for: float = GONE_FOR, heard: LastHeard | None = None
    ) -> None:
        self.events: list[str] = []
        link = Link(address_of(url), fleet)
        super().__init__(link, fleet, self._event_told, heard, gone_for)

    def _event_told(self, text: str, **more: object) -> None:
        self.events.append(f"{text} {more}")


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def fleet() -> str:
    """A fleet that no other test has met."""
    return token_hex(4)


@asynccontextmanager
async def instance(url: str, fleet: str, gone_for: float = GONE_FOR) -> AsyncIterator[Instance]:
    kept = Instance(url, fleet, gone_for)
    await kept.start()
    try:
        yield kept
    finally:
        await kept.close()


async def until(true: Callable[[], bool], seconds: float = 1.0) -> None:
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.005)


async def changed(kept: Fleet, name: str, how: Any) -> None:
    """Change it as soon as the server is there."""
    async with asyncio.timeout(5):
        while True:
            try:
                await kept.change(name, how)
            except Down:
                await asyncio.sleep(0.01)
            else:
                return


def put(**fields: Any) -> Any:
    return lambda _: fields


def counted(document: Document | None) -> Document:
    return {"count": (document or {"count": 0})["count"] + 1}


async def test_what_one_changes_all_hear_within_a_second(one: Process, fleet: str) -> None:
    async with instance(one.url, fleet) as here, instance(one.url, fleet) as there:
        heard: list[Document | None] = []
        there.on_change("it", heard.append)
        assert await here.change("it", put(weight=3, who="Zoë")) == {"weight": 3, "who": "Zoë"}
        await until(lambda: heard == [{"weight": 3, "who": "Zoë"}])
        assert there.read("it") == here.read("it") == {"weight": 3, "who": "Zoë"}
        await there.change("it", lambda _: None)
        await until(lambda: here.read("it") is None)
        assert heard[1:] == [None]
    async with instance(one.url, f"{fleet}2") as elsewhere:
        assert elsewhere.read("it") is None


async def test_it_is_there_for_whoever_starts_later(one: Process, fleet: str) -> None:
    async with instance(one.url, fleet) as here:
        await here.change("it", put(a=1))
        await here.change("gone", put(a=1))
        await here.change("gone", lambda _: None)
    async with instance(one.url, fleet) as later:
        assert (later.read("it"), later.read("gone"), later.why) == ({"a": 1}, None, "")


async def test_of_changes_at_once_by_several_none_is_lost(one: Process, fleet: str) -> None:
    async with (
        instance(one.url, fleet) as a,
        instance(one.url, fleet) as b,
        instance(one.url, fleet) as c,
    ):
        each = [a, b, c] * 8
        await asyncio.gather(*(kept.change("it", counted) for kept in each))
        await until(lambda: all(kept.read("it") == {"count": len(each)} for kept in (a, b, c)))


async def test_what_is_as_it_should_be_is_not_kept_again(one: Process, fleet: str) -> None:
    async with instance(one.url, fleet) as here:
        await here.change("it", put(a=1))
        version = one.say("GET", f"{{pm:{fleet}}}:kept:it")
        assert await here.change("it", put(a=1)) == {"a": 1}
        assert one.say("GET", f"{{pm:{fleet}}}:kept:it") == version


async def test_while_the_server_is_silent_the_last_copy_holds_and_nothing_changes(
    one: Process, fleet: str
) -> None:
    async with Chaos(one.url) as network, instance(network.url, fleet) as here:
        await here.change("it", put(a=1))
        network.black_hole = True
        with pytest.raises(Down):
            await here.change("it", put(a=2))
        await until(lambda: bool(here.why), 3)
        assert here.read("it") == {"a": 1}
        network.black_hole = False
        await changed(here, "it", put(a=2))
        await until(lambda: not here.why, 3)
        assert here.read("it") == {"a": 2}


async def test_one_that_starts_without_the_server_hears_of_all_when_it_is_there(
    one: Process, fleet: str
) -> None:
    async with instance(one.url, fleet) as here:
        await here.change("it", put(a=1))
    async with Chaos(one.url) as network:
        network.black_hole = True
        kept = Instance(network.url, fleet)
        starting = asyncio.ensure_future(kept.start())
        try:
            with pytest.raises(Down):
                await kept.change("it", put(a=2))
            assert kept.read("it") is None
            network.black_hole = False
            await starting
            await until(lambda: kept.read("it") == {"a": 1}, 5)
        finally:
            await kept.close()


async def test_a_server_that_forgot_is_told_again_by_whoever_has_the_latest(tmp_path: Any) -> None:
    with process(tmp_path) as own:
        async with instance(own.url, "f") as here, instance(own.url, "f") as there:
            await here.change("it", put(a=1))
            await here.change("gone", put(a=1))
            await until(lambda: there.read("gone") is not None)
            await there.change("gone", lambda _: None)
            keys = ("{pm:f}:kept:it", "{pm:f}:kept:gone")
            latest = own.say("MGET", *keys)  # that it is gone, `here` may not have heard
            own.kill()
            own.start()
            await changed(there, "other", put(b=1))
            await until(lambda: here.read("other") == {"b": 1}, 3)
            await until(lambda: own.say("MGET", *keys) == latest, 3)
        async with instance(own.url, "f") as later:
            assert later.read("it") == {"a": 1}
            assert later.read("other") == {"b": 1}
            assert later.read("gone") is None


async def test_a_document_that_the_server_evicted_is_told_again(one: Process, fleet: str) -> None:
    key = f"{{pm:{fleet}}}:kept:it"
    async with instance(one.url, fleet) as here, instance(one.url, fleet) as there:
        await here.change("it", put(a=1))
        await until(lambda: there.read("it") == {"a": 1})
        one.say("DEL", key)  # the hash of versions stays
        await until(lambda: bool(one.say("EXISTS", key)), 2)
        async with instance(one.url, fleet) as later:
            assert later.read("it") == {"a": 1}
        await there.change("it", put(a=2))
        await until(lambda: here.read("it") == {"a": 2})


async def test_of_a_later_one_that_was_evicted_before_anybody_heard_it_the_latest_known_holds(
    one: Process, fleet: str
) -> None:
    key, versions = f"{{pm:{fleet}}}:kept:it", f"{{pm:{fleet}}}:kept-versions"
    async with instance(one.url, fleet) as here:
        await here.change("it", put(a=1))
        one.say("DEL", key)
        one.say("HINCRBY", versions, "it", 5)
        await until(lambda: bool(one.say("EXISTS", key)), 2)
        async with instance(one.url, fleet) as later:
            assert later.read("it") == here.read("it") == {"a": 1}


async def test_a_server_that_came_back_with_older_words_hears_the_newer(
    one: Process, fleet: str
) -> None:
    key, versions = f"{{pm:{fleet}}}:kept:it", f"{{pm:{fleet}}}:kept-versions"
    async with instance(one.url, fleet) as here, instance(one.url, fleet) as there:
        await here.change("it", put(a=1))
        old = one.say("GET", key), one.say("HGET", versions, "it")
        await here.change("it", put(a=2))
        await until(lambda: there.read("it") == {"a": 2})
        new = one.say("GET", key)
        one.say("SET", key, old[0])
        one.say("HSET", versions, "it", old[1])
        await until(lambda: one.say("GET", key) == new, 2)
        assert here.read("it") == there.read("it") == {"a": 2}


async def test_what_a_server_holds_that_is_none_of_ours_stops_nobody(
    one: Process, fleet: str
) -> None:
    async with instance(one.url, fleet) as here:
        await here.change("it", put(a=1))
        versions = f"{{pm:{fleet}}}:kept-versions"
        one.say("HSET", versions, "odd", "9" * 17, "text", "x" * 50, "huge", "9" * 5000)
        one.say("SET", f"{{pm:{fleet}}}:kept:odd", "9" * 17 + " [1]")
        await until(lambda: any("odd" in said for said in here.events))
        assert here.read("odd") is None
        await here.change("it", put(a=2))
        assert here.read("it") == {"a": 2}


async def test_what_is_too_large_is_refused(one: Process, fleet: str) -> None:
    async with instance(one.url, fleet) as here:
        with pytest.raises(TooLarge):
            await here.change("it", put(a="x" * LARGEST))
        assert here.read("it") is None
        await here.change("it", put(a="x" * (LARGEST - 100)))


async def test_a_server_that_refuses_it_is_said_to_once(tmp_path: Any) -> None:
    with process(tmp_path) as own:
        own.say("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all", "-hgetall")
        async with instance(own.url.replace("//", "//u:p@"), "f") as here:
            await until(lambda: bool(here.events))
            await asyncio.sleep(0.3)
            assert "may not use HGETALL" in here.why
        [said] = here.events
        assert "not kept with the fleet" in said


async def test_what_was_removed_does_not_come_back_to_one_that_starts_as_a_server_forgot(
    tmp_path: Any,
) -> None:
    with process(tmp_path) as own:
        async with Chaos(own.url) as his, Chaos(own.url) as hers:
            async with instance(his.url, "f") as here, instance(hers.url, "f") as there:
                await here.change("it", put(a=1))
                await until(lambda: there.read("it") == {"a": 1})
                hers.black_hole = True  # of the removal it does not hear
                await until(lambda: bool(there.why), 3)
                await here.change("it", lambda _: None)
                his.black_hole = True
                own.kill()
                own.start()
                hers.black_hole = False
                await until(lambda: bool(own.say("EXISTS", "{pm:f}:kept:it")), 5)
                later = Instance(own.url, "f")
                starting = asyncio.ensure_future(later.start())
                await asyncio.sleep(0.05)
                his.black_hole = False
                await starting
                try:
                    assert later.read("it") is None
                finally:
                    await later.close()


async def test_one_that_starts_with_a_server_that_is_not_new_does_not_wait(
    one: Process, fleet: str
) -> None:
    loop = asyncio.get_running_loop()
    async with instance(one.url, fleet) as here:
        await here.change("it", put(a=1))
        await until(lambda: not one.say("EXISTS", f"{{pm:{fleet}}}:kept-new"), 3)
        began = loop.time()
        async with instance(one.url, fleet):
            assert loop.time() - began < 0.3


async def test_nothing_stays_for_ever_of_what_was_removed(one: Process, fleet: str) -> None:
    key, versions = f"{{pm:{fleet}}}:kept:it", f"{{pm:{fleet}}}:kept-versions"
    async with (
        instance(one.url, fleet, gone_for=0.6) as here,
        instance(one.url, fleet, gone_for=0.6) as there,
    ):
        await here.change("it", put(a=1))
        await here.change("other", put(a=1))
        await until(lambda: there.read("it") == {"a": 1})
        await there.change("it", lambda _: None)
        assert one.say("GET", key)
        await until(lambda: not one.say("EXISTS", key), 3)
        await until(lambda: one.say("HKEYS", versions) == [b"other"], 3)
        await asyncio.sleep(0.3)
        assert one.say("HKEYS", versions) == [b"other"]
        assert (here.read("it"), there.read("it")) == (None, None)
        assert here.read("other") == there.read("other") == {"a": 1}
        await here.change("it", put(a=2))
        await until(lambda: there.read("it") == {"a": 2})


async def test_what_was_heard_last_holds_while_the_server_is_away_and_is_told_to_nobody(
    one: Process, fleet: str, tmp_path: Path
) -> None:
    last = LastHeard(tmp_path / "state.json", fleet, lambda *_, **__: None)
    last.keep({"it": {"count": 7}, "other": {"a": 1}})
    async with instance(one.url, fleet) as here, Chaos(one.url) as network:
        await here.change("other", put(a=2))
        network.black_hole = True
        later = Instance(network.url, fleet, heard=last)
        await later.start()
        try:
            assert (later.read("it"), later.read("other")) == ({"count": 7}, {"a": 1})
            assert "holds" in later.events[0]
            network.black_hole = False
            await changed(later, "it", counted)
            assert later.read("it") == {"count": 1}
            await until(lambda: later.read("other") == {"a": 2}, 3)
        finally:
            await later.close()
    assert last.documents == {"it": {"count": 1}, "other": {"a": 2}}

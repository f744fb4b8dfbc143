"""The server of shared limits in every state that it can be in, as real servers are in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from policies import Limits, Rate
from router.quota.bounds import Needs, answered, asked, bounds_of
from router.quota.redis import Redis
from router.quota.shared import Shared
from router.redis.down import Down, Refused
from router.redis.link import LOOK_AGAIN, PATIENCE
from router.testing import Chaos
from tests.house.source import ROOT
from tests.router.quota.joined import joined, reserved
from tests.router.quota.servers import (
    Process,
    Watched,
    binaries,
    cluster,
    process,
    watched,
)

SOON = 5.0
"""Seconds within which a server that is well again is in use again, on a busy machine."""


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    """A server that a test may do anything to."""
    with process(tmp_path) as own:
        yield own


@asynccontextmanager
async def asked_of(url: str, fleet: str = "test") -> AsyncIterator[Redis]:
    redis = Redis(url, fleet)
    try:
        yield redis
    finally:
        await redis.close()


def needs(name: str = "t", fleet: str = "test") -> Needs:
    return tuple((bound, 1) for bound in bounds_of(fleet, name, Limits((Rate(1000, 60.0),))))


async def once(redis: Redis, name: str = "t", fleet: str = "test") -> int | None:
    keys, argument = asked("me", [], [(needs(name, fleet),)], {})
    (answer,) = answered(await redis.run(keys, argument))
    return answer.taken


async def taken(redis: Redis, fleet: str = "test") -> int | None:
    """The same on a machine so busy that a server that is well may be late."""
    deadline = time.monotonic() + SOON
    while True:
        try:
            return await once(redis, fleet=fleet)
        except Down:
            if time.monotonic() > deadline:
                raise
            await pong(redis)


async def pong(redis: Redis) -> Any:
    """What it answers when it is back."""
    deadline = time.monotonic() + SOON
    while True:
        try:
            return await redis.ping()
        except Down:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.02)


async def down(redis: Redis) -> Down:
    """What it says when it is away."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        try:
            await redis.ping()
        except Down as why:
            return why
        await asyncio.sleep(0.02)
    raise AssertionError("it serves")


@pytest.mark.parametrize("kind", sorted(binaries()))
async def test_every_server_there_is_runs_the_script(kind: str, tmp_path: Path):
    with process(tmp_path, program=binaries()[kind]) as one:
        async with asked_of(one.url) as redis:
            pong = await redis.ping()
            assert pong.warnings == ()
            assert pong.name.split()[0] in {"Valkey", "Redis"}
            assert await taken(redis) == 0


async def test_a_server_that_is_killed_is_down_at_once_and_empty_when_it_is_back(own: Process):
    async with asked_of(own.url) as redis:
        first = await redis.ping()
        assert (await redis.ping()).epoch == first.epoch
        own.kill()
        with pytest.raises(Down):
            await once(redis)
        await asyncio.sleep(LOOK_AGAIN)
        assert "nothing listens there" in str(await down(redis))
        own.start()
        assert (await pong(redis)).epoch != first.epoch
        assert await taken(redis) == 0


async def test_a_server_that_is_emptied_under_us_has_another_epoch(own: Process):
    async with asked_of(own.url) as redis:
        first = await redis.ping()
        own.say("FLUSHALL")
        own.say("SCRIPT", "FLUSH")
        assert await once(redis) == 0
        assert (await redis.ping()).epoch != first.epoch


async def test_a_server_that_is_stopped_costs_one_request_its_patience_and_others_nothing(
    own: Process,
):
    async with joined(own.url) as limits:
        assert await reserved(limits, needs()) is not None
        own.stop()
        began = time.monotonic()
        assert await reserved(limits, needs()) is None
        assert PATIENCE * 0.9 < time.monotonic() - began < PATIENCE * 5
        began = time.monotonic()
        for _ in range(100):
            assert await reserved(limits, needs()) is None
        assert time.monotonic() - began < PATIENCE * 5  # all of them together
        own.go_on()
        await until_up(limits)
        assert await reserved(limits, needs()) is not None


async def until_up(limits: Shared) -> None:
    async with asyncio.timeout(SOON):
        while not limits.up:  # noqa: ASYNC110 - a test looks from outside
            await asyncio.sleep(0.01)


async def test_a_server_that_is_far_away_serves_and_one_beyond_our_patience_does_not(one: Process):
    async with Chaos(one.url, latency=0.004) as network, asked_of(network.url) as redis:
        await redis.ping()
        assert await taken(redis) == 0
        network.latency = 0.03
        with pytest.raises(Down, match="did not answer within 20 ms"):
            await once(redis)


async def test_a_black_hole_is_down_and_left_alone_until_it_answers(one: Process):
    async with Chaos(one.url) as network, asked_of(network.url) as redis:
        await redis.ping()
        network.black_hole = True
        with pytest.raises(Down, match="did not answer within 20 ms"):
            await once(redis)
        waited = []
        for _ in range(10):  # a machine that does other things may be late, but not each time
            began = time.monotonic()
            with pytest.raises(Down):
                await once(redis)
            waited.append(time.monotonic() - began)
        assert min(waited) < PATIENCE * 0.9
        network.black_hole = False
        await pong(redis)
        assert await taken(redis) == 0


async def test_a_server_that_became_a_replica_takes_no_writes_until_it_is_a_primary(own: Process):
    async with asked_of(own.url) as redis:
        await redis.ping()
        own.say("REPLICAOF", "127.0.0.1", own.port)
        with pytest.raises(Down, match="replica"):
            await once(redis)
        await down(redis)
        own.say("REPLICAOF", "NO", "ONE")
        await pong(redis)
        assert await taken(redis) == 0


async def test_a_server_that_is_loading_is_down_until_it_has_loaded(tmp_path: Path):
    slow = ["--key-load-delay", "25000", "--loading-process-events-interval-bytes", "1024"]
    with process(tmp_path, *slow) as own:
        for number in range(20):
            own.say("SET", number, "x" * 1024)
        async with asked_of(own.url) as redis:
            await redis.ping()
            own.say("CONFIG", "SET", "rdbcompression", "no")
            own.say("SAVE")
            own.kill()
            own.start()
            said: set[str] = set()
            while "loading" not in " ".join(said):
                said.add(str(await down(redis)))
                await asyncio.sleep(0.01)
            await pong(redis)
            assert await taken(redis) == 0


async def test_a_server_out_of_memory_is_down_until_it_has_some(own: Process):
    async with asked_of(own.url) as redis:
        await redis.ping()
        own.say("CONFIG", "SET", "maxmemory", 1)
        with pytest.raises(Down, match="out of memory"):
            await once(redis)
        assert "out of memory" in str(await down(redis))
        own.say("CONFIG", "SET", "maxmemory", 0)
        await pong(redis)
        assert await taken(redis) == 0


async def test_a_server_that_may_drop_what_it_counts_is_a_warning(own: Process):
    own.say("CONFIG", "SET", "maxmemory", 100_000_000)
    own.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    async with asked_of(own.url) as redis:
        (warning,) = (await redis.ping()).warnings
    assert "noeviction" in warning


async def test_a_password_that_is_missing_or_wrong_is_named_and_never_shown(own: Process):
    own.say("CONFIG", "SET", "requirepass", "correct-horse")
    host = own.url.removeprefix("redis://")
    async with asked_of(own.url) as redis:
        assert "asks for a password" in str(await down(redis))
    async with asked_of(f"redis://:hunter2@{host}") as redis:
        why = await down(redis)
        assert isinstance(why, Refused)
        assert "refuses the user or the password" in str(why)
        assert "hunter2" not in f"{why} {why!r} {redis!r} {vars(redis)} {vars(redis._link)}"
    async with asked_of(f"redis://:correct-horse@{host}") as redis:
        await redis.ping()
        assert await taken(redis) == 0


async def test_a_user_who_may_run_no_scripts_is_named_plainly(one: Process):
    one.say("ACL", "SETUSER", "me", "on", ">pw", "~*", "+@all", "-@scripting")
    async with asked_of(one.url.replace("//", "//me:pw@")) as redis:
        why = await down(redis)
    assert isinstance(why, Refused)
    assert "refuses scripts: limits are not shared" in str(why)


async def test_a_proxy_that_knows_no_scripts_is_named_plainly(tmp_path: Path):
    renamed = ["--rename-command", "EVALSHA", "", "--rename-command", "SCRIPT", ""]
    with process(tmp_path, *renamed, program=binaries()["redis"]) as one:
        async with asked_of(one.url) as redis:
            why = await down(redis)
    assert isinstance(why, Refused)
    assert "refuses scripts: limits are not shared" in str(why)


ALLOWED = "~{pm:default}:* +@read +@write +@scripting +info +time"
"""What the reference tells to allow."""


async def test_a_user_who_may_do_what_the_reference_says_may_do_enough(one: Process):
    assert ALLOWED in (ROOT / "docs" / "reference.md").read_text()
    one.say("ACL", "SETUSER", "few", "reset", "on", ">pw", *ALLOWED.split())
    async with asked_of(one.url.replace("//", "//few:pw@"), "default") as redis:
        assert (await redis.ping()).warnings == ()
        assert await taken(redis, fleet="default") == 0


async def test_a_server_that_does_not_tell_its_settings_serves_with_a_warning(one: Process):
    one.say("ACL", "SETUSER", "blind", "reset", "on", ">pw", "~*", "+@all", "-info")
    async with asked_of(one.url.replace("//", "//blind:pw@")) as redis:
        (warning,) = (await redis.ping()).warnings
        assert "INFO is refused" in warning
        assert await taken(redis) == 0


async def test_a_fleet_of_another_name_is_refused_to_a_user_of_one_alone(one: Process):
    one.say("ACL", "SETUSER", "ours", "reset", "on", ">pw", "~{pm:ours}:*", "+@all")
    async with asked_of(one.url.replace("//", "//ours:pw@"), "theirs") as redis:
        assert "may not use a command or a key" in str(await down(redis))


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Process]]:
    with cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


def of_cluster(nodes: list[Process]) -> str:
    where = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
    return f"redis+cluster://{where}/"


async def test_in_a_cluster_the_keys_of_every_fleet_are_found_from_any_node(nodes: list[Process]):
    for fleet in ("a", "b", "c", "d"):
        for node in nodes:
            async with asked_of(of_cluster([node]), fleet) as redis:
                assert (await redis.ping()).warnings == ()
                assert await taken(redis, fleet=fleet) == 0


async def test_a_node_of_a_cluster_without_saying_so_is_named_plainly(nodes: list[Process]):
    said = set()
    for node in nodes:
        async with asked_of(node.url) as redis:
            try:
                said.add((await redis.ping()).warnings[0])
            except Refused as why:
                said.add(str(why))
    assert len(said) == 2
    assert all("write redis+cluster:// in shared.redis" in what for what in said)


async def test_a_slot_that_moved_is_followed_while_the_request_waits(nodes: list[Process]):
    slot = nodes[0].say("CLUSTER", "KEYSLOT", "{pm:moving}:epoch")
    owner = next(node for node in nodes if holds(node, slot))
    other = next(node for node in nodes if node is not owner)
    async with asked_of(of_cluster(nodes), "moving") as redis:
        await redis.ping()
        assert await taken(redis, fleet="moving") == 0
        await asyncio.sleep(0.3)
        owner.say("FLUSHALL")
        new = other.say("CLUSTER", "MYID")
        for node in (other, owner, *nodes):
            node.say("CLUSTER", "SETSLOT", slot, "NODE", new)
        assert await once(redis, fleet="moving") == 0
        await redis.ping()


async def test_a_cluster_that_lacks_slots_is_down_until_it_has_them_all(nodes: list[Process]):
    slot = nodes[0].say("CLUSTER", "KEYSLOT", "{pm:test}:epoch")
    other = next(node for node in nodes if not holds(node, slot))
    async with asked_of(of_cluster(nodes)) as redis:
        await redis.ping()
        other.stop()
        try:
            assert "not all of its slots are served" in str(await down(redis))
            with pytest.raises(Down):
                await once(redis)
        finally:
            other.go_on()
        await pong(redis)
        assert await taken(redis) == 0


def holds(node: Process, slot: int) -> bool:
    me = node.say("CLUSTER", "MYID")
    return any(
        begin <= slot <= end and primary[2] == me
        for begin, end, primary, *_ in node.say("CLUSTER", "SLOTS")
    )


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("sentinel")) as two:
        yield two


async def test_after_a_failover_the_new_primary_has_the_script_and_goes_on(two: Watched):
    async with asked_of(two.url) as redis:
        first = await redis.ping()
        assert await taken(redis) == 0
        two.fail_over()
        deadline = time.monotonic() + 8
        while b"role:master" not in two.replica.say("INFO", "replication"):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        two.primary.kill()
        assert (await pong(redis)).epoch == first.epoch
        assert await taken(redis) == 0


async def test_sentinels_that_know_no_such_service_are_named_plainly(two: Watched):
    async with asked_of(two.url.replace("/main", "/other")) as redis:
        assert "its sentinels know no service other" in str(await down(redis))

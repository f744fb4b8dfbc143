"""Instances that know of each other, over real servers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from policies import Facts, News, Outcome, Phase, Report, Scope
from router.fleet.fleet import Fleet
from router.fleet.words import Word, digest, encode
from tests.policies.driver import DENIED, THROTTLED
from tests.router.fleet.instances import FACTS, instance, together, until
from tests.router.quota.servers import Process, binaries, cluster, process


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("valkey")) as one:
        yield one


async def test_all_know_each_other_by_rank_and_who_leaves_is_gone_at_once(server: Process) -> None:
    async with instance(server.url, fleet="know", since=2.0) as one:
        async with instance(server.url, fleet="know", since=1.0) as two:
            await together(one, two)
            names = [[name for name, _ in each.fleet.instances] for each in (one, two)]
            assert names == [[two.name, one.name]] * 2
            _, seen = one.fleet.instances[0]
            assert (seen.said.host, seen.said.pid, seen.said.revision) == ("host", 7, "r1")
            one.fleet._back -= 60.0  # it has been there for long
        await until(lambda: len(one.fleet.seen) == 1)


async def test_fleets_with_other_names_do_not_hear_of_each_other(server: Process) -> None:
    async with instance(server.url, fleet="x") as one, instance(server.url, fleet="y") as two:
        await together(one)
        await together(two)
        one.send().attempt.settle(THROTTLED, one.now())
        await asyncio.sleep(0.1)
        assert (one.turn(), two.turn()) == ("b/m", "a/m")


async def test_news_reach_a_sibling_within_50_ms(server: Process) -> None:
    async with instance(server.url, fleet="soon") as one, instance(server.url, fleet="soon") as two:
        await together(one, two)
        took = []
        for count in range(1, 6):
            one.fleet.notice("a/m", News.RESTING, one.now() + 10.0 + count)
            took.append(await until(lambda count=count: two.fleet.counts["heeded"] == count))  # type: ignore[misc]
        assert min(took) < 0.05  # whatever else the machine does


async def test_a_siblings_rest_is_honoured(server: Process) -> None:
    async with instance(server.url, fleet="rest") as one, instance(server.url, fleet="rest") as two:
        await together(one, two)
        one.send().attempt.settle(THROTTLED, one.now())
        await until(lambda: two.turn() == "b/m")
        rest = two.engine.snapshot(two.now())["a/m"].until - two.now()
        assert rest == pytest.approx(30.0, abs=0.5)


async def test_a_denied_account_is_not_asked_by_siblings(server: Process) -> None:
    async with instance(server.url, fleet="deny") as one, instance(server.url, fleet="deny") as two:
        await together(one, two)
        one.send().attempt.settle(DENIED, one.now())
        await until(lambda: two.turn() == "b/m")
        assert two.engine.snapshot(two.now())["a/m"].state == "denied"


@pytest.mark.parametrize("which", sorted(binaries()))
async def test_so_it_is_on_every_server_that_there_is(tmp_path: Path, which: str) -> None:
    with process(tmp_path, program=binaries()[which]) as server:
        async with instance(server.url) as one, instance(server.url) as two:
            await together(one, two)
            one.send().attempt.settle(THROTTLED, one.now())
            await until(lambda: two.turn() == "b/m")


async def test_so_it_is_in_a_cluster(tmp_path: Path) -> None:
    with cluster(tmp_path) as nodes:
        url = f"redis+cluster://127.0.0.1:{nodes[0].port}"
        async with instance(url) as one, instance(url) as two:
            await together(one, two)
            one.send().attempt.settle(THROTTLED, one.now())
            await until(lambda: two.turn() == "b/m")


async def test_an_old_denial_is_no_news(server: Process) -> None:
    async with instance(server.url, fleet="old") as one:
        word = Word("gone", "a", News.DENIED, 80_000.0, digest(FACTS["a"].identity))
        told = encode(word)
        await together(one)
        one.fleet._heed(told, 901.0)
        assert one.turn() == "a/m"
        one.fleet._heed(told, 899.0)
        assert one.turn() == "b/m"


async def test_what_recovered_is_back_at_all_siblings_within_a_second(server: Process) -> None:
    async with AsyncExitStack() as stack:
        one, two, three = [
            await stack.enter_async_context(instance(server.url, fleet="well")) for _ in range(3)
        ]
        await together(one, two, three)
        for each in (one, two, three):
            each.eject()
        one.probe()
        await until(lambda: all(each.turn() == "a/m" for each in (two, three)), within=1.0)


async def test_a_siblings_ejection_ejects_nobody(server: Process) -> None:
    async with instance(server.url, fleet="sick") as one, instance(server.url, fleet="sick") as two:
        await together(one, two)
        one.eject()
        await until(lambda: two.fleet.counts["heeded"] == 1)
        assert (one.turn(), two.turn()) == ("b/m", "a/m")
        for _ in range(3):  # but three failures are enough now
            two.send().attempt.settle(Report(Outcome.FAILED, Phase.HEAD), two.now())
        assert two.turn() == "b/m"


async def test_an_instance_that_means_another_place_by_a_name_is_not_believed(
    server: Process,
) -> None:
    other = {**FACTS, "a/m": Facts(identity="https://elsewhere m")}
    async with (
        instance(server.url, fleet="drift", revision="r2", facts=other) as one,
        instance(server.url, fleet="drift") as two,
    ):
        await together(one, two)
        one.send().attempt.settle(THROTTLED, one.now())
        await until(lambda: two.fleet.counts["foreign"] == 1)
        assert two.turn() == "a/m"
        # The account is the same for both.
        two.send().attempt.settle(
            Report(Outcome.THROTTLED, Phase.HEAD, Scope.PROVIDER, rest=20.0), two.now()
        )
        await until(lambda: one.fleet.counts["heeded"] == 1)


async def test_what_is_malformed_is_counted_and_dropped(server: Process) -> None:
    async with instance(server.url, fleet="bad") as one:
        await together(one)
        for words in ("", "x", "\x95\xa3two"):
            server.say("XADD", "{pm:bad}:news", "*", "w", words)
        server.say("XADD", "{pm:bad}:news", "*", "a", "b", "c", "d")
        server.say("HSET", "{pm:bad}:said", "two", "{")
        now = server.say("TIME")
        server.say("ZADD", "{pm:bad}:instances", int(now[0]) * 1000, "two")
        await until(lambda: one.fleet.counts["malformed"] >= 5)
        assert len(one.fleet.seen) == 2  # it is there, whatever it says
        assert one.turn() == "a/m"


async def test_who_comes_later_hears_of_the_rests_that_still_hold(server: Process) -> None:
    async with instance(server.url, fleet="late") as one:
        await together(one)
        one.send().attempt.settle(THROTTLED, one.now())
        await until(lambda: one.fleet.counts["told"] == 1)
        await asyncio.sleep(0.2)
        async with instance(server.url, fleet="late") as two:
            await until(lambda: two.turn() == "b/m")
            ends = [each.engine.snapshot(each.now())["a/m"].until for each in (one, two)]
            assert ends[1] - ends[0] == pytest.approx(0.0, abs=0.1)


async def test_a_killed_server_leaves_what_was_known_and_one_restarted_is_told_again(
    tmp_path: Path,
) -> None:
    with process(tmp_path) as server:
        async with (
            instance(server.url, since=1.0) as one,
            instance(server.url, since=2.0) as two,
        ):
            await together(one, two)
            assert [each.fleet.part("a/m", 1000) for each in (one, two)] == [450, 450]
            server.kill()
            await until(lambda: not (one.fleet.answers or two.fleet.answers))
            one.send().attempt.settle(THROTTLED, one.now())
            await asyncio.sleep(0.1)
            assert two.turn() == "a/m"
            assert [each.fleet.part("a/m", 1000) for each in (one, two)] == [450, 450]
            server.start()
            seen = [set[int](), set[int]()]

            def back() -> bool:
                for each, numbers in zip((one, two), seen, strict=True):
                    numbers.add(len(each.fleet.seen))
                return one.fleet.answers and two.fleet.answers and two.turn() == "b/m"

            await until(back)
            assert seen == [{2}, {2}]  # nobody thought it was alone


async def test_a_silent_server_is_noticed_and_heard_again(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        async with instance(server.url) as one, instance(server.url) as two:
            await together(one, two)
            server.stop()
            try:
                await until(lambda: not (one.fleet.answers or two.fleet.answers))
                one.send().attempt.settle(THROTTLED, one.now())
                await asyncio.sleep(0.1)
            finally:
                server.go_on()
            await until(lambda: two.turn() == "b/m")


async def test_who_comes_and_goes_is_told(server: Process) -> None:
    counts: list[int] = []
    async with instance(server.url, fleet="come") as one:
        one.fleet.changed = lambda: counts.append(len(one.fleet.seen))
        await together(one)
        async with instance(server.url, fleet="come") as two:
            await together(one, two)
            one.fleet._back -= 60.0
        await until(lambda: counts == [1, 2, 1])


async def test_parts_go_by_what_each_used_last(server: Process) -> None:
    async with (
        instance(server.url, fleet="parts", since=1.0) as one,
        instance(server.url, fleet="parts", since=2.0) as two,
    ):
        await together(one, two)
        for each, count in ((one, 30), (two, 10)):
            for _ in range(count):
                each.send().attempt.settle(Report(Outcome.OK), each.now())

        def parts() -> list[int]:
            return [each.fleet.part("a/m", 1000) for each in (one, two)]

        await until(lambda: parts() == [647, 253])
        assert [each.fleet.part("b/m", 1000) for each in (one, two)] == [450, 450]
        one.engine.confine(one.fleet.part, one.now())
        assert one.engine.snapshot(one.now())["a/m"].requests_left == 647 - 30


def alone(fleet: Fleet) -> int:
    return fleet.part("a/m", 1000)


async def test_who_never_met_anybody_goes_by_nine_tenths(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.kill()
        async with instance(server.url) as one:
            await asyncio.sleep(0.05)
            assert alone(one.fleet) == 900
            assert one.fleet.instances == []


async def test_what_the_server_refuses_is_logged_once(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        server.say("ACL", "SETUSER", "poor", "on", ">secret", "~*", "+@all", "-xread", "-eval")
        url = server.url.replace("redis://", "redis://poor:secret@")
        async with instance(url) as one:
            await until(lambda: len(one.events) >= 2)
            await asyncio.sleep(0.3)
            assert sorted(one.events) == [
                "this instance does not hear what others notice:",
                "this instance is not known to others:",
            ]


async def test_drift_is_an_event_of_the_log(server: Process) -> None:
    async with (
        instance(server.url, fleet="two") as one,
        instance(server.url, fleet="two", revision="r2") as two,
    ):
        await together(one, two)
        assert one.fleet.revisions == {"r1", "r2"}
        one.fleet.drift.since = one.now() - 61.0
        await until(lambda: bool(one.events))
        two.fleet.runs(two.engine, "r1", FACTS)
        await until(lambda: len(one.events) == 2)
        assert [event.partition(" of the")[0] for event in one.events] == [
            "instances run different revisions",
            "all instances run one revision",
        ]


async def test_nothing_is_kept_for_ever(server: Process) -> None:
    async with instance(server.url, fleet="tidy") as one:
        await together(one)
        one.fleet.notice("a/m", News.RESTING, one.now() + 10.0)
        await until(lambda: one.fleet.counts["told"] == 1)
        await until(lambda: all(0 < server.say("PTTL", key) <= 900_000 for key in one.fleet._keys))

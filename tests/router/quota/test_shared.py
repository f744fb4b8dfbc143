"""Shared limits over a real server, and over one that is slow."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from policies import Limits, Rate
from router.quota.bounds import Answered, Bound, Needs, Settled, bounds_of, given_back
from router.quota.shared import Shared
from router.redis.down import Down, Refused
from tests.router.quota.joined import Deaf, Slow, joined, reserved, started
from tests.router.quota.servers import server


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


def requests(name: str, most: int, seconds: float = 60.0) -> tuple[Bound, ...]:
    return bounds_of("test", name, Limits(requests=(Rate(most, seconds),)))


def needs(bounds: tuple[Bound, ...], tokens: int = 1) -> Needs:
    return tuple((bound, tokens if bound.what == "tokens" else 1) for bound in bounds)


async def taken(shared: Shared, *alternatives: Needs) -> Answered:
    answer = await reserved(shared, *alternatives)
    assert answer is not None
    return answer


async def test_instances_share_one_limit_exactly(url: str) -> None:
    wanted = needs(requests("one/m", 10))
    async with joined(url) as one, joined(url) as other:
        asked = [reserved(each, wanted) for _ in range(10) for each in (one, other)]
        told = [answer for answer in await asyncio.gather(*asked) if answer is not None]
    assert [answer.taken for answer in told].count(0) == 10
    assert sorted({answer.left[0] for answer in told if answer.taken == 0}) == list(range(10))
    waits = [answer.waits[0][0] for answer in told if answer.taken is None]
    assert len(waits) == 10
    assert all(wait is not None and 59 < wait <= 61 for wait in waits)


async def test_the_second_is_taken_where_the_first_is_full_and_none_of_the_first_stays(
    url: str,
) -> None:
    first = bounds_of("test", "first", Limits((Rate(100, 60.0),), (Rate(10, 60.0),)))
    second = requests("second", 5)
    async with joined(url) as one:
        assert (await taken(one, needs(first, 10))).taken == 0
        told = await taken(one, needs(first, 10), needs(second, 10))
        assert (told.taken, told.left) == (1, (4,))
        assert told.waits[0][0] == 0.0
        assert (told.waits[0][1] or 0) > 59
        # Of the first nothing was counted: 99 requests are left, of no tokens.
        for _ in range(99):
            assert (await taken(one, needs(first[:1]))).taken == 0
        assert (await taken(one, needs(first[:1]))).taken is None


async def test_what_was_not_used_is_there_for_the_next(url: str) -> None:
    (bound,) = bounds_of("test", "settled", Limits(tokens=(Rate(100, 60.0),)))
    async with joined(url) as one:
        told = await taken(one, ((bound, 100),))
        assert (await taken(one, ((bound, 40),))).taken is None
        one.settle([Settled(bound, -40, told.at)])
        assert (await taken(one, ((bound, 40),))).taken == 0
        assert (await taken(one, ((bound, 1),))).taken is None


async def test_what_was_used_beyond_it_is_a_debt(url: str) -> None:
    (bound,) = bounds_of("test", "debt", Limits(tokens=(Rate(100, 60.0),)))
    async with joined(url) as one:
        told = await taken(one, ((bound, 10),))
        one.settle([Settled(bound, 190, told.at)])
        answer = await taken(one, ((bound, 1),))
        assert (answer.taken, answer.left) == (None, (-100,))


async def test_a_refund_gives_the_request_back(url: str) -> None:
    wanted = needs(requests("refund", 1))
    async with joined(url) as one:
        told = await taken(one, wanted)
        one.settle(given_back(wanted, told.at))
        assert (await taken(one, wanted)).taken == 0


async def test_places_are_given_back(url: str) -> None:
    wanted = needs(bounds_of("test", "places", Limits(concurrent=2)))
    async with joined(url) as one, joined(url) as other:
        first = await taken(one, wanted)
        assert (await taken(other, wanted)).taken == 0
        full = await taken(one, wanted)
        assert (full.taken, full.waits, full.left) == (None, ((None,),), (0,))
        one.settle(given_back(wanted, first.at))
        assert (await taken(one, wanted)).taken == 0


async def test_the_places_of_an_instance_that_died_are_free_after_its_lease(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.quota.bounds.LEASE_SECONDS", 0.2)
    wanted = needs(bounds_of("test", "died", Limits(concurrent=1)))
    async with joined(url) as other:
        async with joined(url) as one:
            assert (await taken(one, wanted)).taken == 0
            assert (await taken(other, wanted)).taken is None
        await asyncio.sleep(0.25)
        assert (await taken(other, wanted)).taken == 0


async def test_a_place_that_is_held_for_long_stays_held(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.quota.bounds.LEASE_SECONDS", 0.2)
    monkeypatch.setattr("router.quota.shared.LEASE_SECONDS", 0.2)
    wanted = needs(bounds_of("test", "long", Limits(concurrent=1)))
    async with joined(url) as one, joined(url) as other:
        assert (await taken(one, wanted)).taken == 0
        for _ in range(3):
            await asyncio.sleep(0.15)
            assert (await taken(other, wanted)).taken is None


async def test_who_leaves_while_waiting_holds_nothing(url: str) -> None:
    wanted = needs(requests("left", 1))
    async with joined(url) as one:
        one.reserve((wanted,), lambda: None).left = True
        await asyncio.sleep(0)
        for _ in range(50):
            if (await taken(one, wanted)).taken == 0:
                return
            await asyncio.sleep(0.002)
    raise AssertionError("what it had reserved never came back")


async def test_one_batch_is_under_way_and_what_comes_meanwhile_goes_in_the_next() -> None:
    slow = Slow()
    async with started(slow) as one:
        wanted = needs(requests("m", 10))
        first = [asyncio.ensure_future(reserved(one, wanted)) for _ in range(5)]
        await asyncio.sleep(0.0005)
        later = [asyncio.ensure_future(reserved(one, wanted)) for _ in range(7)]
        await asyncio.gather(*first, *later)
        assert len(slow.batches) == 2


async def test_a_server_that_is_away_is_asked_by_nobody_who_waits() -> None:
    slow, deaf = Slow(), Deaf()
    async with started(slow, deaf) as one:
        wanted = needs(requests("m", 10))
        slow.down = True
        answers = await asyncio.gather(*[reserved(one, wanted) for _ in range(5)])
        assert answers == [None] * 5
        for _ in range(100):
            assert await reserved(one, wanted) is None
        assert (len(slow.batches), deaf.told) == (1, ["back", "away"])


async def test_one_that_is_back_is_told_what_was_sent_and_settled_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.quota.shared.LOOK_AGAIN", 0.01)
    (bound,) = requests("m", 10)
    slow, deaf = Slow(), Deaf()
    async with started(slow, deaf) as one:
        await lost(one, slow, bound)
        at = one.owe(((bound, 3),))
        one.settle([Settled(bound, -1, 7), Settled(bound, -1, at)])
        slow.down = False
        await back(one)
        known, (_, units, ago) = slow.settled[-1]
        assert (known, units) == ([1, -1, 7], 2)
        assert -2_000_000 < ago <= 0


async def test_one_that_forgot_everything_is_told_no_corrections_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.quota.shared.LOOK_AGAIN", 0.01)
    (bound,) = requests("m", 10)
    slow, deaf = Slow(), Deaf()
    async with started(slow, deaf) as one:
        deaf.owed = [Settled(bound, 3, -1)]
        await lost(one, slow, bound)
        one.settle([Settled(bound, -1, 7)])
        one.owe(((bound, 1),))
        slow.down, slow.epoch = False, "second"
        await back(one)
        assert [units for _, units, _ in slow.settled[-1]] == [3]
        assert deaf.told == ["back", "away", "forgot"]


async def test_one_that_is_lost_while_nobody_asks_is_away_and_may_come_back_with_nothing_in_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.quota.shared.LOOK_AGAIN", 0.01)
    (bound,) = requests("m", 10)
    slow, deaf = Slow(), Deaf([Settled(bound, 7, -1)])
    async with started(slow, deaf) as one:
        slow.epoch = "second"
        slow.lose(Down("it closed the connection"))
        slow.lose(Down("it closed the connection"))
        assert not one.up
        await back(one)
        assert deaf.told == ["back", "away", "forgot"]
        assert [units for _, units, _ in slow.settled[-1]] == [7]


async def test_a_connection_is_never_idle_and_who_hangs_is_noticed_before_anybody_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.quota.shared.LEASE_SECONDS", 0.03)
    slow, deaf = Slow(), Deaf()
    async with started(slow, deaf) as one:
        await asyncio.sleep(0.1)
        assert len(slow.batches) > 2
        assert (one.work.reservations, deaf.told) == (0, ["back"])
        slow.down = True
        await asyncio.sleep(0.1)
        assert deaf.told == ["back", "away"]


async def test_what_time_does_not_heal_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.quota.shared.LOOK_AGAIN", 0.01)
    slow, deaf = Slow(), Deaf()
    async with started(slow, deaf) as one:
        await lost(one, slow, *requests("m", 10))
        await asyncio.sleep(0.1)
        assert deaf.told == ["back", "away"]
        slow.gone = Refused("another password")
        await asyncio.sleep(0.1)
        assert set(deaf.told[2:]) == {"lasting"}


async def lost(one: Shared, slow: Slow, bound: Bound) -> None:
    slow.down = True
    assert await reserved(one, ((bound, 1),)) is None


async def back(one: Shared) -> None:
    for _ in range(200):
        await asyncio.sleep(0.01)
        if one.up:
            break
    await asyncio.sleep(0.01)


async def test_an_answer_that_is_none_leaves_nobody_waiting() -> None:
    for said in (b"\xc1", b"", msgspec.msgpack.encode((5, [])), 7):
        slow, deaf = Slow(), Deaf()
        slow.says = said
        async with started(slow, deaf) as one:
            assert await asyncio.wait_for(reserved(one, needs(requests("m", 10))), 1.0) is None
            assert deaf.told == ["back", "away"]


async def test_what_nobody_foresaw_leaves_nobody_waiting() -> None:
    (bound,) = requests("m", 10)
    async with started(Slow()) as one:
        too_much = reserved(one, ((bound, 1 << 70),))
        beside = reserved(one, ((bound, 1),))
        answers = await asyncio.wait_for(asyncio.gather(too_much, beside), 1.0)
        assert list(answers) == [None, None]
        assert one._pump is not None
        assert isinstance(one._pump.exception(), OverflowError)


async def test_a_limit_that_is_changed_goes_on_with_what_was_counted(url: str) -> None:
    (before,) = bounds_of("test", "changed", Limits(tokens=(Rate(100, 60.0),)))
    (after,) = bounds_of("test", "changed", Limits(tokens=(Rate(200, 60.0),)))
    async with joined(url) as one:
        told = await taken(one, ((before, 80),))
        one.settle([Settled(before, -30, told.at)])  # in one batch with what is wanted then
        assert (await taken(one, ((after, 100),))).left == (50,)
        assert (await taken(one, ((after, 10),))).left == (40,)


async def test_one_that_is_back_is_told_a_little_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.quota.shared.LOOK_AGAIN", 0.01)
    slow, deaf = Slow(), Deaf()
    async with started(slow, deaf) as one:
        await lost(one, slow, requests("m", 10)[0])
        for number in range(1000):
            one.owe(needs(requests(f"user {number}", 10)))
        slow.down = False
        await back(one)
        for _ in range(100):
            if sum(map(len, slow.settled)) == 1000:
                break
            await asyncio.sleep(0.01)
        assert sum(map(len, slow.settled)) == 1000
        assert max(map(len, slow.settled)) <= 256


async def test_places_that_were_given_back_are_kept_nowhere(url: str) -> None:
    async with joined(url) as one:
        for number in range(20):
            wanted = needs(bounds_of("test", f"user {number}", Limits(concurrent=1)))
            told = await taken(one, wanted)
            one.settle(given_back(wanted, told.at))
        await taken(one, needs(requests("other", 10)))
        assert not one._places

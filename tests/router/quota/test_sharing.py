"""Courses of two instances that share limits on one server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random
from secrets import token_hex

import pytest

from policies import (
    Attempt,
    Cause,
    Charge,
    Counting,
    Course,
    Engine,
    Facts,
    Fail,
    LeastLatency,
    Limits,
    Outcome,
    Phase,
    Rate,
    Report,
    Request,
    Route,
    Send,
    Stop,
    Target,
    Wait,
)  # fmt: skip
from policies.engine.limits.counting import AS_WRITTEN
from router.bell import Bell
from router.quota.bounds import Bound, bounds_of
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide, Sharing, asked_for
from router.tenants.allowances import Allowances, TenantLimits
from tests.router.quota.joined import Away, Deaf, Slow, joined, reserved
from tests.router.quota.servers import server

GOOD = Report(Outcome.OK, input_tokens=3, output_tokens=2)
UNSENT = Report(Outcome.FAILED, Phase.CONNECT)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


class Instance:
    """One router's engine and its share of the fleet."""

    def __init__(
        self,
        shared: Shared,
        bounds: dict[str, tuple[Bound, ...]],
        counting: Counting = AS_WRITTEN,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        route = Route([Target(name) for name in bounds], LeastLatency())
        facts = {name: Facts(counting=counting) for name in bounds}
        self.engine = Engine({"m": route}, rng=Random(1), now=self.loop.time(), facts=facts)
        self.shared = shared
        self.bounds = bounds
        self.bells: list[Bell] = []

    async def ask(self, report: Report = GOOD, tokens: int = 5, most: int = 0) -> str | Fail | None:
        """Who was asked; None: the request would have had to wait."""
        bell = Bell(self.loop)
        request = Request("m", self.loop.time() + 5, tokens, most)
        course = self.engine.start(request, self.loop.time(), bell.wake)
        sharing = Sharing(course, Fleetwide("t", self.shared, self.bounds, {}, {}), bell)
        try:
            while True:
                action = sharing.next(self.loop.time())
                if isinstance(action, Send):
                    return self._settle(action.attempt, report)
                if isinstance(action, Fail):
                    return action
                assert isinstance(action, Wait)
                if sharing._asked is None:
                    return None
                await bell.wait(action.until)
        finally:
            sharing.close(self.loop.time())
            bell.close()

    def begins(self, seconds: float) -> tuple[Sharing, float]:
        """A request with so much time, and when it began."""
        now = self.loop.time()
        course = self.engine.start(Request("m", now + seconds, 5, 0), now)
        bell = Bell(self.loop)
        self.bells.append(bell)
        return Sharing(course, Fleetwide("t", self.shared, self.bounds, {}, {}), bell), now

    def _settle(self, attempt: Attempt, report: Report) -> str:
        attempt.sent(self.loop.time())
        attempt.settle(report, self.loop.time())
        return attempt.target


@asynccontextmanager
async def fleet(url: str, **limits: Limits) -> AsyncIterator[tuple[Instance, Instance]]:
    fleet = token_hex(4)
    bounds = {f"{name}/m": bounds_of(fleet, f"{name}/m", limit) for name, limit in limits.items()}
    async with joined(url, fleet) as one, joined(url, fleet) as other:
        yield Instance(one, bounds), Instance(other, bounds)


async def test_two_instances_send_no_more_than_one_limit_allows(url: str) -> None:
    async with fleet(url, a=Limits(requests=(Rate(7, 60.0),))) as (one, other):
        told = [await each.ask() for _ in range(6) for each in (one, other)]
    assert told.count("a/m") == 7
    assert all(answer is None or isinstance(answer, Fail) for answer in told if answer != "a/m")


async def test_the_runner_up_is_sent_to_where_the_first_is_full(url: str) -> None:
    few, many = Limits(requests=(Rate(2, 60.0),)), Limits(requests=(Rate(50, 60.0),))
    async with fleet(url, a=few, b=many) as (one, other):
        told = [await each.ask() for _ in range(10) for each in (one, other)]
    assert told.count("a/m") == 2
    assert told.count("b/m") == 18


async def test_what_never_reached_a_provider_is_given_back(url: str) -> None:
    async with fleet(url, a=Limits(requests=(Rate(2, 60.0),))) as (one, other):
        assert await one.ask(UNSENT) == "a/m"
        assert [await other.ask(), await one.ask()] == ["a/m", "a/m"]
        assert await other.ask() != "a/m"


async def test_a_place_is_free_again_for_the_other(url: str) -> None:
    async with fleet(url, a=Limits(concurrent=1)) as (one, other):
        for _ in range(3):
            assert await one.ask() == "a/m"
            assert await other.ask() == "a/m"


async def test_tokens_are_settled_to_what_was_used(url: str) -> None:
    async with fleet(url, a=Limits(tokens=(Rate(100, 60.0),))) as (one, other):
        told = [await each.ask(GOOD, tokens=50) for _ in range(5) for each in (one, other)]
    assert told.count("a/m") == 10  # of 50 reserved each used 5


@pytest.mark.parametrize(
    ("counting", "limits", "sent"),
    [
        (AS_WRITTEN, Limits(tokens=(Rate(100, 60.0),)), 9),  # 5 each stay, 60 are reserved
        (Counting(Charge.WHOLE), Limits(tokens=(Rate(100, 60.0),)), 1),
        (Counting(Charge.LARGER), Limits(tokens=(Rate(100, 60.0),)), 2),
        (Counting(Charge.NOTHING), Limits(tokens=(Rate(24, 60.0),)), 5),
        (Counting(cached=False), Limits(input=(Rate(12, 60.0),)), 3),  # of 3 read, 2 were cached
        (AS_WRITTEN, Limits(output=(Rate(54, 60.0),)), 3),
    ],
)
async def test_the_fleet_counts_as_the_provider_does(
    url: str, counting: Counting, limits: Limits, sent: int
) -> None:
    report = GOOD._replace(cached_tokens=2)
    fleet = f"{id(limits)}"
    bounds = {"a/m": bounds_of(fleet, "a/m", limits)}
    async with joined(url, fleet) as one, joined(url, fleet) as other:
        instances = [Instance(shared, bounds, counting) for shared in (one, other)]
        told = [await each.ask(report, 10, 50) for _ in range(8) for each in instances]
    assert told.count("a/m") == sent


async def test_a_day_that_ends_at_midnight_binds_the_fleet_until_then(url: str) -> None:
    now = time.time()
    limits = Limits(requests=(Rate(3, 86_400.0, resets=100.0),))
    bounds = {"a/m": bounds_of("day", "a/m", limits, ahead=now + 3600 - 100)}
    async with joined(url, "day") as one, joined(url, "day") as other:
        needs = tuple((bound, 1) for bound in bounds["a/m"])
        told = [await reserved(each, needs) for _ in range(3) for each in (one, other)]
    assert [answer.taken for answer in told if answer is not None] == [0, 0, 0, None, None, None]
    (wait,) = told[-1].waits[0] if told[-1] is not None else ()
    assert wait is not None
    assert 3500 < wait <= 3601


async def test_without_the_server_each_goes_by_its_own_limits() -> None:
    shared = Shared(Away(), "me", Deaf())
    await shared.start()
    bounds = {"a/m": bounds_of("t", "a/m", Limits(requests=(Rate(1, 60.0),)))}
    instance = Instance(shared, bounds)
    assert [await instance.ask() for _ in range(3)] == ["a/m"] * 3
    await shared.close()


async def test_one_that_is_too_large_for_what_is_left_leaves_it_to_smaller_ones(url: str) -> None:
    used = GOOD._replace(input_tokens=50)
    async with fleet(url, a=Limits(tokens=(Rate(100, 60.0),))) as (one, other):
        assert await one.ask(used, tokens=50) == "a/m"
        assert await other.ask(tokens=80) != "a/m"
        await asyncio.sleep(0.06)
        assert await other.ask(tokens=20) == "a/m"


async def test_nobody_waits_for_the_server_beyond_its_deadline() -> None:
    slow = Slow()
    async with slowly(slow) as instance:
        sharing, begun = instance.begins(seconds=0.01)
        assert isinstance(sharing.next(begun), Wait)
        slow.takes = 0.05
        await asyncio.sleep(0.01)
        action = sharing.next(begun + 0.01)
        assert isinstance(action, Fail)
        assert action.cause is Cause.DEADLINE
        assert instance.engine.in_flight == 0
        await asyncio.sleep(0.1)
        sharing.close(begun + 0.1)
        await asyncio.sleep(0.1)
        assert slow.settled[-1] == [[1, -1, 5]]  # what was had too late is given back


class Late:
    """A course whose first attempt is late: a second is to be sent beside it."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.go_on, self.climb, self.close = course.go_on, course.climb, course.close

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        course = self.course
        if len(course.opened) != 1 or course.opened[0].first is not None:
            return course.next(now)
        others = [one for one in course.pool.members if one.name != course.opened[0].target]
        return course.send_beside(others, now)


async def test_nobody_is_asked_beside_one_that_has_begun_to_answer_meanwhile() -> None:
    slow = Slow()
    async with slowly(slow) as instance:
        now = instance.loop.time()
        course = instance.engine.start(Request("m", now + 5, 5, 0, stream=True), now)
        instance.bells.append(bell := Bell(instance.loop))
        fleet = Fleetwide("t", instance.shared, instance.bounds, {}, {})
        sharing = Sharing(Late(course), fleet, bell)
        assert isinstance(sharing.next(now), Wait)
        await asyncio.sleep(0.02)
        first = sharing.next(now)
        assert isinstance(first, Send)
        first.attempt.sent(now)
        assert isinstance(sharing.next(now), Wait)  # for the second
        assert instance.engine.in_flight == 2
        await asyncio.sleep(0.02)
        first.attempt.first_token(now)
        assert isinstance(sharing.next(now), Wait)  # for the rest of the first
        assert instance.engine.in_flight == 1
        await asyncio.sleep(0.02)
        assert [units for _, units, _ in slow.settled[-1]] == [-1]
        sharing.close(now)


async def test_a_question_that_was_let_through_unasked_is_told_of_later() -> None:
    shared = Shared(Away(), "me", Deaf())
    await shared.start()
    allowances = Allowances("team", TenantLimits(Limits((Rate(9, 60.0),), concurrent=3)), "t")
    bell = Bell(asyncio.get_running_loop())
    question = allowances.admit_question(0.0)
    assert question is not None
    await asked_for(question, shared, bell, lambda: 0.0)
    assert [(bound.what, units) for (bound, _), units in shared._owed.items()] == [("requests", 1)]
    question.sent = True
    shared.settle(question.settled())
    assert list(shared._owed.values()) == [1]
    assert not shared._places
    bell.close()
    await shared.close()


@asynccontextmanager
async def slowly(slow: Slow) -> AsyncIterator[Instance]:
    shared = Shared(slow, "me", Deaf())
    await shared.start()
    bounds = {
        f"{name}/m": bounds_of("t", f"{name}/m", Limits((Rate(9, 60.0),))) for name in ("a", "b")
    }
    instance = Instance(shared, bounds)
    yield instance
    for bell in instance.bells:
        bell.close()
    await shared.close()


async def test_a_course_that_climbs_has_what_it_sends_then_allowed_as_well(url: str) -> None:
    async with fleet(url, a=Limits(requests=(Rate(2, 60.0),))) as (one, other):
        sharing, now = one.begins(5.0)
        for climbs in (True, False):
            assert isinstance(sharing.next(now), Wait)
            await one.bells[0].wait(now + 1)
            send = sharing.next(now)
            assert isinstance(send, Send)
            assert one._settle(send.attempt, GOOD) == "a/m"
            if climbs:
                sharing.climb(0, now)
        sharing.close(now)
        one.bells[0].close()
        assert isinstance(await other.ask(), Fail)  # both were counted

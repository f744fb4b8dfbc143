"""The engine and several courses under everything that a world can do to them."""

from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from policies import (
    Band,
    Facts,
    Fail,
    LeastLatency,
    Limits,
    Measurement,
    News,
    Outcome,
    Phase,
    Priority,
    Rate,
    Report,
    Request,
    Retry,
    Route,
    Scope,
    Send,
    SettledTwice,
    Stop,
    Target,
    Wait,
    WeightedRoundRobin,
)
from policies.engine.deciding.eligibility import refuse, those_able
from policies.engine.learning.breaker import State
from tests.policies.crowd import Caller, Crowd
from tests.policies.driver import ANSWERED, World
from tests.policies.metered import MEASUREMENTS

NAMES = ("p/a", "p/b", "q/c", "q/d")
SOME = st.sampled_from(NAMES)
ATTEMPTS = 4
FACTS = {
    "p/a": Facts(Limits([Rate(4, 6.0)], [Rate(2000, 6.0)], 2)),
    "p/b": Facts(Limits(concurrent=1), context=500),
    "q": Facts(Limits([Rate(20, 60.0)], [], 2)),
}
POLICIES = (WeightedRoundRobin(), LeastLatency(), Priority(), Priority(WeightedRoundRobin()))


def route(weights: list[int], tiers: list[int], policy: int) -> Route:
    return Route(
        [
            Target(name, weight, tier)
            for name, weight, tier in zip(NAMES, weights, tiers, strict=True)
        ],
        POLICIES[policy],
        Retry(ATTEMPTS),
    )


ROUTES = st.builds(
    route,
    st.lists(st.integers(0, 3), min_size=4, max_size=4),
    st.lists(st.integers(0, 2), min_size=4, max_size=4),
    st.integers(0, len(POLICIES) - 1),
)
REPORTS = st.builds(
    Report,
    st.sampled_from(list(Outcome)),
    st.sampled_from(list(Phase)),
    st.sampled_from(list(Scope)),
    st.none() | st.floats(-1, 100),
    st.booleans(),
    st.none() | st.integers(0, 3000),
    st.none() | st.integers(0, 3000),
)


class Strict(Caller):
    """A caller that knows what must never be done to it."""

    def __init__(self, world: World, request: Request, rung: list[Caller]) -> None:
        super().__init__(world, request, rung)
        self.failed: list[str] = []
        self.sends = 0
        self.content = False

    def look(self) -> Send | Stop | Wait | Fail:
        idle = self.send is None
        free = self.able if idle else set()
        tiers = {member.name: member.tier for member in self.course.pool.members}
        action = super().look()
        if isinstance(action, Send):
            self.sends += 1
            assert idle
            assert self._world.now < self.course.request.deadline
            assert self.sends <= ATTEMPTS
            assert not self.content
            if action.target in self.failed:
                fresh = {name for name in free if name not in self.failed}
                assert tiers[action.target] not in {tiers[name] for name in fresh}
        if isinstance(action, Fail):
            assert action.retry_at is None or action.retry_at >= self._world.now
        return action

    def settle(self, report: Report = ANSWERED) -> None:
        assert self.send is not None
        self.failed.append(self.send.attempt.target)
        seen = self.send.attempt.first is not None and not report.withheld
        self.content = seen and self.course.request.stream
        super().settle(report)

    def give_back(self, until: float | None) -> None:
        assert self.send is not None
        send, self.send, self.action = self.send, None, None
        self.sends -= 1
        send.attempt.give_back(self._world.now, until)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.crowd = Crowd(World())
        self.ended: list[Send] = []

    @initialize(route=ROUTES, seed=st.integers(0, 9))
    def begin(self, route: Route, seed: int) -> None:
        self.crowd = Crowd(World(seed=seed))
        self.world.engine.replace({"m": route}, FACTS, self.world.now)

    @property
    def callers(self) -> list[Strict]:
        return [caller for caller in self.crowd.callers if isinstance(caller, Strict)]

    @property
    def world(self) -> World:
        return self.crowd.world

    @property
    def open(self) -> list[Strict]:
        return [caller for caller in self.callers if caller.send is not None]

    @rule(
        only=st.none() | st.frozensets(SOME, max_size=3),
        tokens=st.integers(0, 1000),
        most=st.none() | st.integers(0, 1000),
        stream=st.booleans(),
        within=st.floats(0, 40),
        band=st.sampled_from(Band),
        tenant=st.sampled_from(["", "a", "b"]),
    )
    def come(
        self,
        only: frozenset[str] | None,
        tokens: int,
        most: int | None,
        stream: bool,
        within: float,
        band: Band,
        tenant: str,
    ) -> None:
        request = self.world.request(
            only=only, input_tokens=tokens, output_tokens=most, stream=stream, within=within
        )._replace(band=band, tenant=tenant)
        caller = Strict(self.world, request, self.crowd.rung)
        self.crowd.callers.append(caller)
        caller.look()

    @rule(seconds=st.floats(0, 5) | st.floats(5, 200))
    def sleep(self, seconds: float) -> None:
        self.crowd.sleep(seconds)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 50))
    def content(self, which: int) -> None:
        send = self.open[which % len(self.open)].send
        assert send is not None
        send.attempt.sent(self.world.now)
        send.attempt.first_token(self.world.now)

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 50), report=REPORTS)
    def settle(self, which: int, report: Report) -> None:
        caller = self.open[which % len(self.open)]
        assert caller.send is not None
        self.ended.append(caller.send)
        caller.settle(report)
        caller.look()

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 50), rest=st.none() | st.floats(0.1, 20))
    def give_back(self, which: int, rest: float | None) -> None:
        caller = self.open[which % len(self.open)]
        assert caller.send is not None
        self.ended.append(caller.send)
        caller.give_back(None if rest is None else self.world.now + rest)
        caller.look()

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 50))
    def switch(self, which: int) -> None:
        caller = self.open[which % len(self.open)]
        assert caller.send is not None
        attempt = caller.send.attempt
        second = attempt.runner_up
        assert second != attempt.target
        # Whoever says that there is a place knows of one.
        if second is not None and second not in caller.course.refusals(self.world.now):
            attempt.switch(self.world.now)
            assert attempt.target == second

    @precondition(lambda self: self.crowd.callers)
    @rule(which=st.integers(0, 50))
    def leave(self, which: int) -> None:
        caller = self.crowd.callers.pop(which % len(self.crowd.callers))
        if caller.send is not None:
            self.ended.append(caller.send)
        caller.close()

    @precondition(lambda self: self.ended)
    @rule(which=st.integers(0, 50))
    def settle_again(self, which: int) -> None:
        attempt = self.ended[which % len(self.ended)].attempt
        with pytest.raises(SettledTwice):
            attempt.settle(Report(Outcome.OK), self.world.now)

    @rule(route=ROUTES, moved=st.booleans())
    def reload(self, route: Route, moved: bool) -> None:
        facts = dict(FACTS)
        if moved:
            facts["p/b"] = replace(facts["p/b"], identity=f"moved at {self.world.now}")
        self.world.engine.replace({"m": route}, facts, self.world.now)

    @rule(name=SOME, news=st.sampled_from(list(News)))
    def advise(self, name: str, news: News) -> None:
        self.world.engine.advise(name, news, self.world.now)

    @rule(name=SOME, said=MEASUREMENTS, ago=st.floats(0, 5))
    def observe(self, name: str, said: Measurement, ago: float) -> None:
        before = self.world.engine.snapshot(self.world.now)[name]
        self.world.engine.observe(name, said, self.world.now - ago, self.world.now)
        after = self.world.engine.snapshot(self.world.now)[name]
        assert after.nonsense >= before.nonsense
        for level in after.said:
            assert level.limit is None or level.left <= level.limit or level.left == float("inf")

    @rule(only=st.none() | st.frozensets(SOME, max_size=2), tokens=st.integers(0, 3000))
    def explain(self, only: frozenset[str] | None, tokens: int) -> None:
        before = self.world.engine.snapshot(self.world.now)
        request = self.world.request(only=only, input_tokens=tokens)
        explained = self.world.engine.explain(request, self.world.now)
        assert self.world.engine.snapshot(self.world.now) == before
        able = [target for target in explained.targets if target.refused is None]
        assert sum(target.odds for target in able) == pytest.approx(1.0 if able else 0.0)

    @invariant()
    def what_is_open_is_in_flight(self) -> None:
        engine = self.world.engine
        running = set(engine._standings.values())
        open_ = [caller.send.attempt._member.standing for caller in self.open if caller.send]
        assert engine.in_flight == sum(standing in running for standing in open_)
        for target, shown in engine.snapshot(self.world.now).items():
            assert shown.in_flight >= 0, target
            assert shown.places_left >= 0, target
            assert 0 <= shown.factors.score <= 1, target

    @invariant()
    def who_can_serve_is_seen_at_a_glance(self) -> None:
        now, members = self.world.now, self.world.members
        for tokens in (0, 300, 3000):
            request = self.world.request(input_tokens=tokens, output_tokens=0)
            able = [one for one in members if refuse(one, request, tokens, {}, now) is None]
            seen = those_able(self.world.pool, members, request, tokens, {}, now)
            assert list(seen) == able
            if seen is members:
                assert all(one.standing.breaker.state is State.HEALTHY for one in members)

    @invariant()
    def who_is_clear_is_found_clear(self) -> None:
        for standing in self.world.engine._standings.values():
            if standing.clear:
                standing.look_closer(self.world.now)
                assert standing.clear

    @invariant()
    def who_waits_longest_is_known(self) -> None:
        for standing in self.world.engine._standings.values():
            assert standing.oldest is next(iter(standing.waiting), None)
            for attempt in standing.waiting:
                assert attempt.due == attempt.was_sent + attempt.expected

    @invariant()
    def every_wait_has_an_end_that_is_to_come(self) -> None:
        self.crowd.look()
        for caller in self.crowd.callers:
            if isinstance(caller.action, Wait):
                assert caller.action.until > self.world.now
                assert caller.action.until <= caller.course.request.deadline

    @invariant()
    def nobody_sleeps_beside_a_place_that_is_free(self) -> None:
        self.crowd.look()
        for caller in self.crowd.callers:
            if caller.waits:
                assert not caller.able

    @invariant()
    def no_policy_has_raised(self) -> None:
        assert self.world.errors == []

    def teardown(self) -> None:
        engine = self.world.engine
        self.crowd.close()
        assert engine.in_flight == 0
        assert not engine._crowded
        self.world.now += 200
        for shown in engine.snapshot(self.world.now).values():
            limits = (shown.requests_left, shown.tokens_left, shown.places_left)
            said = [level.left for level in shown.said]
            assert all(left in (1, 2, 4, 20, 2000, float("inf"), *said) for left in limits), limits


Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_everything_at_once = Machine.TestCase

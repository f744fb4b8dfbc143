"""Courses with all of their attempts, under everything that a world and a driver can do to them.

Beside `test_machine`, whose callers hold one attempt each: here a probe has its rescue, a late
first content its hedge, and a silent target is left; in tiers that are left for a cause or after a
while, under limits of targets and of groups.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from policies import (
    Attempt,
    Band,
    Climb,
    CostTiers,
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
    Refusal,
    Refused,
    Report,
    Retry,
    Route,
    Rule,
    Scope,
    Send,
    Stop,
    Target,
    Threshold,
    Wait,
    WeightedRoundRobin,
)
from policies.engine.deciding.rescue import AGAIN
from tests.policies.caller import WHIMS, Caller
from tests.policies.driver import World
from tests.policies.metered import MEASUREMENTS

NAMES = ("p/a", "p/b", "q/c", "q/d", "r/e")
SOME = st.sampled_from(NAMES)
BARRED = Refused(Refusal.RESIDENCY)
FACTS = {
    "p/a": Facts(Limits([Rate(4, 6.0)], [Rate(2000, 6.0)], 2), first_token=3.0),
    "p/b": Facts(Limits(concurrent=1), context=500, first_token=1.5),
    "q": Facts(Limits([Rate(20, 60.0, 2.0)], [], 3)),
    "q/c": Facts(groups=("q", "far"), first_token=60.0),
    "r/e": Facts(groups=("r", "far")),
    "far": Facts(Limits([Rate(30, 60.0)])),
}
POLICIES = (
    WeightedRoundRobin(),
    LeastLatency(),
    Priority(),
    CostTiers((Rule(1, input_tokens=Threshold(">", 500)),)),
)


def route(
    weights: list[int],
    tiers: list[int],
    policy: int,
    attempts: int,
    hedge: bool,
    climb: frozenset[Climb],
    patience: float,
) -> Route:
    stand = zip(NAMES, weights, tiers, strict=True)
    return Route(
        [Target(name, weight, tier) for name, weight, tier in stand if weight],
        POLICIES[policy],
        Retry(attempts, hedge=0.5 if hedge else 0.0),
        climb,
        patience,
    )


ROUTES = st.builds(
    route,
    st.lists(st.sampled_from([1, 2, 1, 0]), min_size=5, max_size=5),
    st.lists(st.integers(0, 2), min_size=5, max_size=5) | st.just([0] * 5),
    st.integers(0, len(POLICIES) - 1),
    st.sampled_from([3, 4, 2, 1]),
    st.booleans(),
    st.frozensets(st.sampled_from(Climb)) | st.just(frozenset(Climb)),
    st.sampled_from([0.0, 0.0, 3.0]),
)
REPORTS = st.builds(
    Report,
    st.sampled_from([*Outcome, Outcome.FAILED, Outcome.FAILED, Outcome.OK]),
    st.sampled_from([Phase.CONNECT, Phase.HEAD, Phase.FIRST_TOKEN]),
    st.sampled_from(list(Scope)),
    st.none() | st.floats(-1, 100),
    st.booleans(),
    st.none() | st.integers(0, 3000),
    st.none() | st.integers(0, 3000),
)


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.callers: list[Caller] = []
        self.rung: list[Caller] = []
        self.whims: list[str] = []

    @initialize(route=ROUTES, seed=st.integers(0, 9), known=st.booleans())
    def begin(self, route: Route, seed: int, known: bool) -> None:
        self.world = World(seed=seed)
        self.world.engine.replace({"m": route}, FACTS, self.world.now)
        for member in self.world.members if known else ():
            for _ in range(20):
                member.standing.latency.first_token(0.2, 1, self.world.now)
                member.standing.latency.finished(2.0, None, 100, 1, self.world.now)

    def look(self) -> None:
        """Whoever was woken, or whose time has come, looks again, until nobody has to."""
        now = self.world.now
        for _ in range(1000):
            due = self.rung[:1] or [
                one for one in self.callers if not one.over and min(one.times) <= now
            ]
            if not due:
                return
            due[0].look()
        raise AssertionError("they wake each other for ever")

    @property
    def open(self) -> list[tuple[Caller, Attempt]]:
        return [(caller, attempt) for caller in self.callers for attempt in caller.opened]

    @rule(
        count=st.integers(1, 4),
        only=st.none() | st.frozensets(SOME, min_size=1, max_size=3),
        tokens=st.integers(0, 1000),
        most=st.none() | st.integers(0, 1000),
        stream=st.booleans(),
        within=st.sampled_from([60.0, 30.0, 5.0, 0.0]),
        band=st.sampled_from(Band),
        tenant=st.sampled_from(["", "a", "b"]),
        policy=st.none() | st.sampled_from(POLICIES),
        barred=st.frozensets(SOME, max_size=4),
    )
    def come(  # noqa: PLR0917 - drawn by name
        self,
        count: int,
        only: frozenset[str] | None,
        tokens: int,
        most: int | None,
        stream: bool,
        within: float,
        band: Band,
        tenant: str,
        policy: WeightedRoundRobin | None,
        barred: frozenset[str],
    ) -> None:
        request = self.world.request(
            only=only, input_tokens=tokens, output_tokens=most, stream=stream, within=within
        )._replace(band=band, tenant=tenant, policy=policy, barred=dict.fromkeys(barred, BARRED))
        for _ in range(count):
            caller = Caller(self.world, request, self.rung, self.whims)
            self.callers.append(caller)
            caller.look()

    @rule(whims=st.lists(st.sampled_from(WHIMS), min_size=2, max_size=6))
    def take_a_whim(self, whims: list[str]) -> None:
        self.whims[:] = whims

    @rule(seconds=st.sampled_from([0.1, 1.0, 2.0, 5.0, 16.0, 32.0, 130.0]))
    def sleep(self, seconds: float) -> None:
        """Let time pass, from one instant at which somebody looks to the next."""
        end = self.world.now + seconds
        while True:
            self.look()
            times = [min(one.times) for one in self.callers if not one.over]
            self.world.now = min([end, *times])
            if self.world.now >= end:
                self.look()
                return

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 50))
    def content(self, which: int) -> None:
        caller, attempt = self.open[which % len(self.open)]
        if not caller.request.stream:
            return
        attempt.first_token(self.world.now)
        caller.content = True
        caller.look()
        assert list(caller.opened) == [attempt]

    @precondition(lambda self: self.open)
    @rule(which=st.integers(0, 50), report=REPORTS, content=st.booleans(), times=st.integers(1, 5))
    def settle(self, which: int, report: Report, content: bool, times: int) -> None:
        for caller, attempt in (self.open[which % len(self.open) :] + self.open)[:times]:
            if attempt in caller.opened:
                self.end(caller, attempt, report, content)

    def end(self, caller: Caller, attempt: Attempt, report: Report, content: bool) -> None:
        stream = caller.request.stream
        if stream and (report.outcome is Outcome.OK or content):
            attempt.first_token(self.world.now)
        if attempt.first is not None or report.outcome is Outcome.OK:
            caller.content = caller.content or stream
            report = report._replace(phase=Phase.BODY)
        withheld = report.withheld and stream and attempt.first is not None
        caller.content = caller.content and not withheld
        report = report._replace(withheld=withheld)
        caller.settle(attempt, report)
        caller.look()

    @precondition(lambda self: self.callers)
    @rule(which=st.integers(0, 50))
    def leave(self, which: int) -> None:
        self.callers.pop(which % len(self.callers)).close()

    @rule(route=ROUTES)
    def reload(self, route: Route) -> None:
        self.world.engine.replace({"m": route}, FACTS, self.world.now)

    @rule(name=SOME, news=st.sampled_from(list(News)))
    def advise(self, name: str, news: News) -> None:
        self.world.engine.advise(name, news, self.world.now)

    @rule(name=SOME, said=MEASUREMENTS, ago=st.floats(0, 5))
    def observe(self, name: str, said: Measurement, ago: float) -> None:
        self.world.engine.observe(name, said, self.world.now - ago, self.world.now)

    @invariant()
    def nothing_is_below_zero(self) -> None:
        engine = self.world.engine
        for pool in engine._pools.values():
            assert pool.budget._level >= 0
            assert pool.curiosity.saved >= 0
            assert pool.hedges is None or pool.hedges._level >= 0
        for target, shown in engine.snapshot(self.world.now).items():
            assert shown.in_flight >= 0, target
            assert shown.places_left >= 0, target
            assert shown.requests_left >= 0, target

    @invariant()
    def what_waits_is_what_is_open_without_content(self) -> None:
        standings = {attempt.standing for _, attempt in self.open}
        standings.update(self.world.engine._standings.values())
        for standing in standings:
            here = [attempt for _, attempt in self.open if attempt.standing is standing]
            assert standing.in_flight == len(here)
            assert set(standing.waiting) == {one for one in here if one.first is None}
            assert all(attempt.open for attempt in here)

    @invariant()
    def whoever_waits_is_told_in_time(self) -> None:
        """To ask before the instant that was named, and without being woken, brings nothing new
        (save a look at an ejected target, which is a matter of luck; what waits for an answer with
        nowhere to go asks once a second; and who is held in a tier may be let go before its time).
        """
        self.look()
        now = self.world.now
        for caller in self.callers:
            if caller.over or caller in self.rung or min(caller.times) < now + 1e-6:
                continue
            told, asks = caller.action, bool(caller.opened)
            assert isinstance(told, Wait)
            behind = caller.course.pool.queue.promised(caller.course)
            patience = caller.course.pool.route.patience > 0
            soon = caller.course.ascent is not None and (patience or bool(behind))
            soon = soon or (asks and told.until <= now + AGAIN)
            match caller.course.next(now):
                case Send() as send:
                    assert soon or not send.attempt.standing.breaker.admits()
                    send.attempt.give_back(now)
                    caller.look()
                case Stop():
                    assert soon
                    caller.look()
                case Wait(until, _):
                    assert soon or until >= told.until
                case Fail():
                    assert not asks
                    caller.look()
            self.look()

    def teardown(self) -> None:
        engine = self.world.engine
        for caller in self.callers:
            caller.close()
            caller.close()
            assert isinstance(caller.course.next(self.world.now), Fail)
        assert engine.in_flight == 0
        assert not engine._crowded
        assert not any(standing.waiting for standing in engine._standings.values())


Machine.TestCase.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
test_everything_with_all_of_its_attempts = Machine.TestCase

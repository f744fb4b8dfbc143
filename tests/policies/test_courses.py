"""Courses with all of their attempts, under everything that a world and a driver can do to them.

Beside `test_machine`, whose callers hold one attempt each: here a probe has its rescue, a late
first content its hedge, and a silent target is left; in tiers that are left for a cause or after a
while, under limits of targets and of groups.
"""

from __future__ import annotations

from random import Random

import pytest
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
    Headroom,
    LeastLatency,
    Limits,
    News,
    Outcome,
    Phase,
    Priority,
    Rate,
    Refusal,
    Report,
    Request,
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
from tests.policies.driver import World

NAMES = ("p/a", "p/b", "q/c", "q/d", "r/e")
SOME = st.sampled_from(NAMES)
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
WHIMS = ("go", "give back", "rest", "switch")


class Caller:
    """One request, driven as the service drives it, by somebody who knows what must not be done."""

    def __init__(self, world: World, request: Request, rung: list[Caller], whims: list[str]):
        """`rung` gets whoever is woken; `whims` are what is done with the next sends."""
        self.world = world
        self.request = request
        self.opened: dict[Attempt, Send] = {}
        self.action: Wait | Fail | None = None
        self.ended: dict[str, Outcome] = {}
        self.silent: set[str] = set()
        self.sends = 0
        self.again = 0
        self.content = False
        self.over = False
        self._rung = rung
        self._whims = whims
        self.course = world.engine.start(request, world.now, self._ring)

    def _ring(self) -> None:
        if self not in self._rung:
            self._rung.append(self)

    @property
    def due(self) -> bool:
        return isinstance(self.action, Wait) and self.action.until <= self.world.now

    @property
    def times(self) -> list[float]:
        """The instants at which it is to do something."""
        heads = [send.limits.head for attempt, send in self.opened.items() if attempt.first is None]
        return heads + ([self.action.until] if isinstance(self.action, Wait) else [])

    def look(self) -> None:
        """Do what the course says until it has nothing more to say."""
        if self in self._rung:
            self._rung.remove(self)
        now = self.world.now
        for attempt, send in list(self.opened.items()):
            if attempt.first is None and send.limits.head <= now < self.request.deadline:
                self.silent.add(attempt.target)
                self.settle(attempt, Report(Outcome.FAILED, Phase.FIRST_TOKEN))
        while not self.over:
            before = self.course.refusals(now)
            match self.course.next(now):
                case Send() as send:
                    self._send(send, {one: why.refusal for one, why in before.items()})
                case Stop(attempt, outcome):
                    assert attempt in self.opened, "only what is open is stopped"
                    if outcome is Outcome.FAILED:
                        self.silent.add(attempt.target)
                    phase = Phase.HEAD if attempt.first is None else Phase.BODY
                    self.settle(attempt, Report(outcome, phase))
                case Wait() as wait:
                    assert now < wait.until <= self.request.deadline
                    assert len(self.opened) < 2 or not self.content, "the other one is stopped"
                    self.action = wait
                    return
                case Fail() as fail:
                    assert not self.opened
                    assert fail.retry_at is None or fail.retry_at >= now
                    assert self.course.next(now + 1.0) == fail, "it is final"
                    self.action = fail
                    self.close()

    def _send(self, send: Send, refused: dict[str, Refusal]) -> None:
        now, attempt, target = self.world.now, send.attempt, send.target
        elsewhere = [other.target for other in self.opened]
        assert now < self.request.deadline
        assert now < send.limits.head <= send.limits.deadline == self.request.deadline
        assert not self.content, "whoever has content gets nothing from elsewhere"
        assert len(elsewhere) < 2
        assert target not in elsewhere
        assert target not in self.silent, "never again after silence"
        self._passes_the_gates(send, refused)
        self.sends += 1
        assert self.sends <= self.course.pool.route.retry.attempts
        self.opened[attempt] = send
        second = attempt.runner_up
        assert second is None or second not in [target, *elsewhere, *self.silent]
        match self._whims.pop(0) if self._whims else "go":
            case "give back" | "rest" as whim:
                del self.opened[attempt]
                self.sends -= 1
                attempt.give_back(now, now + 2.0 if whim == "rest" else None)
                return
            case "switch" if second and second not in self.course.refusals(now):
                attempt.switch(now)
                assert attempt.target == second
        attempt.sent(now)

    def _passes_the_gates(self, send: Send, refused: dict[str, Refusal]) -> None:
        """Who is sent to could serve; or is looked at; or failed it quickly and stands alone."""
        target = send.target
        tiers = {member.name: member.tier for member in self.course.pool.members}
        peers = {name for name, tier in tiers.items() if tier == tiers[target]} - {target}
        fresh = {name for name in peers if name not in refused and name not in self.ended}
        fresh -= self.course.pool.queue.promised(self.course)
        if target in self.ended:
            assert not fresh, "no target twice while another of its tier can serve"
            if self.ended[target] is not Outcome.THROTTLED:
                assert self.ended[target] is Outcome.FAILED
                assert refused[target] is Refusal.TRIED
                self.again += 1
                assert self.again == 1
        elif target in refused:
            # Beyond its reach before it looked; or ejected, and looked at or overflowed to.
            assert refused[target] in (Refusal.TIER, Refusal.EJECTED)

    def settle(self, attempt: Attempt, report: Report) -> None:
        del self.opened[attempt]
        self.ended[attempt.target] = report.outcome
        attempt.settle(report, self.world.now)
        if report.outcome is Outcome.OK:
            self.close()

    def close(self) -> None:
        self.over = True
        self.course.close(self.world.now)
        self.opened.clear()


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
    ) -> None:
        request = self.world.request(
            only=only, input_tokens=tokens, output_tokens=most, stream=stream, within=within
        )._replace(band=band, tenant=tenant, policy=policy)
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

    @rule(name=SOME, requests=st.none() | st.integers(-1, 5), tokens=st.none() | st.integers(-1))
    def observe(self, name: str, requests: int | None, tokens: int | None) -> None:
        self.world.engine.observe(name, Headroom(requests, tokens), self.world.now)

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


class Life:
    """A long life in one world, drawn from a seed: what needs a history comes up more often."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.machine = Machine()
        self.machine.begin(self.route(), seed, self.rng.random() < 0.7)
        self.policy = None if seed % 2 else POLICIES[seed % 4]

    def route(self) -> Route:
        draw = self.rng.choice
        climb = frozenset(one for one in Climb if draw([True, True, False]))
        tiers = [draw([0, 0, 1, 2]) for _ in NAMES] if draw([True, False]) else [0] * 5
        return route(
            [draw([1, 1, 1, 2, 0]) for _ in NAMES], tiers, draw(range(4)), draw([2, 3, 3, 4]),
            draw([True, False]), climb, draw([0.0, 0.0, 3.0]),
        )  # fmt: skip

    def report(self) -> Report:
        draw = self.rng.choice
        often = [Outcome.OK] * 6 + [Outcome.FAILED] * 4 + [Outcome.THROTTLED]
        return Report(
            draw(often + list(Outcome)), draw([Phase.CONNECT, Phase.HEAD, Phase.FIRST_TOKEN]),
            draw(list(Scope)), draw([None, -1.0, 0.5, 3.0, 20.0]), draw([True, False, False]),
            draw([None, 100]), draw([None, 0, 400]),
        )  # fmt: skip

    def step(self) -> None:
        draw, machine = self.rng.choice, self.machine
        match self.rng.randrange(16):
            case 0 | 1 | 2 | 3:
                machine.come(
                    draw([1, 2, 4]), draw([None, None, None, frozenset(NAMES[:3])]),
                    draw([0, 100, 900]), draw([None, 100, 900]), draw([True, True, False]),
                    draw([60.0, 60.0, 20.0, 3.0]), draw(list(Band)), draw(["", "a", "b"]),
                    draw([None, None, self.policy]),
                )  # fmt: skip
            case 4 | 5 | 6:
                machine.sleep(draw([0.1, 0.5, 1.0, 1.0, 2.0, 5.0, 5.0, 20.0, 60.0]))
            case 7 | 8 if machine.open:
                machine.content(self.rng.randrange(50))
            case 9 | 10 | 11 | 12 if machine.open:
                machine.settle(
                    self.rng.randrange(50), self.report(), draw([True, False]), draw([1, 2, 3])
                )
            case 13:
                machine.take_a_whim([draw(WHIMS) for _ in range(4)])
            case 14 if machine.callers:
                machine.leave(self.rng.randrange(50))
            case 15:
                name, news = draw(NAMES), draw(list(News))
                machine.advise(name, news)
                machine.observe(name, draw([None, 0, 3]), draw([None, 100]))
                if self.rng.random() < 0.2:
                    machine.reload(self.route())

    def live(self, steps: int) -> None:
        for _ in range(steps):
            self.step()
            self.machine.nothing_is_below_zero()
            self.machine.what_waits_is_what_is_open_without_content()
            self.machine.whoever_waits_is_told_in_time()
            self.machine.callers[:] = [one for one in self.machine.callers if not one.over]
        self.machine.teardown()


@pytest.mark.parametrize("seed", range(24))
def test_a_long_life_keeps_all_of_it(seed: int) -> None:
    Life(seed).live(400)

"""What the engine claims of how it notices, bears and recovers, through whole courses in virtual
time: for one to four targets, from a request in ten seconds to twenty a second.
"""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from policies import (
    Facts,
    LeastLatency,
    News,
    Outcome,
    Phase,
    Policy,
    Report,
    Route,
    Send,
    Target,
    WeightedRoundRobin,
)
from policies.engine.learning.breaker import Breaker, Trip, Why
from policies.engine.learning.health import Evidence
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, Reply, World
from tests.policies.traffic import BROKEN, SILENCE, SWIFT, Answers, Traffic

NAMES = ("a/m", "b/m", "c/m", "d/m")
SICK = NAMES[0]
RATES = (0.1, 1.0, 20.0)
SEEDS = 34
STREAMED = Reply(ANSWERED, 1.0, first=0.3)

pools = pytest.mark.parametrize("count", [1, 2, 3, 4])
pytestmark = pytest.mark.leaves_open  # what matters is seen while requests are under way
several = pytest.mark.parametrize("count", [2, 3, 4])
rates = pytest.mark.parametrize("rate", RATES)


def always(reply: Reply) -> Answers:
    return lambda *_: reply


def only(sick: str, reply: Reply) -> Answers:
    return lambda target, _: reply if target == sick else STREAMED


def flapping(_: str, now: float) -> Reply:
    return BROKEN if now % 40.0 < 20.0 else SWIFT


class Ward:
    """Some targets, of which the first may be sick, and the requests that come to them."""

    def __init__(self, count: int, seed: int = 1, policy: Policy | None = None) -> None:
        self.rng = Random(1000 + seed)
        self.world = World(*NAMES[:count], policy=policy or LeastLatency(), seed=seed)
        self.errors = dict.fromkeys(NAMES, 0.01)
        self.reply: Answers | None = None
        self.traffic = Traffic(self.world, self._answer)

    def _answer(self, target: str, now: float) -> Reply:
        if self.reply is not None and target == SICK:
            return self.reply(target, now)
        return BROKEN if self.rng.random() < self.errors[target] else SWIFT

    def come(self, rate: float, requests: int) -> None:
        self.traffic.come(rate, requests, self.rng)

    def trips(self, target: str = SICK) -> int:
        """Ejections and recoveries so far."""
        return self._breaker(target).epoch

    def _breaker(self, target: str) -> Breaker:
        return self.world.members[NAMES.index(target)].standing.breaker

    def last(self, target: str = SICK) -> Trip | None:
        return self._breaker(target).last_trip


def noticed(count: int, rate: float, seed: int, usual: float, policy: Policy) -> int:
    """How many requests a target gets that begins to fail three times in ten, until it is seen."""
    ward = Ward(count, seed, policy)
    for member in ward.world.members:
        member.standing.evidence._usual = usual  # as hours have taught it: see below
        ward.errors[member.name] = usual
    ward.come(rate, 60 * count)
    ward.errors[SICK] = 0.3
    before, trips = ward.traffic.sent[SICK], ward.trips()
    while ward.trips() == trips and ward.traffic.sent[SICK] - before < 300:
        ward.come(rate, 1)
    return ward.traffic.sent[SICK] - before


def most_of(found: list[int]) -> int:
    """The 95th of a hundred."""
    return sorted(found)[int(0.95 * len(found)) - 1]


@pools
@pytest.mark.parametrize(("usual", "most"), [(0.01, 50), (0.05, 70)])
def test_thirty_percent_of_errors_are_noticed_soon(count: int, usual: float, most: int) -> None:
    policy = WeightedRoundRobin() if count % 2 else LeastLatency()
    found = [noticed(count, rate, seed, usual, policy) for rate in RATES for seed in range(SEEDS)]
    assert most_of(found) <= most


def test_what_is_usual_is_learned_in_some_thousand_requests() -> None:
    evidence, rng, now = Evidence(0.0), Random(1), 0.0
    for _ in range(4000):
        now += 1.0
        evidence.record(bad=rng.random() < 0.05, healthy=True, now=now)
    assert 0.03 <= evidence.usual <= 0.05


@pools
@rates
def test_two_percent_eject_nobody_in_twenty_thousand_requests(count: int, rate: float) -> None:
    ward = Ward(count, seed=count)
    ward.errors = dict.fromkeys(NAMES, 0.02)
    ward.come(rate, 20_000)
    assert sum(ward.trips(name) for name in NAMES[:count]) == 0


@pools
@rates
def test_five_failures_in_a_row_eject_and_four_do_not(count: int, rate: float) -> None:
    ward = Ward(count, policy=WeightedRoundRobin())
    ward.errors = dict.fromkeys(NAMES, 0.0)
    ward.come(rate, 20 * count)
    ward.reply = always(BROKEN)
    sent = ward.traffic.sent[SICK]
    while ward.traffic.sent[SICK] < sent + 5:
        assert ward.trips() == 0 or ward.traffic.sent[SICK] >= sent + 4  # the fifth is under way
        ward.come(rate, 1)
    ward.traffic.run()
    trip = ward.last()
    assert trip is not None
    assert (ward.trips(), trip.why, trip.bad, trip.of) == (1, Why.ROW, 5, 5)


@pools
@rates
def test_refusals_of_too_much_open_no_breaker(count: int, rate: float) -> None:
    ward = Ward(count)
    ward.errors = dict.fromkeys(NAMES, 0.0)
    refused = THROTTLED._replace(rest=0.5)
    ward.reply = always(Reply(refused, 0.02))
    ward.come(rate, 400)
    assert ward.trips() == 0
    standing = ward.world.members[0].standing
    assert standing.evidence.availability(ward.world.now) == 1.0
    assert standing.breaker.failures(ward.world.now) == (0, 0)


@pools
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_a_target_that_is_sick_for_an_hour_still_counts_as_sick(count: int, rate: float) -> None:
    ward = Ward(count, policy=WeightedRoundRobin())
    ward.come(rate, 60 * count)
    ward.errors[SICK] = 0.5
    ward.come(rate, int(3600 * rate))
    assert ward.world.members[0].standing.evidence.usual <= 0.05
    trips, sent = ward.trips(), ward.traffic.sent[SICK]
    while ward.trips() == trips and ward.traffic.sent[SICK] - sent < 200:
        ward.come(rate, 1)
    assert ward.traffic.sent[SICK] - sent <= 70


@several
@rates
def test_what_fails_is_sent_little_for_as_long_as_it_does(count: int, rate: float) -> None:
    ward = Ward(count)
    ward.come(rate, 30 * count)
    ward.reply = always(BROKEN)
    ward.come(rate, 10 * count)
    sent = ward.traffic.sent[SICK]
    ward.come(rate, 400)
    ward.traffic.run()
    looks = 400 / rate / 5 + 2  # the shortest rest is five seconds, less or more a fifth
    assert ward.traffic.sent[SICK] - sent <= min(0.25 * 400 + 2, looks)
    assert all(request.target not in (None, SICK) for request in ward.traffic.requests[-400:])


@several
@rates
def test_a_flapping_target_rests_longer_and_longer_up_to_a_minute(count: int, rate: float) -> None:
    ward = Ward(count, policy=WeightedRoundRobin())
    ward.errors = dict.fromkeys(NAMES, 0.0)
    ward.reply = flapping
    rests: list[float] = []
    for _ in range(int(1200 * rate) if rate < 20 else 6000):
        trips = ward.trips()
        ward.come(rate, 1)
        if ward.trips() != trips and ward.world.state(SICK) == "ejected":
            trip = ward.last()
            assert trip is not None
            rests.append(ward.world.until(SICK) - trip.at)
    assert max(rests, default=0.0) <= 60.0 + 1e-9
    if rate >= 1.0:
        assert 4.0 <= rests[0] <= 6.0
        assert max(rests[:6]) >= 30.0


@pools
def test_an_old_answer_closes_no_newer_breaker(count: int) -> None:
    world = World(*NAMES[:count])
    only = frozenset({SICK})
    old = [world.send(only=only, stream=True) for _ in range(3)]
    world.eject(SICK)
    until = world.until(SICK)
    old[0].attempt.first_token(world.now)
    world.settle(old[0])
    assert (world.state(SICK), world.until(SICK)) == ("ejected", until)
    world.now = until
    probe = send_until_probe(world)
    old[1].attempt.first_token(world.now)
    world.settle(old[1])
    assert world.state(SICK) == "probing"
    world.settle(probe, FAILED)
    until = world.until(SICK)
    old[2].attempt.first_token(world.now)
    world.settle(old[2])
    assert (world.state(SICK), world.until(SICK)) == ("ejected", until)
    world.close()


@pools
@pytest.mark.parametrize("report", [ANSWERED, FAILED])
def test_an_old_look_decides_nothing_about_a_newer_one(count: int, report: Report) -> None:
    world = World(*NAMES[:count])
    world.eject(SICK)
    world.now = world.until(SICK)
    old = send_until_probe(world)
    world.engine.advise(SICK, News.WELL, world.now)
    world.eject(SICK)
    until = world.until(SICK)
    world.settle(old, report)
    assert (world.state(SICK), world.until(SICK)) == ("ejected", until)
    world.close()


@pools
@pytest.mark.parametrize("how", ["left", "given back", "closed"])
def test_a_cancelled_look_is_no_evidence(count: int, how: str) -> None:
    world = World(*NAMES[:count])
    world.eject(SICK)
    world.now = until = world.until(SICK)
    probe = send_until_probe(world)
    bad = world.members[0].standing.evidence.bad
    world.now += 0.5
    if how == "left":
        world.settle(probe, Report(Outcome.ABANDONED, Phase.FIRST_TOKEN))
    elif how == "given back":
        probe.attempt.give_back(world.now)
    world.close()
    assert (world.state(SICK), world.until(SICK)) == ("ejected", until)
    assert world.members[0].standing.evidence.bad == bad
    assert send_until_probe(world).attempt.probe
    world.close()


def send_until_probe(world: World) -> Send:
    """A look at the ejected target: where it is alone, most who come are held back."""
    for _ in range(1000):
        course = world.start(stream=True)
        action = course.next(world.now)
        if isinstance(action, Send):
            assert action.attempt.probe
            return action
        course.close(world.now)
    raise AssertionError("nobody looks")


@several
@rates
def test_a_pool_that_has_long_failed_as_a_whole_ejects_nobody_by_share(
    count: int, rate: float
) -> None:
    """Three in ten everywhere. Rows of five are another matter, and so is its first minute."""
    ward = Ward(count, policy=WeightedRoundRobin())
    standings = [member.standing for member in ward.world.members]
    for standing in standings:
        for turn in range(50):
            standing.breaker.outcomes.append((ward.world.now, turn % 10 < 3))
    ward.errors = dict.fromkeys(NAMES, 0.3)
    ward.reply = None
    shares = 0
    for _ in range(200):
        trips = [standing.breaker.epoch for standing in standings]
        ward.come(rate, 1)
        for standing, before in zip(standings, trips, strict=True):
            trip = standing.breaker.last_trip
            if standing.breaker.epoch > before and trip is not None:
                shares += trip.why is Why.SHARE
    assert shares == 0


@several
@rates
def test_where_a_target_falls_silent_all_are_answered_within_one_limit(
    count: int, rate: float
) -> None:
    limits = dict.fromkeys(NAMES, Facts(first_token=20.0))
    world, rng = World(*NAMES[:count], policy=LeastLatency(), facts=limits), Random(count)
    traffic = Traffic(world, always(STREAMED), stream=True)
    traffic.come(rate, 100 * count, rng)
    traffic.answers = only(SICK, SILENCE)
    begin, sent = len(traffic.requests), traffic.sent[SICK]
    traffic.come(rate, 300, rng)
    traffic.run()
    after = traffic.requests[begin:]
    assert all(request.target not in (None, SICK) for request in after)
    waits = sorted(request.ended - request.came for request in after if request.ended)
    assert waits[-1] <= 20.0 + 2.0
    assert sum(wait > 5.0 for wait in waits) <= 3  # fewer than it takes to know of silence
    assert traffic.sent[SICK] - sent <= 0.3 * len(after)


@several
@rates
def test_a_new_target_of_which_nothing_is_known_draws_no_herd(count: int, rate: float) -> None:
    """It is ten times slower than the others, which nobody can know before its first answer."""
    ward = Ward(count - 1 or 1)
    traffic = ward.traffic = Traffic(ward.world, always(STREAMED), stream=True)
    traffic.come(rate, 60, ward.rng)
    new = NAMES[count - 1]
    route = Route([Target(name) for name in NAMES[:count]], LeastLatency())
    ward.world.engine.replace({"m": route}, None, ward.world.now)
    slow = Reply(ANSWERED, 30.0, first=20.0)
    traffic.answers = only(new, slow)
    begin = ward.world.now
    traffic.come(rate, int(20 * rate) + 5, ward.rng)
    first = [send for request in traffic.requests for send in request.sends[:1]]
    unknown = [target for at, target in first if begin <= at < begin + 20.0]
    assert unknown.count(new) <= len(unknown) / count + 1
    traffic.run()


@several
@pytest.mark.parametrize("seed", range(3))
def test_a_burst_is_no_herd_on_who_is_unknown_either(count: int, seed: int) -> None:
    world = World(*NAMES[:count], policy=LeastLatency(), seed=seed)
    for name in NAMES[: count - 1]:
        world.teach(name, 0.5, times=5)
    burst = Counter(world.send().target for _ in range(20 * count))
    assert burst[NAMES[count - 1]] <= 1.3 * 20
    assert min(burst.values()) >= 0.7 * 20
    world.close()

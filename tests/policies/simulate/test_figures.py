"""Each figure on a run whose whole story is written down here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

import pytest

from policies import Engine, Facts, Limits, Outcome, Price, Rate
from policies.simulate import Answered, Arrival, Crowd, Fault, Scenario, Sent, World
from policies.simulate import figures as f
from policies.simulate.run import Run

SCENARIO = Scenario("told", crowds=(Crowd(4.0),), seconds=300.0, start=100.0, end=200.0)
POOL = [target.name for target in SCENARIO.targets]
SICK, *WELL = POOL


def run(
    sent: Iterable[Sent] = (),
    answered: Iterable[Answered] = (),
    scenario: Scenario = SCENARIO,
) -> Run:
    engine = Engine({}, rng=Random(1), now=0.0)
    world = World(engine, {}, Random(1))
    world.sent += sent
    world.answered += answered
    return Run(scenario, world)


def send(
    target: str, at: float, seconds: float = 1.0, outcome: Outcome = Outcome.OK, tokens: int = 0
) -> Sent:
    return Sent(target, at, at + seconds, outcome, tokens, tokens)


def answer(
    at: float,
    first: float | None,
    *,
    total: float | None = None,
    sends: int = 1,
    courses: int = 1,
    tenant: str = "",
) -> Answered:
    ended = total if total is not None else 2 * (first or 1.0)
    target = None if first is None else "p1/m"
    return Answered(Arrival(at, 1, 1, tenant=tenant), target, first, ended, sends, courses, None)


def in_turn(begin: float, end: float, names: list[str] = POOL) -> list[Sent]:
    """Four sends a second, one after another."""
    return [
        send(names[number % len(names)], begin + number / 4)
        for number in range(int(4 * (end - begin)))
    ]


class TestAnswers:
    STORY = (
        answer(50.0, 9.0),  # before the trouble: it does not count
        answer(110.0, 1.0),
        answer(120.0, 3.0, sends=2),
        answer(130.0, None, total=40.0, sends=4, courses=2),
        answer(140.0, 1.0, sends=3, tenant="b"),
    )

    def test_only_what_came_in_the_trouble_counts(self):
        told = run(answered=self.STORY)
        assert f.wait(told) == pytest.approx((1 + 3 + 120 + 1) / 4)
        assert f.tail(told) == 3.0
        assert f.longest(told) == 40.0
        assert f.answered(told) == 0.75

    def test_a_good_answer_begins_in_time(self):
        assert f.goodput(run(answered=self.STORY)) == 0.5
        slow = replace(SCENARIO, slo=4.0)
        assert f.goodput(run(answered=self.STORY, scenario=slow)) == 0.75

    def test_a_tenant_is_counted_apart(self):
        assert f.tenant(run(answered=self.STORY, scenario=replace(SCENARIO, tenant="b"))) == 1.0

    def test_sends_are_per_course_and_waste_per_request(self):
        told = run(answered=self.STORY)
        assert f.sends(told) == 10 / 5
        assert f.waste(told) == (10 - 3) / 4

    def test_without_trouble_everything_counts(self):
        calm = replace(SCENARIO, start=float("inf"), end=float("inf"))
        assert f.wait(run(answered=self.STORY[:2], scenario=calm)) == 5.0

    def test_a_step_is_the_tail_in_trouble_over_that_before(self):
        assert f.step(run(answered=self.STORY)) == pytest.approx(3.0 / 9.0)

    def test_whole_is_when_the_last_step_that_fails_is_over(self):
        late = [answer(200.0 + number / 4, 1.0) for number in range(200)]
        late[10] = answer(late[10].at, None)
        late[70] = answer(late[70].at, 5.0)
        assert f.whole(run(answered=late)) == 20.0
        assert f.whole(run(answered=[one for one in late if f.goodput(run(answered=[])) is None]))
        assert f.whole(run(answered=late[100:])) == 0.0


class TestShares:
    def test_the_sick_target_s_share_is_that_while_it_is_sick(self):
        told = run([*in_turn(0, 100), *in_turn(100, 150), *in_turn(150, 200, WELL)])
        assert f.sick(told) == pytest.approx(0.125)
        assert told.shares()[SICK] == pytest.approx(0.125)
        assert f.late(told) == pytest.approx(35 / 85 / 4, abs=0.01)
        assert f.looks(told) == pytest.approx(35 * 60 / 85, abs=1.0)

    def test_it_is_noticed_when_its_share_falls_and_back_when_it_rises(self):
        told = run(
            [*in_turn(100, 120), *in_turn(120, 200, WELL), *in_turn(200, 230, WELL),
             *in_turn(230, 300)]
        )  # fmt: skip
        assert f.noticed(told) == 20.0
        assert f.back(told) == 30.0

    def test_what_never_happens_counts_as_the_time_in_which_it_could_have(self):
        told = run([*in_turn(100, 200), *in_turn(200, 300, WELL)])
        assert f.noticed(told) == 100.0
        assert f.back(told) == 100.0

    def test_where_nobody_is_sick_there_is_no_such_share(self):
        told = run(in_turn(0, 300), scenario=replace(SCENARIO, sick=None))
        for figure in (f.sick, f.late, f.looks, f.noticed, f.back, f.exposed, f.early, f.settled):
            assert figure(told) is None

    def test_exposed_counts_until_it_is_first_left_alone(self):
        seen = [send(SICK, at) for at in (101.0, 102.0, 103.0, 150.0, 151.0)]
        assert f.exposed(run(seen)) == 3.0

    def test_a_quiet_route_is_counted_in_longer_steps(self):
        assert run(scenario=replace(SCENARIO, crowds=(Crowd(0.3),))).step == pytest.approx(40.0)

    def test_a_new_target_s_share_is_told_early_and_when_it_is_settled(self):
        told = run([*in_turn(100, 106, WELL), *in_turn(106, 300)])
        assert f.early(told) == pytest.approx(0.25)
        assert f.settled(told) == pytest.approx(1.0)

    def test_early_begins_with_its_first_answer_and_is_nothing_without_one(self):
        failed = send(SICK, 110.0, outcome=Outcome.FAILED)
        alone = [*in_turn(100, 200, WELL), failed]
        assert f.early(run(alone)) == 0.0
        assert f.early(run([*alone, send(SICK, 150.0)])) == pytest.approx(1 / 25)


class TestSpend:
    PRICED = replace(
        SCENARIO, facts={POOL[0]: Facts(price=Price(1, 2)), POOL[1]: Facts(price=Price(4, 8))}
    )

    def test_it_is_what_a_request_costs_over_what_one_cost_before(self):
        answered = [answer(50.0, 1.0), answer(110.0, 1.0), answer(120.0, 1.0)]
        sent = [
            send(POOL[0], 50.0, tokens=10),
            send(POOL[0], 110.0, tokens=10),
            send(POOL[1], 120.0, tokens=10),
            send(POOL[1], 130.0, outcome=Outcome.FAILED, tokens=10),
        ]
        assert f.spend(run(sent, answered, self.PRICED)) == pytest.approx((30 + 120) / 2 / 30)

    def test_without_prices_or_a_before_there_is_none(self):
        answered = [answer(110.0, 1.0)]
        assert f.spend(run([send(POOL[0], 110.0)], answered)) is None
        assert f.spend(run([send(POOL[0], 110.0)], answered, self.PRICED)) is None


class TestHerd:
    def test_it_is_the_largest_share_of_any_step(self):
        calm = replace(SCENARIO, start=float("inf"), end=float("inf"))
        told = run([*in_turn(0, 50), *in_turn(50, 55, WELL[:1]), *in_turn(55, 300)], scenario=calm)
        assert f.herd(told) == 4.0
        assert f.herd(run(in_turn(0, 300), scenario=calm)) == 1.0

    def test_steps_in_trouble_do_not_count(self):
        ill = replace(SCENARIO, faults=(Fault(SICK, 100.0, 200.0, errors=1.0),))
        told = run([*in_turn(0, 100), *in_turn(100, 200, WELL), *in_turn(200, 300)], scenario=ill)
        assert f.herd(told) == 1.0

    def test_over_the_whole_time_it_is_called_uneven(self):
        assert f.uneven(run(in_turn(100, 200, POOL[:2]))) == 2.0


class TestLimits:
    def test_refused_is_counted_once_limits_are_full(self):
        sent = [send(SICK, at, 0.0, Outcome.THROTTLED) for at in (1.0, 2.0, 61.0)]
        assert f.refused(run([*sent, send(SICK, 62.0)])) == 0.5

    def test_parked_is_the_longest_gap_of_any_target(self):
        told = run([*in_turn(0, 100), *in_turn(100, 140, WELL), *in_turn(140, 300)])
        assert f.parked(told) == pytest.approx(41.0)

    def test_overshoot_counts_the_fullest_minute(self):
        facts = dict.fromkeys(POOL, Facts(Limits(tokens=[Rate(1000, 60.0)])))
        limited = replace(SCENARIO, facts=facts)
        sent = [send(SICK, at, 10.0, tokens=300) for at in (0.0, 49.0, 70.0)]
        # From 10 s to 69: what the first gave, and what the second took and gave.
        assert f.overshoot(run(sent, scenario=limited)) == pytest.approx(1.2)
        assert f.overshoot(run(sent)) is None

    def test_flaps_are_those_that_were_watched(self):
        told = run()
        told.world.ejections.update({"a/m": 2, "b/m": 1})
        assert f.flaps(told) == 3.0

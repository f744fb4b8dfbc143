from dataclasses import replace
from random import Random

import pytest

from policies import Cause, Facts, Outcome, Retry
from policies.simulate import Fault, Service, poisson
from policies.simulate.service import NEVER
from tests.policies.simulate.stage import PROMPT, Watched, coming, stage

ONCE = Retry(attempts=1)


def outcomes(world: Watched) -> list[str]:
    return [sent.outcome.word for sent in world.sent]


class TestCapacity:
    def test_no_more_are_served_at_once_and_the_others_wait_their_turn(self):
        world = stage({"a/m": replace(PROMPT, capacity=2)}).run(coming([0.0] * 6))
        assert [answered.total for answered in world.answered] == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]

    @pytest.mark.parametrize("capacity", [1, 3, 20])
    def test_a_crowd_fills_it_and_never_more(self, capacity: int):
        world = stage({"a/m": Service(capacity=capacity)}, deadline=20.0)
        world.run(poisson(30.0, 60.0, Random(1)))
        assert world.most["a/m"] == capacity

    def test_without_one_nobody_waits(self):
        world = stage({"a/m": PROMPT}).run(coming([0.0] * 50))
        assert {answered.total for answered in world.answered} == {1.0}
        assert world.most["a/m"] == 50

    def test_beyond_the_queue_it_refuses_at_once(self):
        service = replace(PROMPT, capacity=2, queue=3)
        world = stage({"a/m": service}, retry=ONCE).run(coming([0.0] * 10))
        assert outcomes(world) == ["throttled"] * 5 + ["ok"] * 5
        assert world.servers["a/m"].refused == 5
        assert [answered.total for answered in world.answered[:5]] == [0.0] * 5

    def test_a_fault_replaces_it_while_it_holds(self):
        world = stage({"a/m": replace(PROMPT, capacity=10)}, Fault("a/m", 5.0, 9.0, capacity=2))
        world.run(coming([0.0] * 10 + [5.0] * 4))
        assert [answered.total for answered in world.answered] == [1.0] * 12 + [2.0] * 2

    def test_whoever_waits_is_served_the_moment_that_such_a_fault_ends(self):
        world = stage({"a/m": PROMPT}, Fault("a/m", 0.0, 5.0, capacity=0))
        world.run(coming([0.0, 4.0, 5.0]))
        assert [answered.at + answered.total for answered in world.answered] == [6.0] * 3

    def test_whoever_waits_is_served_whenever_such_a_fault_goes(self):
        here = stage({"a/m": PROMPT}, Fault("a/m", 0.0, capacity=0, period=3.0))
        here.run(coming([0.0, 1.0, 7.0]))
        assert [answered.at + answered.total for answered in here.answered] == [4.0, 4.0, 10.0]

    def test_nobody_overtakes_who_waits(self):
        # The third comes at the very instant at which the only place is there.
        world = stage({"a/m": replace(PROMPT, capacity=1)}, Fault("a/m", 0.0, 5.0, capacity=0))
        world.run(coming([0.0, 4.0, 5.0]))
        assert [answered.at for answered in world.answered] == [0.0, 4.0, 5.0]
        assert [answered.at + answered.total for answered in world.answered] == [6.0, 7.0, 8.0]


class TestPlaceGivenUp:
    def test_a_request_that_was_given_up_leaves_its_place_at_once(self):
        # The first is never answered; it holds the only place for its two seconds.
        world = stage(
            {"a/m": replace(PROMPT, capacity=1)},
            Fault("a/m", 0.0, 0.5, silent=True),
            facts={"a/m": Facts(first_token=2.0)},
            retry=ONCE,
        )
        world.run(coming([0.0, 1.5]))
        lost, served = world.answered
        assert (lost.target, lost.total) == (None, 2.0)
        assert (served.target, served.total) == ("a/m", 1.5)

    def test_an_answer_beyond_its_deadline_leaves_its_place_at_once(self):
        service = Service(first_token=0.5, spread=0.0, per_token=1.0, capacity=1)
        world = stage({"a/m": service}, deadline=5.0)
        world.run([*coming([0.0], tokens=100), *coming([4.0], tokens=1)])
        late, served = world.answered
        assert (late.cause, late.total) == (Cause.DEADLINE, 5.0)
        assert (served.target, served.total) == ("a/m", 2.5)

    def test_a_request_that_was_given_up_leaves_the_queue(self):
        # The second waits behind the first and is given up at 3 s; the third finds its room.
        service = Service(first_token=0.5, spread=0.0, per_token=1.0, capacity=1, queue=1)
        world = stage({"a/m": service}, facts={"a/m": Facts(first_token=2.0)}, retry=ONCE)
        world.run(coming([0.0, 1.0, 9.5], tokens=10))
        assert [sent.outcome for sent in world.sent] == [Outcome.FAILED, Outcome.OK, Outcome.OK]
        assert world.servers["a/m"].refused == 0

    def test_nothing_is_held_when_all_is_over(self):
        world = stage(
            {"a/m": Service(capacity=3, queue=5)},
            Fault("a/m", 2.0, silent=True),
            facts={"a/m": Facts(first_token=3.0)},
        )
        world.run(poisson(5.0, 20.0, Random(2)))
        assert world.servers["a/m"].serving == 0


class TestPerMinute:
    def test_no_minute_holds_more_than_the_limit(self):
        world = stage({"a/m": replace(PROMPT, per_minute=30)}, retry=ONCE)
        world.run(poisson(3.0, 400.0, Random(3)))
        taken = sorted(sent.at for sent in world.sent if sent.outcome is not Outcome.THROTTLED)
        assert len(taken) > 150
        assert all(after - before >= 60.0 for before, after in zip(taken, taken[30:], strict=False))

    def test_the_whole_limit_may_come_at_once(self):
        world = stage({"a/m": replace(PROMPT, per_minute=30)}, retry=ONCE)
        world.run(coming([7.0] * 40))
        assert sorted(outcomes(world)) == ["ok"] * 30 + ["throttled"] * 10

    def test_what_is_refused_costs_nothing_of_it(self):
        service = replace(PROMPT, per_minute=10, capacity=5, queue=0)
        world = stage({"a/m": service}, retry=ONCE).run(coming([0.0] * 20 + [5.0] * 5))
        assert outcomes(world).count("ok") == 10

    def test_it_tells_when_to_come_back_only_if_it_is_of_that_kind(self):
        told, untold = (
            stage({"a/m": replace(PROMPT, capacity=0, queue=0, rest=rest)}, retry=ONCE)
            for rest in (4.0, None)
        )
        told.run(coming([1.0]))
        untold.run(coming([1.0]))
        assert told.engine.snapshot(2.0)["a/m"].until == 5.0
        assert untold.engine.snapshot(2.0)["a/m"].until != 5.0


def test_a_target_serves_again_when_the_fault_is_over():
    world = stage({"a/m": PROMPT}, Fault("a/m", 10.0, 20.0, errors=1.0), retry=ONCE)
    world.run(poisson(5.0, 120.0, Random(4)))
    failed = [sent.at for sent in world.sent if sent.outcome is Outcome.FAILED]
    assert failed
    assert min(failed) >= 10.0
    assert max(failed) < 20.0
    assert world.sent[-1].at > 100.0
    assert NEVER not in world.instants


class TestRefusals:
    def test_what_is_too_much_for_it_is_overloaded_where_it_is_of_that_kind(self):
        for overloaded in (True, False):
            service = replace(PROMPT, capacity=0, queue=0, overloaded=overloaded)
            world = stage({"a/m": service}, retry=ONCE)
            world.run(coming([float(second) for second in range(0, 50, 5)]))
            ejected = world.engine.snapshot(50.0)["a/m"].state == "ejected"
            assert ejected is overloaded, "only overload is a sign of sickness"

    def test_a_provider_that_slices_takes_a_slice_s_share_at_once(self):
        service = replace(PROMPT, per_minute=120, slice=1.0)
        world = stage({"a/m": service}, retry=ONCE).run(coming([0.0] * 5))
        assert sorted(outcomes(world)) == ["ok"] * 2 + ["throttled"] * 3

    def test_without_slices_a_whole_minute_may_come_at_once(self):
        world = stage({"a/m": replace(PROMPT, per_minute=120)}, retry=ONCE)
        assert outcomes(world.run(coming([0.0] * 5))) == ["ok"] * 5

    def test_it_may_lie_about_when_to_come_back(self):
        service = replace(PROMPT, per_minute=1, lie=7.0)
        world = stage({"a/m": service}, retry=ONCE).run(coming([0.0, 1.0]))
        assert world.engine.snapshot(2.0)["a/m"].until == 8.0

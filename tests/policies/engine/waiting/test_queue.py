import pytest

from policies import Cause, Fail, News, Request, Wait
from policies.engine.learning.estimates import Length
from policies.engine.waiting.queue import LONGEST_WAIT, MOST_WAITING, STANDING, Queue
from tests.policies.crowd import Never, crowd, waiting
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, World, limited

A = frozenset({"a/m"})
ONE = {"a/m": limited(concurrent=1)}


class TestOrder:
    def test_who_comes_first_is_served_first(self) -> None:
        here = crowd("a/m", facts=ONE)
        callers = [here.come() for _ in range(6)]
        served = []
        for caller in callers:
            here.look()
            served.append([other.send is not None for other in callers].index(True))
            caller.settle()
        assert served == list(range(6))
        here.close()

    def test_only_the_head_is_woken_when_a_place_comes_free(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, *others = (here.come() for _ in range(5))
        first.settle()
        assert [other.woken for other in others] == [True, False, False, False]
        here.close()

    def test_newcomers_stand_behind_even_when_a_place_is_free(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second = here.come(), here.come()
        first.settle()
        late = here.come()  # before the second has looked
        assert late.waits
        here.look()
        assert second.send is not None
        second.settle()
        here.look()
        assert late.send is not None
        here.close()

    def test_a_failover_stands_behind_who_waits_already(self) -> None:
        here = crowd("a/m", "b/m", facts={"b/m": limited(concurrent=1)})
        inside = here.come(only=frozenset({"b/m"}))
        waits = here.come(only=frozenset({"b/m"}))
        moved = here.come()
        here.world.now += 2.5  # too slow for another try on the spot
        moved.settle(FAILED)
        moved.look()
        assert moved.waits
        inside.settle()
        here.look()
        assert waits.send is not None
        assert moved.waits
        here.close()

    def test_another_try_on_the_spot_keeps_its_place(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second = here.come(), here.come()
        first.settle(FAILED)
        first.look()
        here.look()
        assert first.send is not None
        assert second.waits
        first.settle(FAILED)
        here.look()
        assert second.send is not None
        here.close()

    def test_a_probe_belongs_to_who_waits_longest(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        here.world.eject("b/m")
        here.world.engine.rng = Never()
        older = here.come()
        assert older.waits
        here.world.now = here.world.until("b/m")
        newer = here.come()
        assert newer.waits
        here.look()
        assert older.send is not None
        assert older.send.attempt.probe
        here.close()

    def test_only_the_head_looks_when_a_rest_ends(self) -> None:
        here = crowd("a/m")
        here.come().settle(THROTTLED._replace(rest=4.0))
        now = here.world.now
        waits = [here.come().action for _ in range(3)]
        assert waits == [Wait(now + 4.0, Cause.REST)] + [Wait(now + LONGEST_WAIT, Cause.REST)] * 2
        here.sleep(4.0)
        here.look()
        assert sum(caller.send is not None for caller in here.callers) == 3
        here.close()

    def test_what_is_given_back_wakes_the_head(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second = here.come(), here.come()
        assert first.send is not None
        first.send.attempt.give_back(here.world.now)
        assert second.woken
        here.close()

    def test_good_news_of_a_peer_wakes_the_head(self) -> None:
        here = crowd("a/m", "b/m", facts=ONE)
        here.come()
        here.world.eject("b/m")
        here.world.engine.rng = Never()
        late = here.come()
        assert late.waits
        here.world.engine.advise("b/m", News.WELL, here.world.now)
        here.look()
        assert late.send is not None
        here.close()

    def test_who_leaves_wakes_the_next(self) -> None:
        here = crowd("a/m", facts=ONE)
        first, second, third = (here.come() for _ in range(3))
        first.settle()
        second.close()
        here.look()
        assert third.send is not None
        here.close()

    def test_a_failed_course_has_left_the_queue(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come(within=2.0)
        assert len(waiting(here)) == 1
        here.sleep(2.0)
        here.look()
        assert isinstance(late.action, Fail)
        assert len(waiting(here)) == 0
        here.close()

    def test_closing_leaves_it(self) -> None:
        here = crowd("a/m", facts=ONE)
        callers = [here.come() for _ in range(4)]
        for caller in callers:
            caller.close()
        assert len(waiting(here)) == 0
        assert not here.world.engine._crowded
        here.close()


class TestEnds:
    def test_nobody_waits_longer_than_ten_seconds(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come()
        begin = here.world.now
        assert late.action == Wait(begin + LONGEST_WAIT, Cause.PLACE)
        here.sleep(LONGEST_WAIT)
        here.look()
        assert isinstance(late.action, Fail)
        assert late.action.cause is Cause.NO_TARGET
        here.close()

    def test_nobody_waits_past_the_deadline(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        late = here.come(within=3.0)
        assert late.action == Wait(here.world.now + 3.0, Cause.PLACE)
        here.sleep(3.0)
        here.look()
        assert isinstance(late.action, Fail)
        assert late.action.cause is Cause.DEADLINE
        here.close()

    def test_a_rest_that_ends_soon_is_waited_for(self) -> None:
        world = World("a/m")
        world.will("a/m", THROTTLED._replace(rest=4.0), ANSWERED)
        told = world.ask()
        assert told.targets == ["a/m", "a/m"]
        (wait,) = told.waits
        assert wait.cause is Cause.REST
        assert wait.until == pytest.approx(told.sends[0].attempt.started + 0.1 + 4.0)

    def test_a_rest_that_is_too_long_is_refused_at_once_with_its_end(self) -> None:
        world = World("a/m")
        world.will("a/m", THROTTLED._replace(rest=40.0))
        told = world.ask()
        assert told.waits == []
        assert told.fail is not None
        assert told.fail.cause is Cause.NO_TARGET
        assert told.fail.retry_at == pytest.approx(world.now + 40.0)

    def test_a_full_queue_refuses_at_once(self) -> None:
        here = crowd("a/m", facts=ONE)
        here.come()
        for _ in range(MOST_WAITING):
            assert here.come().waits
        refused = here.come()
        assert isinstance(refused.action, Fail)
        assert refused.action.cause is Cause.QUEUE_FULL
        here.close()


class Somebody:
    """Who waits, and is not woken."""

    def __init__(self, request: Request) -> None:
        self.request = request

    def wake(self) -> None:
        return


class TestStanding:
    """A queue that does not end is overload, and nobody is let in to be late in it."""

    def lined_up(self, *tenants: str) -> Queue:
        queue = Queue({}, Length())
        for number, tenant in enumerate(tenants):
            assert queue.join(Somebody(Request("m", 100.0, tenant=tenant)), A, float(number))
        return queue

    def test_a_burst_is_none(self) -> None:
        queue = self.lined_up("a", "a", "a")
        assert not queue.stands(Request("m", 100.0, tenant="a"), STANDING)

    def test_whose_requests_pile_up_wait_no_longer(self) -> None:
        queue = self.lined_up("a", "a", "b")
        now = STANDING + 0.1
        assert queue.stands(Request("m", 100.0, tenant="a"), now)
        assert not queue.stands(Request("m", 100.0, tenant="b"), now)

    def test_an_empty_moment_ends_it(self) -> None:
        queue = self.lined_up("a", "a")
        for waiter in list(queue.waiting):
            queue.leave(waiter)
        for _ in range(2):
            queue.join(Somebody(Request("m", 100.0, tenant="a")), A, 50.0)
        assert not queue.stands(Request("m", 100.0, tenant="a"), 55.0)

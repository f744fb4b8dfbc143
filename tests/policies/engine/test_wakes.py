"""Whoever waits is told when what it waits for has come, not only at the instant it was given."""

import pytest

from policies import Band, Climb, Outcome, Phase, Priority, Report, Request, Send, Target
from policies.engine.learning.estimates import Length
from policies.engine.waiting.queue import Queue
from tests.policies.crowd import crowd
from tests.policies.driver import limited
from tests.policies.engine.deciding.test_rescue import rescued
from tests.policies.engine.test_silence import usual


class Waiter:
    """One that waits, and whether it was told to look."""

    def __init__(self, band: Band, tokens: int) -> None:
        self.request = Request("m", 60.0, tokens, 0, band=band)
        self.woken = False

    def wake(self) -> None:
        self.woken = True


def test_a_look_that_is_answered_wakes_who_waits_for_a_place() -> None:
    here = crowd("a/m", "b/m", facts={"b/m": limited(concurrent=1)})
    here.world.eject("a/m")
    here.world.now = here.world.until("a/m")
    probe = here.come(stream=True)
    assert probe.send is not None
    assert probe.send.attempt.probe
    here.come()
    late = here.come()
    assert late.waits
    probe.send.attempt.first_token(here.world.now)
    assert late.woken
    late.look()
    assert late.send is not None
    assert late.send.target == "a/m"
    here.close()


@pytest.mark.parametrize("elsewhere", [True, False])
def test_a_newcomer_that_goes_first_because_its_band_is_owed_is_told(elsewhere: bool) -> None:
    """What is owed pays for its short request, not for the long one of its band before it."""
    queue = Queue({}, Length())
    high, long, short = Waiter(Band(0), 100), Waiter(Band(2), 1000), Waiter(Band(2), 100)
    a, b = frozenset("a"), frozenset("ab") if elsewhere else frozenset("a")
    queue.join(high, a, 0.0)
    queue.join(long, a, 0.0)
    for _ in range(10):
        queue.served(Waiter(Band(0), 100))
    high.woken = False
    assert "a" in queue.promised(short)
    queue.join(short, b, 0.0)
    assert ("a" not in queue.promised(short)) == elsewhere
    assert short.woken or not elsewhere


def test_who_may_leave_its_tier_when_that_falls_silent_is_told() -> None:
    """The route lets nobody climb because the first tier is busy, only because it fails."""
    world = usual("a/m", "b/m", facts={"a/m": limited(concurrent=3)})
    here = crowd()
    here.world = world
    targets = [Target("a/m"), Target("b/m", tier=1)]
    route = type(world.route)(targets, Priority(), climb=frozenset({Climb.FAILURE}))
    world.engine.replace({"m": route}, {"a/m": limited(concurrent=3)}, world.now)
    inside = [here.come(stream=True) for _ in range(3)]
    late = here.come(stream=True)
    assert late.waits
    assert inside[0].send is not None
    world.now = inside[0].send.attempt.overdue
    inside[0].look()
    assert world.state("a/m") == "ejected"
    assert late.woken
    late.look()
    assert late.send is not None
    assert late.send.target == "b/m"
    here.close()


def test_a_look_that_is_outrun_moves_whoever_still_waits_there() -> None:
    """They were sent before it was ejected for another reason; now it is known to be silent."""
    world = usual("a/m", "b/m")
    woken: list[bool] = []
    old = world.engine.start(world.request(stream=True), world.now, lambda: woken.append(True))
    send = old.next(world.now)
    assert isinstance(send, Send)
    course, probe, rescue = rescued(world)
    world.now = max(world.now, send.attempt.overdue)
    rescue.attempt.first_token(world.now)
    course.next(world.now)
    woken.clear()
    probe.attempt.settle(Report(Outcome.ABANDONED, Phase.HEAD), world.now)
    assert woken
    old.close(world.now)
    world.close()

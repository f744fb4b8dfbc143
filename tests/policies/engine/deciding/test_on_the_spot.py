"""When the target that failed is not asked once more on the spot."""

from policies import (
    Cause,
    Climb,
    CostTiers,
    Facts,
    Fail,
    Outcome,
    Phase,
    Report,
    Send,
    Target,
    Wait,
)
from tests.policies.crowd import crowd
from tests.policies.driver import FAILED, THROTTLED, World, limited

LATE = Report(Outcome.FAILED, Phase.FIRST_TOKEN)


def test_silence_is_never_tried_again_however_short_its_limit() -> None:
    world = World("a/m", facts={"a/m": Facts(first_token=1.5)})
    course = world.start(stream=True)
    send = course.next(world.now)
    assert isinstance(send, Send)
    world.now = send.limits.head
    world.settle(send, LATE)
    assert isinstance(course.next(world.now), Fail)
    world.close()


def test_nor_is_it_on_another_target_that_was_switched_to() -> None:
    """The limit is what the driver was given with the send."""
    world = World(Target("a/m"), Target("b/m", tier=1), facts={"a/m": Facts(first_token=1.5)})
    course = world.start(stream=True)
    send = course.next(world.now)
    assert isinstance(send, Send)
    send.attempt.switch(world.now)
    world.now = send.limits.head
    world.settle(send, LATE)
    again = course.next(world.now)
    assert isinstance(again, Send)
    assert again.target == "a/m"
    world.close()


def test_who_has_waited_meanwhile_is_on_the_spot_no_longer() -> None:
    """Its place was taken by another; it waits for what rests, and does not jump the queue."""
    here = crowd("a/m", "b/m", facts={"a/m": limited(concurrent=1)})
    unlucky = here.come(only=frozenset({"a/m", "b/m"}))
    here.come(only=frozenset({"b/m"})).settle(THROTTLED._replace(rest=5.0))
    other = here.come(only=frozenset({"a/m"}))
    assert other.waits
    unlucky.settle(FAILED)
    other.look()
    assert other.send is not None  # quicker than the one that failed
    assert isinstance(unlucky.look(), Wait)
    other.settle()
    assert isinstance(unlucky.look(), Wait)
    here.sleep(5.0)
    here.look()
    assert unlucky.send is not None
    assert unlucky.send.target == "b/m"
    here.close()


def test_a_tier_that_is_out_of_reach_has_no_spot() -> None:
    """The request climbed while the first tier was away. Now that one is only busy, and patience
    has it wait there: it does not try the higher tier again, beside another that could serve it.
    """
    world = World(
        Target("a/m"), Target("b/m", tier=1), Target("c/m", tier=1),
        policy=CostTiers(), patience=3.0, climb=frozenset(Climb),
        facts={"a/m": limited(concurrent=1)},
    )  # fmt: skip
    world.settle(world.send(only=frozenset({"a/m"})), Report(Outcome.DENIED, Phase.HEAD))
    course = world.start()
    send = course.next(world.now)
    assert isinstance(send, Send)
    failed = send.target
    assert failed != "a/m"
    pause = world.members[0].standing.pauses[0]
    pause.until = pause.shut = world.now  # its bill was paid
    pause.end_trial(world.send(only=frozenset({"a/m"})).attempt)
    world.settle(send, FAILED)
    wait = course.next(world.now)
    assert isinstance(wait, Wait)
    assert wait.cause is Cause.PLACE
    world.now = wait.until
    again = course.next(world.now)
    assert isinstance(again, Send)
    assert again.target not in ("a/m", failed)
    world.close()

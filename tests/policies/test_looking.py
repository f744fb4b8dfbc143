"""To look at an engine changes nothing of what it decides."""

from collections.abc import Callable
from random import Random

import pytest

from policies import LeastLatency, Policy, Priority, Target, WeightedRoundRobin
from tests.policies.driver import ANSWERED, FAILED, THROTTLED, Reply, World, limited
from tests.policies.traffic import SILENCE, Request, Traffic

pytestmark = pytest.mark.leaves_open


def story(seed: int, policy: Policy, look: Callable[[World], None]) -> list[Request]:
    facts = {"b/m": limited(requests=200, concurrent=3), "c/m": limited(tokens=90_000)}
    targets = (Target("a/m"), Target("b/m"), Target("c/m", tier=1), Target("d/m", 0.5, 1))
    world, rng = World(*targets, policy=policy, facts=facts, seed=seed), Random(seed)
    replies = [Reply(ANSWERED, 2.0, 0.4)] * 6 + [Reply(FAILED, 0.3), Reply(THROTTLED, 0.1), SILENCE]
    sick = Random(seed + 1)
    traffic = Traffic(world, lambda *_: sick.choice(replies), stream=True)
    for _ in range(250):
        look(world)
        traffic.come(2.0, 1, rng)
        look(world)
    return traffic.requests


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("policy", [LeastLatency(), WeightedRoundRobin(), Priority()])
def test_explaining_and_showing_change_no_decision(seed: int, policy: Policy) -> None:
    def look(world: World) -> None:
        world.engine.explain(world.request(stream=True), world.now)
        world.engine.snapshot(world.now)

    def told(requests: list[Request]) -> list[object]:
        return [(one.came, one.sends, one.ended, one.target, one.cause) for one in requests]

    assert told(story(seed, policy, look)) == told(story(seed, policy, lambda _: None))

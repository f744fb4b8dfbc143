"""What served is what a simulator drives: a sequence of requests that went through the pipeline is
decided again, call by call, by another engine in no time at all.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from policies import Engine, Facts, LeastLatency, Limits, Policy, Priority, Wait, WeightedRoundRobin
from policies.engine.refusal import Cause
from policies.engine.showing.record import Choice, Record
from policies.simulate.replay import Replayed, replay
from router.sink import ClientGone
from router.telemetry.decisions import Decisions, Origin
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene
from tests.router.scripted import CUT, EVENTS, GOOD, REFUSED, ROLE, Client, Script, refusal, text

SEED = 1  # the scene's
BROKEN: Script = [0.1, EVENTS, ROLE, 0.1, text("Hel"), 0.1, CUT]
SLOW: Script = [1.0, *GOOD]
BUSY: Script = refusal(429, "rate_limit_exceeded", retry_after="2")
ILL: Script = refusal(500, "server_error")
SCRIPTS = {
    "p/a": [*[GOOD] * 4, BROKEN, *[ILL] * 12, *[GOOD] * 6, [REFUSED], GOOD],
    "p/b": [*[GOOD] * 9, BUSY, *[SLOW] * 8, BUSY, GOOD],
    "q/c": [*[SLOW] * 6, refusal(401, "invalid_api_key"), SLOW],
}
FACTS = {
    "p/a": Facts(Limits(concurrent=2)),
    "p/b": Facts(Limits(concurrent=2)),
    "q/c": Facts(Limits(concurrent=1)),
}


async def leaves(verb: str) -> None:
    raise ClientGone


async def one(scene: Scene, number: int, wait: float) -> None:
    await asyncio.sleep(wait)
    sink = Client(leaves if number % 11 == 5 else None)
    try:
        await scene.ask(sink, stream=number % 4 > 0, request_id=f"req_{number}")
    except ClientGone:
        assert number % 11 == 5


async def crowd(policy: Policy) -> tuple[Scene, list[Record]]:
    """Ninety requests in half a minute, many of them at once."""
    origin = Origin("e", SEED, asyncio.get_running_loop().time())
    decisions = Decisions(origin, most=None)
    scene = Scene(SCRIPTS, deadline=20.0, facts=FACTS, policy=policy, decisions=decisions)
    rng = Random(3)
    waits = [rng.choice((0.0, 3.0, 6.0, 12.0, 20.0, 30.0)) + rng.random() for _ in range(90)]
    await asyncio.gather(*(one(scene, number, wait) for number, wait in enumerate(waits)))
    assert len(decisions) == 90
    return scene, [decision.record for decision in decisions.newest()]


def again(scene: Scene, records: list[Record], seed: int = SEED) -> Iterator[Replayed]:
    return replay(Engine(scene.routes, rng=Random(seed), now=0.0, facts=FACTS), records)


@pytest.mark.parametrize("policy", [LeastLatency(), WeightedRoundRobin(), Priority(LeastLatency())])
@in_virtual_time
async def test_what_the_pipeline_was_told_is_what_a_simulator_is_told(policy: Policy) -> None:
    scene, records = await crowd(policy)
    told = list(again(scene, records))
    sends = [each for each in told if isinstance(each.recorded, Choice)]
    assert [each.replayed.target for each in sends if isinstance(each.replayed, Choice)] == (
        scene.asked
    )
    for each in told:
        assert each.recorded == each.replayed


@in_virtual_time
async def test_the_sequence_has_every_kind_of_trouble() -> None:
    scene, records = await crowd(LeastLatency())
    ends = Counter(record.end for record in scene.kept.requests)
    assert {"ok", "gone", "interrupted"} <= ends.keys()
    assert {"failed head", "failed connect", "throttled head", "denied head", "failed body"} <= set(
        scene.outcomes
    )
    told = list(again(scene, records))
    waits = {each.recorded.cause for each in told if isinstance(each.recorded, Wait)}
    assert waits == {Cause.ANSWER, Cause.PLACE, Cause.REST}
    choices = [each.recorded for each in told if isinstance(each.recorded, Choice)]
    assert any(view.trip is not None for choice in choices for view in choice.targets)
    assert any(choice.probe for choice in choices)
    assert any(choice.number > 1 for choice in choices)


@in_virtual_time
async def test_with_another_seed_it_is_decided_otherwise() -> None:
    scene, records = await crowd(LeastLatency())
    assert any(each.recorded != each.replayed for each in again(scene, records, seed=2))

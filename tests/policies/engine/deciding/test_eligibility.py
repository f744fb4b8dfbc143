from typing import Any

import pytest

from policies import Cause, Facts, Refusal, Refused, Report, Target
from tests.policies.driver import (
    DENIED,
    FAILED,
    THROTTLED,
    UNFIT,
    Reply,
    World,
    limited,
)


def refusals(world: World, **asked: Any) -> dict[str, Refusal]:
    """Why each target cannot serve such a request now."""
    explained = world.engine.explain(world.request(**asked), world.now)
    return {
        target.target: target.refused.refusal
        for target in explained.targets
        if target.refused is not None
    }


def test_every_cause_is_named() -> None:
    facts = {
        "long/m": Facts(context=1000),
        "busy/m": limited(concurrent=1),
        "limited/m": limited(requests=1),
    }
    world = World(
        Target("drained/m", 0),
        "other/m",
        "long/m",
        "denied/m",
        "resting/m",
        "ejected/m",
        "busy/m",
        "limited/m",
        "well/m",
        facts=facts,
    )
    open_ = world.send(only=frozenset({"busy/m"}))
    world.settle(world.send(only=frozenset({"limited/m"})))
    world.settle(world.send(only=frozenset({"denied/m"})), DENIED)
    world.settle(world.send(only=frozenset({"resting/m"})), THROTTLED)
    world.eject("ejected/m")
    only = frozenset(member.name for member in world.members) - {"other/m"}
    assert refusals(world, only=only, input_tokens=5000) == {
        "drained/m": Refusal.DRAINED,
        "other/m": Refusal.EXCLUDED,
        "long/m": Refusal.CONTEXT,
        "denied/m": Refusal.DENIED,
        "resting/m": Refusal.RESTING,
        "ejected/m": Refusal.EJECTED,
        "busy/m": Refusal.BUSY,
        "limited/m": Refusal.LIMITED,
    }
    world.settle(open_)
    world.close()


def test_what_failed_this_request_is_refused_to_it_and_to_nobody_else() -> None:
    world = World("a/m", "b/m", "c/m")
    world.will("a/m", FAILED)
    world.will("b/m", UNFIT)
    world.will("c/m", Reply(FAILED, seconds=5))
    told = world.ask()
    assert told.fail is not None
    causes = [told.fail.refusals[name].refusal for name in ("a/m", "b/m", "c/m")]
    assert causes == [Refusal.TRIED, Refusal.UNFIT, Refusal.TRIED]
    assert refusals(world) == {}


@pytest.mark.parametrize(("tokens", "fits"), [(2001, True), (2002, False)])
def test_what_is_refused_is_longer_than_the_context_by_any_count(tokens: int, fits: bool) -> None:
    world = World("a/m", facts={"a/m": Facts(context=1000)})
    told = world.ask(input_tokens=tokens, output_tokens=5000)
    assert (told.fail is None) is fits


def test_a_drained_target_still_serves_who_asks_for_it_alone() -> None:
    world = World(Target("a/m", 0), "b/m")
    assert world.ask(only=frozenset({"a/m"})).targets == ["a/m"]
    assert world.ask(only=frozenset({"a/m", "b/m"})).targets == ["b/m"]


def test_only_an_unknown_target_can_serve_nobody() -> None:
    told = World("a/m").ask(only=frozenset({"nope/m"}))
    assert told.fail is not None
    assert told.fail.refusals["a/m"].refusal is Refusal.EXCLUDED


@pytest.mark.parametrize("report", [THROTTLED, DENIED])
def test_a_refusal_that_time_ends_says_when(report: Report) -> None:
    world = World("a/m")
    world.settle(world.send(), report)
    (target,) = world.engine.explain(world.request(), world.now).targets
    assert target.refused is not None
    assert target.refused.until > world.now
    world.now = target.refused.until
    assert refusals(world) == {}
    world.close()


def test_what_a_request_requires_no_target_may_lack() -> None:
    facts = {"a/m": Facts(lacks=frozenset({"images", "tools"})), "b/m": Facts()}
    world = World("a/m", "b/m", facts=facts)
    for requires, lacking in (
        ({"images", "tools", "schema"}, ("images", "tools")),
        ({"images"}, ("images",)),
    ):
        asked = world.request(requires=frozenset(requires))
        assert world.ask(requires=frozenset(requires)).targets == ["b/m"]
        first, second = world.engine.explain(asked, world.now).targets
        assert first.refused == Refused(Refusal.UNABLE, lacking=lacking)
        assert second.refused is None
    assert refusals(world, requires=frozenset({"schema"})) == {}
    assert refusals(world) == {}


def test_what_nobody_can_is_not_waited_for() -> None:
    world = World("a/m", facts={"a/m": Facts(lacks=frozenset({"audio"}))})
    told = world.ask(requires=frozenset({"audio"}))
    assert told.fail is not None
    assert (told.fail.cause, told.fail.retry_at) == (Cause.NO_TARGET, None)
    assert told.fail.refusals["a/m"].words == "it lacks what the request requires: audio"

"""Whoever finds a target out of room is told which limit it is."""

import pytest

from policies import Facts, Headroom, Limits, Measurement, Rate
from tests.policies.driver import World

MINUTE = 60.0


def told(world: World, **asked: int) -> str:
    return world.engine.explain(world.request(**asked), world.now).targets[0].words


@pytest.mark.parametrize(
    ("facts", "limit"),
    [
        ({"a/m": Facts(Limits([Rate(1, MINUTE)]))}, "it has 0 of 1 requests/min left"),
        (
            {"a": Facts(Limits([Rate(1, MINUTE)]))},
            "all of a together has 0 of 1 requests/min left",
        ),
        (
            {"a/m": Facts(Limits([Rate(2, 1.0), Rate(1, MINUTE)], [Rate(400, MINUTE)]))},
            "it has 0 of 1 requests/min left",
        ),
        (
            {"a/m": Facts(Limits(tokens=[Rate(400, MINUTE)]))},
            "it has 44 of 400 tokens/min left, and the request needs about 356",
        ),
        (
            {"a/m": Facts(Limits(output=[Rate(300, 10.0)]))},
            "it has 44 of 300 output tokens in 10 s left, and the request needs about 256",
        ),
    ],
    ids=["its own", "its group's", "the last of several", "tokens", "of one kind"],
)
def test_the_limit_that_has_room_last_is_named_with_whose_it_is(
    facts: dict[str, Facts], limit: str
) -> None:
    world = World("a/m", facts=facts)
    world.send(input_tokens=100)
    room, which = told(world, input_tokens=100).split("; ", 1)
    assert room.startswith("limited: room for this request in ")
    assert which == limit
    world.close()


def test_what_its_provider_says_is_named_where_that_has_room_later_than_the_file() -> None:
    world = World("a/m", facts={"a/m": Facts(Limits([Rate(1, 1.0)]))})
    world.send()
    said = Headroom("requests", 0, 500, reset=30.0, span=MINUTE, name="requests")
    world.engine.observe("a/m", Measurement((said,)), world.now, world.now)
    which = told(world).split("; ", 1)[1]
    assert which == "its provider leaves 0 of 500 requests, all again in 30 s"
    world.close()


def test_what_its_provider_leaves_is_named_also_where_that_is_plenty_for_others() -> None:
    world = World("a/m")
    said = Headroom("tokens", 900, 1_000, reset=30.0, span=MINUTE, name="tokens")
    world.engine.observe("a/m", Measurement((said,)), world.now, world.now)
    which = told(world, input_tokens=950).split("; ", 1)[1]
    assert which.startswith("its provider leaves 900 of 1,000 tokens, all again in ")
    world.close()


def test_places_that_were_learned_are_told_from_those_that_are_written() -> None:
    world = World("a/m", facts={"a": Facts(Limits(concurrent=1))})
    world.send()
    assert told(world) == "busy: 1 of 1 in flight over all of a"
    world.close()

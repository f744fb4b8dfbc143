"""A cascade that has switched itself off, while nobody of the dear tier can serve."""

from __future__ import annotations

from policies import Outcome, Report
from router.cascade.shown import why
from tests.router.cascade.holding import Held
from tests.router.clock import in_virtual_time
from tests.router.scripted import answer, refusal

REFUSES = answer("I can't help with that.")
DOWN = refusal(500)
USED = Report(Outcome.OK, input_tokens=100, output_tokens=100)


def off(scene: Held) -> None:
    """So many cheap answers have failed that they are not worth it."""
    for _ in range(30):
        scene.lane.add(0, "refusal", USED, 100_000, 0)
    scene.lane.tallies[0].cost *= 1000
    scene.lane.add(0, "refusal", USED, 100_000, 0)
    assert scene.lane.dear == {0}


@in_virtual_time
async def test_while_the_dear_tier_is_down_the_cheap_one_is_asked_first_again() -> None:
    dear = [*[DOWN] * 12, answer("certainly")]
    scene = Held({"a/m": [REFUSES], "b/m": dear}, attempts=1)
    off(scene)
    assert (await scene.ask()).status == 502
    assert "asked first" in why(scene.lane, 0)
    for _ in range(5):
        client = await scene.ask()
        assert client.status == 200
        assert client.headers["x-router-cascade"] == "best; a/m=refusal"
    while scene.lane.alone:
        await scene.ask()
    asked = len(scene.asked)
    assert "dearer than to begin above it" in why(scene.lane, 0)
    assert (await scene.ask()).json["choices"][0]["message"]["content"] == "certainly"
    assert scene.asked[asked:] == ["b/m"]


@in_virtual_time
async def test_what_is_wrong_with_a_request_says_nothing_of_the_dear_tier() -> None:
    scene = Held({"a/m": [REFUSES], "b/m": [refusal(400)]}, attempts=1)
    off(scene)
    assert (await scene.ask()).status == 400
    assert not scene.lane.alone

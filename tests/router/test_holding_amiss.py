"""Streams that are held back, and what else may go wrong beside them, in virtual time."""

from __future__ import annotations

from dataclasses import replace

from policies import Route, Target
from router.ladder import Ladder, Rung
from tests.router.clock import in_virtual_time, now
from tests.router.holding import Held
from tests.router.scene import InOrder, words_of
from tests.router.scripted import EVENTS, REFUSED, ROLE, Script
from tests.router.test_holding import DEAR, MORE, SORRY, told

REFUSES: Script = [0.1, EVENTS, ROLE, SORRY, *MORE, 1000]
"""Long before its end, which never comes."""


@in_virtual_time
async def test_who_began_badly_is_not_asked_again_by_a_model_that_is_fallen_back_on() -> None:
    apart = Ladder((Rung("d/m", frozenset({"d/m"})),), None)
    scene = Held(
        {"a/m": [REFUSES], "b/m": [[0.1, REFUSED]], "d/m": [DEAR]}, ladder=apart, head=600
    )
    both = Rung("d/m", frozenset({"a/m", "d/m"}))
    scene.runtime = replace(scene.runtime, ladders={"chat": Ladder((both,), None)})
    route = Route([Target("a/m"), Target("d/m")], InOrder())
    scene.engine.replace({**scene.routes, "d/m": route}, {}, now())
    client = await scene.stream()
    assert scene.asked.count("a/m") == 1
    assert words_of(client) == "certainly"


@in_virtual_time
async def test_a_text_that_is_said_for_want_of_an_answer_is_no_answer_of_a_tier() -> None:
    ladder = Ladder((), "Later, please.")
    scene = Held({"a/m": [REFUSES], "b/m": [[0.1, REFUSED]]}, ladder=ladder, head=600)
    client = await scene.stream()
    assert words_of(client) == "Later, please."
    assert "x-router-cascade" not in client.headers
    assert "cascade" not in told(client)
    assert scene.request.climbed == (("a/m", "refusal"),)

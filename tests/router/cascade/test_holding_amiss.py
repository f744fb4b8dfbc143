"""Streams that are held back, and what else may go wrong beside them, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from policies import Route, Target
from router.cascade.holding import CROWDED
from router.ladder import Ladder, Rung
from tests.router.cascade.holding import Held
from tests.router.cascade.test_holding import DEAR, MORE, SORRY, WHOLE, told
from tests.router.clock import in_virtual_time, now
from tests.router.scene import InOrder, words_of
from tests.router.scripted import (
    DONE,
    END,
    EVENTS,
    FINISH,
    REFUSED,
    ROLE,
    Client,
    Script,
    body_of,
    text,
)

REFUSES: Script = [0.1, EVENTS, ROLE, SORRY, *MORE, 1000]
"""Long before its end, which never comes."""


@in_virtual_time
async def test_who_began_badly_is_not_asked_again_by_a_model_that_is_fallen_back_on() -> None:
    apart = Ladder((Rung("d/m", frozenset({"d/m"})),), None)
    scene = Held({"a/m": [REFUSES], "b/m": [[0.1, REFUSED]], "d/m": [DEAR]}, ladder=apart, head=600)
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


LARGE: Script = [0.1, EVENTS, ROLE, *[text("x" * 200)] * 30, FINISH, DONE, END]
FILLS: Script = [0.1, EVENTS, ROLE, SORRY, *[text("x" * 200)] * 30, FINISH, DONE, END]


@in_virtual_time
async def test_a_request_holds_what_is_judged_and_the_best_before_it_and_no_more() -> None:
    names = [f"{letter}/m" for letter in "abcdefg"]
    scene = Held({**{name: [FILLS] for name in names}, "z/m": [DEAR]}, head=10_000)
    heads, most = scene.heads, 0
    asking = asyncio.create_task(scene.stream())
    while not asking.done():
        await asyncio.sleep(0.01)
        most = max(most, heads.held)
    assert words_of(asking.result()) == "certainly"
    assert len(body_of(FILLS)) < most < 2.2 * len(body_of(FILLS))
    assert heads.held == 0


@in_virtual_time
async def test_where_too_much_is_held_by_all_a_stream_goes_by_what_there_is_of_it() -> None:
    slow: Script = [0.1, EVENTS, ROLE, *[part for one in MORE for part in (0.1, one)], 1000]
    scene = Held({"a/m": [slow], "b/m": [DEAR]}, head=100_000, deadline=20)
    scene.heads.most = 2000
    asking = [asyncio.create_task(scene.stream(request_id=f"req_{at}")) for at in range(3)]
    await asyncio.sleep(2)
    assert scene.heads.held <= 2000
    assert scene.lane.trouble == CROWDED
    clients = await asyncio.gather(*asking)
    assert all(client.status == 200 for client in clients)
    assert scene.heads.held == 0
    refuses: Script = [0.1, EVENTS, ROLE, SORRY, *MORE, 1000]
    scene = Held({"a/m": [refuses], "b/m": [DEAR]}, head=100_000)
    scene.heads.most = 100
    assert words_of(await scene.stream()) == "certainly"  # what is there is judged all the same


@in_virtual_time
async def test_whenever_its_client_leaves_nothing_is_held_of_it_any_more() -> None:
    held = []
    for at in (0.05, 0.15, 0.35, 1.0, 5.0):
        scene = Held({"a/m": [[*WHOLE[:-4], 9, *WHOLE[-4:]]], "b/m": [DEAR]}, head=100_000)
        asking = asyncio.create_task(scene.stream())
        await asyncio.sleep(at)
        held.append(scene.heads.held)
        asking.cancel()
        await asyncio.wait({asking})
        assert scene.heads.held == 0
    assert held == sorted(held)
    assert held[-1] > 2000


@in_virtual_time
async def test_what_a_client_took_late_before_an_answer_began_is_no_time_of_that_answer() -> None:
    late: Script = [0.1, EVENTS, ROLE, text("one "), 2.0, text("two"), FINISH, DONE, END]
    scene = Held({"a/m": [[20, *REFUSES[:-1], FINISH, DONE, END]], "b/m": [late]}, head=10_000)

    async def slow(verb: str) -> None:
        if verb == "start":  # with the first comment
            await asyncio.sleep(5)
            client.waited += 5

    client = Client(slow)
    assert words_of(await scene.stream(client)) == "one two"
    assert [attempt.report.unread for attempt in scene.kept.attempts] == [0, 0]
    assert scene.request.client_seconds == 5

"""Whoever leaves, whenever: nothing stays open, and what was spent is settled."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator
from itertools import count
from types import coroutine
from typing import Any

import pytest

from policies import Facts, Limits
from router.sink import ClientGone, SlowClient
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, read_by_sdk
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    EVENTS,
    FINISH,
    GOOD,
    RESET,
    ROLE,
    Client,
    Script,
    answer,
    refusal,
    text,
)

LONG: Script = [20, EVENTS, ROLE, 0.1, text("Hel"), 20, text("lo"), 0.1, FINISH, 0.1, DONE, END]


@coroutine
def cancelled_at(step: int, running: Coroutine[Any, Any, Any]) -> Generator[Any, Any, bool]:
    """Run until it waits for the `step`th time, and cancel it there; whether it came so far."""
    for number in count():
        try:
            waits_for = running.send(None)
        except StopIteration:
            return False
        if number == step:
            with pytest.raises(asyncio.CancelledError):
                running.throw(asyncio.CancelledError())
            return True
        yield waits_for
    raise AssertionError


async def pause(verb: str) -> None:
    """Wait within every verb of the sink, as it does when the connection is full."""
    await asyncio.sleep(0.01)
    await asyncio.sleep(0)


@pytest.mark.parametrize("first", [[0.1, RESET], refusal(429, retry_after="3"), [*LONG[:3], CUT]])
@pytest.mark.parametrize(
    ("stream", "then", "waits", "end"),
    [
        (True, LONG, 20, "ok"),
        (True, [*LONG[:5], 1, CUT], 12, "interrupted"),
        (True, [20, *refusal(401)], 8, "error"),
        (False, [20, *answer()], 4, "ok"),
        (False, refusal(400), 4, "error"),
    ],
)
def test_a_client_may_leave_at_any_moment(
    first: Script, stream: bool, then: Script, waits: int, end: str
) -> None:
    async def leave(step: int) -> bool:
        scene = Scene({"a/m": [first], "b/m": [then]}, deadline=600)
        left = await cancelled_at(step, scene.ask(Client(pause), stream=stream))
        scene.nothing_is_left()
        assert scene.pipeline.running == 0
        assert scene.request.end == ("gone" if left else end)
        return left

    steps = 0
    while run(leave, steps):
        steps += 1
    assert steps >= waits


def run(scenario: Callable[[int], Awaitable[bool]], step: int) -> bool:
    """One such scenario, in a time of its own."""
    came_so_far: list[bool] = []

    @in_virtual_time
    async def once() -> None:
        came_so_far.append(await scenario(step))

    once()
    return came_so_far[0]


@in_virtual_time
async def test_what_a_client_left_behind_is_settled_with_the_tokens_seen() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE, text("Hel"), text("lo"), 10, text("!")]]})
    asking = asyncio.ensure_future(scene.ask(stream=True))
    await asyncio.sleep(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert scene.transport.sent[0].exchange.aborted
    assert scene.outcomes == ["abandoned body"]
    for told in (scene.kept.attempts[0].report, scene.request):
        assert (told.input_tokens, told.output_tokens, told.estimated) == (24, 2, True)
    assert (scene.request.end, scene.request.target) == ("gone", "a/m")


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([], "abandoned head"),
        ([0.1, EVENTS], "abandoned first_token"),
        ([0.1, EVENTS, ROLE], "abandoned first_token"),
    ],
)
@in_virtual_time
async def test_a_client_that_leaves_before_content_spent_its_question(
    script: Script, outcome: str
) -> None:
    scene = Scene({"a/m": [script]})
    asking = asyncio.ensure_future(scene.ask(stream=True))
    await asyncio.sleep(1)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert scene.outcomes == [outcome]
    report = scene.kept.attempts[0].report
    assert (report.input_tokens, report.output_tokens, report.estimated) == (24, 0, True)
    assert (scene.request.status, scene.request.target) == (0, "a/m")


@pytest.mark.parametrize("gone", [ClientGone, SlowClient])
@pytest.mark.parametrize("verbs", range(5))
@in_virtual_time
async def test_a_sink_without_a_client_ends_the_request(gone: type[ClientGone], verbs: int) -> None:
    left = verbs

    async def leave(verb: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise gone

    scene = Scene({"a/m": [GOOD]})
    client = Client(leave)
    with pytest.raises(gone):
        await scene.ask(client, stream=True)
    # The head, two pieces of content, then the finish with all that follows it, and the end.
    assert scene.outcomes == ["ok body" if verbs >= 3 else "abandoned body"]
    assert scene.request.end == ("slow" if gone is SlowClient else "gone")


@in_virtual_time
async def test_leaving_a_queue_gives_up_the_place_in_it() -> None:
    facts = {"a/m": Facts(limits=Limits(concurrent=1))}
    scene = Scene({"a/m": [[5, *answer()]]}, facts=facts)
    first, second, third = (asyncio.ensure_future(scene.ask()) for _ in range(3))
    await asyncio.sleep(1)
    second.cancel()
    assert (await first).status == 200
    assert (await third).status == 200
    assert now() == pytest.approx(10.2)
    with pytest.raises(asyncio.CancelledError):
        await second
    assert [record.end for record in scene.kept.requests] == ["gone", "ok", "ok"]


@in_virtual_time
async def test_a_fault_of_ours_leaves_nothing_open_either() -> None:
    scene = Scene({"a/m": [GOOD]})
    scene.transport._scripts.clear()
    with pytest.raises(KeyError):
        await scene.ask()
    assert scene.engine.in_flight == 0
    assert scene.request.model == "chat"


# A drain.


async def stopped(scene: Scene, **fields: Any) -> Client:
    """Ask, and stop the pipeline a second later."""
    asking = asyncio.ensure_future(scene.ask(**fields))
    await asyncio.sleep(1)
    assert scene.pipeline.running == 1
    scene.pipeline.stop()
    client = await asking
    assert now() == pytest.approx(1)
    assert scene.request.end == "drained"
    return client


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_a_drain_before_an_answer_is_a_503_that_invites_back(stream: bool) -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE]]})
    client = await stopped(scene, stream=stream)
    assert (client.status, client.error) == (503, "draining")
    assert client.headers["retry-after"] == "1"
    assert scene.outcomes == ["abandoned first_token"]


@in_virtual_time
async def test_a_drain_in_a_stream_is_an_error_event() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE, text("Hel")]]})
    client = await stopped(scene, stream=True)
    assert b"[DONE]" not in client.body
    with pytest.raises(Exception, match="shutting down"):
        read_by_sdk(client)
    assert scene.outcomes == ["abandoned body"]


@in_virtual_time
async def test_a_drain_reaches_who_waits_for_a_pause_to_end() -> None:
    scene = Scene({"a/m": [refusal(429, retry_after="9"), answer()]})
    client = await stopped(scene)
    assert client.error == "draining"
    assert scene.outcomes == ["throttled head"]

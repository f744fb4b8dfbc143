"""Two attempts of one request at once, through the pipeline: whichever brings content first."""

import asyncio

from policies import Phase
from router.upstream.transport import UpstreamError
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, read_by_sdk
from tests.router.scripted import DONE, END, EVENTS, Script, answer, delta, refusal, text

CRASH = refusal(500, "server_error")


def stream(after: float = 0.1) -> Script:
    """An answer of two words, that begins after so many seconds."""
    return [after, EVENTS, text("Hel"), text("lo"), delta(finish="stop"), DONE, END]


async def sick(*last: Script) -> Scene:
    """A scene whose first target crashed until it was ejected, and whose rest is over; then it does
    `last`.
    """
    scene = Scene({"a/m": [CRASH] * 5 + list(last), "b/m": [stream() for _ in range(40)]})
    for _ in range(5):
        await scene.ask(stream=True)
    await asyncio.sleep(scene.engine.snapshot(now())["a/m"].until - now())
    scene.kept.attempts.clear()
    scene.kept.requests.clear()
    scene.transport.sent.clear()
    return scene


@in_virtual_time
async def test_a_probe_that_hears_nothing_is_rescued_and_stopped() -> None:
    scene = await sick([])
    begin = now()
    client = await scene.ask(stream=True)
    assert read_by_sdk(client)[-1].choices[0].finish_reason == "stop"
    assert scene.asked == ["a/m", "b/m"]
    assert now() - begin < 3.0
    assert sorted(scene.outcomes) == ["abandoned head", "ok body"]
    assert client.headers["x-router-target"] == "b/m"
    assert scene.engine.snapshot(now())["a/m"].state == "ejected"


@in_virtual_time
async def test_a_probe_that_answers_before_its_rescue_wins_and_the_rescue_is_stopped() -> None:
    scene = await sick(stream(after=0.15))
    client = await scene.ask(stream=True)
    assert client.headers["x-router-target"] == "a/m"
    assert read_by_sdk(client)[-1].choices[0].finish_reason == "stop"
    assert sorted(scene.outcomes) == ["abandoned head", "ok body"]
    assert scene.engine.snapshot(now())["a/m"].state == "recovering"


@in_virtual_time
async def test_an_answer_in_one_piece_is_rescued_likewise() -> None:
    scene = Scene({"a/m": [CRASH] * 5 + [[]], "b/m": [answer() for _ in range(40)]})
    for _ in range(5):
        await scene.ask()
    await asyncio.sleep(scene.engine.snapshot(now())["a/m"].until - now())
    client = await scene.ask()
    assert client.status == 200
    assert client.headers["x-router-target"] == "b/m"
    assert scene.asked[-2:] == ["a/m", "b/m"]


STALE: Script = [UpstreamError(Phase.HEAD, "the connection broke before an answer", stale=True)]


@in_virtual_time
async def test_an_idle_connection_that_met_its_end_fails_nobody_and_costs_no_attempt() -> None:
    scene = Scene({"a/m": [STALE, answer()]}, attempts=1)
    scene.forgiven = 1
    client = await scene.ask()
    assert client.status == 200
    assert client.headers["x-router-attempts"] == "1"
    assert scene.asked == ["a/m", "a/m"]
    assert scene.outcomes == ["ok body"]
    assert scene.engine.snapshot(now())["a/m"].factors.availability == 1


@in_virtual_time
async def test_only_the_first_such_end_is_forgiven() -> None:
    scene = Scene({"a/m": [STALE], "b/m": [answer()]})
    scene.forgiven = 1
    client = await scene.ask()
    assert client.headers["x-router-target"] == "b/m"
    assert client.headers["x-router-attempts"] == "2"
    assert scene.asked == ["a/m", "a/m", "b/m"]
    assert sorted(scene.outcomes) == ["failed head", "ok body"]

"""Requests with tools that their provider runs: what may have been begun is not sent again."""

import pytest

from policies import Phase
from router.ladder import Ladder, Rung
from router.upstream.transport import UpstreamError
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene, looks_whole
from tests.router.scripted import (
    CUT,
    ERROR,
    EVENTS,
    GOOD,
    REFUSED,
    RESET,
    ROLE,
    Script,
    answer,
    event,
    piece,
    refusal,
    text,
)

TOOLS = [{"type": "web_search"}]
STALE = UpstreamError(Phase.HEAD, "the connection broke before an answer", stale=True)
OVERLOADED = event(error={"type": "overloaded_error", "message": "overloaded"})


@pytest.mark.parametrize(
    "script",
    [
        [REFUSED],
        refusal(429, retry_after="5"),
        refusal(529),
        refusal(401, "invalid_api_key"),
        refusal(400, "unsupported_parameter"),
    ],
)
@in_virtual_time
async def test_a_refusal_before_anything_was_begun_is_anothers_answer(script: Script) -> None:
    scene = Scene({"a/m": [script], "b/m": [answer()]})
    client = await scene.ask(tools=TOOLS)
    assert client.headers["x-router-target"] == "b/m"


@pytest.mark.parametrize(
    "script", [[RESET], [STALE], refusal(500), refusal(503), piece(200, b"<html>"), piece(200, {})]
)
@in_virtual_time
async def test_after_anything_else_the_client_is_told_why_it_was_not_sent_again(
    script: Script,
) -> None:
    scene = Scene({"a/m": [script], "b/m": [answer()]})
    client = await scene.ask(tools=TOOLS)
    assert scene.asked == ["a/m"]
    assert (client.status, client.error) == (502, "may_have_acted")
    assert "may have acted already" in client.json["error"]["message"]
    assert client.headers["x-should-retry"] == "false"
    assert "retry-after" not in client.headers
    assert (scene.request.end, scene.request.cause) == ("error", "acted")


@in_virtual_time
async def test_what_may_have_acted_is_the_last_attempt_and_not_one_that_says_more() -> None:
    scene = Scene({"a/m": [refusal(429, retry_after="5")], "b/m": [[RESET]]})
    message = (await scene.ask(tools=TOOLS)).json["error"]["message"]
    assert "the connection broke" in message
    assert "429" not in message
    scene = Scene({"a/m": [refusal(429, retry_after="5")], "b/m": [[]]}, deadline=5.0)
    client = await scene.ask(tools=TOOLS)
    assert (client.status, client.error) == (504, "may_have_acted")


@pytest.mark.parametrize("broken", [[ROLE, CUT], [ROLE, ERROR], [ROLE, OVERLOADED]])
@in_virtual_time
async def test_a_stream_that_breaks_before_content_may_have_acted(broken: Script) -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, *broken]], "b/m": [GOOD]})
    client = await scene.ask(tools=TOOLS, stream=True)
    assert scene.asked == ["a/m"]
    assert b"may_have_acted" in client.body
    assert not looks_whole(client)


@in_virtual_time
async def test_one_that_breaks_off_after_content_is_interrupted_as_any() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, text("Hel"), 0.1, CUT]], "b/m": [GOOD]})
    client = await scene.ask(tools=TOOLS, stream=True)
    assert b"stream_interrupted" in client.body


@in_virtual_time
async def test_one_that_is_late_for_its_deadline_is_not_to_be_sent_again_either() -> None:
    scene = Scene({"a/m": [[]], "b/m": [answer()]}, deadline=5.0)
    client = await scene.ask(web_search_options={})
    assert (client.status, client.error) == (504, "may_have_acted")
    assert client.headers["x-should-retry"] == "false"


@in_virtual_time
async def test_it_does_not_go_down_a_ladder() -> None:
    ladder = Ladder((Rung("b/m", frozenset({"b/m"})),), "sorry")
    scene = Scene({"a/m": [refusal(500)], "b/m": [answer()]}, ladder=ladder)
    assert (await scene.ask(tools=TOOLS)).error == "may_have_acted"
    assert scene.asked == ["a/m"]
    scene = Scene({"a/m": [[REFUSED]], "b/m": [answer()]}, ladder=ladder)
    assert (await scene.ask(tools=TOOLS)).headers["x-router-degraded"] == "model=b/m"
    scene = Scene({"a/m": [[REFUSED]], "b/m": [refusal(500)]}, ladder=ladder)
    assert (await scene.ask(tools=TOOLS)).error == "may_have_acted"


@in_virtual_time
async def test_tools_that_the_client_runs_change_nothing() -> None:
    scene = Scene({"a/m": [refusal(500)], "b/m": [answer()]})
    tool = {"type": "function", "function": {"name": "look"}}
    assert (await scene.ask(tools=[tool])).headers["x-router-target"] == "b/m"

"""The head point: when a stream's status goes out, and what may still happen after it."""

import asyncio

import openai
import pytest

from router.upstream.transport import Timeouts
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, comments_of, events_of, read_by_sdk, words_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    EVENTS,
    FINISH,
    GOOD,
    ROLE,
    Client,
    Script,
    answer,
    refusal,
    text,
)

KEEP_ALIVE = b": keep-alive\n\n"
SILENT: Script = [40, EVENTS, ROLE, CUT]


@in_virtual_time
async def test_the_head_goes_out_with_the_first_content() -> None:
    heads: list[float] = []

    async def note(verb: str) -> None:
        if verb == "start":
            heads.append(now())

    scene = Scene({"a/m": [[1, EVENTS, ROLE, 1, text("Hello"), 1, FINISH, DONE, END]]})
    client = await scene.ask(Client(note), stream=True)
    assert heads == [pytest.approx(2)]
    assert client.pieces[0][1] == ROLE + text("Hello")
    assert client.headers == {
        "content-type": "text/event-stream; charset=utf-8",
        "cache-control": "no-cache",
        "x-request-id": "req_1",
        "x-router-target": "a/m",
        "x-router-attempts": "1",
        "server-timing": "before;dur=0.0, upstream;dur=2000.0",
    }


@in_virtual_time
async def test_after_15_seconds_of_silence_the_head_goes_out_with_comments() -> None:
    scene = Scene({"a/m": [[50, EVENTS, ROLE, text("Hello"), FINISH, DONE, END]]})
    client = await scene.ask(stream=True)
    assert [data for _, data in client.pieces[:3]] == [KEEP_ALIVE] * 3
    assert [at for at, _ in client.pieces[:3]] == [pytest.approx(15 * n) for n in (1, 2, 3)]
    assert client.headers["x-router-attempts"] == "1"
    assert "x-router-target" not in client.headers
    assert words_of(client) == "Hello"


@in_virtual_time
async def test_silence_between_tokens_is_bridged_by_comments_too() -> None:
    script: Script = [1, EVENTS, text("Hel"), 40, text("lo"), 20, FINISH, DONE, END]
    scene = Scene({"a/m": [script]}, deadline=600)
    client = await scene.ask(stream=True)
    at = [moment for moment, data in client.pieces if data == KEEP_ALIVE]
    assert at == [pytest.approx(moment) for moment in (16, 31, 56)]
    assert words_of(client) == "Hello"


@in_virtual_time
async def test_a_failover_after_the_head_is_as_silent_as_one_before() -> None:
    scene = Scene({"a/m": [SILENT], "b/m": [SILENT], "c/m": [GOOD]}, deadline=600)
    client = await scene.ask(stream=True)
    assert words_of(client) == "Hello"
    assert events_of(client) == ROLE + text("Hel") + text("lo") + FINISH + DONE
    assert scene.asked == ["a/m", "b/m", "c/m"]
    assert '"attempts":3' in comments_of(client)[-1]


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (SILENT, "upstream_failed"),
        ([40, *refusal(400)], "invalid_request"),
        ([40, *refusal(400, "content_filter")], "content_filter"),
        ([40, *refusal(429, retry_after="30")], "no_capacity"),
        ([40, *refusal(401)], "no_target"),
        ([], "deadline_exceeded"),
    ],
)
@in_virtual_time
async def test_an_error_after_the_head_is_an_event_that_the_sdk_raises_on(
    script: Script, code: str
) -> None:
    scene = Scene({"a/m": [script], "b/m": [script]}, deadline=100, attempts=2)
    client = await scene.ask(stream=True)
    with pytest.raises(openai.APIError) as caught:
        read_by_sdk(client)
    assert (caught.value.code, client.status, client.ended) == (code, 200, True)
    assert b"[DONE]" not in client.body
    assert b"refused with" not in client.body
    record = scene.request
    assert (record.status, record.end, record.first) == (200, "error", None)


@in_virtual_time
async def test_an_error_before_the_head_has_its_status_for_a_stream_too() -> None:
    scene = Scene({"a/m": [refusal(400, "bad_thing")]})
    client = await scene.ask(stream=True)
    assert (client.status, client.error) == (400, "bad_thing")
    assert client.headers["content-type"] == "application/json"


@in_virtual_time
async def test_a_whole_answer_waits_without_comments() -> None:
    scene = Scene({"a/m": [[50, *answer()]]})
    client = await scene.ask()
    assert len(client.pieces) == 1
    assert client.headers["content-type"] == "application/json"


@in_virtual_time
async def test_comments_wait_for_a_client_as_everything_does() -> None:
    async def slowly(verb: str) -> None:
        await asyncio.sleep(20)

    script: Script = [50, EVENTS, text("Hello"), FINISH, DONE, END]
    scene = Scene({"a/m": [script]}, timeouts=Timeouts(between_tokens=5), deadline=600)
    client = await scene.ask(Client(slowly), stream=True)
    assert words_of(client) == "Hello"

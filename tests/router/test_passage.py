"""Streams: what is rescued in silence, what breaks off honestly, and where an answer ends."""

import asyncio
import json
from typing import Any

import openai
import pytest

from policies import Facts
from router.upstream.transport import Head, Timeouts
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, comments_of, events_of, looks_whole, read_by_sdk, words_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    ERROR,
    EVENTS,
    FINISH,
    GOOD,
    REFUSED,
    RESET,
    ROLE,
    Client,
    Script,
    Step,
    answer,
    delta,
    event,
    refusal,
    text,
)

NAMED_ERROR = b'event: error\ndata: {"message":"overloaded"}\n\n'
MALFORMED = b"data: {not json\n\n"
PROCESSING: list[Step] = [10, b": PROCESSING\n\n"]
STILL_HERE: list[Step] = [0.3, b": still here\n\n"]
ON: list[Step] = [1, text("on ")]
BIG = b"x" * (1 << 24)
BEFORE_CONTENT: dict[str, Script] = {
    "no connection": [0.1, REFUSED],
    "a reset": [0.1, RESET],
    "a crash": refusal(500),
    "silence": [],
    "a head and silence": [0.1, EVENTS],
    "a role and silence": [0.1, EVENTS, ROLE],
    "comments and never an answer": [0.1, EVENTS, *PROCESSING * 20],
    "a role and the end": [0.1, EVENTS, ROLE, END],
    "a role and a cut": [0.1, EVENTS, ROLE, 0.1, CUT],
    "a role and an error": [0.1, EVENTS, ROLE, 0.1, ERROR],
    "a role and a named error": [0.1, EVENTS, ROLE, NAMED_ERROR],
    "a role and garbage": [0.1, EVENTS, ROLE, MALFORMED],
    "a role and [DONE]": [0.1, EVENTS, ROLE, DONE, END],
    "a filter's results and a cut": [0.1, EVENTS, event(choices=[], prompt_filter_results=[]), CUT],
    "a finish that names a failure": [0.1, EVENTS, ROLE, delta(finish="error"), DONE, END],
    "content and a cut in one read": [0.1, EVENTS, ROLE, text("Wrong"), CUT],
    "content and an error in one read": [0.1, EVENTS, text("Wrong"), ERROR],
    "content and the end in one read": [0.1, EVENTS, text("Wrong"), END],
    "an answer in one piece": answer("Wrong"),
    "an error in one piece": [0.1, EVENTS, b'{"error":{"code":"server_error"}}', END],
    "a page": [0.1, Head(200, {"content-type": "text/html"}), b"<html>\n\n</html>", END],
    "nothing": [0.1, EVENTS, END],
    "an endless line": [0.1, EVENTS, BIG, 0.1, BIG],
}
AFTER_CONTENT: dict[str, list[Step]] = {
    "a cut": [CUT],
    "the end of the bytes": [END],
    "silence": [],
    "an error": [ERROR],
    "a named error": [NAMED_ERROR],
    "garbage": [MALFORMED],
    "half an event": [b'data: {"choices":[{"index":0,"delta":{"content":"l', END],
    "[DONE] without an end": [DONE, END],
    "a finish that names a failure": [delta(finish="insufficient_system_resource"), DONE, END],
    "an endless line": [BIG, 0.1, b"x"],
}


def broken_off(client: Client) -> openai.APIError:
    """The error with which the SDK ends an answer that broke off."""
    assert client.ended
    assert not looks_whole(client)
    with pytest.raises(openai.APIError) as caught:
        read_by_sdk(client)
    return caught.value


@pytest.mark.parametrize("broken", BEFORE_CONTENT.values(), ids=BEFORE_CONTENT)
@in_virtual_time
async def test_whatever_fails_before_content_is_rescued_in_silence(broken: Script) -> None:
    scene = Scene({"a/m": [broken], "b/m": [GOOD]}, deadline=600)
    client = await scene.ask(stream=True)
    assert (client.status, words_of(client)) == (200, "Hello")
    assert events_of(client) == ROLE + text("Hel") + text("lo") + FINISH + DONE
    assert scene.asked == ["a/m", "b/m"]
    assert scene.outcomes[-1] == "ok body"
    assert (scene.request.end, scene.request.target) == ("ok", "b/m")


@pytest.mark.parametrize("broken", AFTER_CONTENT.values(), ids=AFTER_CONTENT)
@in_virtual_time
async def test_whatever_fails_after_content_is_an_error_and_never_looks_whole(
    broken: list[Step],
) -> None:
    scene = Scene(
        {"a/m": [[0.1, EVENTS, ROLE, text("Hel"), 0.1, *broken]], "b/m": [GOOD]}, deadline=600
    )
    client = await scene.ask(stream=True)
    error = broken_off(client)
    assert error.code == "stream_interrupted"
    assert "the answer broke off: " in error.message
    assert client.body.startswith(ROLE + text("Hel"))
    assert scene.asked == ["a/m"]
    assert scene.outcomes == ["failed body"]
    record = scene.request
    assert (record.end, record.cause, record.status) == ("interrupted", "interrupted", 200)
    # 91 bytes were asked, some 24 tokens, and one event with content was seen.
    assert (record.input_tokens, record.output_tokens, record.estimated) == (24, 1, True)


@pytest.mark.parametrize(
    "field",
    [
        {"content": "a"},
        {"refusal": "I cannot"},
        {"reasoning": "so"},
        {"reasoning_content": "so"},
        {"tool_calls": [{"index": 0, "function": {"arguments": ""}}]},
        {"function_call": {"name": "f"}},
        {"audio": {"data": "AAAA"}},
        {"content": [{"type": "thinking", "thinking": []}]},
    ],
    ids=lambda field: next(iter(field)),
)
@in_virtual_time
async def test_every_kind_of_content_commits(field: dict[str, Any]) -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, delta(**field), 0.1, CUT]], "b/m": [GOOD]})
    broken_off(await scene.ask(stream=True))
    assert scene.asked == ["a/m"]


@in_virtual_time
async def test_events_pass_in_their_original_bytes() -> None:
    tool = b'data:{"choices": [{"index":0,"delta":{"tool_calls":[{"index":0,"x":1.50}]}}]}\r\n\r\n'
    named = b'event: message\r\nid: 7\r\ndata: {"choices":[],\r\ndata: "new":1}\r\n\r\n'
    lone = b'data: {"choices":[{"index":0,"delta":{"content":"\\u00e9"}}]}\r\r'
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE, tool, named, 0.1, lone, FINISH, DONE, END]]})
    client = await scene.ask(stream=True)
    assert client.body.startswith(ROLE + tool + named + lone + FINISH + b": pointsman")
    assert client.headers["content-type"].startswith("text/event-stream")


@in_virtual_time
async def test_comments_of_the_provider_stay_with_us() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, b": KEEP\n\n", ROLE, text("a"), FINISH, DONE, END]]})
    assert [words[:9] for words in comments_of(await scene.ask(stream=True))] == ["pointsman"]


@in_virtual_time
async def test_the_closing_comment_tells_what_it_took_and_stands_before_the_end() -> None:
    scene = Scene({"a/m": [[1.0, RESET]], "b/m": [GOOD]})
    client = await scene.ask(stream=True)
    (comment,) = comments_of(client)
    assert json.loads(comment.removeprefix("pointsman ")) == {
        "target": "b/m",
        "attempts": 2,
        "first_token_ms": 1200,
        "total_ms": 1400,
        "input_tokens": 7,
        "output_tokens": 3,
        "estimated": False,
    }
    assert client.body.endswith(FINISH + f": {comment}\n\n".encode() + DONE)


@in_virtual_time
async def test_a_target_has_its_own_time_for_the_first_content() -> None:
    facts = {"a/m": Facts(first_token=3)}
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE]], "b/m": [GOOD]}, facts=facts)
    await scene.ask(stream=True)
    assert scene.transport.sent[1].at == pytest.approx(3)
    assert scene.outcomes == ["failed first_token", "ok body"]


@in_virtual_time
async def test_a_deadline_before_content_is_a_504() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, ROLE]]}, deadline=10)
    client = await scene.ask(stream=True)
    assert (client.status, client.error) == (504, "deadline_exceeded")
    assert scene.outcomes == ["abandoned first_token"]


@in_virtual_time
async def test_a_deadline_after_content_is_an_error_in_the_stream() -> None:
    scene = Scene({"a/m": [[0.1, EVENTS, *ON * 50]]}, deadline=10)
    assert broken_off(await scene.ask(stream=True)).code == "deadline_exceeded"
    assert now() == pytest.approx(10)
    assert scene.outcomes == ["abandoned body"]
    assert scene.request.end == "interrupted"
    assert (scene.request.output_tokens, scene.request.estimated) == (9, True)


@in_virtual_time
async def test_a_deadline_after_the_finish_cuts_only_the_second_of_grace() -> None:
    scene = Scene({"a/m": [[9.5, EVENTS, text("Hello"), FINISH]]}, deadline=10)
    client = await scene.ask(stream=True)
    assert now() == pytest.approx(10)
    assert client.body.endswith(DONE)
    assert scene.outcomes == ["ok body"]


@in_virtual_time
async def test_the_time_that_a_client_takes_to_read_is_not_the_providers() -> None:
    script: Script = [0.1, EVENTS, text("Hel"), 80, text("lo"), FINISH, DONE, END]

    async def slowly(verb: str) -> None:
        if verb == "write":
            await asyncio.sleep(60)

    scene = Scene({"a/m": [script]}, deadline=600, timeouts=Timeouts(between_tokens=50))
    client = await scene.ask(Client(slowly), stream=True)
    assert words_of(client) == "Hello"


@in_virtual_time
async def test_silence_between_tokens_has_its_own_limit() -> None:
    script: Script = [0.1, EVENTS, text("Hel"), 49, text("lo"), 51, FINISH]
    scene = Scene({"a/m": [script]}, deadline=600, timeouts=Timeouts(between_tokens=50))
    client = await scene.ask(stream=True)
    assert "fell silent" in broken_off(client).message
    assert now() == pytest.approx(99.1)

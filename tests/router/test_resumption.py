"""A stream that breaks off within its content, on a route that goes on with it elsewhere: the
client has one whole answer, or the error that it would have without.
"""

import asyncio
import json
from typing import Any

import openai
import pytest

from policies import Retry
from router.dialects.openai.dialect import OPENAI, SPOKEN_BY
from router.dialects.openai.resume import ANOTHER
from router.sink import ClientGone
from router.telemetry.journal import Resumed
from router.upstream.transport import Timeouts
from tests.router.clock import in_virtual_time, now
from tests.router.scene import Scene, comments_of, looks_whole, read_by_sdk, words_of
from tests.router.scripted import (
    CUT,
    DONE,
    END,
    ERROR,
    EVENTS,
    FINISH,
    USAGE,
    Client,
    Script,
    Step,
    delta,
    event,
    refusal,
)

VLLM = SPOKEN_BY["vllm"]
SAME: dict[str, Any] = {"temperature": 0}


def chunk(name: str, content: str | None = None, **fields: Any) -> bytes:
    """A chunk as `name` marks them."""
    told = {"role": "assistant", "content": ""} if content is None else {"content": content}
    choice = {"index": 0, "delta": told, "finish_reason": None}
    marks = {"id": f"cmpl-{name}", "object": "chat.completion.chunk", "created": len(name)}
    return event(**marks, model=name, choices=[choice], **fields)


def says(name: str, *words: str, after: Step = CUT) -> Script:
    """It says some words a tenth of a second apart, and then what comes `after`."""
    spoken: list[Step] = [step for word in words for step in (0.1, chunk(name, word))]
    return [0.1, EVENTS, chunk(name), *spoken, 0.1, after]


WHOLE = FINISH + USAGE + DONE
BROKEN = says("first", "one ", "two ")
AGAIN: Script = [*says("the second", "one two", " thr", "ee", after=WHOLE), END]
REST: Script = [*says("the second", " thr", "ee", after=WHOLE), END]
OTHER: Script = [*says("the second", "one too", " many", after=WHOLE), END]


def scene(*scripts: Script, any_model: bool = False, **more: Any) -> Scene:
    """Targets `a/m`, `b/m`, …, of one upstream model."""
    names = [f"{letter}/m" for letter in "abcdef"]
    given = {name: [script] for name, script in zip(names, scripts, strict=False)}
    more = {"one_model": True, **more}
    return Scene(given, resume={"chat": any_model}, **more)


def broke_off(client: Client) -> str:
    """The message of the error in which the stream ended."""
    assert not looks_whole(client)
    with pytest.raises(openai.APIError) as raised:
        read_by_sdk(client)
    return raised.value.message


@in_virtual_time
async def test_at_temperature_0_the_same_answer_is_asked_for_and_goes_on_where_it_agrees() -> None:
    asked = scene(BROKEN, AGAIN)
    client = await asked.ask(stream=True, **SAME)
    assert words_of(client) == "one two three"
    assert asked.outcomes == ["failed body", "ok body"]
    first, second = asked.transport.sent
    assert first.json == second.json
    asked.nothing_is_left()


@in_virtual_time
async def test_where_a_last_message_is_continued_the_rest_is_asked_for() -> None:
    asked = scene(BROKEN, REST, dialect=VLLM)
    client = await asked.ask(stream=True, max_tokens=9)
    assert words_of(client) == "one two three"
    first, second = (sent.json for sent in asked.transport.sent)
    assert second == {
        **first,
        "messages": [*first["messages"], {"role": "assistant", "content": "one two"}],
        "max_tokens": 7,
        "continue_final_message": True,
        "add_generation_prompt": False,
        "echo": False,
    }


@in_virtual_time
async def test_the_client_has_one_answer_with_one_role_one_end_and_one_usage() -> None:
    asked = scene(BROKEN, AGAIN)
    client = await asked.ask(stream=True, stream_options={"include_usage": True}, **SAME)
    chunks = read_by_sdk(client)
    assert {(one.id, one.created, one.model) for one in chunks} == {("cmpl-first", 5, "first")}
    choices = [choice for one in chunks for choice in one.choices]
    assert [choice.delta.role for choice in choices if choice.delta.role] == ["assistant"]
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    (usage,) = [one.usage for one in chunks if one.usage is not None]
    spent = asked.kept.attempts[0].report
    assert usage.prompt_tokens == 7 + (spent.input_tokens or 0)
    assert usage.completion_tokens == 3 + 2
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


@in_virtual_time
async def test_it_is_told_in_the_closing_comment_and_in_the_record_with_all_that_it_cost() -> None:
    asked = scene(BROKEN, AGAIN)
    client = await asked.ask(stream=True, **SAME)
    told = json.loads(comments_of(client)[-1].removeprefix("pointsman "))
    assert told["resumed"] == [{"from": "a/m", "at_tokens": 2}]
    assert (told["target"], told["attempts"]) == ("b/m", 2)
    assert asked.request.resumed == (Resumed("a/m", 2),)
    assert (asked.request.end, asked.request.target, asked.request.attempts) == ("ok", "b/m", 2)
    reports = [record.report for record in asked.kept.attempts]
    assert told["input_tokens"] == asked.request.input_tokens
    assert asked.request.input_tokens == sum(one.input_tokens or 0 for one in reports)
    assert told["output_tokens"] == asked.request.output_tokens == 5
    assert asked.request.estimated


@in_virtual_time
async def test_new_words_pass_as_they_come() -> None:
    asked = scene(BROKEN, AGAIN)
    client = await asked.ask(stream=True, **SAME)
    came = [round(at, 1) for at, data in client.pieces if b'"content":"' in data.replace(b" ", b"")]
    assert came[-2:] == [pytest.approx(0.4 + 0.3), pytest.approx(0.4 + 0.4)]


@pytest.mark.parametrize(
    "after",
    [CUT, END, ERROR, DONE, b'data: {"choices": [{"delta": {"content": "th\n\n', 2.0],
    ids=["cut", "end", "error", "done", "torn", "silence"],
)
@in_virtual_time
async def test_however_it_breaks_off_it_is_gone_on_with(after: Step) -> None:
    timeouts = Timeouts(between_tokens=1.0)
    asked = scene(says("first", "one ", "two", after=after), AGAIN, timeouts=timeouts)
    client = await asked.ask(stream=True, **SAME)
    assert words_of(client) == "one two three"
    assert [record.report.outcome.word for record in asked.kept.attempts] == ["failed", "ok"]
    asked.nothing_is_left()


@in_virtual_time
async def test_another_text_is_none_of_the_client_s_and_nobody_s_fault() -> None:
    asked = scene(BROKEN, OTHER, AGAIN)
    client = await asked.ask(stream=True, **SAME)
    assert broke_off(client) == "the answer broke off: the connection broke off"
    assert b"too" not in client.body
    assert asked.outcomes == ["failed body", "abandoned body"]
    assert asked.kept.attempts[1].report.detail == ANOTHER
    assert (asked.request.end, asked.request.status) == ("interrupted", 200)
    assert asked.request.resumed == (Resumed("a/m", 2),)
    asked.nothing_is_left()


@in_virtual_time
async def test_a_text_that_ends_before_what_the_client_has_is_another() -> None:
    asked = scene(BROKEN, [*says("b", "one", after=WHOLE), END])
    broke_off(await asked.ask(stream=True, **SAME))


@pytest.mark.parametrize("mode", [None, False])
@in_virtual_time
async def test_without_it_or_without_anybody_the_error_is_the_same(mode: bool | None) -> None:
    asked = scene(BROKEN, AGAIN, one_model=False)
    if mode is None:
        asked = Scene({"a/m": [BROKEN], "b/m": [AGAIN]})
    client = await asked.ask(stream=True, **SAME)
    assert broke_off(client) == "the answer broke off: the connection broke off"
    assert asked.outcomes == ["failed body"]
    assert (asked.request.end, asked.request.cause) == ("interrupted", "interrupted")
    assert asked.request.resumed == ()


@pytest.mark.parametrize("any_model", [False, True])
@in_virtual_time
async def test_another_model_goes_on_only_where_the_route_says_any(any_model: bool) -> None:
    asked = scene(BROKEN, REST, any_model=any_model, one_model=False, dialect=VLLM)
    client = await asked.ask(stream=True, **SAME)
    if any_model:
        assert words_of(client) == "one two three"
        assert {one.model for one in read_by_sdk(client)} == {"first"}
    else:
        broke_off(client)


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"functions": [{"name": "f"}]},
        {"reasoning_effort": "low"},
        {"reasoning": {"effort": "high"}},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"logprobs": True},
        {"n": 2},
        {"modalities": ["text", "audio"], "audio": {"voice": "a"}},
        {"web_search_options": {"search_context_size": "low"}},
    ],
    ids=str,
)
@in_virtual_time
async def test_never_where_more_than_a_text_is_in_play(fields: dict[str, Any]) -> None:
    asked = scene(BROKEN, AGAIN, dialect=VLLM)
    client = await asked.ask(stream=True, **SAME, **fields)
    broke_off(client)
    assert asked.outcomes == ["failed body"]


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": [], "reasoning_effort": "none", "response_format": {"type": "text"}},
        {"tools": None, "logprobs": False, "n": 1, "modalities": ["text"], "reasoning": None},
    ],
    ids=str,
)
@in_virtual_time
async def test_what_is_named_and_says_nothing_is_not_in_play(fields: dict[str, Any]) -> None:
    client = await scene(BROKEN, AGAIN).ask(stream=True, **SAME, **fields)
    assert words_of(client) == "one two three"


@pytest.mark.parametrize(
    "more",
    [
        delta(reasoning="hm"),
        delta(reasoning_content="hm"),
        delta(refusal="no"),
        delta(tool_calls=[{"index": 0, "function": {"name": "f"}}]),
        delta(content=[{"type": "text", "text": "one"}]),
    ],
)
@in_virtual_time
async def test_nor_where_more_than_a_text_has_come_on_either_side(more: bytes) -> None:
    asked = scene([0.1, EVENTS, more, 0.1, *BROKEN[2:]], AGAIN)
    broke_off(await asked.ask(stream=True, **SAME))
    assert asked.outcomes == ["failed body"]

    asked = scene(BROKEN, [0.1, EVENTS, more, 0.1, *AGAIN[2:]])
    broke_off(await asked.ask(stream=True, **SAME))
    assert asked.outcomes == ["failed body", "abandoned body"]


@pytest.mark.parametrize("temperature", [None, 0.7, False])
@in_virtual_time
async def test_who_neither_repeats_itself_nor_continues_is_not_asked(temperature: Any) -> None:
    asked = scene(BROKEN, AGAIN, dialect=OPENAI)
    fields = {} if temperature is None else {"temperature": temperature}
    broke_off(await asked.ask(stream=True, **fields))
    assert asked.outcomes == ["failed body"]


@in_virtual_time
async def test_a_model_that_refuses_to_continue_does_not_hide_the_error_nor_blame_the_client() -> (
    None
):
    refused = refusal(400, "invalid_request_error")
    asked = scene(BROKEN, refused, refused, dialect=VLLM)
    client = await asked.ask(stream=True)
    assert broke_off(client) == "the answer broke off: the connection broke off"
    assert asked.outcomes == ["failed body", "unfit head", "unfit head"]


@in_virtual_time
async def test_who_fails_before_content_is_followed_by_another() -> None:
    asked = scene(BROKEN, refusal(500), AGAIN)
    assert words_of(await asked.ask(stream=True, **SAME)) == "one two three"
    assert asked.outcomes == ["failed body", "failed head", "ok body"]
    assert asked.request.resumed == (Resumed("a/m", 2),)


@in_virtual_time
async def test_who_goes_on_may_break_off_and_another_goes_on_from_there() -> None:
    second = says("second", "one two thr", after=CUT)
    asked = scene(BROKEN, second, AGAIN)
    client = await asked.ask(stream=True, **SAME)
    assert words_of(client) == "one two three"
    assert {one.id for one in read_by_sdk(client) if one.choices} >= {"cmpl-first"}
    assert asked.request.resumed == (Resumed("a/m", 2), Resumed("b/m", 3))
    reports = [record.report for record in asked.kept.attempts]
    assert asked.request.output_tokens == sum(one.output_tokens or 0 for one in reports)


@in_virtual_time
async def test_who_breaks_off_within_what_the_client_has_gives_nothing() -> None:
    asked = scene(BROKEN, says("second", "one", after=CUT), AGAIN)
    assert words_of(await asked.ask(stream=True, **SAME)) == "one two three"
    assert asked.outcomes == ["failed body", "failed body", "ok body"]


@in_virtual_time
async def test_words_that_came_with_the_break_reached_nobody_and_are_not_taken_for_said() -> None:
    at_once: Script = [0.1, EVENTS, chunk("b"), chunk("b", "one two and more"), CUT]
    asked = scene(BROKEN, at_once, AGAIN)
    assert words_of(await asked.ask(stream=True, **SAME)) == "one two three"
    assert asked.request.resumed == (Resumed("a/m", 2),)


@in_virtual_time
async def test_attempts_deadline_and_retry_budget_hold() -> None:
    asked = scene(BROKEN, AGAIN, attempts=1)
    broke_off(await asked.ask(stream=True, **SAME))
    assert asked.request.cause == "interrupted"
    assert asked.request.output_tokens == 2

    asked = scene(BROKEN, [5.0, *AGAIN], deadline=1.0)
    client = await asked.ask(stream=True, **SAME)
    broke_off(client)
    assert b"deadline_exceeded" in client.body
    assert asked.request.end == "interrupted"

    asked = scene(BROKEN, AGAIN)
    assert Retry().budget
    while asked.engine._pools["chat"].budget.withdraw(now()):
        pass
    broke_off(await asked.ask(stream=True, **SAME))
    assert asked.outcomes == ["failed body"]


@in_virtual_time
async def test_while_somebody_goes_on_the_client_is_kept_alive() -> None:
    asked = scene(BROKEN, [16.0, *AGAIN], deadline=60)
    client = await asked.ask(stream=True, **SAME)
    assert words_of(client) == "one two three"
    assert "keep-alive" in comments_of(client)


@in_virtual_time
async def test_who_leaves_meanwhile_leaves_nothing_open() -> None:
    asked = scene(BROKEN, [*AGAIN[:-1], 9.0])

    async def leaves(verb: str) -> None:
        if now() > 0.6:
            raise ClientGone

    with pytest.raises(ClientGone):
        await asked.ask(Client(leaves), stream=True, **SAME)
    assert asked.outcomes[0] == "failed body"
    assert asked.request.end == "gone"
    asked.nothing_is_left()


@in_virtual_time
async def test_a_drain_meanwhile_is_told() -> None:
    asked = scene(BROKEN, [5.0, *AGAIN])
    task = asyncio.create_task(asked.ask(stream=True, **SAME))
    await asyncio.sleep(1.0)
    asked.pipeline.stop()
    client = await task
    broke_off(client)
    assert b"draining" in client.body
    asked.nothing_is_left()


@in_virtual_time
async def test_an_answer_in_one_piece_is_as_before() -> None:
    asked = scene(refusal(500), [0.1, *refusal(500)], dialect=VLLM)
    client = await asked.ask(**SAME)
    assert client.status == 502

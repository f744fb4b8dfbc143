"""Clients of Anthropic's dialect at providers of OpenAI's, and the other way round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from router.testing import Answer, Body, Status, Stream, event
from tests.router.dialects.anthropic.judge import judge_request
from tests.router.dialects.anthropic.said import HELLO, MESSAGE, OVERLOADED, TURN, start, text
from tests.router.running import JSON, Running
from tests.router.test_anthropic import MESSAGES, TOOLS, between

OPENAI = {"one": "dialect: openai"}
FIRST = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
SECOND = {
    "index": 1,
    "id": "call_2",
    "type": "function",
    "function": {"name": "f", "arguments": '{"a":2}'},
}
FUNCTION: Any = {
    "type": "function",
    "function": {"name": "f", "parameters": TOOLS[0]["input_schema"]},
}


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(id="c1", object="chat.completion.chunk", created=1, model="up", choices=[choice])


def argued(index: int, arguments: str) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}}


CALLS = [
    chunk(role="assistant", content=None),
    chunk(tool_calls=[FIRST]),
    chunk(tool_calls=[argued(0, '{"a"')]),
    chunk(tool_calls=[SECOND]),
    chunk(tool_calls=[argued(0, ":1}")]),
    chunk("tool_calls"),
    event(
        id="c1",
        object="chat.completion.chunk",
        created=1,
        model="up",
        choices=[],
        usage={"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
    ),
    b"data: [DONE]\n\n",
]


def openai_client(router: Running) -> openai.AsyncOpenAI:
    url = f"http://{router.listen}/v1"
    return openai.AsyncOpenAI(base_url=url, api_key="open", max_retries=0)


async def test_a_message_is_answered_by_a_server_of_chat_completions(tmp_path: Path) -> None:
    async with between(tmp_path, Answer("That way."), **OPENAI) as (client, _, (provider,)):
        raw = await client.messages.with_raw_response.create(
            model="any",
            max_tokens=9,
            messages=MESSAGES,
            system="Be brief.",
            extra_body={"top_k": 3},
        )
    message = await raw.parse()
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "That way."}]
    assert (message.stop_reason, message.usage.input_tokens) == ("end_turn", 10)
    assert "top_k" in raw.headers["x-router-dropped"]
    asked = provider.requests[0]
    assert asked.path == "/v1/chat/completions"
    assert [turn["role"] for turn in asked.fields["messages"]] == ["system", "user"]
    assert not [name for name, _ in asked.headers if name.startswith("anthropic-")]


async def test_parallel_calls_in_a_stream_are_put_in_order_for_the_sdk(tmp_path: Path) -> None:
    async with between(tmp_path, Stream(CALLS), **OPENAI) as (client, router, _):
        async with client.messages.stream(
            model="any", max_tokens=99, messages=MESSAGES, tools=TOOLS
        ) as stream:
            message = await stream.get_final_message()
        body = {"model": "any", "max_tokens": 9, "messages": MESSAGES, "stream": True}
        raw = (await router.ask("POST", "/v1/messages", json.dumps(body).encode(), JSON)).body
    assert [block.to_dict()["input"] for block in message.content] == [{"a": 1}, {"a": 2}]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.output_tokens) == (9, 5)
    last = raw.rstrip().split(b"\n\n")
    assert last[-2].startswith(b"event: message_stop")
    assert last[-1].startswith(b": pointsman {")
    assert b"[DONE]" not in raw


async def test_errors_of_chat_completions_are_raised_as_anthropics(tmp_path: Path) -> None:
    for reply, error in (
        (Status(400), anthropic.BadRequestError),
        (Status(429, retry_after=0.1), anthropic.RateLimitError),
        (Status(500), anthropic.InternalServerError),
    ):
        async with between(tmp_path, reply, **OPENAI) as (client, _, _):
            with pytest.raises(error):
                await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)


async def test_a_cut_stream_of_chat_completions_is_no_whole_message(tmp_path: Path) -> None:
    cut = Stream([chunk(content="Hel"), chunk(content="lo")]).paced(0.05)
    async with between(tmp_path, cut, **OPENAI) as (client, _, _):
        with pytest.raises(anthropic.APIStatusError, match="stream ended before its end"):
            async with client.messages.stream(
                model="any", max_tokens=9, messages=MESSAGES
            ) as stream:
                await stream.get_final_message()


async def test_what_only_anthropic_has_goes_to_who_speaks_it(tmp_path: Path) -> None:
    search: Any = [{"type": "web_search_20250305", "name": "web_search"}]
    async with between(tmp_path, Answer(), Body(MESSAGE), **OPENAI) as (client, _, (one, two)):
        await client.messages.create(model="any", max_tokens=9, messages=MESSAGES, tools=search)
    assert (len(one.requests), len(two.requests)) == (0, 1)
    async with between(tmp_path, Answer(), **OPENAI) as (client, _, (one,)):
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.create(model="any", max_tokens=9, messages=MESSAGES, tools=search)
    assert not one.requests


async def test_a_chat_is_answered_by_anthropic(tmp_path: Path) -> None:
    async with between(tmp_path, Body(MESSAGE)) as (_, router, (provider,)):
        async with openai_client(router) as client:
            told = await client.chat.completions.create(
                model="any", messages=MESSAGES, tools=[FUNCTION], seed=7, temperature=1.5
            )
    (choice,) = told.choices
    assert choice.message.content == "Looking."
    calls: Any = choice.message.tool_calls
    assert [json.loads(call.function.arguments) for call in calls] == [{"a": 1}, {}]
    assert choice.finish_reason == "tool_calls"
    assert told.usage is not None
    assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (15, 20)
    (asked,) = provider.requests
    assert asked.path == "/v1/messages"
    judge_request(asked.json)
    assert asked.json["temperature"] == 1
    assert asked.header("x-api-key") == ["sesame"]


async def test_a_streamed_chat_is_answered_by_anthropic(tmp_path: Path) -> None:
    async with between(tmp_path, Stream([TURN])) as (_, router, (provider,)):
        async with openai_client(router) as client:
            stream = await client.chat.completions.create(
                model="any",
                messages=MESSAGES,
                tools=[FUNCTION],
                stream=True,
                stream_options={"include_usage": True},
            )
            chunks = [chunk async for chunk in stream]
    said = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert said == "Looking."
    calls = [call for c in chunks if c.choices for call in c.choices[0].delta.tool_calls or ()]
    names = [call.function.name for call in calls if call.function and call.function.name]
    assert names == ["f", "now"]
    arguments: dict[int, str] = {}
    for call in calls:
        written = call.function.arguments if call.function else None
        arguments[call.index] = arguments.get(call.index, "") + (written or "")
    assert arguments == {0: '{"a":1}', 1: "{}"}
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "tool_calls"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 20
    judge_request(provider.requests[0].json)


async def test_a_chat_is_rescued_from_anthropic_and_its_errors_are_openais(tmp_path: Path) -> None:
    early = Stream([start() + OVERLOADED])
    async with between(tmp_path, early, Answer("Here."), two="dialect: openai") as (_, router, _):
        async with openai_client(router) as client:
            stream = await client.chat.completions.create(
                model="any", messages=MESSAGES, stream=True
            )
            words = [c.choices[0].delta.content or "" async for c in stream if c.choices]
    assert "".join(words) == "Here."
    wrong = {"type": "error", "error": {"type": "invalid_request_error", "message": "No way."}}
    async with between(tmp_path, Body(wrong, 400)) as (_, router, _):
        async with openai_client(router) as client:
            with pytest.raises(openai.BadRequestError, match="No way"):
                await client.chat.completions.create(model="any", messages=MESSAGES)
    broken = Stream([start(), text("Hel"), text("lo")]).paced(0.05)
    async with between(tmp_path, broken) as (_, router, _):
        async with openai_client(router) as client:
            stream = await client.chat.completions.create(
                model="any", messages=MESSAGES, stream=True
            )
            with pytest.raises(openai.APIError, match="stream ended before its end"):
                [c async for c in stream]


async def test_simulated_targets_answer_messages_as_well(tmp_path: Path) -> None:
    async with between(tmp_path, Stream([HELLO])) as (client, _, _):
        async with client.messages.stream(
            model="sim/fast", max_tokens=9, messages=MESSAGES
        ) as stream:
            message = await stream.get_final_message()
    assert message.content
    assert message.usage.output_tokens > 0

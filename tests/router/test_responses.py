"""OpenAI's Responses through a whole router, over real sockets, as OpenAI's SDK sees it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from router.testing import Answer, Body, Reply, Request, Stream
from tests.router.dialects.responses.said import MESSAGE, begun, ended, event, hello, response, text
from tests.router.responding import chunk, speaking, stage
from tests.router.running import JSON


class Found(BaseModel):
    a: int


TOOL: Any = {
    "type": "function",
    "name": "f",
    "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}},
    "strict": True,
}
FAILED = response(status="failed", error={"code": "server_error", "message": "x"}, output=[])


# Providers that speak it.


async def test_bytes_pass_as_they_came_both_ways(tmp_path: Path) -> None:
    body = json.dumps(response(tomorrow=1.0), indent=1).encode()
    async with stage(tmp_path, Body(body, kind="application/json")) as there:
        sent = b'{ "input":"h\\u00e9", "model":"m","tomorrow" : [1.0] }'
        answer = await there.router.ask("POST", "/v1/responses", sent, JSON)
        assert (answer.status, answer.body) == (200, body)
        assert answer.headers["x-router-target"] == "p0/up"
        assert "x-router-dropped" not in answer.headers
        (request,) = there.native[0].requests
        assert (request.method, request.path) == ("POST", "/v1/responses")
        assert request.body == sent.replace(b'"m"', b'"up"')
        assert request.header("authorization") == ["Bearer k0"]


async def test_a_stream_is_relayed_in_its_original_bytes(tmp_path: Path) -> None:
    async with stage(tmp_path, Stream(hello())) as there:
        sent = b'{"model":"m","input":"x","stream":true}'
        answer = await there.router.ask("POST", "/v1/responses", sent, JSON)
        assert answer.body.startswith(b"".join(hello()) + b": pointsman ")
        assert b'"input_tokens":9,"output_tokens":3,"estimated":false' in answer.body
        assert b"DONE" not in answer.body


@pytest.mark.parametrize(
    "broken",
    [
        Body(FAILED),
        Stream([*begun(), event("response.failed", 2, response=FAILED)]),
        Stream([*begun(), event("error", 2, code="server_error", message="x")]),
        Stream(begun()),
        Body({"error": {"message": "x", "type": "server_error"}}, 500),
        Body("<html>404</html>", 404),
    ],
    ids=["whole", "failed", "error", "cut", "500", "no such path"],
)
async def test_what_fails_before_content_is_rescued_in_silence(
    tmp_path: Path, broken: Reply
) -> None:
    async with stage(tmp_path, broken, speaking()) as there:
        stream = isinstance(broken, Stream)
        sent = json.dumps({"model": "m", "input": "x", "stream": stream}).encode()
        answer = await there.router.ask("POST", "/v1/responses", sent, JSON)
        assert (answer.status, answer.headers["x-router-target"]) == (200, "p1/up")
        assert b"Hello" in answer.body
        assert answer.body.count(b"event: response.created") == stream


async def test_a_stream_that_breaks_off_ends_in_an_error_event_that_the_sdk_raises(
    tmp_path: Path,
) -> None:
    cut = Stream([*begun(), *text("Hel", "lo")]).cut(after=5)
    async with stage(tmp_path, cut) as there:
        stream = await there.client.responses.create(model="m", input="x", stream=True)
        kinds = []
        with pytest.raises(openai.APIError, match="the answer broke off") as caught:
            [kinds.append(one.type) async for one in stream]  # type: ignore[func-returns-value]
        assert caught.value.code == "stream_interrupted"
        assert kinds[-1] == "response.output_text.delta"


async def test_a_refusal_is_told_in_the_provider_s_words(tmp_path: Path) -> None:
    error = {"message": "no such part", "type": "invalid_request_error", "param": "input[0]"}
    async with stage(tmp_path, Body({"error": {**error, "code": None}}, 400)) as there:
        with pytest.raises(openai.BadRequestError, match="no such part") as caught:
            await there.client.responses.create(model="m", input="x")
        assert caught.value.param == "input[0]"


async def test_the_sdk_streams_and_parses(tmp_path: Path) -> None:
    part = {"type": "output_text", "text": '{"a": 5}', "annotations": []}
    events = [*begun(), *text('{"a"', ": 5}"), ended(output=[{**MESSAGE, "content": [part]}])]
    async with (
        stage(tmp_path, Stream(events)) as there,
        there.client.responses.stream(model="m", input="x", text_format=Found) as stream,
    ):
        deltas = [one.delta async for one in stream if one.type == "response.output_text.delta"]
        final = await stream.get_final_response()
        assert deltas == ['{"a"', ": 5}"]
        assert final.output_parsed == Found(a=5)


# Providers that know only chat completions.


async def test_who_knows_only_chat_answers_as_well(tmp_path: Path) -> None:
    async with stage(tmp_path, chat=Answer("Hello there")) as there:
        raw = await there.client.responses.with_raw_response.create(
            model="m", instructions="Be brief.", input="hi", max_output_tokens=50, store=True
        )
        told = raw.parse()
        assert (told.output_text, told.status) == ("Hello there", "completed")
        assert told.usage is not None
        assert told.usage.total_tokens == told.usage.input_tokens + told.usage.output_tokens
        assert raw.headers["x-router-dropped"] == "store"
        assert told.id.removeprefix("resp_").isalnum()
        assert there.chat is not None
        (request,) = there.chat.requests
        assert request.path == "/v1/chat/completions"
        assert request.fields["messages"] == [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "hi"},
        ]


async def test_its_stream_is_the_stream_of_a_response(tmp_path: Path) -> None:
    async with (
        stage(tmp_path, chat=Answer("Hello there")) as there,
        there.client.responses.stream(model="m", input="x") as stream,
    ):
        said = [one.delta async for one in stream if one.type == "response.output_text.delta"]
        final = await stream.get_final_response()
        assert "".join(said) == final.output_text == "Hello there"
        assert final.usage is not None


def tool_user(request: Request) -> Reply:
    """A model that calls `f` once, and says what came of it."""
    if any(message["role"] == "tool" for message in request.fields["messages"]):
        return Answer("It is 1.")
    call = {"index": 0, "id": "call_1", "type": "function"}
    deltas: list[dict[str, Any]] = [
        {"role": "assistant", "content": None},
        {"tool_calls": [{**call, "function": {"name": "f", "arguments": ""}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]},
        {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]},
    ]
    return Stream([*map(chunk, deltas), chunk({}, "tool_calls"), b"data: [DONE]\n\n"])


async def test_tools_are_called_and_answered_through_chat(tmp_path: Path) -> None:
    async with stage(tmp_path, chat=tool_user) as there:
        ask = there.client.responses
        async with ask.stream(model="m", input="x", tools=[TOOL]) as stream:
            kinds = [one.type async for one in stream]
            first = await stream.get_final_response()
        assert "response.function_call_arguments.done" in kinds
        (called,) = first.output
        assert called.type == "function_call"
        assert (called.call_id, called.name, called.arguments) == ("call_1", "f", '{"a":1}')
        result = {"type": "function_call_output", "call_id": called.call_id, "output": "1"}
        given: Any = [{"role": "user", "content": "x"}, called.to_dict(), result]
        second = await ask.create(model="m", input=given, tools=[TOOL])
        assert second.output_text == "It is 1."
        assert there.chat is not None
        messages = there.chat.requests[-1].fields["messages"]
        assert [message["role"] for message in messages] == ["user", "assistant", "tool"]
        assert messages[1]["tool_calls"][0]["function"]["arguments"] == '{"a":1}'


async def test_a_schema_is_asked_for_and_parsed_through_chat(tmp_path: Path) -> None:
    async with stage(tmp_path, chat=Answer('{"a": 5}')) as there:
        told = await there.client.responses.parse(model="m", input="x", text_format=Found)
        assert told.output_parsed == Found(a=5)
        assert there.chat is not None
        form = there.chat.requests[0].fields["response_format"]
        assert (form["type"], form["json_schema"]["name"]) == ("json_schema", "Found")


async def test_the_sync_sdk_reads_the_same(tmp_path: Path) -> None:
    async with stage(tmp_path, chat=Answer("Hello there")) as there:
        url = f"http://{there.router.listen}/v1"

        def ask() -> tuple[str, str]:
            with openai.OpenAI(base_url=url, api_key="none", max_retries=0) as client:
                whole = client.responses.create(model="m", input="x").output_text
                with client.responses.stream(model="m", input="x") as stream:
                    return whole, stream.get_final_response().output_text

        assert await asyncio.to_thread(ask) == ("Hello there", "Hello there")


async def test_a_provider_of_each_kind_stands_in_for_the_other(tmp_path: Path) -> None:
    down = Body({"error": {"message": "x"}}, 500)
    async with stage(tmp_path, down, chat=Answer("Hello there")) as there:
        told = await there.client.responses.create(model="m", input="x")
        assert told.output_text == "Hello there"
        assert there.native[0].requests


# Clients of chat completions, and a model that is asked through Responses.


async def test_who_asks_for_a_chat_is_answered_through_responses(tmp_path: Path) -> None:
    async with stage(tmp_path, speaking(), model="{api: responses}") as there:
        asked: Any = [{"role": "user", "content": "hi"}]
        told = await there.client.chat.completions.create(model="m", messages=asked, seed=1)
        assert told.choices[0].message.content == "Hello"
        assert told.usage is not None
        assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (9, 3)
        stream = await there.client.chat.completions.create(model="m", messages=asked, stream=True)
        chunks = [one async for one in stream]
        assert "".join(one.choices[0].delta.content or "" for one in chunks) == "Hello"
        assert chunks[-1].choices[0].finish_reason == "stop"
        own = await there.client.responses.create(model="m", input="x")
        assert own.id == "resp_1"
        (first, second, third) = there.native[0].requests
        assert first.path == second.path == third.path == "/v1/responses"
        assert first.fields["store"] is False
        assert "seed" not in first.fields
        assert third.fields == {"model": "up", "input": "x"}


async def test_a_text_of_the_operator_s_stands_in_as_a_response(tmp_path: Path) -> None:
    down, text = Body({"error": {"message": "x"}}, 500), "Come back later."
    models = f"  n: {{targets: [p0/up], when_all_fail: [{{text: {text}}}]}}\n"
    async with stage(tmp_path, down, rest=models) as there:
        whole = await there.client.responses.create(model="n", input="x")
        assert whole.output_text == text
        async with there.client.responses.stream(model="n", input="x") as stream:
            assert (await stream.get_final_response()).output_text == text


async def test_what_may_have_acted_is_not_asked_for_twice(tmp_path: Path) -> None:
    down = Body({"error": {"message": "x", "type": "server_error"}}, 500)
    async with stage(tmp_path, down, speaking()) as there:
        with pytest.raises(openai.APIStatusError):
            await there.client.responses.create(
                model="m", input="x", tools=[{"type": "web_search"}]
            )
        assert len(there.native[0].requests) == 1
        assert not there.native[1].requests

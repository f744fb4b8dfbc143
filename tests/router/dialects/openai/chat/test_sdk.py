"""OpenAI's own SDK, against a router that puts every call in the common form and back: what a
server of chat completions is sent for clients of other dialects, and what those of this one read
from servers of others.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import APIError, APIStatusError, AsyncOpenAI, BadRequestError
from openai.types.chat import ChatCompletionChunk
from pydantic import BaseModel

from router.building import speaks
from router.config import Provider as Configured
from router.dialects.contract import Operation, UpstreamDialect
from router.testing import Answer, Body, Provider, Reply, Status, Stream, event
from tests.router.running import running

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 5,
    "total_tokens": 14,
    "prompt_tokens_details": {"cached_tokens": 4},
}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED = {"type": "function", "function": {"name": "weather", "arguments": ""}}
OSLO = {"index": 0, "id": "call_0", **NAMED}
ROME = {
    "index": 1,
    "id": "call_1",
    **NAMED,
    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
}
ASKED: Any = [{"role": "user", "content": "Where is it warmer?"}]


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return event(id="c1", object="chat.completion.chunk", created=5, model="m", choices=[choice])


CALLED = Stream(
    [
        chunk(role="assistant", content=None),
        chunk(reasoning="Two cities. "),
        chunk(tool_calls=[OSLO]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '{"city": '}}]),
        chunk(tool_calls=[{"index": 0, "function": {"arguments": '"Oslo"}'}}]),
        chunk(tool_calls=[ROME]),
        chunk(finish="tool_calls"),
        event(
            id="c1", object="chat.completion.chunk", created=5, model="m", choices=[], usage=USAGE
        ),
        b"data: [DONE]\n\n",
    ]
)


def none(provider: Configured) -> Mapping[Operation, UpstreamDialect]:
    return {}


@asynccontextmanager
async def asking(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *replies: Reply, preset: str = ""
) -> AsyncIterator[tuple[AsyncOpenAI, Provider]]:
    """A client of a router before a provider, to whom no bytes pass as they came."""
    monkeypatch.setattr(speaks, "native_of", none)
    async with Provider(replies) as provider:
        path = folder / "providers.yaml"
        path.write_text(
            "version: 1\n"
            "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}\n"
            f"providers: {{p: {{{preset} base_url: '{provider.url}', api_key: k, models: [m]}}}}\n"
            "models: {chat: {targets: [p/m]}}\n"
        )
        async with running(path) as router:
            url = f"http://{router.listen}/v1"
            async with AsyncOpenAI(api_key="any", base_url=url, max_retries=0) as client:
                yield client, provider


async def test_a_streamed_text_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with asking(tmp_path, monkeypatch, Answer("Warm in Rome.")) as (client, provider):
        stream = await client.chat.completions.create(
            model="chat", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
        chunks: list[ChatCompletionChunk] = [one async for one in stream]
    *said, last = chunks
    assert said[0].choices[0].delta.role == "assistant"
    assert "".join(one.choices[0].delta.content or "" for one in said) == "Warm in Rome."
    assert said[-1].choices[0].finish_reason == "stop"
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == 13
    (request,) = provider.requests
    assert request.path == "/v1/chat/completions"
    assert request.fields["stream_options"] == {"include_usage": True}
    assert request.fields["messages"] == ASKED


async def test_streamed_calls_of_tools_go_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with asking(tmp_path, monkeypatch, CALLED, Answer("Rome.")) as (client, provider):
        async with client.chat.completions.stream(
            model="chat", messages=ASKED, tools=[TOOL], tool_choice="required"
        ) as stream:
            answer = (await stream.get_final_completion()).choices[0]
        calls = answer.message.tool_calls or []
        assert answer.finish_reason == "tool_calls"
        assert [call.function.parsed_arguments for call in calls] == [
            {"city": "Oslo"}, {"city": "Rome"}
        ]  # fmt: skip
        said: Any = answer.message.model_dump(exclude_none=True, exclude={"parsed"})
        results: Any = [
            {"role": "tool", "tool_call_id": call.id, "content": "20 degrees"} for call in calls
        ]
        whole = await client.chat.completions.create(
            model="chat", messages=[*ASKED, said, *results], tools=[TOOL]
        )
    assert whole.choices[0].message.content == "Rome."
    first, second = provider.requests
    assert first.fields["tools"] == [TOOL]
    assert first.fields["tool_choice"] == "required"
    answered, *told = second.fields["messages"][1:]
    assert [call["id"] for call in answered["tool_calls"]] == ["call_0", "call_1"]
    assert told == results


class City(BaseModel):
    """What the answer must be."""

    name: str
    degrees: int


async def test_an_answer_by_a_schema_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Answer('{"name": "Rome", "degrees": 20}')
    async with asking(tmp_path, monkeypatch, said, said) as (client, provider):
        whole = await client.chat.completions.parse(
            model="chat", messages=ASKED, response_format=City
        )
        async with client.chat.completions.stream(
            model="chat", messages=ASKED, response_format=City
        ) as stream:
            streamed = await stream.get_final_completion()
    assert whole.choices[0].message.parsed == City(name="Rome", degrees=20)
    assert streamed.choices[0].message.parsed == City(name="Rome", degrees=20)
    assert whole.usage is not None
    for request in provider.requests:
        assert request.fields["response_format"]["json_schema"]["strict"] is True


async def test_what_is_left_out_is_named_and_what_must_not_be_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = "preset: deepseek,"
    async with asking(tmp_path, monkeypatch, Answer("a"), preset=preset) as (client, provider):
        raw = await client.chat.completions.with_raw_response.create(
            model="chat", messages=ASKED, seed=7, extra_body={"prediction": {"x": 1}}
        )
        assert raw.headers["x-router-dropped"].split(", ") == ["seed", "prediction"]
        image: Any = {"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}
        with pytest.raises(BadRequestError, match="images"):
            await client.chat.completions.create(
                model="chat", messages=[{"role": "user", "content": [image]}]
            )
    (request,) = provider.requests
    assert "seed" not in request.fields


async def test_an_error_is_the_providers_in_the_clients_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = Status(400, "temperature is too high", type="invalid_request_error")
    other = Body({"detail": "x is wrong"}, 422)
    async with asking(tmp_path, monkeypatch, wrong, other) as (client, _):
        for told in ("temperature is too high", "x is wrong"):
            with pytest.raises(APIStatusError, match=told):
                await client.chat.completions.create(model="chat", messages=ASKED)


async def test_a_stream_that_breaks_off_does_not_look_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut = Stream([chunk(content="Warm"), event(error={"message": "broke", "code": "server_error"})])
    async with asking(tmp_path, monkeypatch, cut.paced(0.05)) as (client, _):
        stream = await client.chat.completions.create(model="chat", messages=ASKED, stream=True)
        said = []
        with pytest.raises(APIError, match="broke off"):
            said += [one async for one in stream]

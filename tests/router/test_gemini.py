"""A Gemini behind the router, over real sockets: asked by OpenAI's SDK, judged by Google's."""

import json
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from google import genai
from openai.types.chat import ChatCompletionToolParam
from pydantic import BaseModel

from router.testing import Answer, Body, Provider, Reply, Request, Stream
from tests.router.dialects.gemini.judge import judged
from tests.router.dialects.gemini.said import (
    BLOCKED,
    CALL,
    CALLING,
    ERROR,
    TEXT,
    THINKING,
    Chunk,
    chunk,
    sse,
    usage,
)
from tests.router.running import JSON, Running, running

QUESTION: list[Any] = [{"role": "user", "content": "Say hello."}]
WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {"name": "f", "parameters": {"type": "object", "properties": {"a": {}}}},
}
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 50


class Says:
    """Says these chunks: one after the other if it is to stream, else the last of them."""

    def __init__(self, *chunks: Chunk) -> None:
        self._chunks = chunks

    def __call__(self, request: Request) -> Reply:
        if request.path.endswith(":streamGenerateContent?alt=sse"):
            return Stream([sse(each) for each in self._chunks])
        assert request.path.endswith(":generateContent")
        return Body(self._chunks[-1])


def configuration(folder: Path, gemini: Provider, other: Provider | None, hosts: str = "") -> Path:
    models = "[gemini-2.5-flash, gemini-embedding-001]"
    address = gemini.url.removesuffix("/v1")
    lines = [
        "version: 1",
        f"server: {{listen: '127.0.0.1:0', admin: '127.0.0.1:0', fetch: {{hosts: [{hosts}]}}}}",
        "providers:",
        f"  gemini: {{preset: gemini, base_url: '{address}', api_key: secret, models: {models}}}",
        f"  other: {{base_url: '{other.url if other else ''}', models: [m]}}",
        "models:",
        "  chat: {policy: priority, tiers: [[gemini/gemini-2.5-flash], [other/m]]}",
        "  embed: {targets: [gemini/gemini-embedding-001]}",
    ]
    path = folder / "providers.yaml"
    path.write_text("\n".join(lines))
    return path


@asynccontextmanager
async def routed(
    folder: Path, script: Any, other: Reply | None = None, hosts: str = ""
) -> AsyncIterator[tuple[openai.AsyncOpenAI, Provider, Provider, Running]]:
    """A client of a router before a Gemini, and before another target behind it."""
    async with Provider(script) as gemini, Provider(other or Answer("other")) as second:
        path = configuration(folder, gemini, second if other is not None else None, hosts)
        async with (
            running(path) as router,
            openai.AsyncOpenAI(
                base_url=f"http://{router.listen}/v1", api_key="k", max_retries=0
            ) as client,
        ):
            yield client, gemini, second, router


async def test_an_answer_in_one_piece(tmp_path: Path):
    body = chunk({"text": "Hello"}, finish="STOP", **usage(9, 2, thoughtsTokenCount=3))
    async with routed(tmp_path, Says(body)) as (client, gemini, *_):
        told = await client.chat.completions.create(
            model="chat", messages=QUESTION, max_tokens=9, user="u"
        )
    assert told.choices[0].message.content == "Hello"
    assert told.choices[0].finish_reason == "stop"
    assert told.usage is not None
    assert (told.usage.prompt_tokens, told.usage.completion_tokens) == (9, 5)
    (request,) = gemini.requests
    assert request.path == "/v1beta/models/gemini-2.5-flash:generateContent"
    assert request.header("x-goog-api-key") == ["secret"]
    assert request.header("authorization") == []
    assert judged(request.body)["generationConfig"] == {"maxOutputTokens": 9}


async def test_a_scripted_answer_reaches_the_client_as_a_chat(tmp_path: Path):
    async with routed(tmp_path, Answer("Hello there.", finish="length")) as (client, gemini, *_):
        whole = await client.chat.completions.create(model="chat", messages=QUESTION)
        stream = await client.chat.completions.create(model="chat", messages=QUESTION, stream=True)
        choices = [one.choices[0] async for one in stream if one.choices]
    assert whole.choices[0].message.content == "Hello there."
    assert "".join(one.delta.content or "" for one in choices) == "Hello there."
    assert whole.choices[0].finish_reason == choices[-1].finish_reason == "length"
    assert len(gemini.requests) == 2


async def test_what_it_was_not_told_is_named(tmp_path: Path):
    async with routed(tmp_path, Says(TEXT[-1])) as (client, *_):
        told = await client.chat.completions.with_raw_response.create(
            model="chat", messages=QUESTION, user="u", logit_bias={"1": 1}
        )
    assert sorted(told.headers["x-router-dropped"].split(", ")) == ["logit_bias", "user"]


async def test_a_stream_with_its_usage(tmp_path: Path):
    async with routed(tmp_path, Says(*TEXT)) as (client, gemini, *_):
        stream = await client.chat.completions.create(
            model="chat", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = [each async for each in stream]
    words = [choice.delta.content or "" for each in chunks for choice in each.choices]
    assert "".join(words) == "Hello"
    assert [c.finish_reason for each in chunks for c in each.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 11
    assert gemini.requests[0].path.endswith("flash:streamGenerateContent?alt=sse")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_tool_is_called_and_its_result_brought_back(*, stream: bool, tmp_path: Path):
    async with routed(tmp_path, Says(*CALLING)) as (client, gemini, *_):
        if stream:
            async with client.chat.completions.stream(
                model="chat", messages=QUESTION, tools=[WEATHER]
            ) as streamed:
                message: Any = (await streamed.get_final_completion()).choices[0].message
        else:
            told = await client.chat.completions.create(
                model="chat", messages=QUESTION, tools=[WEATHER]
            )
            assert told.choices[0].finish_reason == "tool_calls"
            message = told.choices[0].message
        assert message.tool_calls is not None
        (call,) = message.tool_calls
        assert call.type == "function"
        assert json.loads(call.function.arguments) == {"a": 1}
        gemini.script = Says(*TEXT)
        result: Any = {"role": "tool", "tool_call_id": call.id, "content": "7"}
        again: Any = [*QUESTION, message.to_dict(), result]
        await client.chat.completions.create(model="chat", messages=again, tools=[WEATHER])
    turns = judged(gemini.requests[-1].body)["contents"]
    assert [turn["role"] for turn in turns] == ["user", "model", "user"]
    assert turns[1]["parts"][0]["thoughtSignature"] == CALL["thoughtSignature"]
    called = turns[1]["parts"][0]["functionCall"]
    answered = turns[2]["parts"][0]["functionResponse"]
    assert called == {"id": call.id, "name": "f", "args": {"a": 1}}
    assert answered == {"id": call.id, "name": "f", "response": {"output": "7"}}


async def test_a_parsed_schema(tmp_path: Path):
    class Told(BaseModel):
        words: list[str]

    body = chunk({"text": '{"words": ["a"]}'}, finish="STOP")
    async with routed(tmp_path, Says(body)) as (client, gemini, *_):
        told = await client.chat.completions.parse(
            model="chat", messages=QUESTION, response_format=Told
        )
    assert told.choices[0].message.parsed == Told(words=["a"])
    config = judged(gemini.requests[0].body)["generationConfig"]
    assert config["responseMimeType"] == "application/json"
    assert config["responseJsonSchema"]["properties"]["words"]["type"] == "array"


async def test_thoughts_and_their_signatures_do_not_disturb_an_answer(tmp_path: Path):
    async with routed(tmp_path, Says(*THINKING)) as (client, *_):
        async with client.chat.completions.stream(model="chat", messages=QUESTION) as stream:
            told = await stream.get_final_completion()
    assert told.choices[0].message.content == "Yes."


REFUSALS = {
    "a bad key": Body(
        {"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
                   "details": [{"reason": "API_KEY_INVALID"}]}}, 400),
    "a limit": Body(
        {"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED",
                   "details": [{"retryDelay": "34s"}]}}, 429),
    "overload": Body(ERROR, 503),
    "a stream that breaks off": Stream([sse(chunk({"text": ""}))]),
    "an error in a stream": Stream([sse(ERROR)]),
    "no words": Stream([sse(chunk(finish="STOP"))]),
    "a malformed call": Stream([sse(chunk(finish="MALFORMED_FUNCTION_CALL"))]),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
async def test_what_is_its_own_fault_is_answered_by_another(name: str, tmp_path: Path):
    async with routed(tmp_path, REFUSALS[name], Answer("other")) as (client, gemini, *_):
        async with client.chat.completions.stream(model="chat", messages=QUESTION) as stream:
            told = await stream.get_final_completion()
        assert told.choices[0].message.content == "other"
        assert len(gemini.requests) <= 2  # alone in its tier it may be asked once more


@pytest.mark.parametrize("stream", [False, True])
async def test_a_blocked_prompt_is_the_caller_s_and_nobody_else_is_asked(
    *, stream: bool, tmp_path: Path
):
    async with routed(tmp_path, Says(BLOCKED), Answer("other")) as (client, _, other, _):
        with pytest.raises(openai.BadRequestError, match="the prompt was blocked: SAFETY"):
            await client.chat.completions.create(model="chat", messages=QUESTION, stream=stream)
        assert other.requests == []


async def test_what_was_dropped_is_said_at_a_stream_s_end_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("router.reply.QUIET", 0.05)
    late = Stream([sse(each) for each in TEXT]).delayed(0.1)
    async with routed(tmp_path, late) as (_, _, _, router):
        asked = {"model": "chat", "messages": QUESTION, "stream": True, "logit_bias": {"1": 2}}
        answer = await router.ask("POST", "/v1/chat/completions", json.dumps(asked).encode(), JSON)
        assert "x-router-dropped" not in answer.headers  # its head went out before
        assert b'"dropped":"logit_bias"' in answer.body


def picture(*urls: str) -> list[Any]:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}]


def host_of(provider: Provider) -> str:
    return provider.url.split("/")[2]


@pytest.mark.parametrize("stream", [False, True])
async def test_an_image_by_its_url_is_fetched_once_and_sent_as_bytes(
    *, stream: bool, tmp_path: Path
):
    async with Provider(Body(PNG, kind="image/png")) as pictures:
        host = host_of(pictures)
        urls = [f"http://{host}/a.png", f"http://{host}/a.png", f"http://{host}/b.png"]
        async with routed(tmp_path, Says(*TEXT), hosts=f"'{host}'") as (client, gemini, *_):
            told = await client.chat.completions.create(
                model="chat", messages=picture(*urls), stream=stream
            )
            if isinstance(told, openai.AsyncStream):
                assert [each async for each in told]
            sent = judged(gemini.requests[0].body)["contents"][0]["parts"]
        assert [part["inlineData"]["mimeType"] for part in sent[1:]] == ["image/png"] * 3
        assert b64decode(sent[1]["inlineData"]["data"]) == PNG
        assert sorted(request.path for request in pictures.requests) == ["/a.png", "/b.png"]


async def test_an_image_is_fetched_once_for_all_targets_that_are_tried(tmp_path: Path):
    async with Provider(Body(PNG, kind="image/png")) as pictures:
        host = host_of(pictures)
        script = [Body(ERROR, 503), Body(ERROR, 503)]
        async with routed(tmp_path, script, Answer("other"), f"'{host}'") as (client, _, other, _):
            told = await client.chat.completions.create(
                model="chat", messages=picture(f"http://{host}/a.png")
            )
            assert told.choices[0].message.content == "other"
            assert b"http://" in other.requests[0].body  # it takes an address as it is
        assert len(pictures.requests) == 1


async def test_what_cannot_be_fetched_is_told_to_the_caller(tmp_path: Path):
    async with Provider(Body("gone", 404)) as pictures:
        host = host_of(pictures)
        async with routed(tmp_path, Says(*TEXT), hosts=f"'{host}'") as (client, gemini, *_):
            with pytest.raises(openai.BadRequestError) as told:
                await client.chat.completions.create(
                    model="chat", messages=picture(f"http://{host}/a.png")
                )
            assert f"http://{host}/a.png cannot be fetched: its host answered 404" in str(
                told.value
            )
            assert gemini.requests == []
        assert len(pictures.requests) == 1


async def test_a_target_that_takes_an_address_still_may_where_it_cannot_be_fetched(tmp_path: Path):
    async with routed(tmp_path, Says(*TEXT), Answer("other")) as (client, gemini, *_):
        told = await client.chat.completions.create(
            model="chat", messages=picture("http://127.0.0.1/a.png")
        )
        assert told.choices[0].message.content == "other"
        assert gemini.requests == []


async def test_a_private_address_is_not_fetched_from(tmp_path: Path):
    async with Provider(Body(PNG, kind="image/png")) as pictures:
        async with routed(tmp_path, Says(*TEXT)) as (client, *_):
            for url in (f"http://{host_of(pictures)}/", "http://localhost/", "http://10.0.0.1/"):
                with pytest.raises(openai.BadRequestError, match="cannot be fetched"):
                    await client.chat.completions.create(model="chat", messages=picture(url))
        assert pictures.requests == []


async def test_who_leaves_while_a_file_comes_leaves_nothing_behind(tmp_path: Path):
    async with Provider(Body(PNG, kind="image/png").delayed(5)) as pictures:
        host = host_of(pictures)
        async with routed(tmp_path, Says(*TEXT), hosts=f"'{host}'") as (client, _, _, router):
            impatient = client.with_options(timeout=0.2)
            with pytest.raises(openai.APITimeoutError):
                await impatient.chat.completions.create(
                    model="chat", messages=picture(f"http://{host}/a.png")
                )
            with pytest.raises(openai.APIStatusError) as told:
                await client.chat.completions.create(
                    model="chat",
                    messages=picture(f"http://{host}/a.png"),
                    extra_headers={"x-router-timeout": "0.2"},
                )
            assert told.value.status_code in (400, 504)
            assert router.app.state.runtime.engine.in_flight == 0


async def test_embeddings_as_the_sdk_asks_for_them(tmp_path: Path):
    vectors = {"embeddings": [{"values": [0.5, -1]}, {"values": [0.25, 2]}]}
    async with routed(tmp_path, Body(vectors)) as (client, gemini, *_):
        told = await client.embeddings.create(model="embed", input=["a", "b"], dimensions=2)
        assert [one.embedding for one in told.data] == [[0.5, -1.0], [0.25, 2.0]]
        plain = await client.embeddings.create(
            model="embed", input=["a", "b"], encoding_format="float"
        )
        assert [one.embedding for one in plain.data] == [[0.5, -1.0], [0.25, 2.0]]
    assert gemini.requests[0].path == "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    assert gemini.requests[0].json["requests"][1]["outputDimensionality"] == 2


def test_google_s_sdk_reads_what_the_scripted_gemini_says():
    with Provider(Says(*THINKING)) as gemini:
        options = genai.types.HttpOptions(base_url=gemini.url.removesuffix("/v1"))
        with genai.Client(api_key="k", http_options=options) as client:
            models = client.models
            chunks = list(models.generate_content_stream(model="m", contents="a"))
            gemini.script = Says(*CALLING)
            whole = models.generate_content(model="m", contents="a")
    assert "".join(each.text or "" for each in chunks) == "Yes."
    assert whole.function_calls is not None
    assert whole.function_calls[0].args == {"a": 1}


async def test_vertex_ai_is_asked_at_its_location_by_a_bearer_of_a_token(tmp_path: Path):
    path = tmp_path / "providers.yaml"
    async with Provider(Says(TEXT[-1])) as vertex:
        there = f"'{vertex.url}/projects/p/locations/l'"
        path.write_text(
            "version: 1\nserver: {listen: '127.0.0.1:0', admin: '127.0.0.1:0'}\n"
            f"providers: {{v: {{dialect: vertex, base_url: {there}, api_key: t, models: [m]}}}}\n"
            "models: {chat: {targets: [v/m]}}\n"
        )
        async with (
            running(path) as router,
            openai.AsyncOpenAI(base_url=f"http://{router.listen}/v1", api_key="k") as client,
        ):
            told = await client.chat.completions.create(model="chat", messages=QUESTION)
    assert told.choices[0].message.content == "lo"
    (request,) = vertex.requests
    assert request.path == "/v1/projects/p/locations/l/publishers/google/models/m:generateContent"
    assert request.header("authorization") == ["Bearer t"]

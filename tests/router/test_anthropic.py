"""Anthropic's own client through a running router, to providers that speak its dialect."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import pytest

from router.testing import Answer, Body, Provider, Script, Status, Stream
from tests.router.dialects.anthropic.said import (
    HELLO,
    MESSAGE,
    OVERLOADED,
    STOP,
    TURN,
    begin,
    end,
    start,
    text,
)
from tests.router.running import JSON, Running, running, written

MESSAGES: Any = [{"role": "user", "content": "Which way?"}]
TOOLS: Any = [
    {"name": "f", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}
]
FORBIDDEN = {"type": "error", "error": {"type": "invalid_request_error", "message": "No way."}}


@asynccontextmanager
async def between(
    folder: Path, *scripts: Script, server: str = "", rest: str = "", **options: str
) -> AsyncIterator[tuple[anthropic.AsyncAnthropic, Running, list[Provider]]]:
    """A router before providers, the first of which is asked first; all but those that `options`
    say otherwise of speak Anthropic's dialect.
    """
    async with AsyncExitStack() as entered:
        providers = [await entered.enter_async_context(Provider(script)) for script in scripts]
        named = dict(zip(("one", "two", "three"), providers, strict=False))
        tiers = ", ".join(f"[{name}/up]" for name in named)
        path = written(folder, f"any: {{policy: priority, tiers: [{tiers}]}}", server, rest)
        own = "".join(
            f"  {name}: {{{options.get(name, 'dialect: anthropic')}, base_url: {provider.url}, "
            "api_key: sesame, models: [up]}\n"
            for name, provider in named.items()
        )
        path.write_text(path.read_text().replace("providers:\n", f"providers:\n{own}", 1))
        router = await entered.enter_async_context(running(path, {"KEY": "open"}))
        address = f"http://{router.listen}"
        client = anthropic.AsyncAnthropic(base_url=address, api_key="open", max_retries=0)
        yield await entered.enter_async_context(client), router, providers


async def test_a_message_passes_as_it_came_and_so_does_its_answer(tmp_path: Path) -> None:
    body = b'{ "max_tokens":7,"model" : "any", "messages":[{"role":"user","content":"\\u00e9"}],'
    body += b'"tomorrow":{"model":12345678901234567890123}}'
    async with between(tmp_path, Body(MESSAGE)) as (_, router, (provider,)):
        answer = await router.ask("POST", "/v1/messages", body, JSON)
    assert json.loads(answer.body) == MESSAGE
    (request,) = provider.requests
    assert request.path == "/v1/messages"
    assert b'"messages":[{"role":"user","content":"\\u00e9"}]' in request.body
    assert b'"tomorrow":{"model":12345678901234567890123}' in request.body
    assert request.json["model"] == "up"


async def test_a_provider_is_given_its_key_and_the_version_of_the_dialect(tmp_path: Path) -> None:
    async with between(tmp_path, Body(MESSAGE)) as (client, _, (provider,)):
        await client.messages.create(
            model="any", max_tokens=9, messages=MESSAGES, extra_headers={"anthropic-beta": "b-1"}
        )
    (request,) = provider.requests
    assert request.header("x-api-key") == ["sesame"]
    assert request.header("anthropic-version") == ["2023-06-01"]
    assert request.header("anthropic-beta") == ["b-1"]
    assert request.header("authorization") == []


async def test_a_stream_is_read_by_the_sdk_and_ends_with_our_note(tmp_path: Path) -> None:
    async with between(tmp_path, Stream([TURN])) as (client, router, _):
        async with client.messages.stream(
            model="any", max_tokens=99, messages=MESSAGES, tools=TOOLS
        ) as stream:
            message = await stream.get_final_message()
        body = json.dumps({"model": "any", "messages": MESSAGES, "stream": True}).encode()
        raw = (await router.ask("POST", "/v1/messages", body, JSON)).body
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
    assert message.content[3].input == {"a": 1}  # type: ignore[union-attr]
    assert message.stop_reason == "tool_use"
    assert message.usage.output_tokens == 20
    passed, _, note = raw.partition(STOP)
    assert passed + STOP == TURN
    assert note.startswith(b": pointsman {")
    assert json.loads(note.partition(b"pointsman ")[2])["input_tokens"] == 15


@pytest.mark.parametrize(
    ("broken", "outcome"),
    [
        (start() + begin(0, type="text", text="") + OVERLOADED, "throttled"),
        (start() + begin(0, type="text", text=""), "failed"),
        (b'{"type":"error","error":{"type":"authentication_error","message":"x"}}', "denied"),
    ],
)
async def test_failures_before_content_are_answered_elsewhere(
    tmp_path: Path, broken: bytes, outcome: str
) -> None:
    async with between(tmp_path, Stream([broken]), Stream([HELLO])) as (client, router, _):
        async with client.messages.stream(model="any", max_tokens=9, messages=MESSAGES) as stream:
            assert await stream.get_final_text() == "Hello"
        attempts = (await router.ask_admin("GET", "/status")).told["attempts"]
    assert {row["outcome"] for row in attempts} == {outcome, "ok"}


async def test_an_interrupted_stream_ends_in_an_error_that_the_sdk_raises(tmp_path: Path) -> None:
    broken = Stream([start() + begin(0, type="text", text=""), text("Hel"), text("lo")]).paced(0.05)
    async with between(tmp_path, broken) as (client, router, _):
        with pytest.raises(anthropic.APIStatusError, match="stream ended before its end"):
            async with client.messages.stream(
                model="any", max_tokens=9, messages=MESSAGES
            ) as stream:
                await stream.get_final_message()
        body = json.dumps({"model": "any", "messages": MESSAGES, "stream": True}).encode()
        raw = (await router.ask("POST", "/v1/messages", body, JSON)).body
    last = raw.rstrip().split(b"\n\n")[-1]
    assert last.startswith(b'event: error\ndata: {"type":"error","error":{"type":"api_error"')


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Body(FORBIDDEN, 400), anthropic.BadRequestError),
        (Status(429, retry_after=0.1), anthropic.RateLimitError),
        (Body({"type": "error", "error": {"type": "authentication_error"}}, 401), None),
        (Status(500), anthropic.InternalServerError),
    ],
)
async def test_errors_are_raised_as_what_they_are(
    tmp_path: Path, reply: Any, error: type[anthropic.APIStatusError] | None
) -> None:
    async with between(tmp_path, reply) as (client, _, _):
        with pytest.raises(error or anthropic.APIStatusError) as caught:
            await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)
    told: Any = caught.value.body
    assert told["type"] == "error"
    assert told["error"]["message"]
    if error is None:
        assert caught.value.status_code == 503  # the router's key is not the client's
        assert told["error"]["type"] == "overloaded_error"


async def test_what_only_looks_like_the_callers_fault_is_anothers_answer(tmp_path: Path) -> None:
    said = "You have reached your specified API usage limits."
    limit = Body(
        {"type": "error", "error": {"type": "invalid_request_error", "message": said}}, 400
    )
    async with between(tmp_path, limit, Body(MESSAGE)) as (client, router, _):
        await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)
        targets = (await router.ask_admin("GET", "/status")).told["targets"]
    assert targets["one/up"]["state"] == "denied"


async def test_tokens_are_counted_by_who_can_and_estimated_where_nobody_does(
    tmp_path: Path,
) -> None:
    counted = Body({"input_tokens": 1234})
    chat = "dialect: openai"
    async with between(tmp_path, Answer(), counted, one=chat) as (client, router, providers):
        told = await client.messages.count_tokens(model="any", messages=MESSAGES)
        assert told.input_tokens == 1234
        assert [request.path for request in providers[1].requests] == ["/v1/messages/count_tokens"]
        assert not providers[0].requests
        assert (await router.ask_admin("GET", "/status")).told["running"] == 0
    async with between(tmp_path, Answer(), one=chat) as (client, _, (provider,)):
        raw = await client.messages.with_raw_response.count_tokens(model="any", messages=MESSAGES)
        told = await raw.parse()
        assert raw.headers["x-router-degraded"] == "estimated"
        assert 0 < told.input_tokens < 100
        assert not provider.requests
        with pytest.raises(anthropic.NotFoundError, match="does not exist"):
            await client.messages.count_tokens(model="nobody", messages=MESSAGES)


async def test_a_server_with_anthropics_endpoint_beside_openais_is_asked_there(
    tmp_path: Path,
) -> None:
    async with between(tmp_path, Body(MESSAGE), one="preset: ollama") as (client, _, (one,)):
        await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)
    assert one.requests[0].path == "/v1/messages"
    assert one.requests[0].header("authorization") == ["Bearer sesame"]


async def test_headers_of_the_dialect_go_only_to_who_speaks_it(tmp_path: Path) -> None:
    async with between(tmp_path, Answer(), one="dialect: openai") as (_, router, (provider,)):
        headers = {"anthropic-beta": "b-1", "anthropic-version": "2023-06-01", "openai-beta": "o"}
        assert (await router.chat("any", headers=headers)).status == 200
    names = {name for name, _ in provider.requests[0].headers}
    assert "openai-beta" in names
    assert not [name for name in names if name.startswith("anthropic-")]


async def test_what_another_model_thought_does_not_come_back_to_anthropic(tmp_path: Path) -> None:
    own = {"type": "thinking", "thinking": "Mine.", "signature": "c2ln"}
    others = {"type": "thinking", "thinking": "Theirs.", "signature": "pointsman.openai."}
    said = {"type": "text", "text": 'It said "pointsman.openai." once.'}
    turns: Any = [
        *MESSAGES,
        {"role": "assistant", "content": [own, others, said]},
        *MESSAGES,
        {"role": "assistant", "content": [others]},
        *MESSAGES,
    ]
    async with between(tmp_path, Body(MESSAGE)) as (client, _, (provider,)):
        raw = await client.messages.with_raw_response.create(
            model="any", max_tokens=9, messages=turns
        )
    assert raw.headers["x-router-dropped"] == "thinking"
    sent = provider.requests[0].json["messages"]
    assert sent == [*MESSAGES, {"role": "assistant", "content": [own, said]}, *MESSAGES, *MESSAGES]


async def test_a_key_in_anthropics_header_is_a_tenants(tmp_path: Path) -> None:
    tenants = 'tenants: {team: {keys: ["${KEY}"]}}\n'
    keys = {"server": "auth: keys", "rest": tenants}
    async with between(tmp_path, Body(MESSAGE), **keys) as (client, router, _):
        await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)
        models = await client.models.list()
        assert "any" in [model.id for model in models.data]
        assert (await client.models.retrieve("any")).display_name == "any"
        with pytest.raises(anthropic.AuthenticationError, match="x-api-key"):
            await client.with_options(api_key="wrong").messages.create(
                model="any", max_tokens=9, messages=MESSAGES
            )
        bearer = {"authorization": "Bearer open", "x-api-key": "wrong", **JSON}
        assert (await router.ask("GET", "/v1/models", headers=bearer)).status == 200


async def test_a_refusal_and_an_empty_turn_are_answers(tmp_path: Path) -> None:
    for reason in ("refusal", "end_turn"):
        empty = {**MESSAGE, "content": [], "stop_reason": reason}
        async with between(tmp_path, Body(empty)) as (client, _, _):
            told = await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)
        assert (told.stop_reason, told.content) == (reason, [])
    refused = Stream([start() + end("refusal") + STOP])
    async with between(tmp_path, refused) as (client, _, _):
        async with client.messages.stream(model="any", max_tokens=9, messages=MESSAGES) as stream:
            assert (await stream.get_final_message()).stop_reason == "refusal"


@pytest.mark.parametrize("body", [{}, {"content": []}, {"content": "x", "stop_reason": "end_turn"}])
async def test_a_success_that_is_no_message_is_a_failure(tmp_path: Path, body: Any) -> None:
    async with between(tmp_path, Body(body), Body(MESSAGE)) as (client, _, providers):
        await client.messages.create(model="any", max_tokens=9, messages=MESSAGES)
    assert len(providers[1].requests) == 1

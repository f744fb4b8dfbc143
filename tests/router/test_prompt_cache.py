"""What providers are told about their caches, by routes that ask for it: over real sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from router.dialects.contract import Call, Fields
from router.dialects.hints import Hint, key_of
from router.dialects.openai.dialect import OPENAI
from router.testing import Answer, Body, Provider, Request, Status
from tests.router.cascade.climbers import climbers
from tests.router.cli.test_commands import pointsman
from tests.router.clock import in_virtual_time
from tests.router.dialects.anthropic.said import MESSAGE
from tests.router.dialects.bedrock.wire import judged
from tests.router.running import JSON, Running, running, written
from tests.router.scene import Scene
from tests.router.scripted import CUT, DONE, EVENTS, FINISH, ROLE, Script, answer, refusal, text

LONG = "It was said of them so. " * 400
CLAUDE = "claude-sonnet-4-5"
AWS = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
FILE = """\
version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  openai:
    {{preset: openai, base_url: "{url}", api_key: k, models: {{m: {{}}, r: {{api: responses}}}}}}
  azure: {{preset: azure, base_url: "{url}", api_key: k, models: [m]}}
  versioned: {{preset: azure, base_url: "{url}", api_key: k, api_version: 2024-10-21, models: [m]}}
  mistral: {{preset: mistral, base_url: "{url}", api_key: k, models: [m]}}
  fireworks: {{preset: fireworks, base_url: "{url}", api_key: k, models: [m]}}
  xai: {{preset: xai, base_url: "{url}", api_key: k, models: [m]}}
  groq: {{preset: groq, base_url: "{url}", api_key: k, models: [m]}}
  own: {{base_url: "{url}", api_key: k, models: [m]}}
  anthropic: {{preset: anthropic, base_url: "{url}", api_key: k, models: [m, claude-opus-4-6]}}
  foundry: {{preset: foundry, base_url: "{url}", api_key: k, models: [m]}}
  mantle: {{preset: bedrock-mantle, region: us-east-1, base_url: "{url}", api_key: k, models: [m]}}
  bedrock:
    preset: bedrock
    region: us-east-1
    base_url: "{aws}"
    api_key: k
    models: ["{model}", llama]
  sim: {{dialect: simulated, models: [m]}}
models:
{models}
"""
TARGETS = [
    "openai/m", "openai/r", "azure/m", "versioned/m", "mistral/m", "fireworks/m", "xai/m", "groq/m",
    "own/m", "anthropic/m", "anthropic/claude-opus-4-6", "foundry/m", "mantle/m", f"bedrock/{AWS}",
    "bedrock/llama", "sim/m",
]  # fmt: skip
ASKED: dict[str, dict[str, Any]] = {
    "chat/completions": {"messages": [{"role": "user", "content": LONG}]},
    "messages": {"messages": [{"role": "user", "content": LONG}], "max_tokens": 9},
    "responses": {"input": LONG},
}
EVER = {"openai/m", "openai/r", "azure/m", "mistral/m"}
KEYED = {
    "chat/completions": EVER | {"fireworks/m"},
    "messages": EVER | {"fireworks/m"},
    "responses": EVER | {"xai/m"},
}
POINT = {"cachePoint": {"type": "default"}}


@asynccontextmanager
async def asking(folder: Path, reply: Any = None) -> AsyncIterator[tuple[Running, Provider]]:
    """A router with two routes to each target, one of which asks for the cache."""
    async with Provider(Status(400) if reply is None else reply) as provider:
        routes = [
            f'  "{name}:{told}": {{targets: ["{name}"], prompt_cache: {told}}}'
            for name in TARGETS
            for told in ("true", "false")
        ]
        path = folder / "providers.yaml"
        path.write_text(
            FILE.format(url=provider.url, aws=provider.origin, model=AWS, models="\n".join(routes))
        )
        async with running(path) as router:
            yield router, provider


async def sent(router: Running, provider: Provider, model: str, path: str, **more: Any) -> Request:
    """What the provider got of a request."""
    before, headers = len(provider.requests), {**JSON, **more.pop("headers", {})}
    body = json.dumps({"model": model, **ASKED[path], **more}).encode()
    await router.ask("POST", f"/v1/{path}", body, headers)
    (request,) = provider.requests[before:]
    return request


@pytest.mark.parametrize("path", ASKED)
async def test_each_provider_is_told_in_its_own_words_and_no_other_byte_differs(
    tmp_path: Path, path: str
) -> None:
    async with asking(tmp_path) as (router, provider):
        for name in TARGETS[:-1]:
            plain = await sent(router, provider, f"{name}:false", path)
            told = await sent(router, provider, f"{name}:true", path)
            keyed = name in KEYED[path]
            marked = name in ("anthropic/m", "foundry/m")
            if keyed or marked:
                field, value = ("prompt_cache_key", told.json.get("prompt_cache_key"))
                if marked:
                    field, value = "cache_control", {"type": "ephemeral"}
                else:
                    assert isinstance(value, str)
                    assert len(value) == 32
                added = json.dumps({field: value}, separators=(",", ":")).encode()[1:-1]
                if b'": ' in plain.body:
                    added = added.replace(b'":', b'":', 1)
                assert told.body == plain.body[:-1] + b"," + added + b"}"
            elif name == f"bedrock/{AWS}":
                expected = plain.json
                expected["messages"][-1]["content"].append(POINT)
                assert told.json == expected
                judged(told.path, told.body)
            else:
                assert told.body == plain.body
            assert told.path == plain.path


async def test_a_key_is_a_conversations_and_a_tenants(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}]
    async with asking(tmp_path) as (router, provider):

        async def key(messages: list[Any], **headers: str) -> str:
            path, asked = "chat/completions", {"messages": messages, "headers": headers}
            request = await sent(router, provider, "openai/m:true", path, **asked)
            return str(request.json["prompt_cache_key"])

        one = await key(messages[:1])
        assert await key([*messages, {"role": "user", "content": "Go on."}]) == one
        assert await key([{"role": "user", "content": "Ho"}]) != one
        session = {"x-router-session": "s"}
        assert await key(messages, **session) == await key(messages[1:], **session) != one
        fields = OPENAI.parse(json.dumps({"model": "m", "messages": messages}).encode()).fields
        assert key_of(fields, "default", None) == one
        path = "chat/completions"
        own = await sent(router, provider, "openai/m:true", path, prompt_cache_key="mine")
        assert own.json["prompt_cache_key"] == "mine"


async def test_a_short_prompt_is_not_marked_nor_one_below_what_its_model_caches(
    tmp_path: Path,
) -> None:
    short = [{"role": "user", "content": "Hi"}]
    async with asking(tmp_path) as (router, provider):
        for name in ("anthropic/m", f"bedrock/{AWS}"):
            plain = await sent(router, provider, f"{name}:false", "messages", messages=short)
            told = await sent(router, provider, f"{name}:true", "messages", messages=short)
            assert told.body == plain.body
        name = "anthropic/claude-opus-4-6:true"
        told = await sent(router, provider, name, "messages")
        assert "cache_control" not in told.json
        long = [{"role": "user", "content": LONG * 3}]
        told = await sent(router, provider, name, "messages", messages=long)
        assert told.json["cache_control"] == {"type": "ephemeral"}


async def test_the_tokens_of_a_prompt_are_counted_without_a_mark(tmp_path: Path) -> None:
    async with asking(tmp_path) as (router, provider):
        body = json.dumps({"model": "anthropic/m:true", **ASKED["messages"]}).encode()
        await router.ask("POST", "/v1/messages/count_tokens", body, JSON)
        assert b"cache_control" not in provider.requests[-1].body


async def test_both_companies_sdks_are_answered(tmp_path: Path) -> None:
    async with (
        asking(tmp_path, Body(MESSAGE)) as (router, provider),
        anthropic.AsyncAnthropic(
            base_url=f"http://{router.listen}", api_key="k", max_retries=0
        ) as client,
    ):
        message = await client.messages.create(
            model="anthropic/m:true",
            max_tokens=9,
            system=LONG,
            messages=[{"role": "user", "content": "Hi"}],
        )
        assert message.content
        assert provider.requests[-1].json["cache_control"] == {"type": "ephemeral"}
    async with (
        asking(tmp_path, Answer("Hello")) as (router, provider),
        openai.AsyncOpenAI(
            base_url=f"http://{router.listen}/v1", api_key="k", max_retries=0
        ) as sdk,
    ):
        told = await sdk.chat.completions.create(
            model="openai/m:true", messages=[{"role": "user", "content": "Hi"}]
        )
        assert told.choices[0].message.content == "Hello"
        assert len(provider.requests[-1].json["prompt_cache_key"]) == 32
        simulated = await sdk.chat.completions.create(
            model="sim/m:true", messages=[{"role": "user", "content": LONG}]
        )
        assert simulated.choices


async def test_explain_says_who_is_told_and_how(tmp_path: Path) -> None:
    async with asking(tmp_path) as (router, _):

        async def told(model: str) -> Any:
            body = json.dumps({"model": model}).encode()
            return (await router.ask_admin("POST", "/explain", body, JSON)).told["prompt_cache"]

        words = "cache_control up to the last message, for prompts of 4,096 tokens and more"
        name = "anthropic/claude-opus-4-6"
        assert await told(f"{name}:true") == {name: words}
        assert await told("openai/m:true") == {
            "openai/m": "prompt_cache_key, one for each conversation"
        }
        assert await told("mantle/m:true") == {}
        assert await told("openai/m:false") is None


async def test_who_is_asked_when_a_cheap_answer_fails_is_told_as_well(tmp_path: Path) -> None:
    async with climbers(
        tmp_path,
        Answer(" "),
        Answer("Hello"),
        more="prompt_cache: true",
        preset="preset: mistral, api_key: k, ",
    ) as place:
        assert await place.say() == "Hello"
        assert place.asked == (1, 1)
        keys = {one.requests[0].json["prompt_cache_key"] for one in (place.cheap, place.dear)}
        assert len(keys) == 1


def test_the_command_line_says_it_too(tmp_path: Path) -> None:
    routes = """
chat: {targets: [sim/fast], prompt_cache: true}
dear: {targets: [dear/gpt], prompt_cache: true}
"""
    file = written(tmp_path, routes)
    told = pointsman("explain", "-m", "chat", "-c", file).stdout
    assert "  prompt_cache: none of its targets can be told" in told
    told = pointsman("explain", "-m", "dear", "-c", file, DEAR_KEY="k").stdout
    assert "  dear/gpt may cache the prompt: it is told prompt_cache_key, one for each" in told


@in_virtual_time
async def test_a_rescue_and_what_goes_on_with_an_answer_are_told_the_same_key() -> None:
    begun: Script = [0.1, EVENTS, ROLE, text("Hel"), 0.1, CUT]
    rest: Script = [0.1, EVENTS, ROLE, text("Hello"), FINISH, DONE]
    scene = Scene(
        {"a/m": [refusal(500)], "b/m": [begun], "c/m": [rest]},
        hint=Hint("key"),
        one_model=True,
        resume={"chat": False},
    )
    await scene.ask(stream=True, temperature=0)
    assert scene.asked == ["a/m", "b/m", "c/m"]
    assert len({sent.json["prompt_cache_key"] for sent in scene.transport.sent}) == 1


class Unread(Hint):
    """A hint that nobody may ask for."""

    def fields(self, call: Call, tenant: str, session: str | None) -> Fields:
        raise AssertionError("nobody asked for it")

    pointed = fields  # type: ignore[assignment]


@in_virtual_time
async def test_nothing_is_read_or_told_where_the_route_does_not_ask() -> None:
    scene = Scene({"a/m": [answer()]}, hint=Unread("key"), hinted=False)
    await scene.ask()
    told = Scene({"a/m": [answer()]}, hint=Unread("key"))
    await told.ask(model="a/m")  # a target by its own name is asked as it is
    assert "prompt_cache_key" not in told.transport.sent[0].json
    with pytest.raises(AssertionError):
        await told.ask()

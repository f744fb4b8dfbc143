"""What an attempt is said to have cost is what its provider bills: caches read and written, and the
service tier that it was really served in. Real sockets, in each provider's own words.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from router.testing import Body, Provider, Reply, Stream
from tests.router.running import JSON, Running, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  it: {{{it}, base_url: "{url}", api_key: secret, models: {{{models}}}}}
models: {{chat: {{targets: [it/{target}]}}}}
"""
IN, OUT = 1000, 8000
"""Nano-dollars a token, by the price below."""
PRICE = "price: {input: 1, output: 8}"
MESSAGES = [{"role": "user", "content": "Which way?"}]


async def attempt(router: Running) -> Any:
    """What the one attempt of the one request came to."""
    for _ in range(400):
        told = (await router.ask_admin("GET", "/decisions")).told["decisions"]
        if told and told[0]["attempts"][0]["outcome"] is not None:
            [made] = told[0]["attempts"]
            return made
        await asyncio.sleep(0.005)
    raise AssertionError(told)


async def paid(
    folder: Path,
    reply: Reply,
    it: str = "preset: openai",
    models: str = f"m: {{{PRICE}}}",
    *,
    target: str = "m",
    path: str = "chat/completions",
    **fields: Any,
) -> int | None:
    """What a request has cost that was answered so."""
    async with Provider(reply) as provider:
        file = folder / "providers.yaml"
        url = provider.origin if "anthropic" in it or "bedrock" in it else provider.url
        file.write_text(FILE.format(it=it, url=url, models=models, target=target))
        async with running(file) as router:
            body = {"model": "chat", **(fields or {"messages": MESSAGES})}
            told = await router.ask("POST", f"/v1/{path}", json.dumps(body).encode(), JSON)
            assert told.status == 200, told.body
            money: int | None = (await attempt(router))["money"]
            return money


def chat(usage: Any, **more: Any) -> Body:
    message = {"role": "assistant", "content": "There."}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    told = {"id": "c", "object": "chat.completion", "created": 1, "model": "m"}
    return Body({**told, "choices": [choice], "usage": usage, **more})


def chunks(usage: Any, **more: Any) -> Stream:
    told = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", **more}
    said = [
        {"choices": [{"index": 0, "delta": {"content": "There."}, "finish_reason": None}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"choices": [], "usage": usage},
    ]
    events = [b"data: " + json.dumps({**told, **one}).encode() + b"\n\n" for one in said]
    return Stream([*events, b"data: [DONE]\n\n"])


def counted(read: int = 100, written: int = 10, **details: int) -> dict[str, Any]:
    """OpenAI's."""
    told = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return {**told, "prompt_tokens_details": details}


def responded(usage: Any, **more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": "There.", "annotations": []}
    message = {"id": "m", "type": "message", "role": "assistant", "status": "completed"}
    told = {"id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
    return {**told, "output": [{**message, "content": [part]}], "usage": usage, **more}


def responding(whole: dict[str, Any]) -> Stream:
    said: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress"}},
        {"type": "response.output_text.delta", "delta": "There."},
        {"type": "response.completed", "response": whole},
    ]
    return Stream([f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in said])


def message(usage: Any) -> Body:
    """Anthropic's."""
    told = {"id": "m", "type": "message", "role": "assistant", "model": "m"}
    content = [{"type": "text", "text": "There."}]
    return Body({**told, "content": content, "stop_reason": "end_turn", "usage": usage})


def messages(usage: Any) -> Stream:
    start = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": []}
    said: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**start, "usage": {**usage, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "There."},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": usage["output_tokens"]},
        },
        {"type": "message_stop"},
    ]
    return Stream([f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in said])


@pytest.mark.parametrize("stream", [False, True])
async def test_what_was_read_from_a_cache_costs_what_that_costs(
    tmp_path: Path, stream: bool
) -> None:
    reply = (chunks if stream else chat)(counted(cached_tokens=60))
    models = "m: {price: {input: 1, output: 8, cached: 0.1}}"
    told = await paid(tmp_path, reply, models=models, messages=MESSAGES, stream=stream)
    assert told == 40 * IN + 60 * IN // 10 + 10 * OUT


async def test_what_a_cached_token_costs_where_nobody_knows_is_what_any_costs(
    tmp_path: Path,
) -> None:
    assert await paid(tmp_path, chat(counted(cached_tokens=60))) == 100 * IN + 10 * OUT


@pytest.mark.parametrize("stream", [False, True])
async def test_what_was_written_to_a_cache_costs_what_that_costs(
    tmp_path: Path, stream: bool
) -> None:
    reply = (chunks if stream else chat)(counted(cached_tokens=60, cache_write_tokens=20))
    models = "m: {price: {input: 1, output: 8, cached: 0.1, stored: 1.5}}"
    told = await paid(tmp_path, reply, models=models, messages=MESSAGES, stream=stream)
    assert told == 20 * IN + 60 * IN // 10 + 20 * IN * 3 // 2 + 10 * OUT


@pytest.mark.parametrize("model", ["gpt-5.6-sol", "gpt-6-luna"])
async def test_models_of_openai_that_bill_writes_bill_a_quarter_more(
    tmp_path: Path, model: str
) -> None:
    reply = chat(counted(cache_write_tokens=20))
    told = await paid(tmp_path, reply, models=f"{model}: {{{PRICE}}}", target=model)
    assert told == 80 * IN + 20 * IN * 5 // 4 + 10 * OUT


ANTHROPIC = {
    "input_tokens": 10,
    "cache_read_input_tokens": 60,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10},
    "output_tokens": 5,
}
BILLED = 10 * IN + 60 * IN // 10 + 20 * IN * 5 // 4 + 10 * IN * 2 + 5 * OUT
"""1.25 times the input for five minutes, twice for an hour, a tenth for what is read."""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["messages", "chat/completions"])
async def test_anthropic_bills_what_is_written_to_a_cache_by_how_long_it_is_kept(
    tmp_path: Path, path: str, stream: bool
) -> None:
    asked: Any = {"messages": MESSAGES, "max_tokens": 50, "stream": stream}
    told = await paid(
        tmp_path,
        (messages if stream else message)(ANTHROPIC),
        "preset: anthropic",
        f"claude-sonnet-5: {{{PRICE}}}",
        target="claude-sonnet-5",
        path=path,
        **asked,
    )
    assert told == BILLED


async def test_a_price_for_what_is_written_that_the_file_says_holds_for_an_hour_in_proportion(
    tmp_path: Path,
) -> None:
    told = await paid(
        tmp_path,
        message(ANTHROPIC),
        "preset: anthropic",
        "claude-sonnet-5: {price: {input: 1, output: 8, cached: 0.2, stored: 1}}",
        target="claude-sonnet-5",
        path="messages",
        messages=MESSAGES,
        max_tokens=50,
    )
    assert told == 10 * IN + 60 * IN // 5 + 20 * IN + 10 * IN * 8 // 5 + 5 * OUT


async def test_bedrock_bills_what_is_written_to_a_cache_as_the_model_s_maker_does(
    tmp_path: Path,
) -> None:
    usage = {
        "inputTokens": 10,
        "outputTokens": 5,
        "totalTokens": 105,
        "cacheReadInputTokens": 60,
        "cacheWriteInputTokens": 30,
        "cacheDetails": [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 10}],
    }
    said = {"role": "assistant", "content": [{"text": "There."}]}
    reply = Body({"output": {"message": said}, "stopReason": "end_turn", "usage": usage})
    model = "eu.anthropic.claude-sonnet-5-v1:0"
    it = "preset: bedrock, region: eu-west-1"
    assert await paid(tmp_path, reply, it, f'"{model}": {{{PRICE}}}', target=model) == BILLED


FLEX = f"m: {{{PRICE}}}, flex: {{model: m, service_tier: flex}}"
DEAR = (
    f"m: {{{PRICE}}}, first: {{model: m, service_tier: priority, price: {{input: 2, output: 16}}}}"
)
WHOLE = 100 * IN + 10 * OUT


@pytest.mark.parametrize("way", ["whole", "stream", "responses", "responses stream"])
@pytest.mark.parametrize(
    ("models", "target", "served", "billed"),
    [
        (FLEX, "flex", "flex", WHOLE // 2),
        (FLEX, "flex", "default", WHOLE),
        (DEAR, "first", "priority", WHOLE * 2),
        (DEAR, "first", "default", WHOLE),
        (DEAR, "m", "priority", WHOLE * 2),
        (FLEX, "m", "flex", WHOLE // 2),
        (FLEX, "m", "priority", None),
        (FLEX, "m", "default", WHOLE),
        (FLEX, "m", None, WHOLE),
        (FLEX, "m", {"odd": 1}, WHOLE),
    ],
)
async def test_money_goes_by_the_service_tier_that_the_provider_says_it_served(
    tmp_path: Path, models: str, target: str, served: Any, billed: int | None, way: str
) -> None:
    usage: Any = counted()
    stream, path, asked = "stream" in way, "chat/completions", {"messages": MESSAGES}
    if "responses" in way:
        usage, path = {"input_tokens": 100, "output_tokens": 10}, "responses"
        whole = responded(usage, service_tier=served)
        reply: Reply = responding(whole) if stream else Body(whole)
        asked = {"input": "Which way?"}  # type: ignore[dict-item]
    else:
        reply = (chunks if stream else chat)(usage, service_tier=served)
    more: Any = {**asked, "stream": stream}
    told = await paid(tmp_path, reply, models=models, target=target, path=path, **more)
    assert told == billed


async def test_of_a_server_whose_company_is_unknown_a_name_of_a_tier_says_nothing(
    tmp_path: Path,
) -> None:
    reply = chat(counted(), service_tier="turbo")
    assert await paid(tmp_path, reply, "preset: vllm", FLEX.partition(", flex")[0]) == WHOLE


async def test_what_anthropic_served_from_capacity_that_is_committed_to_is_unknown(
    tmp_path: Path,
) -> None:
    asked: Any = {"messages": MESSAGES, "max_tokens": 50}
    for served, billed in (("standard", 15 * IN + 5 * OUT), ("priority", None)):
        reply = message({"input_tokens": 15, "output_tokens": 5, "service_tier": served})
        told = await paid(tmp_path, reply, "preset: anthropic", path="messages", **asked)
        assert told == billed


async def test_embeddings_cost_what_was_read(tmp_path: Path) -> None:
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}]
    usage = {"prompt_tokens": 30, "total_tokens": 30}
    reply = Body({"object": "list", "data": vectors, "model": "m", "usage": usage})
    models = "m: {price: {input: 1, output: 0}}"
    assert await paid(tmp_path, reply, models=models, path="embeddings", input="a") == 30 * IN

"""What clients, with their own SDKs, are told of their tenant's limits by a whole router."""

import asyncio
import json
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from tests.router.front.keyed import PART, WHOLE
from tests.router.running import JSON, Running, running, written

LIMITED = """
tenants:
  whole: {keys: ["${WHOLE}"]}
  part:
    keys: ["${PART}"]
    limits: %s
    per_user: {requests: 3/min}
    per_endpoint: {embeddings: {requests: 1/min}}
"""
ENVIRON = {"WHOLE": "whole-key", "PART": "part-key"}
MESSAGES: Any = [{"role": "user", "content": "Say hello."}]


def limited(folder: Path, limits: str = "{requests: 5/min, tokens: 100k/min}") -> Path:
    return written(folder, server="auth: keys", rest=LIMITED % limits)


def of_openai(router: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(
        api_key="part-key", base_url=f"http://{router.listen}/v1", max_retries=0
    )


async def test_openai_s_sdk_raises_a_rate_limit_error_with_the_time_and_what_is_left(
    tmp_path: Path,
) -> None:
    async with running(limited(tmp_path), ENVIRON) as router, of_openai(router) as sdk:
        for left in (2, 1, 0):
            raw = await sdk.chat.completions.with_raw_response.create(
                model="chat", messages=MESSAGES, user="ada"
            )
            assert raw.headers["x-ratelimit-remaining-requests"] == str(left)
        with pytest.raises(openai.RateLimitError) as error:
            await sdk.chat.completions.create(model="chat", messages=MESSAGES, user="ada")
        other = await sdk.chat.completions.create(model="chat", messages=MESSAGES, user="bob")
        status = (await router.ask_admin("GET", "/status")).told
        metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
    told = error.value.response.headers
    assert 59 <= int(told["retry-after"]) <= 61
    assert f'"user-requests-per-minute";r=0;t={told["retry-after"]}' in told["ratelimit"]
    assert '"tenant-requests-per-minute";q=5;w=60' in told["ratelimit-policy"]
    assert told["x-request-id"].startswith("req_")
    assert "x-should-retry" not in told
    assert error.value.code == "rate_limit_exceeded"
    assert "3 requests in any minute" in error.value.message
    assert other.choices
    shown = status["tenants"]
    assert list(shown) == ["part"]
    requests, tokens = shown["part"]["limits"]["tenant:part"]
    assert (requests["left"], requests["in_flight"], shown["part"]["users"]) == (1, 0, 2)
    assert 99_800 < tokens["left"] < 100_000
    assert shown["part"]["refused"] == [{"scope": "user", "limit": "requests", "count": 1}]
    counted = 'tenant_limited_total{tenant="part",scope="user",limit="requests"} 1'
    assert counted in metrics
    assert "ada" not in metrics + json.dumps(status)
    assert "429 rate_limit_exceeded [part req_" in router.stream.getvalue()


async def test_anthropic_s_sdk_raises_its_rate_limit_error(tmp_path: Path) -> None:
    async with running(limited(tmp_path, "{requests: 1/min}"), ENVIRON) as router:
        async with anthropic.AsyncAnthropic(
            api_key="part-key", base_url=f"http://{router.listen}", max_retries=0
        ) as sdk:
            ask = sdk.messages.with_raw_response.create
            first = await ask(model="chat", max_tokens=9, messages=MESSAGES)
            with pytest.raises(anthropic.RateLimitError) as error:
                await ask(model="chat", max_tokens=9, messages=MESSAGES)
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    assert 59 <= int(error.value.response.headers["retry-after"]) <= 61
    told: Any = error.value.body
    assert told["error"]["type"] == "rate_limit_error"
    assert told["error"]["details"]["error_code"] == "rate_limit_exceeded"


async def test_a_stream_s_head_says_what_is_left_and_its_place_is_held_to_the_end(
    tmp_path: Path,
) -> None:
    async with running(limited(tmp_path, "{concurrent: 1}"), ENVIRON) as router:
        async with of_openai(router) as sdk:
            create = sdk.chat.completions.with_raw_response.create
            stream = await create(model="chat", messages=MESSAGES, stream=True)
            assert '"tenant-concurrent";r=0' in stream.headers["ratelimit"]
            assert "x-ratelimit-limit-tokens" not in stream.headers
            async for _ in stream.parse():
                pass
            again = await create(model="chat", messages=MESSAGES)
    assert again.status_code == 200


async def test_answers_that_take_nothing_say_how_things_stand_and_others_are_told_nothing(
    tmp_path: Path,
) -> None:
    async with running(limited(tmp_path), ENVIRON) as router:
        listed = await router.ask("GET", "/v1/models", headers=PART)
        wrong = await router.ask("POST", "/v1/chat/completions", b"{", {**JSON, **PART})
        missing = await router.chat("nobody", headers=PART)
        count = json.dumps({"model": "chat", "messages": MESSAGES}).encode()
        estimated = await router.ask("POST", "/v1/messages/count_tokens", count, {**JSON, **PART})
        free = await router.chat(headers=WHOLE)
        nobody = await router.chat()
    for answer, status in ((listed, 200), (wrong, 400), (missing, 404), (estimated, 200)):
        assert answer.status == status
        assert answer.headers["x-ratelimit-remaining-requests"] == "5"
    for answer in (free, nobody):
        assert not [name for name in answer.headers if "ratelimit" in name.lower()]


async def test_an_endpoint_has_its_own_limit(tmp_path: Path) -> None:
    async with running(limited(tmp_path), ENVIRON) as router, of_openai(router) as sdk:
        await sdk.embeddings.create(model="chat", input="x", user="ada")
        with pytest.raises(openai.RateLimitError, match="at this endpoint 1 requests"):
            await sdk.embeddings.create(model="chat", input="x", user="bob")
        await sdk.chat.completions.create(model="chat", messages=MESSAGES)


async def test_a_saved_file_changes_limits_at_once_and_keeps_what_was_counted(
    tmp_path: Path,
) -> None:
    async with running(limited(tmp_path, "{requests: 2/min}"), ENVIRON) as router:
        for status in (200, 200, 429):
            assert (await router.chat(headers=PART)).status == status
        limited(tmp_path, "{requests: 3/min}")
        await router.app.reload()
        for status in (200, 429):
            assert (await router.chat(headers=PART)).status == status
    assert "tenant part: limits.requests 2/min → 3/min" in router.stream.getvalue()


async def test_many_at_once_never_exceed_a_limit_and_use_it_up(tmp_path: Path) -> None:
    async with running(limited(tmp_path, "{requests: 20/min}"), ENVIRON) as router:
        asked = [router.chat(headers=PART, user=f"u{number}") for number in range(50)]
        statuses = [answer.status for answer in await asyncio.gather(*asked)]
    assert (statuses.count(200), statuses.count(429)) == (20, 30)

"""Errors of providers as clients of another dialect see them: the type, the code, the words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

from router.testing import Body, Provider, Status
from tests.router.dialects.gemini.said import BLOCKED
from tests.router.running import JSON, Running, completion, running

MESSAGES: list[Any] = [{"role": "user", "content": "hello"}]
CLAUDE, FLASH = "claude-sonnet-4-5", "gemini-3-flash"
PROVIDERS = {
    "openai": ("preset: openai, api_key: k", "gpt-5-mini", "/v1"),
    "anthropic": ("preset: anthropic, api_key: k", CLAUDE, "/v1"),
    "gemini": ("preset: gemini, api_key: k", FLASH, "/v1beta"),
    "bedrock": ("preset: bedrock, region: eu-west-1, api_key: k", f"anthropic.{CLAUDE}", ""),
}
LONG = {
    "openai": Status(400, "too long", code="context_length_exceeded"),
    "anthropic": Body(
        {
            "type": "error",
            "error": {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"},
        },
        400,
    ),
    "gemini": Body(
        {
            "error": {
                "code": 400,
                "message": "The input token count (9) exceeds the maximum number of tokens allowed",
                "status": "INVALID_ARGUMENT",
            }
        },
        400,
    ),
    "bedrock": Body({"message": "Input is too long for requested model."}, 400).with_headers(
        {"x-amzn-errortype": "ValidationException"}
    ),
}


@asynccontextmanager
async def routed(folder: Path, name: str, reply: Any) -> AsyncIterator[Running]:
    keys, model, path = PROVIDERS[name]
    async with Provider(reply) as provider:
        address = f'base_url: "{provider.origin}{path}"'
        file = folder / "providers.yaml"
        file.write_text(
            "version: 1\nserver: {listen: '127.0.0.1:0', admin: '127.0.0.1:0'}\n"
            f"providers:\n  p: {{{keys}, {address}, models: ['{model}']}}\n"
            f"models:\n  chat: {{targets: ['p/{model}'], unsupported: refuse}}\n"
        )
        async with running(file) as router:
            yield router


async def code_for_openai(router: Running, **fields: Any) -> str | None:
    """The code of the error that a client of chat completions, or of Responses, is raised."""
    base = f"http://{router.listen}/v1"
    async with openai.AsyncOpenAI(base_url=base, api_key="k", max_retries=0) as client:
        with pytest.raises(openai.BadRequestError) as chat:
            await client.chat.completions.create(model="chat", messages=MESSAGES, **fields)
        with pytest.raises(openai.BadRequestError) as responses:
            await client.responses.create(model="chat", input="hello", **fields)
    assert chat.value.code == responses.value.code
    return chat.value.code


async def code_for_anthropic(router: Running) -> str:
    """The same for a client of messages."""
    base = f"http://{router.listen}"
    async with anthropic.AsyncAnthropic(base_url=base, api_key="k", max_retries=0) as client:
        with pytest.raises(anthropic.BadRequestError) as caught:
            await client.messages.create(model="chat", messages=MESSAGES, max_tokens=9)
    body: Any = caught.value.body
    return str(body["error"]["details"]["error_code"])


@pytest.mark.parametrize("name", PROVIDERS)
async def test_too_long_a_request_has_the_code_that_clients_know(name: str, tmp_path: Path) -> None:
    async with routed(tmp_path, name, LONG[name]) as router:
        assert await code_for_openai(router) == "context_length_exceeded"
        if name != "anthropic":  # where its own words pass as they came
            assert await code_for_anthropic(router) == "context_length_exceeded"


async def test_a_text_that_was_filtered_has_the_code_that_clients_know(tmp_path: Path) -> None:
    async with routed(tmp_path, "gemini", Body(BLOCKED)) as router:
        assert await code_for_openai(router) == "content_filter"
        assert await code_for_anthropic(router) == "content_filter"
    refused = Status(400, "x", code="content_filter")
    async with routed(tmp_path, "openai", refused) as router:
        assert await code_for_anthropic(router) == "content_filter"


async def test_what_no_target_can_be_told_is_unsupported(tmp_path: Path) -> None:
    async with routed(tmp_path, "gemini", Status(500)) as router:
        assert await code_for_openai(router, metadata={"a": "b"}) == "unsupported"
        asked = completion("chat", metadata={"a": "b"})
        answer = await router.ask("POST", "/v1/chat/completions", asked, JSON)
        assert answer.headers["x-router-attempts"] == "0"
        assert "x-router-target" not in answer.headers  # nobody was sent anything

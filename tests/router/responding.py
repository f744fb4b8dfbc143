"""A router over providers that speak Responses, or only chat, with OpenAI's SDK before it."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai

from router.testing import Body, Provider, Reply, Request, Script, Stream
from tests.router.dialects.responses.said import hello, response
from tests.router.running import Running, running

KEYS = {"ONE": "key-of-one", "TWO": "key-of-two"}


@dataclass
class Stage:
    """What is there: `native` providers speak Responses, `chat` does not."""

    router: Running
    client: openai.AsyncOpenAI
    native: list[Provider]
    chat: Provider | None


@asynccontextmanager
async def stage(
    folder: Path,
    *native: Script,
    chat: Script | None = None,
    rest: str = "",
    key: str = "none",
    model: str = "{}",
) -> AsyncIterator[Stage]:
    """A router whose model `m` is that of an account for each of these, then of one that knows only
    chat; `rest` is what else its file says, and `model` what it says of the accounts' model.
    """
    async with AsyncExitStack() as stack:
        providers = [await stack.enter_async_context(Provider(script)) for script in native]
        lines = [
            f"  p{at}: {{preset: openai, base_url: {one.url}, api_key: k{at},"
            f" models: {{up: {model}}}}}"
            for at, one in enumerate(providers)
        ]
        names = [f"p{number}/up" for number in range(len(providers))]
        other = None if chat is None else await stack.enter_async_context(Provider(chat))
        if other is not None:
            lines.append(f"  c: {{base_url: {other.url}, models: [up]}}")
            names.append("c/up")
        path = folder / "providers.yaml"
        auth = ", auth: keys" if "tenants:" in rest else ""
        tiers = ", ".join(f"[{name}]" for name in names)
        path.write_text(
            f"version: 1\nserver: {{listen: 127.0.0.1:0, admin: 127.0.0.1:0{auth}}}\nproviders:\n"
            + "\n".join(lines)
            + f"\nmodels:\n  m: {{policy: priority, tiers: [{tiers}]}}\n{rest}"
        )
        router = await stack.enter_async_context(running(path, KEYS))
        client = await stack.enter_async_context(sdk(router, key))
        yield Stage(router, client, providers, other)


def sdk(router: Running, key: str = "none") -> openai.AsyncOpenAI:
    url = f"http://{router.listen}/v1"
    return openai.AsyncOpenAI(base_url=url, api_key=key, max_retries=0)


def speaking(**fields: Any) -> Callable[[Request], Reply]:
    """What a provider that speaks Responses says: streamed or not, as it was asked."""

    def said(request: Request) -> Reply:
        return Stream(hello(**fields)) if request.fields.get("stream") else Body(response(**fields))

    return said


def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
    """A chunk of a chat completion."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    told = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "up"}
    return b"data: " + json.dumps({**told, "choices": [choice]}).encode() + b"\n\n"

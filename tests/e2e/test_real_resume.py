"""A real model behind a network that breaks: a stream that is cut is made whole, word for word."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI

from router.telemetry.journal import Resumed
from router.testing import Chaos
from tests.e2e.llama import MODEL, llama_server
from tests.router.running import Running, running

CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
providers:
  first: {{preset: vllm, base_url: "{first}", models: [{model}]}}
  second: {{preset: vllm, base_url: "{second}", models: [{model}]}}
models:
  chat: {{policy: priority, interrupted: resume, tiers: [[first/{model}], [second/{model}]]}}
"""
QUESTION: Any = [{"role": "user", "content": "In a few sentences: why is the sky blue?"}]
CUTS = (1500, 3000, 5000)
"""Bytes after which the connection is reset: some words into the answer."""


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    with llama_server() as url:
        yield url


@asynccontextmanager
async def behind(folder: Path, url: str) -> AsyncIterator[tuple[Running, AsyncOpenAI, Chaos]]:
    async with Chaos(url) as network:
        path = folder / "providers.yaml"
        path.write_text(CONFIG.format(first=network.url, second=url, model=MODEL))
        async with (
            running(path) as router,
            AsyncOpenAI(
                base_url=f"http://{router.listen}/v1", api_key="unused", max_retries=0
            ) as client,
        ):
            yield router, client, network


async def told(client: AsyncOpenAI, **asked: Any) -> list[str]:
    stream: Any = await client.chat.completions.create(
        model="chat", messages=QUESTION, stream=True, max_tokens=50, **asked
    )
    said = [choice.delta.content or "" async for chunk in stream for choice in chunk.choices]
    return [piece for piece in said if piece]


async def test_what_a_real_model_began_is_said_again_and_made_whole(
    model_url: str, tmp_path: Path
) -> None:
    async with behind(tmp_path, model_url) as (router, client, network):
        whole = "".join(await told(client, temperature=0))
        for cut in CUTS:
            network.reset()
            network.reset_after = cut
            assert "".join(await told(client, temperature=0)) == whole
        assert router.app.state.counters.resumed == {("chat", "ok"): len(CUTS)}


async def test_what_a_real_model_began_is_gone_on_with_where_it_broke_off(
    model_url: str, tmp_path: Path
) -> None:
    """The rest may be put in other words: a model that reads its own beginning at once, and not
    word by word, adds in another order, and of two words that are as likely takes the other.
    """
    asked: dict[str, Any] = {"temperature": 0.01, "extra_body": {"top_k": 1}}
    async with behind(tmp_path, model_url) as (router, client, network):
        whole = await told(client, **asked)
        for cut in CUTS:
            network.reset()
            network.reset_after = cut
            said = "".join(await told(client, **asked))
            (had,) = broken_off(router)
            assert 0 < had.at_tokens < len(whole)
            assert said.startswith("".join(whole[: had.at_tokens]))
            assert len(said) > len("".join(whole[: had.at_tokens + 1]))
        assert router.app.state.counters.resumed == {("chat", "ok"): len(CUTS)}


def broken_off(router: Running) -> tuple[Resumed, ...]:
    """Where the last answer broke off."""
    decisions = router.app.state.decisions
    assert decisions is not None
    end = next(decisions.newest()).end
    assert end is not None
    return end.resumed

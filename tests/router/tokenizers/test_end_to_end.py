"""A provider that counts with a tokenizer, and a router that has the same."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import tiktoken

from router.building.choosing import BuildFault
from router.cli.asking import check
from router.dialects.contract import ClientError
from router.tenants.identity import EVERYTHING, Tenant
from router.testing import Answer, Provider, Request
from router.tokenizers.counting import Tokenizer
from tests.router.running import Running, running
from tests.router.scene import Scene
from tests.router.tokenizers.letters import plug_in

TEXTS = ["hello hell " * 40, "日本語 " * 90, "x" * 5000, "user: 12345!" * 30]


def counting(request: Request) -> Answer:
    """As a provider counts that reads with `letters`."""
    encode = tiktoken.get_encoding("letters").encode_ordinary
    texts = [message["content"] for message in request.fields["messages"]]
    tokens = sum(4 + len(encode(text)) for text in texts) + 3
    return Answer("Hello.", prompt_tokens=tokens)


def written(folder: Path, url: str, keys: str) -> Path:
    path = folder / "providers.yaml"
    path.write_text(
        "version: 1\n"
        "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}\n"
        f"providers: {{p: {{base_url: '{url}', models: {{m: {{{keys}}}}}}}}}\n"
        "models: {chat: {targets: [p/m]}}\n"
    )
    return path


@asynccontextmanager
async def scene(folder: Path, keys: str) -> AsyncIterator[tuple[Running, Provider]]:
    async with Provider(counting) as provider:
        async with running(written(folder, provider.url, keys)) as router:
            yield router, provider


async def ask(router: Running, texts: Iterable[str]) -> None:
    for text in texts:
        messages = [{"role": "user", "content": text}]
        assert (await router.chat(messages=messages)).status == 200


async def estimates(router: Running) -> dict[str, Any]:
    told: dict[str, Any] = (await router.ask_admin("GET", "/status")).told
    found: dict[str, Any] = told["targets"]["p/m"]["estimates"]
    return found


async def test_from_the_first_request_on_nothing_is_wrong_about_inputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    async with scene(tmp_path, "tokenizer: letters") as (router, _):
        await ask(router, TEXTS)
        told = await estimates(router)
        metrics = (await router.ask_admin("GET", "/metrics")).body.decode()
    assert (told["factor"], told["input_error"]) == (1.0, 0.0)
    name = 'pointsman_token_estimate_error_total{target="p/m",kind="input"}'
    assert f"{name} 0\n" in metrics
    async with scene(tmp_path, "") as (router, _):
        await ask(router, TEXTS)
        assert (await estimates(router))["input_error"] > 0.1


async def test_a_limit_takes_what_its_tokens_are_and_not_what_they_look_like(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    messages = [{"role": "user", "content": "hello " * 40}]  # 87 tokens; 69 by the look of it
    for tokenizer, status in (("", 200), (", tokenizer: letters", 429)):
        keys = "limits: {input_tokens: 160/min}" + tokenizer
        async with scene(tmp_path, keys) as (router, _):
            assert (await router.chat(messages=messages)).status == 200
            hurried = {"x-router-timeout": "0.1"}
            assert (await router.chat(messages=messages, headers=hurried)).status == status


async def test_our_own_estimate_for_those_who_ask_to_count_is_the_exact_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    async with scene(tmp_path, "tokenizer: letters") as (router, provider):
        body = b'{"model": "chat", "messages": [{"role": "user", "content": "hello hello"}]}'
        headers = {"content-type": "application/json"}
        answer = await router.ask("POST", "/v1/messages/count_tokens", body, headers)
        assert answer.told == {"input_tokens": 3 + 4 + 3}
        assert answer.headers["x-router-degraded"] == "estimated"
        assert not provider.requests


async def test_a_router_does_not_start_without_what_its_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "http://127.0.0.1:9/v1", "tokenizer: letters")
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    with pytest.raises(BuildFault, match=r"pip install 'pointsman\[tokens\]'"):
        async with running(path):
            pass


def test_check_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "http://127.0.0.1:9/v1", "tokenizer: o200k_base")
    plug_in(tmp_path, monkeypatch)
    assert check(path, strict=False) == 1
    assert "target p/m: tokenizer o200k_base: its vocabulary is missing" in capsys.readouterr().err


async def test_a_file_that_names_what_is_not_there_is_not_put_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(tmp_path, monkeypatch)
    async with scene(tmp_path, "") as (router, provider):
        written(tmp_path, provider.url, "tokenizer: cl100k_base")
        await router.app.reload()
        (problem,) = await router.refused()
        assert "tokenizer cl100k_base: its vocabulary is missing" in problem
        written(tmp_path, provider.url, "tokenizer: letters")
        await router.app.reload()
        await ask(router, TEXTS)
        assert (await estimates(router))["input_error"] == 0.0


async def test_what_was_put_in_force_while_it_was_counted_decides() -> None:
    begun, over = Event(), Event()

    def encode(text: str) -> list[int]:
        begun.set()
        assert over.wait(5)
        return [0] * len(text)

    scene = Scene({"a": []})
    scene.runtime = replace(scene.runtime, tokenizers={"chat": (Tokenizer("t", encode),)})
    messages = [{"role": "user", "content": "x" * 5000}]
    asking = asyncio.create_task(scene.ask(messages=messages))
    while not begun.is_set():  # noqa: ASYNC110 - of a thread
        await asyncio.sleep(0.001)
    assert scene.pipeline.running == 1
    scene.runtime = replace(scene.runtime, deadlines={})
    over.set()
    with pytest.raises(ClientError, match="does not exist"):
        await asking
    assert scene.pipeline.running == 0


async def test_who_may_not_ask_for_a_model_has_nothing_counted() -> None:
    def encode(text: str) -> list[int]:
        raise AssertionError(text)

    scene = Scene({"a": []})
    scene.runtime = replace(scene.runtime, tokenizers={"chat": (Tokenizer("t", encode),)})
    with pytest.raises(ClientError, match="does not exist"):
        await scene.ask(tenant=Tenant("other", EVERYTHING, frozenset({"charm"})))

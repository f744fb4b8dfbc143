"""A stream that two providers gave, over real sockets, as OpenAI's own SDK reads it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionChunk

from router.testing import ERROR_EVENT, Answer, Provider, Reply, Request, Script, Status
from tests.router.running import Running, running

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults: {{timeouts: {{first_token: 600ms, between_tokens: 600ms}}}}
providers:
{providers}models:
{models}"""
PROVIDER = '  {name}: {{preset: vllm, base_url: "{url}", models: [m]}}\n'
ROUTE = """\
  {name}: {{policy: priority, interrupted: resume, tiers: [[{first}/m], [{second}/m]]}}
"""
TEXT = "Größe “vier” 😀 – und\n\n so weiter, bis\tans \\Ende."
GOOD = Answer(TEXT)
PACED = GOOD.paced(0.01)
BYTES = 2400
"""Of the first provider's answer, about: its head, and the events of the text."""
QUESTION: Any = [{"role": "user", "content": "Wie groß?"}]
SAME: Any = {"temperature": 0}


def rest(request: Request) -> Reply:
    """The rest of the text, after as much of it as the request brings."""
    messages: Any = request.fields["messages"]
    last = messages[-1]
    assert last["role"] == "assistant"
    return replace(GOOD, text=TEXT[len(last["content"]) :])


@dataclass
class Scene:
    """A router between two providers and a client."""

    router: Running
    client: AsyncOpenAI
    first: Provider
    second: Provider

    async def read(self, model: str = "chat", **more: Any) -> list[ChatCompletionChunk]:
        """Everything that the SDK reads of one answer."""
        stream: Any = await self.client.chat.completions.create(
            model=model, messages=QUESTION, stream=True, **more
        )
        return [chunk async for chunk in stream]


@asynccontextmanager
async def between(
    folder: Path, first: Script, second: Script, routes: int = 0
) -> AsyncIterator[Scene]:
    """The route `chat`, and so many others with accounts of their own at the same two providers."""
    async with Provider(first) as one, Provider(second) as other:
        path = folder / "providers.yaml"
        providers = models = ""
        for number in ("", *map(str, range(routes))):
            names = {"first": f"first{number}", "second": f"second{number}"}
            providers += PROVIDER.format(name=names["first"], url=one.url)
            providers += PROVIDER.format(name=names["second"], url=other.url)
            models += ROUTE.format(name=f"chat{number}", **names)
        path.write_text(FILE.format(providers=providers, models=models))
        async with (
            running(path) as router,
            AsyncOpenAI(
                base_url=f"http://{router.listen}/v1", api_key="unused", max_retries=0
            ) as client,
        ):
            yield Scene(router, client, one, other)


def text_of(chunks: list[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


async def test_wherever_it_is_cut_the_sdk_reads_the_whole_answer(tmp_path: Path) -> None:
    cuts = range(100, BYTES, 37)
    broken = [GOOD.dribbled(150, 0.001).cut(after_bytes=cut) for cut in cuts]
    async with between(tmp_path, broken, GOOD, len(cuts)) as scene:
        for number in range(len(cuts)):
            model = f"chat{number}"
            chunks = await scene.read(model, **SAME, stream_options={"include_usage": True})
            assert text_of(chunks) == TEXT
            assert len({chunk.id for chunk in chunks}) == 1
            assert len([chunk for chunk in chunks if chunk.usage is not None]) <= 1
            ends = [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
            assert ends == ["stop"]
        resumed = scene.router.app.state.counters.resumed
        assert {end for _, end in resumed} == {"ok"}
        assert sum(resumed.values()) > len(cuts) / 3


@pytest.mark.parametrize(
    "broken",
    [
        PACED.cut(after=4),
        PACED.reset(after=4),
        PACED.stalled(after=4),
        PACED.inserting(ERROR_EVENT, after=4),
        replace(GOOD, finish=None).paced(0.01),
    ],
    ids=["cut", "reset", "stalled", "error", "no end"],
)
async def test_the_rest_is_asked_for_and_joined(broken: Reply, tmp_path: Path) -> None:
    async with between(tmp_path, broken, rest) as scene:
        assert text_of(await scene.read()) == TEXT
        (sent,) = scene.second.requests
        assert sent.fields["continue_final_message"] is True


@pytest.mark.parametrize(
    "second", [Answer("Größe “vier” und etwas anderes."), Status(500), GOOD.cut(after=2)]
)
async def test_who_cannot_go_on_leaves_the_error_as_it_was(second: Reply, tmp_path: Path) -> None:
    async with between(tmp_path, PACED.cut(after=4), second) as scene:
        with pytest.raises(openai.APIError) as raised:
            await scene.read(**SAME)
        assert (raised.value.code, type(raised.value)) == ("stream_interrupted", openai.APIError)
        assert "broke off" in raised.value.message


async def test_it_is_counted_logged_and_shown(tmp_path: Path) -> None:
    async with between(tmp_path, PACED.cut(after=4), GOOD) as scene:
        url = f"http://{scene.router.listen}/v1/chat/completions"
        asked = {"model": "chat", "messages": QUESTION, "stream": True, **SAME}
        async with scene.router.client.post(url, json=asked) as answer:
            stream = (await answer.read()).decode()
            name = answer.headers["x-request-id"]
        (closing,) = [line for line in stream.split("\n") if line.startswith(": pointsman")]
        told = json.loads(closing.removeprefix(": pointsman "))
        assert told["resumed"] == [{"from": "first/m", "at_tokens": 3}]
        page = (await scene.router.ask_admin("GET", "/metrics")).body.decode()
        assert 'pointsman_resumed_total{model="chat",end="ok"} 1' in page
        shown = (await scene.router.ask_admin("GET", f"/decisions/{name}")).told
        assert shown["resumed"] == [{"target": "first/m", "at_tokens": 3}]
        assert any("the rest may come from second/m" in words for words in shown["words"])
        assert await scene.router.says("gone on with after first/m at 3 tokens")


async def test_a_key_gets_the_joined_answer_again(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "one"}
    async with between(tmp_path, PACED.cut(after=4), GOOD) as scene:
        once = await scene.read(**SAME, extra_headers=key)
        again = await scene.read(**SAME, extra_headers=key)
        assert text_of(once) == text_of(again) == TEXT
        assert len(scene.first.requests) == len(scene.second.requests) == 1


async def test_two_deployments_of_one_model_go_on_with_each_others_answers(tmp_path: Path) -> None:
    def says(request: Request) -> Reply:
        broken = request.fields["model"] == "ptu"
        return GOOD.dribbled(150, 0.001).cut(after_bytes=BYTES // 2) if broken else GOOD

    async with Provider(says) as azure:
        path = tmp_path / "providers.yaml"
        models = "{ptu: {model: gpt, provisioned: true}, gpt: {}}"
        path.write_text(
            'version: 1\nserver: {listen: "127.0.0.1:0", admin: "127.0.0.1:0"}\nproviders:\n'
            f'  az: {{preset: azure, base_url: "{azure.origin}", api_key: k, models: {models}}}\n'
            "models:\n  chat: {policy: priority, interrupted: resume,"
            " tiers: [[az/ptu], [az/gpt]]}\n"
        )
        url = "http://{}/v1"
        async with (
            running(path) as router,
            AsyncOpenAI(base_url=url.format(router.listen), api_key="k", max_retries=0) as client,
        ):
            stream: Any = await client.chat.completions.create(
                model="chat", messages=QUESTION, stream=True, **SAME
            )
            chunks = [chunk async for chunk in stream]
    assert text_of(chunks) == TEXT
    assert [request.fields["model"] for request in azure.requests] == ["ptu", "gpt"]

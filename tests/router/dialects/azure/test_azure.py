"""Azure OpenAI, by its newer API and by the one with versions, through OpenAI's own SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError

from router.dialects.azure.deployed import Deployed
from router.dialects.common.events import Began, Counted, Said, Stopped, Usage
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI
from router.dialects.seam import Begun
from router.testing import Answer, Body, Embeddings, Provider, Reply, Stream, event
from tests.router.running import running

ASKED: Any = [{"role": "user", "content": "hello"}]
SAFE = {"hate": {"filtered": False, "severity": "safe"}}
FIRST = event(
    id="", object="", created=0, model="", choices=[],
    prompt_filter_results=[{"prompt_index": 0, "content_filter_results": SAFE}],
)  # fmt: skip


def chunk(finish: str | None = None, **delta: Any) -> bytes:
    choice = {
        "index": 0, "delta": delta, "finish_reason": finish, "content_filter_results": SAFE
    }  # fmt: skip
    return event(id="c1", object="chat.completion.chunk", created=5, model="m", choices=[choice])


LATE = event(
    id="", object="", created=0, model="",
    choices=[{"index": 0, "finish_reason": None, "content_filter_offsets": {"end_offset": 9}}],
)  # fmt: skip
USAGE = event(
    id="c1", object="chat.completion.chunk", created=5, model="m", choices=[],
    usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
)  # fmt: skip
STREAM = Stream(
    [FIRST, chunk(role="assistant", content=""), chunk(content="Hi"), chunk("stop"), LATE, USAGE,
     b"data: [DONE]\n\n"]
)  # fmt: skip
FILTERED = Body(
    {
        "error": {
            "message": "The response was filtered",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": SAFE},
        }
    },
    400,
)


@asynccontextmanager
async def asking(
    folder: Path, *replies: Reply, version: str = ""
) -> AsyncIterator[tuple[AsyncOpenAI, Provider]]:
    async with Provider(replies) as provider:
        written = f"preset: azure, base_url: '{provider.origin}', api_key: secret, {version}"
        path = folder / "providers.yaml"
        path.write_text(
            "version: 1\n"
            "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}\n"
            f"providers: {{az: {{{written} models: [eu/my-gpt]}}}}\n"
            "models: {chat: {targets: [az/eu/my-gpt]}}\n"
        )
        async with running(path) as router:
            url = f"http://{router.listen}/v1"
            async with AsyncOpenAI(api_key="any", base_url=url, max_retries=0) as client:
                yield client, provider


async def test_the_newer_api_is_openais_at_another_path_and_with_another_header(
    tmp_path: Path,
) -> None:
    async with asking(tmp_path, Answer("Hi."), Embeddings()) as (client, provider):
        answer = await client.chat.completions.create(model="chat", messages=ASKED)
        await client.embeddings.create(model="chat", input="a")
    assert answer.choices[0].message.content == "Hi."
    chat, embeddings = provider.requests
    assert (chat.path, embeddings.path) == ("/openai/v1/chat/completions", "/openai/v1/embeddings")
    assert chat.fields["model"] == "eu/my-gpt"
    headers = {name.lower(): value for name, value in chat.headers}
    assert headers["api-key"] == "secret"
    assert "authorization" not in headers


async def test_the_older_api_has_a_path_for_each_deployment(tmp_path: Path) -> None:
    version = "api_version: 2024-10-21,"
    async with asking(tmp_path, Answer("Hi."), Embeddings(), version=version) as (client, provider):
        await client.chat.completions.create(model="chat", messages=ASKED)
        await client.embeddings.create(model="chat", input="a")
    assert [request.path for request in provider.requests] == [
        f"/openai/deployments/eu%2Fmy-gpt/{operation}?api-version=2024-10-21"
        for operation in ("chat/completions", "embeddings")
    ]


async def test_a_stream_with_the_words_of_its_filters_is_read(tmp_path: Path) -> None:
    async with asking(tmp_path, STREAM) as (client, _):
        stream = await client.chat.completions.create(model="chat", messages=ASKED, stream=True)
        chunks = [one async for one in stream]
    assert chunks[0].choices == []
    deltas = [choice.to_dict().get("delta") for one in chunks for choice in one.choices]
    assert (
        "".join(str(delta.get("content", "")) for delta in deltas if isinstance(delta, dict))
        == "Hi"
    )
    assert all(one.usage is None for one in chunks)


def test_its_first_words_are_no_content_and_its_last_do_not_keep_it_open() -> None:
    call = OPENAI.parse(b'{"model":"m","messages":[],"stream":true}')
    reader = OPENAI.reader(call)
    assert reader.feed(FIRST) == FIRST
    assert reader.content == 0
    reader.feed(b"".join(STREAM.events[1:4]))
    assert (reader.content, reader.ended) == (1, True)
    assert reader.feed(LATE) == LATE
    foreign = chat_of("azure").reader()
    events = foreign.feed(b"".join(STREAM.events))
    assert events == [Began("c1", "m", 5), Said("Hi"), Stopped("stop"), Counted(Usage(9, 2))]


async def test_what_its_filter_refuses_is_the_clients(tmp_path: Path) -> None:
    async with asking(tmp_path, FILTERED) as (client, _):
        with pytest.raises(BadRequestError) as refused:
            await client.chat.completions.create(model="chat", messages=ASKED)
    assert refused.value.code == "content_filter"


def test_all_but_the_path_is_said_as_it_was() -> None:
    deployed = Deployed(OPENAI, "2024-10-21")
    call = OPENAI.parse(b'{"model":"m","messages":[]}')
    path, body, dropped = deployed.ask(call, "d", ask_usage=True)
    assert path == "/deployments/d/chat/completions?api-version=2024-10-21"
    assert (body, dropped) == (b'{"model":"d","messages":[]}', ())
    assert deployed.whole(call, b"{}") == OPENAI.whole(call, b"{}")
    stream = OPENAI.parse(b'{"model":"m","messages":[],"stream":true}')
    kept = deployed.keeping(stream, "d", Begun(), same=True)
    assert kept is not None
    assert kept.ask(stream, "d", ask_usage=False)[0] == path
    assert deployed.keeping(call, "d", Begun(), same=True) is None

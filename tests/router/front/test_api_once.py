"""The same key, the same answer: over real sockets, by the client that most people have."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from openai import APIError, AsyncOpenAI, BadRequestError, ConflictError, UnprocessableEntityError

from router.idempotency.recording import MOST_RECORDED
from router.idempotency.store import Memory
from router.testing import Answer, Embeddings, Provider, Reply, Request, Script, Status
from tests.router.front.keyed import CHAT, ENVIRON, PART, WHOLE, keyed
from tests.router.running import JSON, Running, completion, running, written

FILE = """version: 1
server: {{listen: "127.0.0.1:0", admin: "127.0.0.1:0"}}
defaults: {{retry: {{attempts: 1}}}}
providers:
  only: {{base_url: "{url}", {model}}}
models:
  chat: {{targets: [only/m]}}
"""
TEXT = "one two three four five"
MESSAGES: Any = [{"role": "user", "content": "hello"}]
KEY = {"Idempotency-Key": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
SLOW = Answer(TEXT).delayed(0.2)
ENDLESS = Answer("word " * 5000).paced(0.01)


class Place(NamedTuple):
    """A client, the router that it asks, and the provider that answers."""

    sdk: AsyncOpenAI
    router: Running
    provider: Provider

    async def chat(self, headers: dict[str, str] = KEY, **fields: Any) -> Any:
        fields = {"model": "chat", "messages": MESSAGES, "extra_headers": headers, **fields}
        return await self.sdk.chat.completions.with_raw_response.create(**fields)

    async def text(self, headers: dict[str, str] = KEY) -> str:
        stream = await self.sdk.chat.completions.create(
            model="chat", messages=MESSAGES, extra_headers=headers, stream=True
        )
        return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


@asynccontextmanager
async def place(
    folder: Path, script: Script, retries: int = 0, model: str = "models: [m]"
) -> AsyncIterator[Place]:
    path = folder / "providers.yaml"
    async with Provider(script) as provider:
        path.write_text(FILE.format(url=provider.url, model=model))
        async with running(path) as router:
            url = f"http://{router.listen}/v1"
            async with AsyncOpenAI(base_url=url, api_key="any", max_retries=retries) as sdk:
                yield Place(sdk, router, provider)


async def happens(happened: Callable[[], object]) -> None:
    """Wait until it has happened."""
    async with asyncio.timeout(2):
        while not happened():  # noqa: ASYNC110 - what is looked at has no event
            await asyncio.sleep(0.005)


async def test_an_answer_in_one_piece_is_given_again(tmp_path: Path) -> None:
    async with place(tmp_path, [Answer("first"), Answer("second")]) as here:
        first, again = await here.chat(), await here.chat()
        assert (first.content, len(here.provider.requests)) == (again.content, 1)
        assert again.headers["idempotent-replayed"] == "true"
        assert "idempotent-replayed" not in first.headers
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
        assert again.headers["x-router-target"] == first.headers["x-router-target"] == "only/m"
        other = await here.chat({"Idempotency-Key": "another"})
        assert other.parse().choices[0].message.content == "second"


async def test_a_stream_is_given_again_as_a_stream_in_its_bytes(tmp_path: Path) -> None:
    body, headers = completion(stream=True), {**JSON, **KEY}
    async with place(tmp_path, [Answer(TEXT).paced(0.005), Answer("other")]) as here:
        first = await here.router.ask("POST", CHAT, body, headers)
        again = await here.router.ask("POST", CHAT, body, headers)
        assert again.body == first.body
        assert again.headers["content-type"] == first.headers["content-type"]
        assert again.headers["transfer-encoding"] == "chunked"
        assert b"[DONE]" in again.body
        assert len(here.provider.requests) == 1
        fresh = {"Idempotency-Key": "fresh"}
        assert [await here.text(fresh), await here.text(fresh)] == ["other", "other"]


@pytest.mark.parametrize(
    ("confined", "the_same"),
    [
        ({"x-router-only": "residency=eu, tag=zdr"}, {"x-router-only": "tag=zdr,residency=eu"}),
        ({"x-router-target": "only/m"}, {"x-router-target": "only/m", "x-router-timeout": "9"}),
    ],
)
async def test_a_key_stands_for_where_its_request_may_go_as_well(
    tmp_path: Path, confined: dict[str, str], the_same: dict[str, str]
) -> None:
    there = "models: {m: {residency: [eu], tags: [zdr]}}"
    async with place(tmp_path, [Answer("first"), Answer("second")], model=there) as here:
        await here.chat()
        with pytest.raises(UnprocessableEntityError, match="where it may go"):
            await here.chat({**KEY, **confined})
        other = {"Idempotency-Key": "another"}
        made = await here.chat({**other, **confined})
        assert made.parse().choices[0].message.content == "second"
        assert (await here.chat({**other, **the_same})).content == made.content
        with pytest.raises(UnprocessableEntityError, match="where it may go"):
            await here.chat(other)
        assert len(here.provider.requests) == 2


async def test_embeddings_and_completions_have_keys_of_their_own(tmp_path: Path) -> None:
    async with place(tmp_path, [Answer("text"), Embeddings(4)]) as here:
        for _ in range(2):
            answered = await here.chat()
            vectors = await here.sdk.embeddings.create(
                model="chat", input="x", encoding_format="float", extra_headers=KEY
            )
            assert answered.parse().choices[0].message.content == "text"
            assert len(vectors.data[0].embedding) == 4
        assert len(here.provider.requests) == 2


async def test_a_text_is_completed_once(tmp_path: Path) -> None:
    path = written(tmp_path)
    async with running(path) as router:
        url = f"http://{router.listen}/v1"
        async with AsyncOpenAI(base_url=url, api_key="any", max_retries=0) as sdk:
            told = [
                await sdk.completions.create(model="chat", prompt="Once", extra_headers=KEY)
                for _ in range(2)
            ]
    assert told[0].id == told[1].id


async def test_of_two_at_once_one_is_409_and_its_client_gets_the_answer_later(
    tmp_path: Path,
) -> None:
    async with place(tmp_path, SLOW) as here:
        first = asyncio.ensure_future(here.chat())
        await happens(lambda: here.provider.requests)
        with pytest.raises(ConflictError) as caught:
            await here.chat()
        assert caught.value.code == "idempotency_key_in_use"
        assert (await first).content == (await here.chat()).content
        assert len(here.provider.requests) == 1


async def test_an_sdk_that_retries_never_sees_the_409(tmp_path: Path) -> None:
    async with place(tmp_path, SLOW, retries=2) as here:
        first = asyncio.ensure_future(here.chat())
        await happens(lambda: here.provider.requests)
        assert (await here.chat()).headers["idempotent-replayed"] == "true"
        await first
        assert len(here.provider.requests) == 1


async def test_another_body_is_422_and_is_not_retried(tmp_path: Path) -> None:
    async with place(tmp_path, Answer(TEXT), retries=2) as here:
        await here.chat()
        with pytest.raises(UnprocessableEntityError) as caught:
            await here.chat(temperature=1)
        assert caught.value.code == "idempotency_key_reused"
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert len(here.provider.requests) == 1


@pytest.mark.parametrize("key", ["", '""', "k" * 256, "a\tb"])
async def test_a_malformed_key_is_400(key: str, tmp_path: Path) -> None:
    async with place(tmp_path, Answer(TEXT)) as here:
        with pytest.raises(BadRequestError) as caught:
            await here.chat({"Idempotency-Key": key})
        assert (caught.value.code, caught.value.param) == ("invalid_header", "idempotency-key")
        assert here.provider.requests == []


async def test_bytes_that_are_no_ascii_are_400_too(tmp_path: Path) -> None:
    async with place(tmp_path, Answer(TEXT)) as here:
        answer = await here.router.chat(headers={"idempotency-key": "schlüssel"})
        assert (answer.status, answer.error["code"]) == (400, "invalid_header")


@pytest.mark.parametrize("stream", [True, False])
async def test_after_a_failure_the_same_key_is_tried_again(stream: bool, tmp_path: Path) -> None:
    bad = Answer(TEXT).cut(after=3).paced(0.01) if stream else Status(500)
    async with place(tmp_path, [bad, bad, Answer(TEXT)]) as here:
        for _ in range(2):
            with pytest.raises(APIError):
                await (here.text() if stream else here.chat())
        for _ in range(2):
            if stream:
                assert await here.text() == TEXT
            else:
                assert (await here.chat()).parse().choices[0].message.content == TEXT
        assert len(here.provider.requests) == 3


async def test_a_client_that_leaves_within_its_stream_frees_its_key(tmp_path: Path) -> None:
    async with place(tmp_path, [ENDLESS, Answer(TEXT)]) as here:
        stream = await here.sdk.chat.completions.create(
            model="chat", messages=MESSAGES, extra_headers=KEY, stream=True
        )
        async for _ in stream:
            break
        await stream.close()
        await happens(lambda: not here.router.app.pipeline.running)
        assert await here.text() == TEXT
        assert len(here.provider.requests) == 2


async def test_in_a_crowd_every_whole_answer_under_a_key_is_the_same(tmp_path: Path) -> None:
    rng, number = Random(5), count()
    whole: dict[str, set[bytes]] = {}
    statuses: Counter[int] = Counter()

    def reply(_: Request) -> Reply:
        good = Answer(f"answer {next(number)} of many")
        return rng.choice([good, good, good.paced(0.003), good.cut(after=3), Status(500)])

    async def client(router: Running) -> None:
        for _ in range(12):
            key, stream = f"k{rng.randrange(15)}", rng.random() < 0.5
            headers = {"idempotency-key": f"{key} {stream}"}
            try:
                async with asyncio.timeout(rng.choice([2.0, 2.0, rng.uniform(0, 0.03)])):
                    answer = await router.chat(headers=headers, stream=stream)
            except TimeoutError:
                continue
            statuses[answer.status] += 1
            if answer.status == 200 and b"stream_interrupted" not in answer.body:
                whole.setdefault(str(headers), set()).add(answer.body)

    async with place(tmp_path, reply) as here:
        await asyncio.gather(*(client(here.router) for _ in range(20)))
        await happens(lambda: not here.router.app.pipeline.running)
        once = here.router.app.pipeline._once
        assert isinstance(once._store, Memory)
        assert (once._store.running, once._room.left) == (0, MOST_RECORDED)
    assert {len(bodies) for bodies in whole.values()} == {1}
    assert {200, 409} <= set(statuses) <= {200, 409, 429, 502, 503}
    assert len(whole) > 20


async def test_tenants_with_the_same_key_get_answers_of_their_own(tmp_path: Path) -> None:
    async with running(keyed(tmp_path), ENVIRON) as router:
        whole = [await router.chat(headers={**WHOLE, **KEY}) for _ in range(2)]
        part = await router.chat(headers={**PART, **KEY})
    assert whole[0].body == whole[1].body
    assert part.told["id"] != whole[0].told["id"]
    assert "idempotent-replayed" not in part.headers


async def test_operators_see_replays_and_refusals(tmp_path: Path) -> None:
    async with place(tmp_path, Answer(TEXT)) as here:
        first, again = await here.chat(), await here.chat()
        with pytest.raises(UnprocessableEntityError):
            await here.chat(temperature=1)
        page = (await here.router.ask_admin("GET", "/metrics")).body.decode()
        log = here.router.stream
        await happens(lambda: "idempotency_key_reused" in log.getvalue())
        status = (await here.router.ask_admin("GET", "/status")).told
    labels = 'tenant="default",model="chat",status="200"'
    assert f'pointsman_requests_total{{{labels},end="replayed"}} 1' in page
    assert f'pointsman_requests_total{{{labels},end="ok"}} 1' in page
    assert 'pointsman_refused_total{status="422",code="idempotency_key_reused"} 1' in page
    assert [row["count"] for row in status["attempts"]] == [1]
    words = f"200 replayed (answered by {first.headers['x-request-id']}), 0 attempts"
    [line] = [line for line in log.getvalue().splitlines() if words in line]
    assert again.headers["x-request-id"] in line


async def test_the_header_does_not_reach_a_provider(tmp_path: Path) -> None:
    async with place(tmp_path, Answer(TEXT)) as here:
        await here.chat()
        assert here.provider.requests[0].header("idempotency-key") == []

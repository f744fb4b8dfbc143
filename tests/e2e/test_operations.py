"""Completions and embeddings, through the client that most people have: from simulated targets, and
from providers on real sockets that do exactly what is said here.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import Iterator
from math import sqrt
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from openai import APIError, AsyncOpenAI, BadRequestError, NotFoundError, OpenAI

from tests.e2e.running import Router, ask, serving
from tests.router.upstream.provider import CHUNKED, Act, chunk, provider, saying, whole

SIMULATED = """\
version: 1
server: {drain: {announce: 0s, wait: 5s}}
providers:
  here: &sim
    dialect: simulated
    models:
      org/small: {first_token: 1ms, tokens_per_second: 10000, output_tokens: 5}
      large: {first_token: 1ms, tokens_per_second: 10000, output_tokens: 5, seed: 2}
      broken: {error_rate: 1.0, first_token: 1ms}
  there: *sim
models:
  texts: {targets: [here/org/small]}
  twins: {policy: weighted_round_robin, targets: [here/org/small, there/org/small, here/large]}
  any: {policy: weighted_round_robin, embeddings: any_model, targets: [here/org/small, here/large]}
"""
REAL = """\
version: 1
server: {{drain: {{announce: 0s, wait: 5s}}}}
providers:
  first: {{base_url: "{first}/v1", models: [m]}}
  second: {{base_url: "{second}/v1", models: [m, other]}}
models:
  texts: {{policy: priority, tiers: [[first/m], [second/m]]}}
  mixed: {{policy: priority, tiers: [[first/m], [second/other]]}}
"""
VECTOR = [0.5, -0.5, 0.5, 0.5]  # exact as single floats


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with serving(tmp_path_factory.mktemp("operations"), SIMULATED) as running:
        yield running


@pytest.fixture
def client(router: Router) -> Iterator[OpenAI]:
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        yield client


def metrics(router: Router, name: str) -> dict[str, float]:
    lines = ask(router.admin, "GET", "/metrics").text.splitlines()
    found = [line.rpartition(" ") for line in lines if line.startswith(f"{name}{{")]
    return {labels: float(value) for labels, _, value in found}


# From simulated targets.


def test_a_text_is_completed_whole(client: OpenAI) -> None:
    answer = client.completions.create(model="texts", prompt="Once", max_tokens=3, n=2)
    assert (answer.object, len(answer.choices)) == ("text_completion", 2)
    assert answer.choices[0].text == "This answer is"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6
    batch = client.completions.create(model="texts", prompt=["a", "b", "c"])
    assert [choice.index for choice in batch.choices] == [0, 1, 2]


def test_a_text_is_completed_as_a_stream(client: OpenAI) -> None:
    chunks = list(client.completions.create(model="texts", prompt="Once", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == "This answer is simulated: no"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)
    asked = client.completions.create(
        model="texts", prompt="Once", stream=True, stream_options={"include_usage": True}
    )
    *_, last = asked
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == 5


def test_a_stream_says_at_its_end_what_it_used(router: Router) -> None:
    body = json.dumps({"model": "texts", "prompt": "Once", "stream": True})
    headers = {"Content-Type": "application/json"}
    answer = ask(router.listen, "POST", "/v1/completions", headers, body)
    (comment,) = answer.comments
    told = json.loads(comment.removeprefix("pointsman "))
    assert (told["target"], told["output_tokens"], told["attempts"]) == ("here/org/small", 5, 1)
    assert answer.headers["x-router-target"] == "here/org/small"
    found = ask(router.admin, "GET", f"/decisions/{answer.headers['x-request-id']}")
    assert found.json["model"] == "texts"


def test_embeddings_are_the_same_however_the_client_asks(client: OpenAI) -> None:
    by_default = client.embeddings.create(model="texts", input="a text")  # base64 on the wire
    floats = client.embeddings.create(model="texts", input=["a text"], encoding_format="float")
    vector = by_default.data[0].embedding
    assert len(vector) == 256
    assert vector == pytest.approx(floats.data[0].embedding)
    assert sqrt(sum(number**2 for number in vector)) == pytest.approx(1)
    assert by_default.usage.prompt_tokens > 0
    other = client.embeddings.create(model="texts", input="another text")
    assert other.data[0].embedding != vector


def test_there_is_a_vector_for_each_input_of_the_size_asked_for(client: OpenAI) -> None:
    for given, number in ((["a", "b", "a"], 3), ([1, 2, 3], 1), ([[1, 2], [3]], 2)):
        answer = client.embeddings.create(model="texts", input=given, dimensions=8)
        assert [one.index for one in answer.data] == list(range(number))
        assert {len(one.embedding) for one in answer.data} == {8}
    same = client.embeddings.create(model="texts", input=["a", "b", "a"]).data
    assert same[0].embedding == same[2].embedding != same[1].embedding


def test_a_route_of_several_models_gives_vectors_of_one(client: OpenAI) -> None:
    def targets(model: str) -> tuple[set[str], set[tuple[float, ...]]]:
        used, seen = set(), set()
        for _ in range(6):
            raw = client.embeddings.with_raw_response.create(model=model, input="a", dimensions=4)
            used.add(raw.headers["x-router-target"])
            seen.add(tuple(raw.parse().data[0].embedding))
        return used, seen

    used, seen = targets("twins")
    assert (used, len(seen)) == ({"here/org/small", "there/org/small"}, 1)
    used, seen = targets("any")
    assert (used, len(seen)) == ({"here/org/small", "here/large"}, 2)


def test_what_is_wrong_is_said_in_words_that_the_client_knows(client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as caught:
        client.embeddings.create(model="texts", input="a", dimensions=10**6)
    assert "dimensions" in str(caught.value)
    with pytest.raises(BadRequestError) as caught:
        client.embeddings.create(model="texts", input=[])
    assert caught.value.param == "input"
    with pytest.raises(NotFoundError) as missing:
        client.completions.create(model="text", prompt="Once")
    assert missing.value.code == "model_not_found"
    assert "'texts'" in str(missing.value)


def test_a_model_is_found_by_its_name_with_slashes_too(client: OpenAI) -> None:
    for name in ("texts", "here/org/small"):
        found = client.models.retrieve(name)
        assert (found.id, found.object) == (name, "model")
    with pytest.raises(NotFoundError) as caught:
        client.models.retrieve("here/org/none")
    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_what_was_asked_for_is_counted(router: Router, client: OpenAI) -> None:
    def answered() -> float:
        counted = metrics(router, "pointsman_requests_total")
        return sum(value for labels, value in counted.items() if 'model="texts"' in labels)

    before = answered()
    client.embeddings.create(model="texts", input="a")
    client.completions.create(model="texts", prompt="a")
    assert answered() == before + 2


# From providers on real sockets.


def told(body: object, status: str = "200 OK") -> Act:
    return saying(whole(json.dumps(body).encode(), status, "Content-Type: application/json\r\n"))


def embedded(vector: Any) -> dict[str, object]:
    one = {"object": "embedding", "index": 0, "embedding": vector}
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return {"object": "list", "data": [one], "model": "m", "usage": usage}


def event(told: dict[str, object]) -> bytes:
    return b"data: " + json.dumps(told).encode() + b"\n\n"


def events(*chunks: dict[str, object]) -> Act:
    return saying(CHUNKED + b"".join(chunk(event(one)) for one in chunks) + b"0\r\n\r\n")


def text(words: str, finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "text": words, "finish_reason": finish, "logprobs": None}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "choices": [choice]}


PACKED = b64encode(pack("<4f", *VECTOR)).decode()
PAGE = saying(whole(b"<html>busy</html>", headers="Content-Type: text/html\r\n"))
ERROR = {"error": {"message": "busy", "type": "server_error", "code": None}}


@pytest.mark.parametrize(
    "bad",
    [
        PAGE,
        told(ERROR),
        told([ERROR]),
        told({}),
        told(embedded(None)),
        told(ERROR, "503 Service Unavailable"),
        told({"detail": "Not Found"}, "404 Not Found"),
    ],
    ids=["page", "error", "array", "empty", "null", "status", "missing"],
)
async def test_vectors_come_from_the_next_provider_of_the_model_when_the_first_has_none(
    tmp_path: Path, bad: Act
) -> None:
    good = told(embedded(PACKED))
    async with provider(bad, requests=9) as first, provider(good, requests=9) as second:
        config = REAL.format(first=first.origin, second=second.origin)
        with serving(tmp_path, config) as router:
            sdk = AsyncOpenAI(base_url=router.base_url, api_key="any", max_retries=0)
            async with sdk as client:
                raw = await client.embeddings.with_raw_response.create(model="texts", input="a")
                assert raw.parse().data[0].embedding == VECTOR
                assert raw.headers["x-router-target"] == "second/m"
                assert int(raw.headers["x-router-attempts"]) > 1
                with pytest.raises(APIError):
                    await client.embeddings.create(model="mixed", input="a")
        assert {one.line for one in first.requests} == {"POST /v1/embeddings HTTP/1.1"}
        (sent,) = second.requests
        assert json.loads(sent.body) == {"input": "a", "model": "m", "encoding_format": "base64"}


async def test_a_completions_stream_is_relayed_and_a_missing_formal_end_is_no_failure(
    tmp_path: Path,
) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    good = events(text("upon"), text(" a time", "stop"), {"choices": [], "usage": usage})
    async with provider(PAGE, requests=9) as first, provider(good, requests=9) as second:
        config = REAL.format(first=first.origin, second=second.origin)
        with serving(tmp_path, config) as router:
            sdk = AsyncOpenAI(base_url=router.base_url, api_key="any", max_retries=0)
            async with sdk as client:
                stream = await client.completions.create(model="texts", prompt="Once", stream=True)
                chunks = [one async for one in stream]
        assert [one.choices[0].text for one in chunks] == ["upon", " a time"]
        (sent,) = second.requests
        assert sent.line == "POST /v1/completions HTTP/1.1"
        assert json.loads(sent.body)["stream_options"] == {"include_usage": True}


async def test_a_completions_stream_that_breaks_off_raises_in_the_client(tmp_path: Path) -> None:
    async def cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + chunk(event(text("upon"))))
        await asyncio.sleep(0.1)  # what comes together with its end is rescued
        writer.write(b"0\r\n\r\n")

    async with provider(cut, requests=9) as first, provider(PAGE, requests=9) as second:
        config = REAL.format(first=first.origin, second=second.origin)
        with serving(tmp_path, config) as router:
            sdk = AsyncOpenAI(base_url=router.base_url, api_key="any", max_retries=0)
            async with sdk as client:
                stream = await client.completions.create(model="texts", prompt="Once", stream=True)
                assert (await anext(stream)).choices[0].text == "upon"
                with pytest.raises(APIError, match="broke off"):
                    await anext(stream)
        assert second.requests == []

"""The shipped file answers as it stands, through the client that most people have."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from openai import AsyncOpenAI, OpenAI

from tests.e2e.running import ROOT, Router, ask, serving

MODELS = ["chat", "quick", "smart", "steady"]
MESSAGES: Any = [{"role": "user", "content": "Hello"}]
SHORT = 4  # tokens: the simulated models write at a real pace
USAGE: Any = {"include_usage": True}


def shipped() -> str:
    """The shipped file, but for the time that it takes to leave."""
    text = (ROOT / "providers.yaml").read_text()
    assert text.count("announce: 5s") == 1
    return text.replace("announce: 5s", "announce: 0s")


@pytest.fixture(scope="module")
def router(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with serving(tmp_path_factory.mktemp("shipped"), shipped()) as running:
        yield running


@pytest.fixture
def client(router: Router) -> Iterator[OpenAI]:
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        yield client


def test_every_model_that_needs_no_key_is_listed_and_no_other(client):
    assert sorted(model.id for model in client.models.list()) == sorted([*MODELS, "embed"])
    assert client.models.retrieve("chat").object == "model"


@pytest.mark.parametrize("model", MODELS)
def test_every_listed_model_answers_whole(client, model):
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=SHORT)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == SHORT


@pytest.mark.parametrize("model", MODELS)
def test_every_listed_model_answers_as_a_stream(client, model):
    stream = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=SHORT, stream=True
    )
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "length"
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_tells_its_usage_to_a_client_who_asks(client, model):
    stream = client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=SHORT, stream=True, stream_options=USAGE
    )
    *chunks, last = stream
    assert chunks[-1].choices[0].finish_reason == "length"
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.completion_tokens == SHORT


def says(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


TOOL: Any = {"type": "function", "function": {"name": "look", "parameters": {}}}


@pytest.mark.parametrize(
    ("brings", "tier"),
    [
        ({}, "sim/fast"),
        ({"tools": []}, "sim/fast"),
        ({"tools": [TOOL]}, "sim/fast"),
        (says("so long " * 6_000), "sim/slow"),
        (says("Prove it step by step."), "sim/slow"),
        ({"tools": [TOOL], **says("Why? ```print(1)```")}, "sim/slow"),
    ],
    ids=["a question", "no tools", "a tool", "long", "a proof", "a tool and code"],
)
def test_a_hard_request_starts_in_the_dearer_tier(client, brings, tier):
    asked: Any = {"model": "smart", "messages": MESSAGES, "max_tokens": SHORT, **brings}
    answer = client.chat.completions.with_raw_response.create(**asked)
    assert answer.headers["x-router-target"] == tier


async def test_an_asynchronous_client_gets_the_same(router):
    async with AsyncOpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        ask: Any = client.chat.completions.create
        answer = await ask(model="quick", messages=MESSAGES, max_tokens=SHORT)
        stream = await ask(model="quick", messages=MESSAGES, max_tokens=SHORT, stream=True)
        parts = [chunk.choices[0].delta.content or "" async for chunk in stream]
    assert "".join(parts) == answer.choices[0].message.content


def test_answers_name_the_target_and_the_attempts(client):
    answer = client.chat.completions.with_raw_response.create(
        model="steady", messages=MESSAGES, max_tokens=SHORT
    )
    assert answer.headers["x-router-target"] == "sim/fast"
    assert answer.headers["x-router-attempts"] == "1"
    assert answer.headers["x-request-id"].startswith("req_")


def test_every_model_of_the_file_is_listed_once_all_variables_are_set(tmp_path):
    urls = {"OLLAMA_BASE_URL": "http://127.0.0.1:1", "VLLM_BASE_URL": "http://127.0.0.1:1"}
    keys = dict.fromkeys(re.findall(r"\w+_API_KEY|AWS_BEARER_\w+", shipped()), "any")
    with serving(tmp_path, shipped(), urls | keys) as router:
        listed = {entry["id"] for entry in ask(router.listen, "GET", "/v1/models").json["data"]}
    assert listed == yaml.safe_load(shipped())["models"].keys()

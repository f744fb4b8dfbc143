"""A real model behind the router, beside a provider that is not there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from anthropic import Anthropic, BadRequestError
from openai import APIStatusError, OpenAI

from tests.e2e.llama import CONTEXT, MODEL, llama_server
from tests.e2e.running import Router, ask, eventually, read, serving, unused_port

CONFIG = """\
version: 1
server: {{drain: {{announce: 0s, wait: 5s}}}}
providers:
  dead: {{base_url: "http://127.0.0.1:{port}/v1", models: [{model}]}}
  real: {{preset: llamacpp, base_url: "{url}", models: [{model}]}}
  chats: {{base_url: "{url}", models: [{model}]}}
  speaks: {{dialect: anthropic, base_url: "{url}", models: [{model}]}}
  other: {{base_url: "{url}", models: {{{model}: {{api: responses}}}}}}
models:
  best: {{policy: priority, tiers: [[dead/{model}], [real/{model}]]}}
  mixed: {{policy: weighted_round_robin, targets: [dead/{model}, real/{model}]}}
  alone: {{targets: [real/{model}]}}
  chats: {{targets: [chats/{model}]}}
  speaks: {{targets: [speaks/{model}]}}
  through: {{targets: [other/{model}]}}
"""
REAL, DEAD = f"real/{MODEL}", f"dead/{MODEL}"


@pytest.fixture(scope="module")
def model_url() -> Iterator[str]:
    with llama_server() as url:
        yield url


@pytest.fixture
def router(tmp_path, model_url) -> Iterator[Router]:
    """One that has seen nothing yet."""
    port = unused_port()
    with serving(tmp_path, CONFIG.format(port=port, url=model_url, model=MODEL)) as running:
        yield running


def test_a_whole_answer_comes_from_the_real_model_though_the_first_choice_is_dead(router):
    answer = router.chat("best", max_tokens=8)
    assert answer.content.strip()
    assert 0 < answer.json["usage"]["completion_tokens"] <= 8
    assert answer.json["model"] == MODEL
    assert answer.headers["x-router-target"] == REAL
    assert int(answer.headers["x-router-attempts"]) > 1


def test_so_does_a_stream(router):
    answer = router.chat("best", max_tokens=8, stream=True)
    assert answer.content.strip()
    assert answer.data.count("[DONE]") == 1
    assert answer.finish_reasons
    assert answer.headers["x-router-target"] == REAL
    assert int(answer.headers["x-router-attempts"]) > 1
    (comment,) = answer.comments
    told = json.loads(comment.removeprefix("pointsman "))
    assert told["target"] == REAL
    assert 0 < told["output_tokens"] <= 8
    assert told["estimated"] is False


def test_a_dead_provider_is_ejected_and_then_not_asked_any_more(router):
    for _ in range(20):
        assert router.chat("mixed", max_tokens=1).headers["x-router-target"] == REAL
        if router.status()["targets"][DEAD]["state"] == "ejected":
            break
    status = router.status()["targets"]
    assert status[DEAD]["state"] == "ejected"
    assert status[REAL]["state"] == "healthy"
    asked = failures(router)
    for _ in range(4):
        answer = router.chat("mixed", max_tokens=1)
        assert answer.headers["x-router-attempts"] == "1"
    assert failures(router) == asked


def test_a_prompt_beyond_the_context_gets_the_providers_own_error(router, model_url):
    long = [{"role": "user", "content": "word " * (CONTEXT + 100)}]
    answer = router.chat("alone", messages=long)
    theirs = ask_directly(model_url, long)
    assert answer.status == 400
    assert answer.json["error"]["type"] == theirs["error"]["type"] == "exceed_context_size_error"
    assert router.status()["targets"][REAL]["health"] == 1.0


def test_the_official_client_gets_a_real_stream(router):
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        stream = client.chat.completions.create(
            model="mixed",
            messages=[{"role": "user", "content": "Name a colour."}],
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
        *chunks, last = stream
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    assert last.usage is not None
    assert 0 < last.usage.completion_tokens <= 8


@pytest.mark.parametrize("model", ["alone", "through"])
def test_a_response_is_what_the_real_model_says_in_either_api(router, model):
    asked: dict[str, Any] = {"input": "Name a colour.", "max_output_tokens": 16}
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        whole = client.responses.create(model=model, **asked)
        *events, last = client.responses.create(model=model, stream=True, **asked)
        messages: Any = [{"role": "user", "content": "Name a colour."}]
        chat = client.chat.completions.create(model=model, messages=messages, max_tokens=16)
    assert whole.output_text.strip()
    assert whole.usage is not None
    assert 0 < whole.usage.output_tokens <= 16
    assert events[0].type == "response.created"
    assert last.type in ("response.completed", "response.incomplete")
    said = [one.delta for one in events if one.type == "response.output_text.delta"]
    assert "".join(said).strip()
    assert (chat.choices[0].message.content or "").strip()


def test_the_official_client_gets_a_real_text_completed(router):
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        prompts = ["One, two, three,", "Red, green,"]
        whole = client.completions.create(model="mixed", prompt=prompts, max_tokens=4)
        *chunks, last = client.completions.create(
            model="mixed",
            prompt=prompts[0],
            max_tokens=4,
            stream=True,
            stream_options={"include_usage": True},
        )
    assert sorted(choice.index for choice in whole.choices) == [0, 1]
    assert all(choice.text for choice in whole.choices)
    assert "".join(chunk.choices[0].text for chunk in chunks)
    assert last.usage is not None
    assert 0 < last.usage.completion_tokens <= 4


def test_a_real_server_that_makes_no_embeddings_says_so_and_answers_chat_as_before(router):
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        for _ in range(6):
            with pytest.raises(APIStatusError) as caught:
                client.embeddings.create(model="alone", input="a text")
            assert "embeddings" in str(caught.value)
    assert router.status()["targets"][REAL]["state"] == "healthy"
    assert router.chat("alone", max_tokens=1).status == 200


COLOUR: Any = [{"role": "user", "content": "Name a colour."}]


@pytest.mark.parametrize("model", ["alone", "chats"])
def test_anthropics_client_is_answered_at_its_own_endpoint_and_at_openais(router, model):
    url = f"http://{router.listen}"
    with Anthropic(base_url=url, api_key="any", max_retries=0) as client:
        whole = client.messages.create(model=model, max_tokens=8, messages=COLOUR)
        with client.messages.stream(model=model, max_tokens=8, messages=COLOUR) as stream:
            streamed = stream.get_final_message()
        counted = client.messages.count_tokens(model=model, messages=COLOUR)
    for message in (whole, streamed):
        assert message.content[0].type == "text"
        assert message.content[0].text.strip()
        assert 0 < message.usage.output_tokens <= 8
        assert message.usage.input_tokens > 0
        assert message.stop_reason in ("max_tokens", "end_turn")  # a model may be brief
    assert 0 < counted.input_tokens < 100
    assert {row["outcome"] for row in router.status()["attempts"]} == {"ok"}


def test_openais_client_is_answered_at_anthropics_endpoint(router):
    with OpenAI(base_url=router.base_url, api_key="any", max_retries=0) as client:
        whole = client.chat.completions.create(model="speaks", messages=COLOUR, max_tokens=8)
        cut = client.chat.completions.create(model="speaks", messages=COLOUR, max_tokens=1)
        *chunks, last = client.chat.completions.create(
            model="speaks",
            messages=COLOUR,
            max_tokens=8,
            stream=True,
            stream_options={"include_usage": True},
        )
    assert (whole.choices[0].message.content or "").strip()
    assert whole.choices[0].finish_reason in ("length", "stop")  # a model may be brief
    assert cut.choices[0].finish_reason == "length"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    for usage in (whole.usage, last.usage):
        assert usage is not None
        assert 0 < usage.completion_tokens <= 8
        assert usage.prompt_tokens > 0


def test_its_errors_are_raised_as_anthropics(router):
    long: Any = [{"role": "user", "content": "word " * (CONTEXT + 100)}]
    with Anthropic(base_url=f"http://{router.listen}", api_key="any", max_retries=0) as client:
        for model in ("alone", "chats"):
            with pytest.raises(BadRequestError, match="context"):
                client.messages.create(model=model, max_tokens=8, messages=long)


def test_a_client_that_leaves_the_real_model_frees_its_place(router):
    with router.asked("alone", stream=True, max_tokens=500) as response:
        assert response.readline().startswith(b"data: ")
        assert router.status()["targets"][REAL]["in_flight"] == 1
    eventually(lambda: router.status()["targets"][REAL]["in_flight"] == 0, within=0.5)
    eventually(lambda: router.status()["running"] == 0, within=0.5)
    assert {row["outcome"] for row in router.status()["attempts"]} == {"abandoned"}


def test_streams_side_by_side_do_not_mix(router):
    with (
        router.asked("alone", stream=True, max_tokens=4) as one,
        router.asked("alone", stream=True, max_tokens=8) as other,
    ):
        second, first = read(other), read(one)
    assert {chunk["id"] for chunk in first.chunks}.isdisjoint(
        chunk["id"] for chunk in second.chunks
    )
    assert first.finish_reasons
    assert second.finish_reasons


def failures(router: Router) -> int:
    rows = router.status()["attempts"]
    return sum(row["count"] for row in rows if row["target"] == DEAD)


def ask_directly(url: str, messages: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    host, _, path = url.removeprefix("http://").partition("/")
    body = json.dumps({"model": MODEL, "messages": messages})
    answer: dict[str, dict[str, str]] = ask(
        host, "POST", f"/{path}/chat/completions", None, body
    ).json
    return answer

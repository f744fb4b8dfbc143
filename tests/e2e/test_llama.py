"""The real model that other end-to-end tests route to answers when nobody stands between."""

import json
import urllib.request
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import Any

import pytest

from tests.e2e.llama import MODEL, llama_server


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    with llama_server() as url:
        yield url


def ask(base_url: str, **more: Any) -> HTTPResponse:
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Name a colour."}],
        "max_tokens": 8,
        **more,
    }
    request = urllib.request.Request(
        f"{base_url}/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    response: HTTPResponse = urllib.request.urlopen(request, timeout=30)
    return response


def test_the_real_model_answers_whole(base_url):
    with ask(base_url) as response:
        answer = json.load(response)
    assert answer["model"] == MODEL
    assert answer["choices"][0]["message"]["content"].strip()
    assert 0 < answer["usage"]["completion_tokens"] <= 8


def test_the_real_model_answers_as_a_stream_that_says_how_it_ended(base_url):
    with ask(base_url, stream=True) as response:
        assert response.headers.get_content_type() == "text/event-stream"
        events = [line[6:] for line in response.read().decode().splitlines() if line]
    assert events.pop() == "[DONE]"
    choices = [json.loads(event)["choices"][0] for event in events]
    assert "".join(choice["delta"].get("content") or "" for choice in choices).strip()
    assert choices[-1]["finish_reason"] in {"length", "stop"}

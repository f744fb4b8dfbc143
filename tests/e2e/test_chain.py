"""A router may be another router's provider: what one says, the other understands."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.e2e.running import Router, eventually, read, serving

INNER = """\
version: 1
server: {drain: {announce: 0s, wait: 1s}}
providers:
  sim:
    dialect: simulated
    models:
      fast: {first_token: 1ms, tokens_per_second: 1000, output_tokens: 5}
      long: {first_token: 1ms, tokens_per_second: 50, output_tokens: 500}
      broken: {first_token: 1ms, error_rate: 1}
models:
  fast: {targets: [sim/fast]}
  long: {targets: [sim/long]}
  broken: {targets: [sim/broken]}
"""
OUTER = """\
version: 1
server: {{drain: {{announce: 0s, wait: 1s}}}}
providers:
  inner: {{base_url: "{url}", models: [fast, long, broken]}}
models:
  fast: {{targets: [inner/fast]}}
  long: {{targets: [inner/long]}}
  broken: {{targets: [inner/broken], retry: {{attempts: 1}}}}
"""


@contextmanager
def chain(folder: Path) -> Iterator[tuple[Router, Router]]:
    """The outer one, and the inner one behind it."""
    (folder / "inner").mkdir()
    (folder / "outer").mkdir()
    with (
        serving(folder / "inner", INNER) as inner,
        serving(folder / "outer", OUTER.format(url=inner.base_url)) as outer,
    ):
        yield outer, inner


@pytest.fixture(scope="module")
def outer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Router]:
    with chain(tmp_path_factory.mktemp("chain")) as (outer, _):
        yield outer


def test_a_whole_answer_comes_through_two_routers(outer):
    answer = outer.chat("fast")
    assert answer.whole
    assert answer.content == "This answer is simulated: no"
    assert answer.json["usage"]["completion_tokens"] == 5
    assert answer.headers["x-router-target"] == "inner/fast"
    assert answer.headers["x-router-attempts"] == "1"


@pytest.mark.parametrize("asked", [False, True])
def test_a_stream_through_two_routers_has_one_comment_and_one_end(outer, asked):
    options = {"stream_options": {"include_usage": True}} if asked else {}
    answer = outer.chat("fast", stream=True, **options)
    assert answer.whole
    assert answer.content == "This answer is simulated: no"
    assert answer.finish_reasons == ["stop"]
    assert answer.data.count("[DONE]") == 1
    assert answer.data[-1] == "[DONE]"
    (comment,) = answer.comments
    told = json.loads(comment.removeprefix("pointsman "))
    assert (told["target"], told["output_tokens"]) == ("inner/fast", 5)
    assert told["estimated"] is False
    usages = [chunk["usage"] for chunk in answer.chunks if chunk.get("usage")]
    assert [usage["completion_tokens"] for usage in usages] == ([5] if asked else [])


def test_an_error_of_the_inner_router_is_an_error_of_the_outer_one(outer):
    for stream in (False, True):
        answer = outer.chat("broken", stream=stream)
        assert answer.status in (502, 503)
        assert answer.error["message"]


def test_an_inner_router_that_dies_within_a_stream_never_looks_like_an_answer(tmp_path):
    with chain(tmp_path) as (outer, inner), outer.asked("long", stream=True) as response:
        beginning = b"".join(response.readline() for _ in range(6))
        inner.kill()
        rest = read(response)
    answer = rest._replace(text=beginning.decode() + rest.text)
    assert answer.content.startswith("This")
    assert answer.chunks[-1]["error"]["code"] == "stream_interrupted"
    assert answer.finish_reasons == []
    assert "[DONE]" not in answer.data


def test_the_official_client_raises_when_the_stream_breaks_off(tmp_path):
    with (
        chain(tmp_path) as (outer, inner),
        OpenAI(base_url=outer.base_url, api_key="any", max_retries=0) as client,
    ):
        stream = client.chat.completions.create(
            model="long", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        assert next(stream).choices
        inner.kill()
        with pytest.raises(openai.APIError, match="broke off"):
            list(stream)


def test_an_inner_router_that_dies_before_a_whole_answer_is_an_error(tmp_path):
    with chain(tmp_path) as (outer, inner), outer.sent("long") as connection:
        eventually(lambda: inner.status()["targets"]["sim/long"]["in_flight"] == 1)
        inner.kill()
        answer = read(connection.getresponse())
    assert answer.status in (502, 503)
    assert answer.error["type"] == "server_error"

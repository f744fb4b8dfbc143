"""What is said: the bodies of scripted replies."""

import json

import pytest

from router.testing import ERROR_EVENT, Answer, Body, Embeddings, Provider, Status, Stream
from tests.router.testing.asking import CHAT, calling, content, events, told

TEXT = "Hello there, you."
USAGE = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


async def test_a_chat_is_answered_in_one_piece_with_the_model_that_was_asked_for():
    async with Provider(Answer(TEXT)) as provider, calling(provider.url) as caller:
        answer = await caller.answer(model="some/model")
    body = json.loads(answer.body)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert (body["object"], body["model"], body["usage"]) == (
        "chat.completion",
        "some/model",
        USAGE,
    )
    [choice] = body["choices"]
    assert choice["message"] == {"role": "assistant", "content": TEXT}
    assert choice["finish_reason"] == "stop"


async def test_a_stream_is_answered_word_by_word_with_usage_only_for_those_who_ask():
    async with Provider(Answer(TEXT)) as provider:
        asked = await told(provider.url, **WITH_USAGE)
        plain = await told(provider.url, stream=True)
    assert content(asked.data) == content(plain.data) == TEXT
    assert len(events(asked.data)) == 7
    assert json.loads(events(asked.data)[-2])["usage"] == USAGE
    assert len(events(plain.data)) == 6
    assert events(plain.data)[-1] == events(asked.data)[-1] == "[DONE]"


async def test_what_an_answer_should_have_can_be_left_out():
    async with Provider(Answer(TEXT, usage=False, finish=None, done=False)) as provider:
        streamed = await told(provider.url, **WITH_USAGE)
        async with calling(provider.url) as caller:
            whole = json.loads((await caller.answer()).body)
    assert len(events(streamed.data)) == 4
    assert streamed.data.endswith(b"0\r\n\r\n")
    assert "usage" not in whole
    assert whole["choices"][0]["finish_reason"] is None


async def test_a_text_completion_is_answered_after_its_path():
    async with Provider(Answer("a b")) as provider, calling(provider.url) as caller:
        whole = json.loads((await caller.answer("/v1/completions")).body)
        streamed = await told(provider.url, "/v1/completions", stream=True)
    assert whole["object"] == "text_completion"
    assert whole["choices"][0]["text"] == "a b"
    texts = [json.loads(event)["choices"][0]["text"] for event in events(streamed.data)[:-1]]
    assert texts == ["a", " b", ""]


@pytest.mark.parametrize(("asked", "count"), [("one", 1), (["one", "two", "three"], 3)])
async def test_there_are_as_many_embeddings_as_inputs(asked, count):
    async with Provider(Embeddings(3)) as provider, calling(provider.url) as caller:
        body = json.loads((await caller.answer("/v1/embeddings", input=asked)).body)
    assert [len(each["embedding"]) for each in body["data"]] == [3] * count
    assert [each["index"] for each in body["data"]] == list(range(count))


@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503, 529])
async def test_an_error_has_the_shape_of_the_dialect_whatever_its_status(status):
    reply = Status(status, "no", code="odd", retry_after=2)
    async with Provider(reply) as provider, calling(provider.url) as caller:
        answer = await caller.answer(stream=True)
    assert (answer.status, answer.headers["retry-after"]) == (status, "2")
    error = json.loads(answer.body)["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert (error["message"], error["code"]) == ("no", "odd")


@pytest.mark.parametrize(
    ("reply", "kind", "body"),
    [
        (Body("<html>no", 502), "text/html; charset=utf-8", b"<html>no"),
        (Body([{"error": {}}], 400), "application/json", b'[{"error": {}}]'),
        (Body(b"{", kind="application/json"), "application/json", b"{"),
        (Body(b"\0"), "application/octet-stream", b"\0"),
        (Body(b"", 204), "application/octet-stream", b""),
    ],
)
async def test_any_body_can_be_said(reply, kind, body):
    async with Provider(reply) as provider, calling(provider.url) as caller:
        answer = await caller.answer()
    assert (answer.headers["content-type"], answer.body) == (kind, body)
    assert answer.status == reply.status


async def test_events_are_said_as_they_are_written():
    async with Provider(Stream([b"data: 1\n\n", b": hm\n\n"])) as provider:
        streamed = await told(provider.url)
    assert streamed.data.endswith(b"\r\n\r\n9\r\ndata: 1\n\n\r\n6\r\n: hm\n\n\r\n0\r\n\r\n")


async def test_something_can_be_said_between_two_events():
    reply = Answer(TEXT).malformed(after=2).inserting(ERROR_EVENT, after=3)
    async with Provider(reply) as provider:
        said = events((await told(provider.url, stream=True)).data)
    assert said[2] == '{"choices": [{"delta"'
    assert json.loads(said[4])["error"]["message"] == "scripted to fail"
    assert len(said) == 8


async def test_headers_can_be_added_and_replaced():
    reply = Answer().with_headers({"Content-Type": "text/odd", "x-huge": "x" * 70_000})
    async with Provider(reply) as provider:
        data = (await told(provider.url, CHAT)).data
    assert data.count(b"content-type") == 1
    assert b"content-type: text/odd\r\n" in data
    assert b"x-huge: " + b"x" * 70_000 + b"\r\n" in data

"""Completions of a text and embeddings, in OpenAI's words; chat is `test_openai.py`'s."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Phase, Scope
from router.dialects.common.events import Usage
from router.dialects.common.outside import MOST_TOKENS
from router.dialects.contract import Call, ClientError, Operation
from router.dialects.openai.dialect import OPENAI
from router.dialects.openai.stream import usage_of
from tests.router.dialects.openai.test_dialect import JSON
from tests.router.scripted import DONE, USAGE, event

TOKENS = list(range(100, 150))
BOTH: list[tuple[Operation, str]] = [("completions", "prompt"), ("embeddings", "input")]
USED = {"prompt_tokens": 7, "total_tokens": 7}


def completion(prompt: Any = "Once", **fields: Any) -> Call:
    body = {"model": "m", "prompt": prompt, **fields}
    return OPENAI.parse(json.dumps(body).encode(), "completions")


def embedding(given: Any = "a text", **fields: Any) -> Call:
    body = {"model": "m", "input": given, **fields}
    return OPENAI.parse(json.dumps(body).encode(), "embeddings")


def text(words: str, index: int = 0, finish: str | None = None) -> bytes:
    return event(choices=[{"index": index, "text": words, "finish_reason": finish}])


def vectors(*found: Any, **fields: Any) -> bytes:
    listed = [{"index": index, "embedding": one} for index, one in enumerate(found)]
    return json.dumps({"object": "list", "data": listed, **fields}).encode()


# The client's half.


def test_an_operation_has_its_path_below_the_base_url() -> None:
    assert OPENAI.ask(completion(), "m", ask_usage=False)[0] == "/completions"
    assert OPENAI.ask(embedding(), "m", ask_usage=False)[0] == "/embeddings"


@pytest.mark.parametrize(("operation", "field"), BOTH)
@pytest.mark.parametrize(
    ("given", "number"),
    [
        ("one text", 1),
        (["one", "two", "three"], 3),
        (TOKENS, 1),
        ([TOKENS, TOKENS], 2),
        ([-1], 1),
        ([5, "mixed"], 1),
        ([["a", "b"], ["c"]], 2),
        (None, 1),
        ({"of": "another kind"}, 1),
        ([{"of": "another kind"}, None], 2),
    ],
)
def test_an_answer_is_expected_for_each_input(
    operation: Operation, field: str, given: object, number: int
) -> None:
    body = json.dumps({"model": "m", field: given})
    assert OPENAI.parse(body.encode(), operation).choices == number


@pytest.mark.parametrize("call", [completion, embedding])
def test_tokens_are_counted_where_they_are_tokens_and_estimated_where_they_are_text(
    call: Any,
) -> None:
    assert call(TOKENS).input_tokens == 50
    assert call([TOKENS, TOKENS[:10]]).input_tokens == 60
    assert 150 <= call("word " * 200).input_tokens <= 250
    assert 150 <= call(["word " * 100, "word " * 100]).input_tokens <= 250


def test_embeddings_write_nothing_and_are_never_streamed() -> None:
    call = embedding(stream=True, max_tokens=5, n=3)
    assert (call.output_tokens, call.stream, call.choices) == (0, False, 1)
    assert b"include_usage" not in OPENAI.ask(call, "u", ask_usage=True)[1]


def test_a_completion_is_bounded_and_multiplied_as_chat_is() -> None:
    call = completion(["a", "b"], n=3, max_tokens=5, stream=True)
    assert (call.output_tokens, call.stream, call.choices) == (5, True, 6)
    assert completion(max_tokens=-5).output_tokens == 0
    assert completion(max_tokens=10**30).output_tokens == MOST_TOKENS
    assert completion().output_tokens is None


@pytest.mark.parametrize(("operation", "field"), BOTH)
@pytest.mark.parametrize(
    ("more", "told"), [({}, "is missing"), ({"x": []}, "is missing"), (None, "an empty list")]
)
def test_what_is_missing_is_named(
    operation: Operation, field: str, more: dict[str, Any] | None, told: str
) -> None:
    given = {field: []} if more is None else more
    with pytest.raises(ClientError) as caught:
        OPENAI.parse(json.dumps({"model": "m", **given}).encode(), operation)
    assert (caught.value.status, caught.value.param) == (400, field)
    assert told in caught.value.message
    assert f"`{field}`" in caught.value.message


@given(
    st.sampled_from(["completions", "embeddings"]),
    st.dictionaries(st.sampled_from(["model", "prompt", "input", "n", "stream", "x"]), JSON),
)
def test_any_object_is_a_call_or_the_clients_error(
    operation: Operation, fields: dict[str, Any]
) -> None:
    try:
        call = OPENAI.parse(json.dumps(fields).encode(), operation)
    except ClientError as error:
        assert error.status == 400  # noqa: PT017 - it need not be raised
        return
    assert call.choices >= 1
    assert call.input_tokens >= 0
    assert json.loads(OPENAI.ask(call, "up", ask_usage=False)[1]) == {**fields, "model": "up"}


def test_deep_nesting_is_the_clients_error() -> None:
    body = b'{"model":"m","input":' + b"[" * 9999 + b"]" * 9999 + b"}"
    with pytest.raises(ClientError):
        OPENAI.parse(body, "embeddings")


# The provider's half: vectors.


@pytest.mark.parametrize("one", [[0.6, 0.8], "mpmZPs3MTD8=", {"sparse": [1]}])
def test_vectors_of_any_form_are_an_answer_and_their_usage_is_read(one: object) -> None:
    report = OPENAI.whole(embedding(), vectors(one, usage=USED))[0]
    assert (report.outcome, report.input_tokens, report.output_tokens) == (Outcome.OK, 7, 0)
    assert OPENAI.whole(embedding(), vectors(one))[0].outcome is Outcome.OK


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html>busy</html>",
        b'{"object":"list","data":[]}',
        b'{"object":"list","data":null}',
        b'{"data":[{"embedding":[NaN]}]}',
        b'{"choices":[{"text":"no vector"}]}',
        vectors(None),
        vectors([]),
        vectors(""),
        b'{"data":[{"index":0}]}',
        b'[{"error":{"message":"an array"}}]',
        b'{"error":{"message":"no code"}}',
    ],
)
def test_a_success_without_vectors_is_a_failure(body: bytes) -> None:
    assert OPENAI.whole(embedding(), body)[0].outcome is Outcome.FAILED


def test_half_of_the_vectors_is_no_answer() -> None:
    two = embedding(["a", "b"])
    report = OPENAI.whole(two, vectors([1.0]))[0]
    assert (report.outcome, report.detail) == (Outcome.FAILED, "200 with 1 of 2 embeddings")
    assert OPENAI.whole(two, vectors([1.0], [0.5]))[0].outcome is Outcome.OK
    assert OPENAI.whole(embedding(TOKENS), vectors([1.0]))[0].outcome is Outcome.OK


@given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_has_an_outcome(body: bytes) -> None:
    for call in (embedding(), completion()):
        assert OPENAI.whole(call, body)[0].outcome is not Outcome.ABANDONED
        assert OPENAI.refusal(call, 500, {}, body).outcome is not Outcome.OK


# The provider's half: completions.


def test_a_whole_completion_tells_its_usage_and_whether_it_broke_off() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    body = {"choices": [{"text": "upon a time", "finish_reason": "stop"}], "usage": usage}
    report = OPENAI.whole(completion(), json.dumps(body).encode())[0]
    assert (report.outcome, report.input_tokens, report.output_tokens) == (Outcome.OK, 7, 3)
    body = {"choices": [{"text": "upon", "finish_reason": "error"}]}
    assert OPENAI.whole(completion(), json.dumps(body).encode())[0].outcome is Outcome.FAILED


def test_the_text_of_a_streamed_completion_is_content() -> None:
    reader = OPENAI.reader(completion(stream=True))
    assert reader.feed(text("")) == text("")
    assert reader.content == 0
    reader.feed(text(" upon"))
    assert (reader.content, reader.ended) == (1, False)
    assert reader.feed(text(" a time", finish="length") + USAGE) == text(" a time", finish="length")
    assert (reader.content, reader.ended, reader.done) == (2, True, False)
    assert reader.usage == Usage(7, 3)
    reader.feed(DONE)
    assert reader.done


def test_every_prompt_and_every_choice_must_end() -> None:
    reader = OPENAI.reader(completion(["a", "b"], n=2, stream=True))
    for index in range(3):
        reader.feed(text("x", index) + text("", index, "stop"))
        assert not reader.ended
    reader.feed(text("x", 3))
    reader.feed(DONE)
    assert (reader.done, reader.ended) == (True, False)


def test_a_streamed_completion_that_says_that_it_failed_has() -> None:
    for broken in (
        event(error={"message": "it broke", "code": "server_error"}),
        text("", finish="error"),
        b'data: {"choices": [{"text": "upon\n\n',
    ):
        reader = OPENAI.reader(completion(stream=True))
        reader.feed(text("Once"))
        assert reader.feed(broken) == b""
        assert reader.failure is not None
        assert (reader.failure.outcome, reader.failure.phase) == (Outcome.FAILED, Phase.BODY)


# The provider's half: errors.


def refused(call: Call, status: int, **error: Any) -> tuple[Outcome, Scope]:
    body = json.dumps({"error": {"type": "invalid_request_error", "code": None, **error}})
    report = OPENAI.refusal(call, status, {}, body.encode())
    return report.outcome, report.scope


CHAT = OPENAI.parse(b'{"model":"m","messages":[]}')
UNFIT = (Outcome.UNFIT, Scope.REQUEST)


@pytest.mark.parametrize(
    ("call", "status", "message"),
    [
        (
            completion(),
            404,
            "This is a chat model and not supported in the v1/completions endpoint.",
        ),
        (CHAT, 404, "This is not a chat model … Did you mean to use v1/completions?"),
        (CHAT, 404, "This model is only supported in v1/responses and not in v1/chat/completions."),
        (embedding(), 403, "You are not allowed to generate embeddings from this model"),
        (CHAT, 403, "You are not allowed to sample from this model"),
        (embedding(), 500, "this model does not support embeddings"),
    ],
)
def test_a_model_that_does_something_else_is_neither_missing_nor_forbidden(
    call: Call, status: int, message: str
) -> None:
    assert refused(call, status, message=message) == UNFIT


@pytest.mark.parametrize("call", [completion(), embedding()])
def test_a_server_without_the_operation_is_passed_over_and_not_thought_ill(call: Call) -> None:
    for status in (404, 405, 501):
        for body in (b'{"detail":"Not Found"}', b"<html>nothing here</html>", b""):
            report = OPENAI.refusal(call, status, {}, body)
            assert (report.outcome, report.scope) == UNFIT
    assert refused(call, 501, type="not_supported_error", message="start it so") == UNFIT
    assert refused(call, 404, code="model_not_found") == (Outcome.DENIED, Scope.TARGET)
    assert refused(call, 401, message="no") == (Outcome.DENIED, Scope.PROVIDER)
    assert refused(call, 403, message="no") == (Outcome.DENIED, Scope.PROVIDER)


def test_chat_is_what_every_server_has_and_a_missing_path_denies_the_target() -> None:
    report = OPENAI.refusal(CHAT, 404, {}, b'{"detail":"Not Found"}')
    assert (report.outcome, report.scope) == (Outcome.DENIED, Scope.TARGET)


def test_what_looks_like_vectors_is_not_relayed_as_an_error() -> None:
    assert OPENAI.own_words(CHAT, vectors([1.0])) is None
    assert json.loads(OPENAI.own_words(CHAT, b'{"detail":"Not Found"}') or b"")["error"] == {
        "message": "Not Found",
        "type": "invalid_request_error",
        "param": None,
        "code": None,
    }
    assert OPENAI.own_words(CHAT, b'{"error":{"message":"m"},"data":null}') is not None


COUNTS = st.none() | st.booleans() | st.integers(-5, MOST_TOKENS + 5) | st.just(10**30) | JSON
USAGE_OBJECTS = st.fixed_dictionaries(
    {}, optional={"prompt_tokens": COUNTS, "completion_tokens": COUNTS, "details": JSON}
)


@given(USAGE_OBJECTS | JSON)
def test_whatever_form_its_usage_has_an_answer_is_one(usage: Any) -> None:
    body = json.dumps({"choices": [{"text": "x"}], "usage": usage}).encode()
    report = OPENAI.whole(completion(), body)[0]
    assert report.outcome is Outcome.OK
    counted = usage_of(msgspec.json.decode(body)["usage"])
    assert (report.input_tokens, report.output_tokens) == (counted[:2] if counted else (None, None))

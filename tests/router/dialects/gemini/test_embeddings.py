"""Vectors of a Gemini for OpenAI's clients."""

import json
import struct
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from policies import Outcome
from router.dialects.contract import Call, Unfit
from router.dialects.gemini.embeddings import MOST_TEXTS, GeminiEmbeddings
from router.dialects.gemini.foreign import GOOGLE
from router.dialects.openai.dialect import OPENAI
from tests.router.mangled import mangled

EMBEDDINGS = GeminiEmbeddings()
VERTEX = GeminiEmbeddings(GOOGLE)


def call(told: Any, **fields: Any) -> Call:
    body = {"model": "embed", "input": told, **fields}
    return OPENAI.parse(json.dumps(body).encode(), "embeddings")


def asked(told: Any, **fields: Any) -> tuple[str, Any, tuple[str, ...]]:
    path, body, dropped = EMBEDDINGS.ask(call(told, **fields), "m", ask_usage=True)
    return path, json.loads(body), dropped


def answered(*vectors: Any, **fields: Any) -> bytes:
    return json.dumps({"embeddings": [{"values": one} for one in vectors], **fields}).encode()


def test_each_text_is_a_request_of_one_call():
    path, body, dropped = asked(["a", "b"], dimensions=2, user="u", encoding_format="float")
    assert path == "/models/m:batchEmbedContents"
    text = {"model": "models/m", "outputDimensionality": 2}
    assert body["requests"] == [
        {**text, "content": {"parts": [{"text": "a"}]}},
        {**text, "content": {"parts": [{"text": "b"}]}},
    ]
    assert dropped == ("user",)
    assert len(asked("a")[1]["requests"]) == 1


@pytest.mark.parametrize(
    ("model", "path", "body"),
    [
        (
            "gemini-embedding-001",
            "/publishers/google/models/gemini-embedding-001:batchEmbedContents",
            {"requests": [{"content": {"role": "user", "parts": [{"text": "a"}]},
                           "embedContentConfig": {"outputDimensionality": 2}}]},
        ),
        (
            "text-embedding-005",
            "/publishers/google/models/text-embedding-005:predict",
            {"instances": [{"content": "a"}], "parameters": {"outputDimensionality": 2}},
        ),
    ],
)  # fmt: skip
def test_vertex_ai_is_asked_by_the_kind_of_its_model(model: str, path: str, body: Any):
    told, sent, _ = VERTEX.ask(call("a", dimensions=2), model, ask_usage=True)
    assert (told, json.loads(sent)) == (path, body)


def test_predictions_are_vectors_and_their_tokens_are_summed_up():
    vectors = [{"values": [one], "statistics": {"token_count": 3}} for one in (1, 2)]
    body = json.dumps({"predictions": [{"embeddings": one} for one in vectors]}).encode()
    report, told = VERTEX.whole(call(["a", "b"]), body)
    assert [one["embedding"] for one in json.loads(told)["data"]] == [[1], [2]]
    assert (report.input_tokens, report.estimated) == (6, False)


@pytest.mark.parametrize("told", [[1, 2], [[1], [2]], ["a", 1], ["a"] * (MOST_TEXTS + 1)])
def test_tokens_and_more_than_it_takes_make_it_unfit(told: Any):
    with pytest.raises(Unfit):
        asked(told)


def test_the_answer_is_openai_s_with_tokens_counted_or_estimated():
    counted = answered([0.5, -1], [1, 2], usageMetadata={"promptTokenCount": 7})
    report, body = EMBEDDINGS.whole(call(["a", "b"]), counted)
    assert (report.outcome, report.input_tokens, report.estimated) == (Outcome.OK, 7, False)
    told = CreateEmbeddingResponse.model_validate_json(body, strict=True)
    assert [one.embedding for one in told.data] == [[0.5, -1], [1, 2]]
    assert [one.index for one in told.data] == [0, 1]
    assert told.usage.prompt_tokens == 7
    asked_for = call(["a", "b"])
    report, _ = EMBEDDINGS.whole(asked_for, answered([1], [2]))
    assert (report.input_tokens, report.estimated) == (asked_for.input_tokens, True)


def test_base64_is_packed_here():
    _, body = EMBEDDINGS.whole(call("a", encoding_format="base64"), answered([0.5, -1.25]))
    packed = json.loads(body)["data"][0]["embedding"]
    assert struct.unpack("<2f", b64decode(packed)) == (0.5, -1.25)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", answered([1]), answered([1], []), answered([1], None), answered([1], "x"),
     answered(["a"], ["b"]), b'{"error":{"code":500,"message":"m","status":"INTERNAL"}}',
     b'[{"error":{"code":500,"message":"m","status":"INTERNAL"}}]'],
)  # fmt: skip
def test_half_of_the_vectors_is_a_failure(body: bytes):
    report, _ = EMBEDDINGS.whole(call(["a", "b"], encoding_format="base64"), body)
    assert report.outcome is Outcome.FAILED


def test_a_refusal_is_told_in_openai_s_words():
    body = b'{"error":{"code":404,"message":"models/m is not found","status":"NOT_FOUND"}}'
    report = EMBEDDINGS.refusal(call("a"), 404, {}, body)
    assert report.outcome is Outcome.DENIED
    told = EMBEDDINGS.own_words(call("a"), body)
    assert told is not None
    assert json.loads(told)["error"]["message"] == "models/m is not found"
    assert EMBEDDINGS.own_words(call("a"), b"<html>") is None


@given(mangled([answered([0.5], [1]), b'[{"error":{"code":500}}]']), st.booleans())
def test_no_bytes_raise_out_of_it(data: bytes, packed: bool):
    wanted = {"encoding_format": "base64"} if packed else {}
    report, body = EMBEDDINGS.whole(call(["a", "b"], **wanted), data)
    if report.outcome is Outcome.OK:
        json.loads(body)
    EMBEDDINGS.own_words(call("a"), data)

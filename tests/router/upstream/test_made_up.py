"""What simulated targets say when they are asked for a text's rest, or for vectors."""

import json
from base64 import b64decode
from math import sqrt
from struct import unpack
from typing import Any

import pytest

from router.dialects.openai.dialect import OPENAI
from router.upstream.made_up import DIMENSIONS, MOST_INPUTS, MOST_NUMBERS, Behaviour, Line, script
from router.upstream.read_before import ReadBefore

BEHAVIOUR = Behaviour(first_token=0.2, tokens_per_second=10, output_tokens=5)


def said(
    path: str, behaviour: Behaviour = BEHAVIOUR, model: str = "m", **fields: Any
) -> list[Line]:
    return list(script(path, behaviour, model, 1, json.dumps(fields).encode(), ReadBefore().read))


def vectors(given: Any, behaviour: Behaviour = BEHAVIOUR, model: str = "m", **fields: Any) -> Any:
    (line,) = said("/embeddings", behaviour, model, input=given, **fields)
    assert line.status == 200
    told = json.loads(line.data)
    assert told["model"] == model
    return [one["embedding"] for one in told["data"]]


def test_a_vector_has_length_1_and_the_size_that_was_asked_for() -> None:
    for size in (1, 8, DIMENSIONS, 4096):
        (vector,) = vectors("a text", dimensions=size)
        assert len(vector) == size
        assert sqrt(sum(number * number for number in vector)) == pytest.approx(1)
    assert len(vectors("a text")[0]) == DIMENSIONS


def test_equal_texts_have_equal_vectors_and_nothing_else_has() -> None:
    first, second, third = vectors(["one", "two", "one"])
    assert first == third != second
    assert vectors("one") == [first]
    assert vectors("one", Behaviour(seed=2)) != [first]
    assert vectors("one", model="other") != [first]
    assert vectors([7, 8]) == vectors([[7, 8], [9]])[:1]


def test_both_encodings_say_the_same() -> None:
    (floats,) = vectors("one", dimensions=4)
    (packed,) = vectors("one", dimensions=4, encoding_format="base64")
    assert list(unpack("<4f", b64decode(packed))) == pytest.approx(floats)


def test_vectors_come_when_a_first_token_would() -> None:
    (line,) = said("/embeddings", input="one")
    assert line.wait == 0.2
    usage = json.loads(line.data)["usage"]
    assert usage["prompt_tokens"] == usage["total_tokens"] > 0


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/embeddings", {"input": "a", "dimensions": 0}),
        ("/embeddings", {"input": "a", "dimensions": "8"}),
        ("/embeddings", {"input": "a", "dimensions": MOST_NUMBERS + 1}),
        ("/embeddings", {"input": ["a"] * (MOST_INPUTS + 1)}),
        ("/embeddings", {"input": ["a"] * 1000, "dimensions": 4096}),
        ("/embeddings", {"input": []}),
        ("/completions", {"prompt": []}),
        ("/completions", {"prompt": ["a"] * (MOST_INPUTS + 1)}),
        ("/chat/completions", {"stream_options": []}),
    ],
)
def test_what_is_wrong_is_refused_as_a_provider_would(path: str, fields: dict[str, Any]) -> None:
    (line,) = said(path, **fields)
    assert line.status == 400
    assert json.loads(line.data)["error"]["type"] == "invalid_request_error"


def test_a_text_is_completed_for_each_prompt() -> None:
    for prompt, number in (("a", 1), (["a", "b"], 2), ([1, 2, 3], 1), ([[1], [2]], 2), (None, 1)):
        (line,) = said("/completions", prompt=prompt, n=2)
        told = json.loads(line.data)
        assert told["object"] == "text_completion"
        assert [choice["index"] for choice in told["choices"]] == list(range(2 * number))
        assert {choice["text"] for choice in told["choices"]} == {"This answer is simulated: no"}
        assert told["usage"]["completion_tokens"] == 10 * number


def test_a_streamed_text_comes_word_by_word_and_is_read_as_one() -> None:
    lines = said("/completions", prompt=["a", "b"], stream=True)
    assert [line.wait for line in lines] == pytest.approx([0.2, 0.1, 0.1, 0.1, 0.1, 0.0, 0.0])
    body = b'{"model":"m","prompt":["a","b"],"stream":true}'
    reader = OPENAI.reader(OPENAI.parse(body, "completions"))
    for line in lines:
        reader.feed(line.data)
    assert (reader.content, reader.ended, reader.done, reader.failure) == (10, True, True, None)


def test_a_target_that_fails_fails_whatever_it_is_asked() -> None:
    broken = Behaviour(error_rate=1.0)
    for path, fields in (("/embeddings", {"input": "a"}), ("/completions", {"prompt": "a"})):
        (line,) = said(path, broken, **fields)
        assert line.status == 500

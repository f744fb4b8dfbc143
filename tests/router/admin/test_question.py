"""A question is read with the words of the file."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Band
from router.admin.question import READERS, BadQuestion, Question, Sent, decoded, encoded, read
from router.config.written import WrittenConditions
from router.dialects.openai.dialect import OPENAI


def test_whatever_a_start_rule_can_ask_can_be_asked_about():
    conditions = {field.alias or name for name, field in WrittenConditions.model_fields.items()}
    assert conditions <= READERS.keys()
    assert READERS.keys() >= OPENAI.FEATURES
    assert tuple(READERS) == Question.__struct_fields__


def test_what_is_not_said_is_not_asked():
    assert read({"model": "chat"}) == Question("chat")
    assert read({"model": "chat", "tools": None, "output_tokens": None}) == Question("chat")


@pytest.mark.parametrize("count", [8000, "8k", "8_000", 8e3])
def test_counts_are_written_as_in_the_file(count: object):
    told = read({"model": "chat", "input_tokens": count, "output_tokens": count})
    assert (told.input_tokens, told.output_tokens) == (8000, 8000)


@pytest.mark.parametrize("band", Band)
def test_a_priority_goes_by_the_name_that_callers_use(band: Band):
    assert read({"model": "chat", "priority": band.name.lower()}).priority == band.name.lower()


def test_a_question_that_is_sent_on_is_the_same_question():
    flags = ("stream", "tools", "schema", "images", "documents", "audio", "code")
    asked: dict[str, Any] = {
        **dict.fromkeys(flags, True),
        "priority": "critical",
        "tenant": "team",
        "target": "sim/fast",
        "says": "So?",
        "turns": 3,
        "last_tokens": 0,
        "metadata": {"a": "b"},
    }
    question = Question("chat", 10**12, 7, **asked)
    for told in (question, Question("chat")):
        assert decoded(msgspec.json.encode(told)) == told


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "model is missing; "),
        ({"model": None}, "model is missing; "),
        ({"model": ""}, "model has no value; "),
        ({"model": 7}, 'model "7" is not text; quote it'),
        ({"schemas": True}, 'unknown field "schemas"; did you mean "schema"?'),
        ({"max_tokens": 7}, 'unknown field "max_tokens"; did you mean '),
        ({"images": 1}, 'images "1" is neither true nor false; write true or false'),
        ({"stream": "yes"}, 'stream "yes" is neither true nor false; write true or false'),
        ({"input_tokens": ">8k"}, 'input_tokens ">8k" is not a count; write it as 64, '),
        ({"input_tokens": 1.5}, 'input_tokens "1.5" is not whole; write it as 64, '),
        ({"output_tokens": -1}, 'output_tokens "-1" is not a count; write it as 64, '),
        ({"output_tokens": True}, "output_tokens is not a count; write it as 64, "),
        ({"metadata": ["a"]}, "metadata is not a mapping; write it as {name: value}"),
        ({"metadata": {"a": 1}}, "metadata is not text; quote it"),
        ({"turns": 0}, 'turns "0" must be at least 1; write 1 or more'),
        ({"priority": "sheddible"}, 'priority "sheddible" is not known here; did you mean "shedd'),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(asked: dict[str, Any], words: str):
    with pytest.raises(BadQuestion) as caught:
        read({"model": "chat", **asked} if "model" not in asked and asked else asked)
    assert str(caught.value).startswith(words)


FIELDS = st.sampled_from([*READERS, "tool", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=4,
)


@given(st.binary() | st.dictionaries(FIELDS, VALUES).map(msgspec.json.encode))
def test_any_body_is_a_question_or_a_bad_one(body: bytes):
    with suppress(BadQuestion):
        question = decoded(body)
        assert isinstance(question, Question)
        assert question.model
        assert question.input_tokens >= 0


# a request's own body


def test_a_body_stands_there_as_it_would_come_or_as_a_text():
    written = b'{ "model":"chat",  "n" : 1.0, "model": "other" }'
    beside = b'"path": "/v1/messages", "tenant": "team", "priority": "critical", "target": "a/b"'
    for body in (written, msgspec.json.encode(written.decode())):
        told = decoded(b'{"body": ' + body + b", " + beside + b"}")
        assert told == Sent(written, "/v1/messages", "critical", "team", "a/b")
    assert decoded(b'{"body": null, "model": "chat"}') == Question("chat")


@given(st.text().map(str.encode) | VALUES.map(msgspec.json.encode))
def test_a_body_that_is_sent_on_is_the_same_body(body: bytes):
    sent = Sent(body, "/v1/embeddings", priority="sheddable")
    assert decoded(encoded(sent)) == sent


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"model": "chat"}, "model stands in the body; leave it out beside it"),
        ({"stream": True}, "stream stands in the body; "),
        ({"paht": "/v1/messages"}, 'unknown field "paht"; did you mean "path"?'),
        ({"path": "/v1/mesages"}, 'path "/v1/mesages" is not known here; did you mean "/v1/mess'),
        ({"path": 7}, 'path "7" is not known here; '),
        ({"priority": "high"}, 'priority "high" is not known here; '),
    ],
)
def test_beside_a_body_stands_only_what_is_none_of_it(beside: dict[str, Any], words: str):
    with pytest.raises(BadQuestion) as caught:
        decoded(msgspec.json.encode({"body": {"model": "chat"}, **beside}))
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    "told", [b'{"body": {', rb'{"body": "\ud800"}', b'{"body": ' + b"[" * 9999]
)
def test_a_question_that_is_no_json_is_a_bad_one(told: bytes):
    with pytest.raises(BadQuestion, match="as JSON"):
        decoded(told)

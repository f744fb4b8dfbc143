"""What was said last, as far as a request's start may hang on it, in every client's dialect."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from router.dialects.anthropic.dialect import Anthropic
from router.dialects.openai.dialect import OPENAI
from router.dialects.reading import ENDS, MOST, READ, Last, features, unknown
from router.dialects.relayed.dialect import Relayed
from router.dialects.responses.dialect import Responses

ALL = frozenset({*READ, "text", "says:why", "says:step by step", "metadata:team=a"})
CODE = "```python\nprint(1)\n```"


def chat(*messages: Any, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"model": "m", "messages": messages, **fields}).encode()
    return dict(OPENAI.features(OPENAI.parse(body), ALL))


def anthropic(*messages: Any, **fields: Any) -> dict[str, Any]:
    dialect = Anthropic()
    body = json.dumps({"model": "m", "messages": messages, "max_tokens": 9, **fields}).encode()
    return dict(dialect.features(dialect.parse(body), ALL))


def responses(*items: Any, **fields: Any) -> dict[str, Any]:
    body = json.dumps({"model": "m", "input": items, **fields}).encode()
    return dict(Responses().features(Responses().parse(body), ALL))


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


KINDS: dict[str, tuple[Callable[..., dict[str, Any]], str]] = {
    "chat": (chat, "text"),
    "messages": (anthropic, "text"),
    "responses": (responses, "input_text"),
}


@pytest.mark.parametrize(("asked", "part"), KINDS.values(), ids=KINDS)
class TestEveryDialect:
    def test_the_last_message_of_the_user_is_looked_into_and_no_other(
        self, asked: Any, part: str
    ) -> None:
        found = asked(user("Why?"), assistant("Step by step."), user(f"Do it. {CODE}"))
        assert found["text"] == f"Do it. {CODE}"
        assert (found["says:why"], found["says:step by step"]) == (False, False)
        assert (found["turns"], found["code"]) == (2, True)

    def test_what_others_said_after_it_changes_nothing(self, asked: Any, part: str) -> None:
        found = asked(user("And why, step by step?"), assistant("Because"))
        assert (found["says:why"], found["says:step by step"], found["turns"]) == (True, True, 1)

    def test_parts_count_as_one_text(self, asked: Any, part: str) -> None:
        texts = [{"type": part, "text": "WHY?"}, {"type": "image"}, {"type": part, "text": "step"}]
        found = asked(user(texts))
        assert found["text"] == "WHY?\nstep"
        assert found["says:why"]

    def test_a_role_that_stands_last_is_found_as_well(self, asked: Any, part: str) -> None:
        late = {"content": "Why so late? " * 20, "role": "user"}
        assert asked(assistant("No."), late)["says:why"]

    def test_a_word_is_a_word_and_no_part_of_one(self, asked: Any, part: str) -> None:
        for text, is_there in (
            ("why", True),
            ("So.\nWhy\u2026", False),  # what is beyond ASCII belongs to the word
            ("(why)", True),
            ("whyever", False),
            ("why's", False),
            ("not\\why", True),
            ("step\nby\tstep", True),
        ):
            found = asked(user(text))
            assert (found["says:why"] or found["says:step by step"]) is is_there, text

    def test_metadata_is_compared_by_pairs(self, asked: Any, part: str) -> None:
        assert asked(user("x"), metadata={"team": "a", "b": "c"})["metadata:team=a"]
        others: list[Any] = [{"team": "b"}, {"team": 1}, {}, None, [], {"team": "a" * 9000}]
        for metadata in others:
            assert not asked(user("x"), metadata=metadata)["metadata:team=a"]

    def test_without_anything_said_there_is_nothing(self, asked: Any, part: str) -> None:
        for messages in ((assistant("Why?"),), (user(None),), (user([{"type": part}]),)):
            found = asked(*messages)
            assert (found["text"], found["says:why"], found["code"]) == ("", False, False)
            assert found["last_tokens"] == 0

    def test_of_a_long_conversation_only_the_end_is_read(self, asked: Any, part: str) -> None:
        many = [user(f"Why {i}? " + "x" * 500) for i in range(1000)]
        found = asked(*many, assistant("So."), user("Now do it."))
        assert found["text"] == "Now do it."
        assert 50 < found["turns"] < 200


def test_what_tools_answer_is_not_what_the_user_said():
    result = [{"type": "tool_result", "tool_use_id": "t", "content": "Why not?"}]
    use = [{"type": "tool_use", "id": "t", "name": "look", "input": {"role": "user"}}]
    found = anthropic(user("Step by step, please."), assistant(use), user(result))
    assert (found["says:step by step"], found["says:why"]) == (True, False)
    loop = [step for _ in range(40) for step in (assistant(use), user(result))]
    assert anthropic(user("Step by step, please."), *loop)["says:step by step"]
    called = {"role": "tool", "tool_call_id": "t", "content": "Why not?"}
    assert chat(user("Step by step, please."), called)["says:step by step"]


def test_a_text_that_stands_for_messages_is_what_was_said():
    body = json.dumps({"model": "m", "input": "Why?"}).encode()
    found = Responses().features(Responses().parse(body), ALL)
    assert (found["says:why"], found["turns"]) == (True, 1)
    call = OPENAI.parse(json.dumps({"model": "m", "prompt": "Why?"}).encode(), "completions")
    assert OPENAI.features(call, ALL)["says:why"]
    call = OPENAI.parse(json.dumps({"model": "m", "input": "Why?"}).encode(), "embeddings")
    assert not OPENAI.features(call, ALL)["says:why"]


def test_what_is_only_relayed_says_nothing():
    call = Relayed().parse(b'{"model": "m", "input": "Why?"}')
    assert Relayed().features(call, ALL) == {}


def test_a_long_text_is_looked_into_at_its_beginning_and_at_its_end():
    middle = "x " * ENDS
    assert chat(user(f"Why? {middle}"))["says:why"]
    assert chat(user(f"{middle} why?"))["says:why"]
    assert not chat(user(f"{middle} why {middle}"))["says:why"]


def test_of_a_text_longer_than_what_is_read_the_end_is_there():
    found = chat(user("x " * MOST + "\nstep by step"))
    assert found["says:step by step"]
    assert len(found["text"]) <= MOST
    assert found["turns"] == 1
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 2 * MOST}}
    assert chat(user([{"type": "text", "text": "Why?"}, image]))["last_tokens"] == 0


def test_its_length_in_tokens_is_estimated_like_the_bodys():
    assert 60 <= chat(user("all of these words " * 20))["last_tokens"] <= 110
    long = chat(user("all of these words " * 2000))["last_tokens"]
    assert 6_000 <= long <= 11_000


@pytest.mark.parametrize(
    ("text", "is_code"),
    [
        (CODE, True),
        ("int main() {\n  return 0;\n}", True),
        ("def f(x):\n    return x", True),
        ("<a>b</a>; so\n", False),
        ("What is the price of {name}?", False),
        ("Undefined: def is a word", False),
    ],
)
def test_code_is_told_by_a_fence_or_by_two_signs(text: str, is_code: bool):
    assert chat(user(text))["code"] is is_code


def test_needs_that_nobody_looks_for_are_known_before_a_request_comes():
    needs = frozenset({"tools", "code", "turns", "says:x", "metadata:a=b", "text", "mood"})
    assert unknown(needs, OPENAI.FEATURES) == {"text", "mood"}


def test_where_nobody_asks_what_was_said_nothing_of_it_is_read():
    class Guarded(dict[str, Raw]):
        def get(self, name: str, default: Any = None) -> Any:
            raise AssertionError(f"{name} is read")

    extract = {"tools": lambda _: True}
    assert features(Guarded(), frozenset(), extract) == {}
    assert features(Guarded(), frozenset({"tools"}), extract) == {"tools": True}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("user"),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.sampled_from(["role", "content", "text", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.binary(min_size=1) | JSON.map(lambda told: json.dumps(told).encode()))
def test_whatever_the_bytes_are_it_never_raises(written: bytes):
    fields = {"messages": Raw(written), "metadata": Raw(written)}
    found = features(fields, ALL, {})
    assert found.keys() == ALL
    assert isinstance(found["text"], str)
    assert found["last_tokens"] >= 0


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=1, max_size=60), st.sampled_from([b"[", b'"', b'[{"role":"user"']))
def test_what_is_read_is_bounded_whatever_it_is_made_of(piece: bytes, begin: bytes):
    last = Last(Raw(begin + piece * (3 * MOST // len(piece))))
    assert len(last.text) <= MOST
    assert len(last.words()) <= 8 * ENDS + 3


@given(st.lists(st.tuples(st.booleans(), st.text(max_size=30)), min_size=1, max_size=8))
def test_the_last_message_is_the_last_message(said: list[tuple[bool, str]]):
    messages = [user(text) if own else assistant(text) for own, text in said]
    own = [text for mine, text in said if mine]
    found = chat(*messages)
    expected = own[-1] if own else ""
    try:
        expected.encode()
    except UnicodeEncodeError:
        return
    assert found["text"] == expected
    # A text that is this word counts as a role: nobody pays for the difference.
    assert found["turns"] >= len(own)

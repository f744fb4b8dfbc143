"""What is said for clients about the caches of providers, and what it is made of."""

from __future__ import annotations

import json
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.prompts import keeps_points
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.bedrock.foreign import BEDROCK
from router.dialects.contract import Call, Operation
from router.dialects.hints import BEFORE, FEW, KEY, MARK, MOST_SAID, SIZE, Hint, key_of
from router.dialects.interpreter import Interpreter
from router.dialects.openai.dialect import OPENAI
from router.dialects.responses.dialect import RESPONSES

SYSTEM = {"role": "system", "content": "Be brief."}
HI = {"role": "user", "content": "Hi, who is it?"}
WHO = {"role": "user", "content": "Who are you?"}
SAID = {"role": "assistant", "content": "Nobody."}
PARSE = {"chat": OPENAI.parse, "messages": ANTHROPIC.parse, "responses": RESPONSES.parse}
MARKED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}


def call_of(operation: Operation = "chat", **fields: Any) -> Call:
    least = {"max_tokens": 9} if operation == "messages" else {}
    return PARSE[operation](json.dumps({"model": "m", **least, **fields}).encode(), operation)


def key(tenant: str = "t", session: str | None = None, **fields: Any) -> str | None:
    operation: Operation = "responses" if "input" in fields else "chat"
    return key_of(call_of(operation, **fields).fields, tenant, session)


def test_a_key_stays_along_a_conversation_and_differs_between_two() -> None:
    one = key(messages=[SYSTEM, HI])
    assert one is not None
    assert len(one) == 2 * SIZE
    assert key(messages=[SYSTEM, HI, SAID, WHO]) == one
    assert key(messages=[SYSTEM, HI, SAID, WHO, SAID], temperature=1, stream=True) == one
    others = [
        key(messages=[SYSTEM, WHO]),
        key(messages=[HI]),
        key(messages=[SYSTEM, HI], tools=[{"type": "function", "function": {"name": "f"}}]),
        key("another", messages=[SYSTEM, HI]),
        key("t\nHi", messages=[SYSTEM, HI]),
    ]
    assert len({one, *others}) == 6


def test_a_session_is_a_name_whatever_is_said_in_it() -> None:
    one = key(session="s", messages=[SYSTEM, HI])
    assert key(session="s", messages=[WHO]) == one
    assert key("another", "s", messages=[WHO]) != one
    assert key(session="r", messages=[WHO]) != one


def test_items_and_texts_have_keys_as_messages_have() -> None:
    one = key(input=[HI], instructions="Be brief.")
    assert key(input=[HI, SAID, WHO], instructions="Be brief.") == one != key(input=[HI])
    assert key(input="Hi") == key(input="Hi") != key(input="Ho")
    assert key(input="Hi", conversation="conv_1") == key(input="Ho", conversation="conv_1")


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [SYSTEM]},
        {"messages": []},
        {"messages": [SYSTEM] * BEFORE + [HI]},
        {"messages": ["user", 1, None, [HI]]},
        {"input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]},
        {"input": "Go on.", "previous_response_id": "resp_1"},
        {"messages": [{"role": "system", "content": "x" * MOST_SAID}, HI]},
    ],
)
def test_where_it_is_not_to_be_seen_how_a_conversation_begins_there_is_no_key(
    fields: dict[str, Any],
) -> None:
    assert key(**fields) is None


@pytest.mark.parametrize("size", [FEW - 40, FEW, FEW + 1, MOST_SAID - 60, MOST_SAID, 200_000])
def test_a_long_first_message_counts_as_far_as_it_is_read(size: int) -> None:
    long = {"role": "user", "content": "ä" * (size // 6)}
    one = key(messages=[SYSTEM, long])
    assert one is not None
    assert key(messages=[SYSTEM, long, SAID, HI]) == one
    assert key(messages=[SYSTEM, {**long, "content": "o" + long["content"]}]) != one


def test_marks_that_move_on_make_no_other_conversation() -> None:
    first = {"role": "user", "content": [{"type": "text", "text": "x"}]}
    marked = {"role": "user", "content": [MARKED]}
    assert key(messages=[marked]) == key(messages=[first, SAID, marked])


@given(
    st.lists(st.sampled_from([SYSTEM, HI, WHO, SAID]), max_size=5),
    st.lists(st.sampled_from([HI, WHO, SAID]), max_size=5),
    st.text(max_size=20),
    st.booleans(),
)
def test_what_follows_the_first_message_of_a_user_changes_no_key(
    before: list[Any], after: list[Any], text: str, ascii_only: bool
) -> None:
    opening = [*before, {"content": text, "role": "user"}]

    def written(messages: list[Any]) -> str | None:
        body = json.dumps({"model": "m", "messages": messages}, ensure_ascii=ascii_only)
        return key_of(OPENAI.parse(body.encode("utf-8", "replace")).fields, "t", None)

    assert written(opening) == written([*opening, *after]) is not None


@given(st.binary(max_size=200))
def test_whatever_stands_there_a_key_is_made_or_not(said: bytes) -> None:
    key_of({"messages": b"[" + said, "tools": said}, "t", None)  # type: ignore[dict-item]


def test_deep_nesting_is_no_conversation() -> None:
    deep = b"[" + b'{"a":' * 20_000 + b"1" + b"}" * 20_000 + b"]"
    assert key_of({"messages": deep}, "t", None) is None  # type: ignore[dict-item]


@pytest.mark.parametrize("operation", ["chat", "messages", "responses"])
def test_a_key_is_set_where_the_client_sent_none(operation: Operation) -> None:
    said: Any = {"input": "Hi"} if operation == "responses" else {"messages": [HI]}
    call = call_of(operation, **said)
    made = key_of(call.fields, "t", None)
    assert Hint("key", 1_024).fields(call, "t", None) == {KEY: f'"{made}"'.encode()}
    for own in ("mine", None):
        assert Hint("key").fields(call_of(operation, **said, prompt_cache_key=own), "t", "s") == {}


@pytest.mark.parametrize(
    "own",
    [
        {"cache_control": {"type": "ephemeral"}},
        {"system": [MARKED]},
        {"tools": [{"name": "f", "input_schema": {}, "cache_control": None}]},
        {"messages": [{"role": "user", "content": [MARKED]}]},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "text",
                            "text": "x",
                            "prompt_cache_breakpoint": {"mode": "explicit"},
                        }
                    ],
                }
            ]
        },
    ],
)
@pytest.mark.parametrize("word", ["mark", "points"])
def test_marks_of_the_clients_own_are_left_alone(own: dict[str, Any], word: Any) -> None:
    call = call_of("messages", **{"messages": [HI], **own})
    assert Hint(word).fields(call, "t", None) == {}
    assert Hint(word).pointed(call, b"as it was") == b"as it was"


def test_nor_is_a_mark_that_is_spelt_otherwise() -> None:
    own = b'"cache\\u005fcontrol": {"type": "ephemeral", "ttl": "1h"}'
    call = ANTHROPIC.parse(b'{"model": "m", "max_tokens": 9, "messages": [], %b}' % own, "messages")
    assert Hint("mark").fields(call, "t", None) == {}


def test_blanks_in_a_body_are_read_once() -> None:
    blanks = b" " * (MOST_SAID - 100)
    said = b'[{"role": "user",%b"content": "Hi", "cache_control": {}}]' % blanks
    fields = OPENAI.parse(b'{"model": "m", "messages": %b}' % said, "chat").fields
    began = process_time()
    assert key_of(fields, "t", None)
    assert process_time() - began < 1


def test_a_mark_is_set_from_the_least_on_that_is_cached() -> None:
    call = call_of("messages", messages=[{"role": "user", "content": 'a "cache_control" ' * 100}])
    tokens = call.input_tokens
    assert Hint("mark", tokens).fields(call, "t", None) == MARK
    assert Hint("mark", tokens + 1).fields(call, "t", None) == {}
    call.counted = {"o200k_base": tokens + 1}
    assert Hint("mark", tokens + 1).fields(call, "t", None) == MARK


@pytest.mark.parametrize("system", [[], [SYSTEM]])
@pytest.mark.parametrize("messages", [[HI], [HI, SAID, {"role": "user", "content": ["]}]", "]}"]}]])
def test_points_stand_after_what_is_common_and_after_all(
    system: list[Any], messages: list[Any]
) -> None:
    texts = [
        {**message, "content": [{"type": "text", "text": text} for text in message["content"]]}
        if isinstance(message["content"], list)
        else message
        for message in messages
    ]
    call = call_of(messages=[*system, *texts])
    _, body, _ = Interpreter(OPENAI, BEDROCK).ask(call, "anthropic.claude", ask_usage=False)
    assert Hint("points", call.input_tokens + 1).pointed(call, body) == body
    pointed, expected = json.loads(Hint("points").pointed(call, body)), json.loads(body)
    point = {"cachePoint": {"type": "default"}}
    expected["messages"][-1]["content"].append(point)
    if system:
        expected["system"].append(point)
    assert pointed == expected


@pytest.mark.parametrize(
    ("model", "keeps"),
    [
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", True),
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", True),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", True),
        ("anthropic.claude-opus-5-v1:0", True),
        ("amazon.nova-pro-v1:0", True),
        ("amazon.nova-2-lite-v1:0", True),
        ("anthropic.claude-3-5-sonnet-20240620-v1:0", False),
        ("anthropic.claude-3-haiku-20240307-v1:0", False),
        ("anthropic.claude-v2:1", False),
        ("anthropic.claude-instant-v1", False),
        ("meta.llama3-3-70b-instruct-v1:0", False),
    ],
)
def test_points_are_for_models_that_are_known_to_take_them(model: str, keeps: bool) -> None:
    assert keeps_points(model) is keeps

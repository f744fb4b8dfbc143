import asyncio
import json
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.contract import Call, Operation
from router.dialects.openai.dialect import OPENAI
from router.dialects.relayed.dialect import RELAYED
from router.dialects.responses.dialect import RESPONSES
from router.tokenizers.counting import AT_ONCE, PIECE, Counting, Tokenizer, counts

CHARACTERS = Tokenizer("characters", lambda text: [0] * len(text))
WORDS = Tokenizer("words", lambda text: [0] * len(text.split()))
DIALECTS: dict[Operation, Any] = {
    "responses": RESPONSES,
    "messages": ANTHROPIC,
    "count_tokens": ANTHROPIC,
    "moderations": RELAYED,
}


def call(operation: Operation = "chat", **fields: object) -> Call:
    body = json.dumps({"model": "m", **fields}).encode()
    parsed: Call = DIALECTS.get(operation, OPENAI).parse(body, operation)
    return parsed


def words(operation: Operation = "chat", **fields: object) -> int:
    return counts(call(operation, **fields), (WORDS,))["words"]


def user(content: object, **more: object) -> dict[str, object]:
    return {"role": "user", "content": content, **more}


def test_a_message_is_its_text_and_four_tokens_and_an_answer_begins_with_three() -> None:
    assert words(messages=[user("one two")]) == 2 + 4 + 3
    assert words(messages=[user("one two"), {"role": "system", "content": "three"}]) == 3 + 8 + 3


def test_a_name_is_one_token_more_than_itself() -> None:
    assert words(messages=[user("one", name="ann")]) == 1 + (1 + 1) + 4 + 3


def test_the_same_text_counts_the_same_in_every_dialect() -> None:
    messages = [user("one two three")]
    one = words(messages=messages)
    assert words("messages", messages=messages, max_tokens=9) == one
    assert words("count_tokens", messages=messages) == one
    assert words("responses", input="one two three") == one


def test_each_result_of_a_tool_is_a_message_of_its_own() -> None:
    asked = {"type": "function", "id": "1", "function": {"name": "look", "arguments": '{"at": 1}'}}
    conversation: list[dict[str, Any]] = [
        user("one"),
        {"role": "assistant", "tool_calls": [asked]},
        {"role": "tool", "tool_call_id": "1", "content": "two three"},
        user("four"),
    ]
    # name and arguments: 1 + 2
    assert words(messages=conversation) == (1 + 3 + 2 + 1) + 4 * 4 + 3


def test_tools_and_forms_count_as_they_are_written() -> None:
    function = {"name": "look", "description": "looks at it", "parameters": {"type": "object"}}
    tools = [{"type": "function", "function": function}]
    assert words(messages=[user("one")], tools=tools) == 1 + 4 + 3 + (1 + 3 + 1)
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    assert words(messages=[user("one")], response_format=form) == 1 + 4 + 3 + (1 + 1)


def test_a_file_weighs_what_it_does_in_the_estimate() -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 4000}}
    assert words(messages=[user([{"type": "text", "text": "one"}, image])]) == 1 + 1000 + 4 + 3


@pytest.mark.parametrize(
    ("operation", "fields", "tokens"),
    [
        ("completions", {"prompt": "one two"}, {"words": 2}),
        ("embeddings", {"input": ["one two", "three"]}, {"words": 3}),
        ("embeddings", {"input": [[1, 2], [3]]}, {}),
        ("moderations", {"input": "one two"}, {}),
        ("chat", {"messages": [{"role": "nobody", "content": 1}]}, {}),
    ],
)
def test_what_has_no_text_or_cannot_be_read_is_not_counted(
    operation: Operation, fields: dict[str, object], tokens: dict[str, int]
) -> None:
    assert counts(call(operation, **fields), (WORDS,)) == tokens


def test_each_tokenizer_counts_by_its_name() -> None:
    asked = call(messages=[user("one two")])
    assert counts(asked, (WORDS, CHARACTERS)) == {"words": 9, "characters": 14}


def test_a_long_text_is_counted_in_pieces_and_none_of_it_twice() -> None:
    longest = []

    def encode(text: str) -> list[int]:
        longest.append(len(text))
        return [0] * len(text)

    assert Tokenizer("t", encode).tokens(" " * (3 * PIECE + 5)) == 3 * PIECE + 5
    assert max(longest) == PIECE


def noting(where: list[threading.Thread]) -> Callable[[str], list[int]]:
    def encode(text: str) -> list[int]:
        where.append(threading.current_thread())
        return [0] * len(text)

    return encode


async def test_what_is_short_is_counted_at_once_and_what_is_long_by_a_thread() -> None:
    where: list[threading.Thread] = []
    tokenizers = (Tokenizer("t", noting(where)),)
    assert await Counting().count(call(messages=[user("one")]), tokenizers) == {"t": 3 + 4 + 3}
    await Counting().count(call(messages=[user("x" * AT_ONCE)]), tokenizers)
    assert where[0] is threading.main_thread()
    assert where[1] is not threading.main_thread()


async def test_others_are_served_while_a_long_text_is_counted() -> None:
    begun, over = threading.Event(), threading.Event()

    def encode(text: str) -> list[int]:
        begun.set()
        assert over.wait(5)
        return []

    asked = call(messages=[user("x" * AT_ONCE)])
    counting = Counting()
    task = asyncio.create_task(counting.count(asked, (Tokenizer("t", encode),)))
    while not begun.is_set():  # noqa: ASYNC110 - of a thread
        await asyncio.sleep(0.001)
    assert counting.running == 1
    over.set()
    assert await task == {"t": 7}
    assert counting.running == 0


async def test_long_ones_are_counted_one_after_another() -> None:
    there = threading.Semaphore(1)

    def encode(text: str) -> list[int]:
        assert there.acquire(blocking=False)
        time.sleep(0.01)
        there.release()
        return []

    counting, tokenizers = Counting(), (Tokenizer("t", encode),)
    calls = [call(messages=[user("x" * AT_ONCE)]) for _ in range(4)]
    assert (
        await asyncio.gather(*(counting.count(one, tokenizers) for one in calls)) == [{"t": 7}] * 4
    )

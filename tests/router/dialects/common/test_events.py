"""Events of an answer, folded together."""

from __future__ import annotations

from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Refused,
    Said,
    Stopped,
    Thought,
    Usage,
    whole,
)
from router.dialects.common.prompt import Refusal, Text, Thinking, ToolCall


def test_pieces_of_one_text_are_one_text() -> None:
    answer = whole([Began("a", "m", 5), Said("on"), Said("ce"), Stopped("stop")])
    assert (answer.id, answer.model, answer.created) == ("a", "m", 5)
    assert answer.choices[0].parts == [Text("once")]
    assert answer.choices[0].stopped == Stopped("stop")


def test_parts_keep_their_order() -> None:
    events: list[Event] = [
        Thought("think"), Thought("ing", "sig", maker="x"), Said("a"), Refused("no"), Said("b"),
    ]  # fmt: skip
    thinking = Thinking("thinking", "x", "sig")
    assert whole(events).choices[0].parts == [thinking, Text("a"), Refusal("no"), Text("b")]


def test_arguments_go_to_the_call_of_their_number() -> None:
    events: list[Event] = [
        Called(0, "c0", "f"), Called(1, "c1", "g"), Argued(1, "{"), Argued(0, "[]"), Argued(1, "}"),
        Argued(7, "lost"),
    ]  # fmt: skip
    calls = [ToolCall("c0", "f", "[]"), ToolCall("c1", "g", "{}")]
    assert whole(events).choices[0].parts == calls


def test_choices_are_apart() -> None:
    answer = whole([Said("b", choice=1), Said("a"), Stopped("length", choice=1)])
    assert [choice.parts for choice in answer.choices] == [[Text("a")], [Text("b")]]


def test_the_last_count_counts() -> None:
    assert whole([Counted(Usage(1, 1)), Counted(Usage(3, 4, 1))]).usage == Usage(3, 4, 1)


def test_a_redacted_block_is_one_of_its_own() -> None:
    events: list[Event] = [Thought("a"), Thought(redacted="xx", maker="m"), Thought("b")]
    parts = [Thinking("a"), Thinking("", "m", None, "xx"), Thinking("b")]
    assert whole(events).choices[0].parts == parts

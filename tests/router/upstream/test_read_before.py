from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.upstream.read_before import BLOCK, LEAST, MOST, MOST_BLOCKS, ReadBefore

TURNS = [
    {"role": "user", "content": f"{turn} " + "so it was said of them " * 90} for turn in range(9)
]


def body(messages: Any = TURNS, **fields: Any) -> bytes:
    return json.dumps({"model": "m", "messages": messages, **fields}).encode()


def known(of: ReadBefore, asked: bytes) -> float:
    """Bytes that were read before."""
    return of.read(asked) * len(asked)


def test_of_a_conversation_that_goes_on_what_it_was_so_far_was_read_before() -> None:
    model, before = ReadBefore(), 0
    assert model.read(body(TURNS[:2])) == 0
    for turn in range(3, 9):
        last = len(json.dumps(TURNS[: turn - 1])) - 1  # the list was closed where it now goes on
        read = known(model, body(TURNS[:turn]))
        assert read == pytest.approx(last // BLOCK * BLOCK)
        assert read > before
        before = int(read)


def test_prompts_are_alike_as_far_as_they_begin_alike() -> None:
    model = ReadBefore()
    model.read(body())
    other = [*TURNS[:4], {"role": "user", "content": "no"}, *TURNS[5:]]
    assert known(model, body(other)) == pytest.approx(len(json.dumps(TURNS[:4])) // BLOCK * BLOCK)
    assert model.read(body([{"role": "system", "content": "at noon"}, *TURNS])) == 0


def test_what_comes_before_the_messages_in_a_body_but_is_no_prompt_changes_nothing() -> None:
    model = ReadBefore()
    model.read(body())
    again = json.dumps({"stream": True, "seed": 7, "messages": TURNS, "model": "m"}).encode()
    assert model.read(again) > 0.9
    assert model.read(body(tools=[{"type": "function", "function": {"name": "f"}}])) == 0


def test_the_rest_of_a_text_was_read_before_as_well() -> None:
    model, asked = ReadBefore(), json.dumps({"prompt": "so it was " * 900}).encode()
    assert model.read(asked) == 0
    assert model.read(asked) > 0.9


def test_short_prompts_are_never_cached() -> None:
    model, short = ReadBefore(), body([{"role": "user", "content": "x" * (LEAST - BLOCK)}])
    assert len(short) < LEAST
    assert [model.read(short) for _ in range(3)] == [0.0] * 3


def test_what_was_read_long_ago_is_forgotten_and_the_memory_is_bounded() -> None:
    model = ReadBefore()
    model.read(body())
    for number in range(MOST_BLOCKS * BLOCK // MOST + 1):
        model.read(body([{"role": "user", "content": f"{number} " + "y" * 2 * MOST}]))
        assert len(model._blocks) <= MOST_BLOCKS
    assert model.read(body()) == 0


@given(st.lists(st.sampled_from(range(9)), max_size=9), st.integers(0, 3))
def test_the_part_that_was_read_is_a_part_and_the_same_each_time(
    turns: list[int], times: int
) -> None:
    asked = body([TURNS[turn] for turn in turns])
    one, other = ReadBefore(), ReadBefore()
    for _ in range(times):
        read = one.read(asked)
        assert 0 <= read <= 1
        assert read == other.read(asked)

"""Prompts begin alike where their bytes do; nothing is decoded to see that, and no more than 64 kB
are read.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from policies import Prefix
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.beginning import MOST, ORDER, beginning
from router.dialects.openai.dialect import OPENAI

TALK = [{"role": "user", "content": f"{number} " + "so it was said " * 40} for number in range(40)]


def begins(
    *messages: Any, session: str = "", user: str = "", tenant: str = "t", **fields: Any
) -> Prefix | None:
    body = json.dumps({"model": "m", **fields, "messages": [*messages]}).encode()
    call = OPENAI.parse(body)
    return beginning(call.fields, call.input_tokens, tenant, session, user)


def keys(*messages: Any, **fields: Any) -> tuple[int, ...]:
    found = begins(*messages, **fields)
    return () if found is None else found.keys


def test_a_conversation_begins_as_it_did_a_turn_ago() -> None:
    before, after = keys(*TALK[:10]), keys(*TALK[:20])
    assert len(after) > len(before) > 2
    # The last block of the first may end in its closing bracket.
    assert after[: len(before) - 1] == before[:-1]


def test_what_differs_at_the_beginning_is_another_from_there_on() -> None:
    one, other = keys(*TALK[:10]), keys(*TALK[1:10])
    assert set(one).isdisjoint(other)
    tools = [{"type": "function", "function": {"name": "f"}}]
    assert set(one).isdisjoint(keys(*TALK[:10], tools=tools))


def test_instructions_count_where_the_dialect_has_them() -> None:
    def read(system: str) -> tuple[int, ...]:
        body = {"model": "m", "max_tokens": 5, "system": system, "messages": TALK[:10]}
        call = ANTHROPIC.parse(json.dumps(body).encode(), "messages")
        found = beginning(call.fields, call.input_tokens, "t", "", "")
        return found.keys if found is not None else ()

    assert read("Be brief.") == read("Be brief.")
    assert set(read("Be brief.")).isdisjoint(read("Be long."))


def test_what_does_not_shape_the_prompt_changes_nothing() -> None:
    assert keys(*TALK[:10], temperature=1, user="u") == keys(*TALK[:10], stream=True)


def test_a_block_stands_for_its_part_of_the_tokens() -> None:
    found = begins(*TALK[:20])
    tokens = OPENAI.parse(json.dumps({"model": "m", "messages": TALK[:20]}).encode()).input_tokens
    assert found is not None
    assert found.step * len(found.keys) == pytest.approx(tokens, rel=0.25)
    assert not found.open


def test_of_a_long_prompt_only_the_first_64_kb_are_read() -> None:
    long = [{"role": "user", "content": "x" * 3 * MOST}]
    found = begins(*long)
    assert found is not None
    assert (len(found.keys), found.open) == (32, True)
    assert begins({"role": "user", "content": "x" * 3 * MOST + "y"}) == found


def test_a_conversation_that_has_a_name_is_not_read() -> None:
    assert keys(*TALK[:2], session="s") == keys(*TALK[:9], session="s") != keys(session="r")
    assert keys(*TALK[:2], prompt_cache_key="k") == keys(*TALK[:9], prompt_cache_key="k")
    assert keys(*TALK[:2], session="s", tenant="a") != keys(*TALK[:2], session="s", tenant="b")
    assert keys(*TALK[:9], prompt_cache_key=7) == keys(*TALK[:9])


def test_a_short_prompt_begins_with_its_user_if_with_anything() -> None:
    assert begins(TALK[0]) is None
    assert keys(TALK[0], user="u") == keys(TALK[1], user="u") != ()
    assert keys(*TALK[:9], user="u") == keys(*TALK[:9], user="v")


@given(st.dictionaries(st.sampled_from([*ORDER, "prompt_cache_key"]), st.binary(max_size=5_000)))
def test_whatever_the_bytes_are_it_does_not_raise(fields: dict[str, bytes]) -> None:
    found = beginning({name: Raw(one) for name, one in fields.items()}, 100, "t", "", "")
    assert found is None or found.keys

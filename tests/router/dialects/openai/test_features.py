"""What a request brings, and what only looks as if it did."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.openai.dialect import OPENAI

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
TEXT = {"type": "text", "text": "What is this?"}
ALL = OPENAI.FEATURES


def user(*content: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content[0] if len(content) == 1 else content}]}


def brought(body: bytes, needs: frozenset[str] = ALL) -> set[str]:
    features = OPENAI.features(OPENAI.parse(body), needs)
    assert set(features) == needs
    return {name for name, there in features.items() if there}


def written(**fields: Any) -> bytes:
    return json.dumps({"model": "m", **user("hello"), **fields}).encode()


@pytest.mark.parametrize(
    ("fields", "brings"),
    [
        ({}, set()),
        ({"tools": [TOOL]}, {"tools"}),
        ({"functions": [TOOL["function"]]}, {"tools"}),
        ({"tools": []}, set()),
        ({"tools": None}, set()),
        ({"tools": [], "functions": None}, set()),
        ({"tools": {"0": TOOL}}, set()),
        ({"tools": "[1]"}, set()),
        ({"tool_choice": "auto"}, set()),
        ({"metadata": {"tools": [TOOL]}}, set()),
        (user("what are tools and image_url and json_schema?"), set()),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, {"schema"}),
        ({"response_format": {"type": "json_object"}}, set()),
        ({"response_format": {"type": "text", "json_schema": {}}}, set()),
        ({"response_format": None}, set()),
        ({"response_format": "json_schema"}, set()),
        (user(TEXT, IMAGE), {"images"}),
        (user([IMAGE]), {"images"}),
        (user("image_url"), set()),
        (user([{"type": "text", "text": '{"type": "image_url"}'}]), set()),
        ({"messages": [{"role": "user", "content": [None, 3, "image_url", []]}, 7]}, set()),
        ({"tools": [TOOL], **user(TEXT, IMAGE)}, {"tools", "images"}),
    ],
)
def test_what_it_brings_is_told_from_what_it_only_names(
    fields: dict[str, Any], brings: set[str]
) -> None:
    assert brought(written(**fields)) == brings


def test_spaces_inside_an_empty_list_do_not_fill_it() -> None:
    assert brought(b'{"model": "m", "messages": [], "tools": [ \n ]}') == set()
    assert brought(b'{"model": "m", "messages": [], "tools":\n[ {} ]}') == {"tools"}


def test_a_word_with_an_escaped_letter_is_the_same_word() -> None:
    part = b'{"type": "image\\u005furl", "image_url": {"url": "x"}}'
    body = b'{"model": "m", "messages": [{"role": "user", "content": [' + part + b"]}]}"
    assert brought(body) == {"images"}


def test_only_what_is_needed_is_looked_for() -> None:
    body = written(tools=[TOOL], **user(TEXT, IMAGE))
    assert OPENAI.features(OPENAI.parse(body), frozenset({"images"})) == {"images": True}
    assert OPENAI.features(OPENAI.parse(body), frozenset()) == {}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["image_url", "json_schema"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "content", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values, values, st.lists(values, max_size=3))
def test_whatever_stands_there_it_is_true_or_false(
    tools: Any, wanted: Any, told: list[Any]
) -> None:
    body = json.dumps({"model": "m", "messages": told, "tools": tools, "response_format": wanted})
    there = brought(body.encode())
    assert ("tools" in there) == (isinstance(tools, list) and bool(tools))


@pytest.mark.parametrize(
    ("fields", "acts"),
    [
        ({}, False),
        ({"tools": [TOOL]}, False),
        ({"tools": [{"type": "custom", "custom": {"name": "sql"}}]}, False),
        ({"tools": [TOOL, {"type": "web_search"}]}, True),
        ({"tools": [{"google_search": {}}]}, True),
        ({"tools": []}, False),
        ({"tools": None}, False),
        ({"tools": "all"}, False),
        ({"tools": [1]}, False),
        ({"web_search_options": {}}, True),
        ({"web_search_options": None}, False),
        ({"functions": [TOOL["function"]]}, False),
    ],
)
def test_a_tool_that_the_provider_runs_acts_and_one_that_the_client_runs_does_not(
    fields: dict[str, Any], acts: bool
) -> None:
    assert OPENAI.acts(OPENAI.parse(written(**fields))) is acts

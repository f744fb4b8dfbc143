"""Whole answers and refusals of a provider, as everybody else is told them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Phase
from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.anthropic.foreign import FOREIGN_ANTHROPIC
from router.dialects.common.events import Argued, Said, whole
from tests.router.dialects.anthropic.said import MESSAGE, TURN_EVENTS
from tests.router.dialects.errors.test_golden import GOLDEN, WALL, shown, written

CALL = ANTHROPIC.parse(b'{"model":"m","messages":[]}')
PRESETS = ("anthropic", "foundry", "bedrock-mantle")
ROWS = [row for preset in PRESETS for row in GOLDEN[preset]]


def test_an_answer_in_one_piece_says_what_the_stream_says() -> None:
    report, events = FOREIGN_ANTHROPIC.whole(json.dumps(MESSAGE).encode())
    assert (report.outcome, report.input_tokens, report.output_tokens) == (Outcome.OK, 15, 20)
    told, streamed = whole(events), whole(TURN_EVENTS)
    assert told.usage == streamed.usage
    assert [type(part) for part in told.choices[0].parts] == [
        type(part) for part in streamed.choices[0].parts
    ]
    assert told.choices[0].stopped == streamed.choices[0].stopped
    assert [json.loads(one.text) for one in events if isinstance(one, Argued)] == [{"a": 1}, {}]


def test_half_a_character_in_an_answer_is_replaced() -> None:
    body = json.dumps(MESSAGE).replace("Looking.", "\\ud83d").encode()
    report, events = FOREIGN_ANTHROPIC.whole(body)
    assert report.outcome is Outcome.OK
    assert Said("\N{REPLACEMENT CHARACTER}") in events


@given(
    st.dictionaries(
        st.sampled_from(["type", "content", "stop_reason", "usage", "error", "id"]),
        st.recursive(
            st.none() | st.integers() | st.text(max_size=4) | st.just("error"),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.sampled_from(["type", "text", "input", "id", "name"]), inner)
            ),
            max_leaves=6,
        ),
    )
)
def test_no_answer_makes_it_raise(body: dict[str, Any]) -> None:
    report, events = FOREIGN_ANTHROPIC.whole(json.dumps(body).encode())
    whole(events)
    assert report.outcome.good or not events


@pytest.mark.parametrize(("status", "headers", "body", "meaning"), ROWS)
def test_errors_mean_what_they_are_known_to_mean(
    status: int, headers: dict[str, str], body: Any, meaning: str
) -> None:
    for report in (
        ANTHROPIC.refusal(CALL, status, headers, written(body), WALL),
        FOREIGN_ANTHROPIC.refusal(status, headers, written(body), WALL),
    ):
        assert shown(report) == meaning
        assert report.phase is Phase.HEAD


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"type":"error","error":{"type":"x","message":"m"}}', "m"),
        (b'{"error":"m"}', "m"),
        (b"<html>", ""),
        (b"[]", ""),
    ],
)
def test_the_message_of_an_error_is_for_people(body: bytes, message: str) -> None:
    assert FOREIGN_ANTHROPIC.told(body) == message

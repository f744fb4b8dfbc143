"""The client's half at its edges, and what passes between two who speak alike."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import pytest
from anthropic.types import ModelInfo

from policies import Outcome
from router.dialects.anthropic.dialect import ANTHROPIC, TYPES
from router.dialects.anthropic.stream import MessageEvents
from router.dialects.common.events import Said
from router.dialects.contract import Call, ClientError
from router.dialects.interpreter import fixed
from tests.router.dialects.anthropic.judge import judge_message

TEXT = [{"role": "user", "content": "x"}]


def parsed(**fields: Any) -> Call:
    return ANTHROPIC.parse(json.dumps({"model": "m", "messages": TEXT, **fields}).encode())


def test_a_call_is_as_much_of_a_body_as_routing_needs() -> None:
    call = parsed(max_tokens=7, stream=True)
    assert (call.operation, call.model) == ("messages", "m")
    assert (call.stream, call.output_tokens) == (True, 7)
    assert 0 < call.input_tokens < 100
    assert parsed().output_tokens is None
    assert parsed(max_tokens=-5).output_tokens == 0
    counting = ANTHROPIC.parse(b'{"model":"m","messages":[],"stream":true}', "count_tokens")
    assert (counting.stream, counting.output_tokens) == (False, 0)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b'{"model":"m","messages":["\xff"]}', None),
        (b"[" * 100_000, None),
        (b'{"messages":[]}', "model"),
        (b'{"model":1,"messages":[]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":{}}', "messages"),
        (b'{"model":"m","messages":[],"stream":"yes"}', "stream"),
        (b'{"model":"m","messages":[],"max_tokens":true}', "max_tokens"),
    ],
)
def test_what_is_no_request_is_told_where_it_is_wrong(body: bytes, param: str | None) -> None:
    with pytest.raises(ClientError) as caught:
        ANTHROPIC.parse(body)
    assert (caught.value.status, caught.value.param) == (400, param)


IMAGE = {"type": "image", "source": {"type": "url", "url": "https://a.example"}}
PAPER = {"type": "document", "source": {"type": "url", "url": "https://a.example"}}


@pytest.mark.parametrize(
    ("fields", "brings"),
    [
        ({}, set()),
        ({"tools": []}, set()),
        ({"tools": [{"name": "f"}]}, {"tools"}),
        ({"output_config": {"format": {"type": "json_schema"}}}, {"schema"}),
        ({"output_format": {"type": "json_schema"}}, {"schema"}),
        ({"output_config": {"effort": "low"}}, set()),
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, {"images"}),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "content": [PAPER]}]}
                ]
            },
            {"documents"},
        ),
        ({"messages": [{"role": "user", "content": '"image" "document"'}]}, set()),
    ],
)
def test_features_are_what_a_body_brings(fields: dict[str, Any], brings: set[str]) -> None:
    found = ANTHROPIC.features(parsed(**fields), ANTHROPIC.FEATURES)
    assert {name for name, there in found.items() if there} == brings


@pytest.mark.parametrize(
    ("fields", "does"),
    [
        ({}, False),
        ({"tools": [{"name": "f"}, {"type": "custom"}, {"type": "bash_20250124"}]}, False),
        ({"tools": [{"type": "web_search_20250305"}]}, True),
        ({"tools": [{"type": "code_execution_20260521"}]}, True),
        ({"mcp_servers": [{"name": "a"}]}, True),
        ({"mcp_servers": [], "tools": "x"}, False),
    ],
)
def test_who_brings_tools_that_the_provider_runs_acts(fields: dict[str, Any], does: bool) -> None:
    assert ANTHROPIC.acts(parsed(**fields)) is does


def test_a_fixed_text_is_a_message_whole_and_streamed() -> None:
    whole = fixed(ANTHROPIC, parsed(), "Later.", b": note\n\n")
    message = judge_message(json.loads(whole))
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "Later."}]
    assert message.usage.output_tokens == 0
    streamed = fixed(ANTHROPIC, parsed(stream=True), "Later.", b": note\n\n")
    said = MessageEvents()
    assert [one for one in said.feed(streamed) if isinstance(one, Said)] == [Said("Later.")]
    assert said.ended
    assert streamed.endswith(b": note\n\n")


@pytest.mark.parametrize("status", [*TYPES, 400, 405, 500, 502])
def test_errors_have_the_type_of_their_status(status: int) -> None:
    error = ClientError(status, "any", "some_code", "It is so.", "model")
    told = json.loads(ANTHROPIC.error(error))
    assert told["type"] == "error"
    expected = "invalid_request_error" if status < 500 else "api_error"
    assert told["error"] == {
        "type": TYPES.get(status, expected),
        "message": "It is so.",
        "details": {"error_code": "some_code", "param": "model"},
    }
    event = ANTHROPIC.error_event(error)
    assert event == b"event: error\ndata: " + ANTHROPIC.error(error) + b"\n\n"


def test_models_are_listed_as_the_sdk_expects_them() -> None:
    told = json.loads(ANTHROPIC.models({"a": 0, "b": 1_700_000_000}))
    assert (told["first_id"], told["last_id"], told["has_more"]) == ("a", "b", False)
    one, other = (ModelInfo.model_validate(model) for model in told["data"])
    assert one.id == "a"
    assert other.created_at.isoformat() == "2023-11-14T22:13:20+00:00"
    assert json.loads(ANTHROPIC.models({}))["first_id"] is None
    assert anthropic.__version__


def test_only_the_models_name_is_replaced() -> None:
    body = (
        b'{"messages":[{"role":"user","content":"\\u00e9 \\"model\\""}], "model" : "m",'
        b'"x":{"model":"y", "n":12345678901234567890123}, "x":2}'
    )
    path, sent, dropped = ANTHROPIC.ask(ANTHROPIC.parse(body), "up/stream", ask_usage=True)
    assert path == "/messages"
    assert sent == body.replace(b'"model" : "m"', b'"model" : "up/stream"')
    assert dropped == ()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"type": "error", "error": {"type": "not_found_error", "message": "m"}}, None),
        ({"error": {"type": "BadRequestError", "message": "m", "code": 400}}, "m"),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"detail": "Unauthorized"}, "Unauthorized"),
        ([{"error": {"message": "m"}}], "m"),
    ],
)
def test_a_refusal_in_another_shape_is_given_the_dialects(body: Any, words: str | None) -> None:
    raw = json.dumps(body).encode()
    told = ANTHROPIC.own_words(parsed(), raw)
    if words is None:
        assert told == raw
    else:
        assert told is not None
        error = json.loads(told)
        assert error["type"] == "error"
        assert error["error"] == {"type": "invalid_request_error", "message": words}


@pytest.mark.parametrize("body", [b"<html>", b"", b'{"content":[]}', b'{"input_tokens":1}', b"{}"])
def test_what_is_no_refusal_has_no_words(body: bytes) -> None:
    assert ANTHROPIC.own_words(parsed(), body) is None


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'{"input_tokens":7}', Outcome.OK),
        (b'{"input_tokens":"7"}', Outcome.FAILED),
        (b"{}", Outcome.FAILED),
        (b"<html>", Outcome.FAILED),
        (b'{"type":"error","error":{"type":"overloaded_error"}}', Outcome.THROTTLED),
    ],
)
def test_a_count_is_one_or_a_failure(body: bytes, outcome: Outcome) -> None:
    call = ANTHROPIC.parse(b'{"model":"m","messages":[]}', "count_tokens")
    report, passed = ANTHROPIC.whole(call, body)
    assert (report.outcome, passed) == (outcome, body)


def test_a_count_costs_no_tokens() -> None:
    call = ANTHROPIC.parse(b'{"model":"m","messages":[]}', "count_tokens")
    report, _ = ANTHROPIC.whole(call, b'{"input_tokens":7}')
    assert (report.input_tokens, report.output_tokens) == (0, 0)

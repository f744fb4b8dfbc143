"""Providers that speak Responses themselves: bytes pass as they came, and are read for what they
mean.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Phase, Scope
from router.dialects.common.events import Usage
from router.dialects.contract import Call, ClientError
from router.dialects.interpreter import fixed
from router.dialects.responses.dialect import RESPONSES, Responses
from router.dialects.responses.stream import ResponsesStream
from tests.router.dialects.responses.said import (
    CALLED,
    MESSAGE,
    USAGE,
    begun,
    call,
    ended,
    event,
    hello,
    response,
    text,
)
from tests.router.mangled import mangled, split

STREAMED = call(stream=True)


def read(*events: bytes, asked: Call = STREAMED) -> tuple[ResponsesStream, bytes]:
    reader = RESPONSES.reader(asked)
    passed = b"".join(reader.feed(one) for one in events)
    return reader, passed + reader.finish()


# What a client asks for.


def test_a_body_passes_as_it_came_but_for_the_model() -> None:
    body = (
        b'{ "input" : [{"model":"x","n":12345678901234567890, "t":"\\u00e9\\ud83d\\ude00"}],'
        b'"model" :"m", "tomorrow": {"a" : [1.0, 1e400]}, "store":true}'
    )
    path, sent, dropped = RESPONSES.ask(RESPONSES.parse(body), "up/m", ask_usage=True)
    assert (path, dropped) == ("/responses", ())
    assert sent == body.replace(b'"model" :"m"', b'"model" :"up/m"')


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m"}, "input"),
        ({"model": "m", "input": None}, "input"),
        ({"model": "m", "input": {"role": "user"}}, "input"),
        ({"model": "m", "input": 5}, "input"),
        ({"input": "hello"}, "model"),
        ({"model": "m", "input": "x", "stream": "yes"}, "stream"),
        ({"model": "m", "input": "x", "max_output_tokens": "9"}, "max_output_tokens"),
        ({"model": "m", "input": "x", "background": 1}, "background"),
        ({"model": "m", "input": "x", "previous_response_id": 1}, "previous_response_id"),
        ({"model": "m", "input": "x", "conversation": {"id": 1}}, "conversation"),
    ],
)
def test_what_routing_cannot_do_without_is_asked_for_by_name(
    body: dict[str, Any], param: str
) -> None:
    with pytest.raises(ClientError) as caught:
        RESPONSES.parse(json.dumps(body).encode())
    assert (caught.value.status, caught.value.param) == (400, param)


def test_an_input_may_be_elsewhere() -> None:
    for name in ("prompt", "previous_response_id", "conversation"):
        body = json.dumps({"model": "m", name: "pmpt_1"}).encode()
        assert RESPONSES.parse(body).model == "m"


def test_what_a_limit_needs_is_read() -> None:
    told = call("word " * 200, max_output_tokens=50)
    assert told.output_tokens == 50
    assert 150 <= told.input_tokens <= 250
    assert (told.operation, told.stream, told.choices) == ("responses", False, 1)


def test_what_only_one_account_knows_is_found_wherever_it_stands() -> None:
    items = [
        {"type": "item_reference", "id": "msg_9"},
        {"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]},
        {"type": "function_call_output", "output": [{"type": "input_image", "file_id": "file_2"}]},
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "x"},
        {"type": "message", "id": "msg_2", "role": "assistant", "content": []},
    ]
    tools = [
        {"type": "file_search", "vector_store_ids": ["vs_1"]},
        {"type": "code_interpreter", "container": "cntr_1"},
        {"type": "code_interpreter", "container": {"type": "auto", "file_ids": ["file_1"]}},
    ]
    told = call(items, tools=tools, previous_response_id="resp_1", conversation={"id": "conv_1"})
    assert told.bound == (
        "resp_1", "conv_1", "msg_9", "file_1", "file_2", "vs_1", "cntr_1",
    )  # fmt: skip
    assert told.traces == ("rs_1",)
    escaped = b'{"model":"m","input":[{"type":"item\\u005freference","id":"msg_9"}]}'
    assert RESPONSES.parse(escaped).bound == ("msg_9",)


def test_most_requests_refer_to_nothing() -> None:
    told = call([{"role": "user", "content": "What is a reasoning model?"}], conversation=None)
    assert (told.bound, told.traces, told.stays) == ((), (), False)
    assert call(background=True).stays


@pytest.mark.parametrize(
    ("fields", "brought"),
    [
        ({}, set()),
        ({"tools": [{"type": "function", "name": "f"}]}, {"tools"}),
        ({"tools": []}, set()),
        ({"text": {"format": {"type": "json_schema", "schema": {}}}}, {"schema"}),
        ({"text": {"format": {"type": "json_object"}}}, set()),
        ({"text": "odd"}, set()),
        ({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}, {"images"}),
        ({"input": [{"role": "user", "content": "input_image"}]}, set()),
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, {"documents"}),
        ({"input": [{"role": "user", "content": [{"type": "input_audio"}]}]}, {"audio"}),
    ],
)
def test_what_a_request_brings_is_read(fields: dict[str, Any], brought: set[str]) -> None:
    told = RESPONSES.features(call(**{"given": "x", **_renamed(fields)}), RESPONSES.FEATURES)
    assert {name for name, there in told.items() if there} == brought


def _renamed(fields: dict[str, Any]) -> dict[str, Any]:
    return {"given" if name == "input" else name: value for name, value in fields.items()}


# What a provider says, in a stream.


def test_a_stream_passes_in_its_original_bytes_and_ends_with_its_last_event() -> None:
    events = hello()
    reader, passed = read(*events)
    assert passed == b"".join(events)
    assert reader.ended
    assert reader.done
    assert reader.failure is None
    assert reader.usage == Usage(9, 3, 4, 1, 2)
    assert reader.content == 3  # two pieces, and the item that was done
    assert reader.end(b": note\n\n") == b": note\n\n"


@pytest.mark.parametrize(
    "kind",
    [
        "output_text", "refusal", "reasoning_summary_text", "reasoning_text",
        "function_call_arguments", "custom_tool_call_input", "mcp_call_arguments",
    ],
)  # fmt: skip
def test_every_delta_is_content_and_what_only_announces_is_none(kind: str) -> None:
    before = [*begun(), *text("x")[:2], event(f"response.{kind}.delta", delta="")]
    reader, passed = read(*before)
    assert reader.content == 0
    assert passed == b"".join(before)
    reader.feed(event(f"response.{kind}.delta", 4, delta="x"))
    assert reader.content == 1
    assert not reader.ended


def test_what_runs_in_the_background_is_there_as_soon_as_it_has_begun() -> None:
    reader, _ = read(*begun(), asked=call(stream=True, background=True))
    assert reader.content == 1


def test_a_truncated_answer_is_an_answer() -> None:
    details = {"reason": "max_output_tokens"}
    reader, _ = read(*begun(), *text("Hel"), ended("response.incomplete", details=details))
    assert reader.done
    assert reader.failure is None


def test_a_stray_done_of_another_dialect_is_left_out() -> None:
    reader, passed = read(*hello()[:-1], b"data: [DONE]\n\n")
    assert not reader.ended
    assert b"DONE" not in passed


FAILURES: list[tuple[dict[str, Any], Outcome]] = [
    ({"code": "server_error", "message": "x"}, Outcome.FAILED),
    ({"code": "rate_limit_exceeded", "message": "x"}, Outcome.THROTTLED),
    ({"code": "invalid_prompt", "message": "x"}, Outcome.FILTERED),
    ({"code": "bio_policy", "message": "x"}, Outcome.FILTERED),
    ({"code": "image_content_policy_violation", "message": "x"}, Outcome.FILTERED),
    ({"code": "vector_store_timeout", "message": "x"}, Outcome.FAILED),
    ({"code": "invalid_image_url", "message": "x"}, Outcome.REJECTED),
    ({"code": "data_residency_mismatch", "message": "x"}, Outcome.REJECTED),
    ({"code": "image_too_large", "message": "x"}, Outcome.REJECTED),
    ({"code": "context_length_exceeded", "message": "x"}, Outcome.UNFIT),
    ({"code": "invalid_encrypted_content", "message": "x"}, Outcome.UNFIT),
    ({"code": "insufficient_quota", "message": "x"}, Outcome.DENIED),
    ({"code": "of tomorrow", "message": "x"}, Outcome.FAILED),
]


@pytest.mark.parametrize(("error", "outcome"), FAILURES)
def test_a_failure_means_the_same_wherever_it_is_said(
    error: dict[str, Any], outcome: Outcome
) -> None:
    failed = response(status="failed", error=error, output=[], usage=None)
    told = [
        event("response.failed", 2, response=failed),
        event("error", 2, param=None, **error),
        event("error", 2, error=error),
        f"data: {json.dumps({'error': error})}\n\n".encode(),
        json.dumps({"error": error}).encode(),
    ]
    for one in told:
        reader, passed = read(*begun(), one)
        assert reader.failure is not None
        assert reader.failure.outcome is outcome
        assert reader.failure.phase is Phase.FIRST_TOKEN
        assert passed == b"".join(begun())
        own = RESPONSES.own_words(STREAMED, reader.said)
        assert own is not None
        assert json.loads(own)["error"]["code"] == error["code"]
        assert json.loads(own)["error"]["message"] == "x"
    report, _ = RESPONSES.whole(call(), json.dumps(failed).encode())
    assert (report.outcome, report.phase) == (outcome, Phase.BODY)


def test_a_failure_after_content_says_so() -> None:
    reader, _ = read(*begun(), *text("Hel")[:3], event("response.failed", 9, response={}))
    assert reader.failure is not None
    assert (reader.failure.outcome, reader.failure.phase) == (Outcome.FAILED, Phase.BODY)


@pytest.mark.parametrize(
    "odd", [b"data: {\n\n", b"data: 5\n\n", b"data: {}\n\n", b"data: \xff\n\n"]
)
def test_what_is_no_event_of_the_dialect_is_left_out_and_counted(odd: bytes) -> None:
    reader, passed = read(*begun(), odd, *hello()[2:])
    assert (reader.failure, reader.malformed, reader.ended) == (None, 1, True)
    assert passed == b"".join(hello())
    many, _ = read(*begun(), *[odd] * 4)
    assert many.failure is not None
    alone, _ = read(*begun(), odd, ended())
    assert alone.failure is not None
    assert alone.failure.outcome is Outcome.FAILED


@pytest.mark.parametrize(
    "torn", [text("Hel")[2][:60] + b"\n\n", b'data: {"type":5}\n\n', ended()[:90] + b"\n\n"]
)
def test_an_event_that_came_torn_is_a_failure(torn: bytes) -> None:
    reader, passed = read(*begun(), torn)
    assert reader.failure is not None
    assert reader.failure.outcome is Outcome.FAILED
    assert passed == b"".join(begun())


def test_tools_that_run_at_the_provider_act() -> None:
    assert RESPONSES.acts(call(tools=[{"type": "web_search"}]))
    assert not RESPONSES.acts(call(tools=[{"type": "function", "name": "f"}, {"type": "custom"}]))
    assert not RESPONSES.acts(call())


def test_a_text_of_the_operator_s_is_a_response() -> None:
    told = json.loads(fixed(RESPONSES, call(), "Come back later.", b""))
    assert told["output"][0]["content"][0]["text"] == "Come back later."
    assert told["status"] == "completed"
    stream = fixed(RESPONSES, STREAMED, "Come back later.", b": note\n\n")
    reader, passed = read(stream)
    assert (reader.done, passed) == (True, stream.removesuffix(b": note\n\n"))
    assert stream.endswith(b": note\n\n")


def test_half_of_a_character_passes_in_its_original_bytes() -> None:
    half = event("response.output_text.delta", delta="x").replace(b'"x"', b'"\\ud83d"')
    reader, passed = read(*begun(), half)
    assert reader.failure is None
    assert passed.endswith(half)
    assert reader.content == 1


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_any_split_of_the_bytes_is_read_the_same(cuts: list[int]) -> None:
    data = b"".join([*begun(), *text("Hel", "lö"), ended()])
    reader, passed = read(*split(data, cuts))
    assert (passed, reader.content, reader.usage) == (data, 3, Usage(9, 3, 4, 1, 2))


@given(mangled([*hello(), event("error", code="x"), b"data: [DONE]\n\n", b": c\n\n"], most=6))
def test_whatever_comes_is_read_without_a_fault(data: bytes) -> None:
    reader, passed = read(data, asked=call(stream=True, background=True))
    assert len(passed) <= len(data) + 2
    assert not (reader.failure and reader.ended)


# What a provider says, in one piece.


def whole(body: Any, asked: Call | None = None) -> Outcome:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    report, given_back = RESPONSES.whole(asked or call(), data)
    assert given_back == data
    return report.outcome


def test_a_whole_answer_is_believed_as_far_as_it_shows() -> None:
    assert whole(response()) is Outcome.OK
    assert whole(response(output=[CALLED])) is Outcome.OK
    assert whole(response(status="incomplete")) is Outcome.OK
    report, _ = RESPONSES.whole(call(), json.dumps(response()).encode())
    assert (report.input_tokens, report.output_tokens) == (9, 3)
    pages: list[Any] = [b"", b"<html>", b"[]", b"5", b"{}", {"choices": []}]
    for odd in (*pages, response(output=None)):
        assert whole(odd) is Outcome.FAILED
    assert whole(response(status="cancelled")) is Outcome.FAILED
    assert whole([{"error": {"message": "x", "code": "rate_limit_exceeded"}}]) is Outcome.THROTTLED


def test_one_that_is_under_way_is_an_answer_to_who_asked_for_the_background() -> None:
    for status in ("queued", "in_progress"):
        body = response(status=status, output=[], usage=None)
        assert whole(body) is Outcome.FAILED
        assert whole(body, call(background=True)) is Outcome.OK


@given(mangled([json.dumps(response()).encode(), b'{"error":', b"null", b'"output":[5]']))
def test_whatever_comes_in_one_piece_is_judged_without_a_fault(body: bytes) -> None:
    whole(body)


def test_a_missing_path_says_nothing_of_the_model() -> None:
    report = RESPONSES.refusal(call(), 404, {}, b"404 page not found")
    assert (report.outcome, report.scope) == (Outcome.UNFIT, Scope.REQUEST)


# What can be referred to later.


def test_what_the_account_keeps_is_told_by_its_ids() -> None:
    dialect, told = Responses(account="mine"), []
    for asked in (call(), STREAMED):
        asked.keep = lambda account, id_: told.append((account, id_))
    events = [*begun(conversation={"id": "conv_1"}), *text("x"), ended()]
    dialect.reader(STREAMED).feed(b"".join(events))
    assert told == [("mine", id_) for id_ in ("resp_1", "conv_1", "msg_1", "resp_1")]
    told.clear()
    body = response(output=[MESSAGE, CALLED, {"type": "odd"}], usage=USAGE)
    dialect.whole(call_keeping(told), json.dumps(body).encode())
    assert told == [("mine", id_) for id_ in ("resp_1", "msg_1", "fc_1")]


def call_keeping(told: list[tuple[str, str]]) -> Call:
    asked = call()
    asked.keep = lambda account, id_: told.append((account, id_))
    return asked


# Errors.


def test_errors_are_those_of_openai_and_in_a_stream_an_event() -> None:
    error = ClientError(429, "rate_limit_error", "no_capacity", "later", "input")
    assert json.loads(RESPONSES.error(error))["error"] == {
        "message": "later",
        "type": "rate_limit_error",
        "param": "input",
        "code": "no_capacity",
    }
    name, data, *rest = RESPONSES.error_event(error).split(b"\n")
    assert (name, rest) == (b"event: error", [b"", b""])
    told = {"code": "no_capacity", "message": "later", "param": "input"}
    assert json.loads(data.removeprefix(b"data: ")) == {
        "type": "error",
        **told,
        "sequence_number": 0,
        "error": {"type": "rate_limit_error", **told},
    }

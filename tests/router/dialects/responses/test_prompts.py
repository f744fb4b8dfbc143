"""A request in the words of Responses, put in the common form."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.common.prompt import (
    File,
    Form,
    Hosted,
    Message,
    Prompt,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.dialects.contract import ClientError
from router.dialects.responses.dialect import RESPONSES
from tests.router.dialects.responses.said import CALLED, MESSAGE, call
from tests.router.mangled import mangled

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}


def prompt(given: Any = "hello", **fields: Any) -> Prompt:
    return RESPONSES.prompt(call(given, **fields))


def refused(given: Any = "hello", **fields: Any) -> ClientError:
    with pytest.raises(ClientError) as caught:
        prompt(given, **fields)
    assert caught.value.status == 400
    return caught.value


def test_a_text_is_what_the_user_says_and_instructions_come_first() -> None:
    assert prompt().messages == [Message("user", [Text("hello")])]
    told = prompt(instructions="Be brief.")
    assert told.messages == [
        Message("system", [Text("Be brief.")]),
        Message("user", [Text("hello")]),
    ]


def test_a_whole_turn_with_tools_is_three_messages() -> None:
    told = prompt(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "input_text", "text": "Go."}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm"}],
             "encrypted_content": "gAAA"},
            MESSAGE,
            CALLED,
            {"type": "custom_tool_call", "call_id": "call_2", "name": "g", "input": "free"},
            {"type": "function_call_output", "call_id": "call_1", "output": "1"},
            {"type": "custom_tool_call_output", "call_id": "call_2",
             "output": [{"type": "input_image", "image_url": "https://x/y.png"}]},
            {"role": "user", "content": "And?"},
        ]
    )  # fmt: skip
    assert told.messages == [
        Message("system", [Text("Be brief.")]),
        Message("user", [Text("Go.")]),
        Message(
            "assistant",
            [
                Thinking("Hm", "responses", "gAAA"),
                Text("Hello"),
                ToolCall("call_1", "f", '{"a":1}'),
                ToolCall("call_2", "g", "free", custom=True),
            ],
        ),
        Message(
            "user",
            [
                ToolResult("call_1", [Text("1")]),
                ToolResult("call_2", [File("image", url="https://x/y.png")]),
            ],
        ),
        Message("user", [Text("And?")]),
    ]


@pytest.mark.parametrize(
    ("part", "means"),
    [
        ({"type": "input_text", "text": "x"}, Text("x")),
        ({"type": "output_text", "text": "x"}, Text("x")),
        ({"type": "refusal", "refusal": "no"}, Refusal("no")),
        (
            {"type": "input_image", "image_url": "data:image/png;base64,QUJD", "detail": "low"},
            File("image", "image/png", "QUJD", detail="low"),
        ),
        (
            {"type": "input_image", "image_url": "https://x/y"},
            File("image", url="https://x/y"),
        ),
        ({"type": "input_image", "file_id": "file_1"}, File("image", id="file_1")),
        (
            {"type": "input_file", "filename": "a.pdf",
             "file_data": "data:application/pdf;base64,QUJD"},
            File("document", "application/pdf", "QUJD", name="a.pdf"),
        ),
        ({"type": "input_file", "file_data": "QUJD"}, File("document", "", "QUJD")),
        ({"type": "input_file", "file_url": "https://x"}, File("document", url="https://x")),
        ({"type": "input_file", "file_id": "file_1"}, File("document", id="file_1")),
        (
            {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "wav"}},
            File("audio", "audio/wav", "QUJD"),
        ),
    ],
)  # fmt: skip
def test_a_part_is_what_it_is(part: dict[str, Any], means: Any) -> None:
    assert prompt([{"role": "user", "content": [part]}]).messages == [Message("user", [means])]


def test_tools_are_flat_and_what_runs_at_the_provider_stays_as_it_is_written() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: A"}
    told = prompt(
        tools=[
            {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA,
             "strict": True},
            {"type": "function", "name": "bare"},
            {"type": "custom", "name": "g", "format": grammar},
            {"type": "web_search", "filters": {}},
        ]
    )  # fmt: skip
    assert told.tools == [
        Tool("f", "d", SCHEMA, strict=True),
        Tool("bare", schema={"type": "object", "properties": {}}),
        Tool(
            "g",
            custom=True,
            grammar={"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}},
        ),
        Hosted("web_search", {"type": "web_search", "filters": {}}, "responses"),
    ]


@pytest.mark.parametrize(
    ("choice", "means"),
    [
        (None, None),
        ("auto", ToolChoice("auto")),
        ("required", ToolChoice("required")),
        ("none", ToolChoice("none")),
        ({"type": "function", "name": "f"}, ToolChoice("named", "f")),
        ({"type": "custom", "name": "g"}, ToolChoice("named", "g")),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"name": "f"}, {"name": "g"}]},
            ToolChoice("required", allowed=("f", "g")),
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"name": "f"}]},
            ToolChoice("auto", allowed=("f",)),
        ),
    ],
)
def test_which_tool_is_to_be_called_is_kept(choice: Any, means: ToolChoice | None) -> None:
    assert prompt(tool_choice=choice).choice == means


def test_the_form_of_the_answer_and_how_it_is_to_think_are_kept() -> None:
    form = {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True}
    told = prompt(
        text={"format": form, "verbosity": "low"}, reasoning={"effort": "high", "summary": "auto"}
    )
    assert told.form == Form(SCHEMA, "n", strict=True)
    assert told.settings == {"verbosity": "low", "reasoning_effort": "high", "show_thinking": True}
    assert prompt(text={"format": {"type": "json_object"}}).form == Form()
    assert prompt(text={"format": {"type": "text"}}).form is None


def test_settings_have_their_common_names_and_what_is_null_is_not_set() -> None:
    told = prompt(
        max_output_tokens=50, temperature=1, top_p=0.5, parallel_tool_calls=False,
        safety_identifier="u", metadata={"a": "b"}, service_tier="flex", prompt_cache_key="k",
        max_tool_calls=3, user=None,
    )  # fmt: skip
    assert told.settings == {
        "max_tokens": 50, "temperature": 1, "top_p": 0.5, "parallel_tool_calls": False,
        "user": "u", "metadata": {"a": "b"}, "service_tier": "flex", "prompt_cache_key": "k",
        "max_tool_calls": 3,
    }  # fmt: skip
    assert told.unknown == ()


def test_what_has_no_common_form_is_named() -> None:
    told = prompt(
        [{"type": "web_search_call", "id": "ws_1"}, {"role": "user", "content": "x"}],
        store=True,
        truncation="auto",
        include=["reasoning.encrypted_content"],
        tomorrow=5,
        reasoning={"effort": "of tomorrow"},
    )
    assert told.unknown == (
        "store", "truncation", "include", "tomorrow", "hosted_tools", "reasoning_effort",
    )  # fmt: skip
    asked_nothing = {"store": False, "truncation": "disabled", "include": [], "background": False}
    assert prompt(**asked_nothing, top_logprobs=0, stream=False, conversation=None).unknown == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"background": True}, "background"),
    ],
)
def test_what_only_an_account_can_do_that_keeps_is_refused_by_name(
    fields: dict[str, Any], param: str
) -> None:
    error = refused(**fields)
    assert error.param == param
    assert "keeps" in error.message


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ([{"type": "item_reference", "id": "msg_1"}], {}),
        ([{"type": "local_shell_call_output", "id": "x", "output": "y"}], {}),
        ([{"type": "of_tomorrow"}], {}),
        ([5], {}),
        ([{}], {}),
        ([], {}),
        ([{"role": "robot", "content": "x"}], {}),
        ([{"role": "user", "content": 5}], {}),
        ([{"role": "user", "content": [5]}], {}),
        ([{"role": "user", "content": [{"type": "of_tomorrow"}]}], {}),
        ([{"role": "user", "content": [{"type": "input_image"}]}], {}),
        ([{"role": "user", "content": [{"type": "input_file"}]}], {}),
        ([{"type": "function_call_output", "call_id": "c", "output": 5}], {}),
        ([{"type": "function_call", "call_id": 5}], {}),
        ("x", {"instructions": ["a list"]}),
        ("x", {"tools": {"a": 1}}),
        ("x", {"tools": [5]}),
        ("x", {"tools": [{"type": "function", "name": "f", "parameters": 5}]}),
        ("x", {"tool_choice": {"type": "web_search"}}),
        ("x", {"text": {"format": {"type": "of_tomorrow"}}}),
        ("x", {"temperature": "hot"}),
        ("x", {"metadata": "odd"}),
    ],
)
def test_what_would_be_missed_is_an_error(given: Any, fields: dict[str, Any]) -> None:
    assert refused(given, **fields).message


BODY = json.dumps(
    {
        "model": "m",
        "instructions": "x",
        "input": [MESSAGE, CALLED, {"type": "reasoning", "encrypted_content": "pm1.eA=="}],
        "tools": [{"type": "function", "name": "f", "parameters": {}}],
        "text": {"format": {"type": "json_schema", "schema": {}, "name": "n"}},
        "reasoning": {"effort": "low"},
    }
).encode()


@given(mangled([BODY, b'"input":', b"null", b"[", b'{"type":"message"}']))
def test_whatever_a_client_sends_is_a_prompt_or_an_error(body: bytes) -> None:
    try:
        told = RESPONSES.prompt(RESPONSES.parse(body))
    except ClientError:
        return
    assert told.messages


@given(st.text())
def test_what_only_looks_like_an_envelope_is_its_maker_s(text: str) -> None:
    item = {"type": "reasoning", "summary": [], "encrypted_content": f"pm1.{text}"}
    ((part,),) = [message.parts for message in prompt([item]).messages]
    assert part == Thinking("", "responses", f"pm1.{text}")


def test_a_provider_of_the_dialect_is_not_given_what_others_signed() -> None:
    envelope = "pm1.eyJtYWtlciI6ImFudGhyb3BpYyIsInNpZ25hdHVyZSI6InMifQ=="
    own = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}
    other = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": envelope}
    mentions = {"role": "user", "content": envelope}
    asked = call([own, other, mentions])
    _, sent, dropped = RESPONSES.ask(asked, "m", ask_usage=False)
    assert json.loads(sent)["input"] == [own, mentions]
    assert dropped == ("thinking",)
    _, sent, dropped = RESPONSES.ask(call([own, mentions]), "m", ask_usage=False)
    assert json.loads(sent)["input"] == [own, mentions]
    assert dropped == ()

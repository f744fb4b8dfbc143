"""Prompts in Google's words, each of them judged by Google's SDK."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.dialects.common.prompt import (
    EFFORTS,
    SETTINGS,
    File,
    Form,
    Hosted,
    Message,
    Part,
    Prompt,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from router.dialects.contract import Unfit, Wanting
from router.dialects.gemini.bodies import CARRIES, TIERS
from router.dialects.gemini.foreign import GEMINI
from router.dialects.gemini.reasoning import ASKED_BY
from router.dialects.gemini.turns import UNSIGNED
from tests.router.dialects.gemini.judge import judged

FLASH = "gemini-2.5-flash"
THIRD = "gemini-3-flash-preview"
HELLO = Message("user", [Text("hello")])
WEATHER = Tool("weather", "How it is.", {"type": "object", "properties": {"at": {}}})
PNG = File("image", "image/png", data="iVBORw==")


def asked(
    *messages: Message, model: str = FLASH, stream: bool = False, **fields: Any
) -> tuple[dict[str, Any], tuple[str, ...]]:
    prompt = Prompt(list(messages) or [HELLO], **fields)
    _, body, dropped = GEMINI.ask(prompt, model, stream=stream)
    return judged(body), dropped


def turns(*messages: Message, model: str = FLASH) -> list[dict[str, Any]]:
    body, _ = asked(*messages, model=model)
    told: list[dict[str, Any]] = body["contents"]
    return told


def configured(model: str = FLASH, **settings: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    body, dropped = asked(model=model, settings=settings)
    return body.get("generationConfig", {}), dropped


def user(*parts: Part) -> Message:
    return Message("user", list(parts))


def model(*parts: Part) -> Message:
    return Message("assistant", list(parts))


@pytest.mark.parametrize(
    ("name", "stream", "path"),
    [
        (FLASH, False, "/models/gemini-2.5-flash:generateContent"),
        (FLASH, True, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"),
        ("tunedModels/mine", False, "/tunedModels/mine:generateContent"),
        ("odd name?", False, "/models/odd%20name%3F:generateContent"),
    ],
)
def test_the_model_and_whether_to_stream_are_in_the_path(name: str, stream: bool, path: str):
    told, body, dropped = GEMINI.ask(Prompt([HELLO]), name, stream=stream)
    assert told == path
    assert judged(body) == {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
    assert dropped == ()


def test_what_the_system_says_stands_apart_wherever_it_was_said():
    body, dropped = asked(
        Message("system", [Text("Be brief.")]), HELLO, Message("system", [Text("In French.")])
    )
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "In French."}]}
    assert [turn["role"] for turn in body["contents"]] == ["user"]
    assert dropped == ()


def test_a_system_alone_speaks_as_the_user_since_somebody_has_to_begin():
    body, _ = asked(Message("system", [Text("Write a poem.")]))
    assert body == {"contents": [{"role": "user", "parts": [{"text": "Write a poem."}]}]}


def test_neighbours_of_one_role_are_one_turn_and_nothing_is_none():
    told = turns(user(Text("a")), user(Text("b")), model(Text("")), model(Refusal("no")), HELLO)
    assert told == [
        {"role": "user", "parts": [{"text": "a"}, {"text": "b"}]},
        {"role": "model", "parts": [{"text": "no"}]},
        {"role": "user", "parts": [{"text": "hello"}]},
    ]


def test_files_go_inline_with_their_type():
    pdf = File("document", data="JVBERg==", name="a.pdf")
    sound = File("audio", "audio/wav", data="UklGRg==")
    told = turns(user(PNG, pdf, sound))[0]["parts"]
    types = [part["inlineData"]["mimeType"] for part in told]
    assert types == ["image/png", "application/pdf", "audio/wav"]
    assert told[0]["inlineData"]["data"] == "iVBORw=="


@pytest.mark.parametrize(
    "url",
    ["gs://bucket/a.png", "https://generativelanguage.googleapis.com/v1beta/files/a",
     "https://youtu.be/x"],
)  # fmt: skip
def test_files_that_are_google_s_already_go_by_their_address(url: str):
    told = turns(user(File("video", "video/mp4", url=url), File("image", url=url)))[0]["parts"]
    assert told == [
        {"fileData": {"mimeType": "video/mp4", "fileUri": url}},
        {"fileData": {"fileUri": url}},
    ]


def test_what_is_elsewhere_has_to_be_fetched_first_each_once():
    a, b = "https://a.example/a.png", "http://b.example/b.png"
    prompt = Prompt([user(File("image", url=a), File("image", url=b)), user(File("image", url=a))])
    with pytest.raises(Wanting) as wanting:
        GEMINI.ask(prompt, FLASH, stream=False)
    assert wanting.value.urls == (a, b)
    prompt.fetched |= {a: ("image/png", "QQ=="), b: ("image/webp", "Qg==")}
    body = judged(GEMINI.ask(prompt, FLASH, stream=False)[1])
    told = [part["inlineData"] for part in body["contents"][0]["parts"]]
    assert [file["mimeType"] for file in told] == ["image/png", "image/webp", "image/png"]


@pytest.mark.parametrize(
    "file",
    [File("image", id="file-1"), File("image", url="ftp://a/b"), File("image", data="QQ==")],
)
def test_a_file_that_cannot_be_said_makes_it_unfit(file: File):
    with pytest.raises(Unfit):
        asked(user(file))


def test_calls_and_results_are_objects_and_keep_their_ids_and_big_numbers():
    call = ToolCall("c1", "weather", '{"at": 12345678901234567890, "é": "\\u00e9"}')
    prompt = Prompt([HELLO, model(call), user(ToolResult("c1", [Text('{"sun": 1}')]))])
    body = GEMINI.ask(prompt, FLASH, stream=False)[1]
    assert b'{"at": 12345678901234567890, "\xc3\xa9": "\\u00e9"}' in body
    told = judged(body)["contents"]
    assert told[1]["parts"][0]["functionCall"]["id"] == "c1"
    answered = told[2]["parts"][0]["functionResponse"]
    assert answered == {"id": "c1", "name": "weather", "response": {"sun": 1}}


@pytest.mark.parametrize(
    ("text", "args"),
    [("", {}), (" ", {}), ("[1]", {"arguments": "[1]"}), ("{", {"arguments": "{"}), ("{}", {})],
)
def test_arguments_that_are_no_object_are_put_into_one(text: str, args: dict[str, Any]):
    told = turns(HELLO, model(ToolCall("c1", "weather", text)))
    assert told[1]["parts"][0]["functionCall"]["args"] == args


def test_results_are_matched_by_id_by_name_and_by_order():
    calls = [ToolCall(f"c{n}", f"tool{n}", "{}") for n in range(3)]
    results = [
        ToolResult("c2", [Text("two")]),
        ToolResult("?", [Text("nought")]),
        ToolResult("!", [Text("other")], name="tool9"),
        ToolResult("c1", [Text("one")], failed=True),
    ]
    told = turns(HELLO, model(*calls), user(*results))[2]["parts"]
    said = [part["functionResponse"] for part in told]
    assert [one["name"] for one in said] == ["tool2", "tool0", "tool9", "tool1"]
    assert said[1] == {"id": "c0", "name": "tool0", "response": {"output": "nought"}}
    assert said[3]["response"] == {"error": "one"}


def test_a_result_of_no_call_makes_it_unfit():
    with pytest.raises(Unfit, match="answers no call"):
        asked(user(ToolResult("c1", [Text("one")])))


def test_files_of_a_result_go_with_it_where_the_model_takes_them_and_else_behind_it():
    messages = [HELLO, model(ToolCall("c", "see", "{}")), user(ToolResult("c", [Text("a"), PNG]))]
    (third,) = turns(*messages, model=THIRD)[2]["parts"]
    assert third["functionResponse"]["parts"][0]["inlineData"]["mimeType"] == "image/png"
    older = turns(*messages)[2]["parts"]
    assert [next(iter(part)) for part in older] == ["functionResponse", "inlineData"]


def test_signatures_are_kept_for_who_made_them_and_others_calls_are_marked():
    own = ToolCall("a", "f", "{}", signature="c2ln", maker="gemini")
    foreign = [ToolCall("b", "f", "{}", signature="x", maker="anthropic"), ToolCall("c", "f", "{}")]
    messages = [HELLO, model(own), user(ToolResult("a", [])), model(*foreign)]
    told = turns(*messages, model=THIRD)
    assert told[1]["parts"][0]["thoughtSignature"] == "c2ln"
    assert told[3]["parts"][0]["thoughtSignature"] == UNSIGNED
    assert "thoughtSignature" not in told[3]["parts"][1]
    assert "thoughtSignature" not in turns(*messages)[3]["parts"][0]


def test_thoughts_are_kept_for_who_made_them_and_else_named_as_dropped():
    thoughts: list[Part] = [
        Thinking("hm", "gemini", "c2ln"), Text("a"), Thinking("", "gemini", "bGFzdA=="),
        Thinking("", "gemini", "bG9uZQ=="),
    ]  # fmt: skip
    body, dropped = asked(HELLO, model(*thoughts), model=THIRD)
    assert body["contents"][1]["parts"] == [
        {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
        {"text": "a", "thoughtSignature": "bGFzdA=="},
        {"text": "", "thoughtSignature": "bG9uZQ=="},
    ]
    assert dropped == ()
    foreign: list[Part] = [Thinking("hm", "anthropic", "x"), Thinking("hm", "gemini"), Text("a")]
    body, dropped = asked(HELLO, model(*foreign))
    assert body["contents"][1]["parts"] == [{"text": "a"}]
    assert dropped == ("thinking",)


def test_names_and_cache_marks_are_named_as_dropped():
    _, dropped = asked(Message("user", [Text("a", cache="5m")], name="Ada"))
    assert dropped == ("cache_control", "message_names")
    _, dropped = asked(tools=[Tool("f", cache="1h")])
    assert dropped == ("cache_control",)


def test_tools_are_declared_by_their_json_schema():
    body, dropped = asked(tools=[WEATHER, Tool("now")])
    (told,) = body["tools"]
    assert told["functionDeclarations"] == [
        {"name": "weather", "description": "How it is.", "parametersJsonSchema": WEATHER.schema},
        {"name": "now"},
    ]
    assert "toolConfig" not in body
    assert dropped == ()


@pytest.mark.parametrize(
    ("choice", "config"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", "weather"), {"mode": "ANY", "allowedFunctionNames": ["weather"]}),
        (
            ToolChoice("required", allowed=("weather",)),
            {"mode": "ANY", "allowedFunctionNames": ["weather"]},
        ),
        (
            ToolChoice("auto", allowed=("weather",)),
            {"mode": "VALIDATED", "allowedFunctionNames": ["weather"]},
        ),
    ],
)
def test_whether_to_call_is_a_mode(choice: ToolChoice, config: dict[str, Any]):
    body, _ = asked(tools=[WEATHER], choice=choice)
    assert body["toolConfig"] == {"functionCallingConfig": config}


def test_a_choice_among_no_tools_is_none():
    assert "toolConfig" not in asked(choice=ToolChoice("none"))[0]


@pytest.mark.parametrize("tool", [Hosted("web_search", {}, "openai"), Tool("sh", custom=True)])
def test_tools_that_only_others_have_make_it_unfit(tool: Tool | Hosted):
    with pytest.raises(Unfit):
        asked(tools=[tool])


def test_json_by_a_schema_and_without():
    schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {}}}
    body, _ = asked(form=Form(schema, strict=True))
    assert body["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": schema,
    }
    body, _ = asked(form=Form())
    assert body["generationConfig"] == {"responseMimeType": "application/json"}


def test_only_the_third_generation_takes_a_form_beside_tools():
    assert asked(tools=[WEATHER], form=Form(), model=THIRD)[0]["generationConfig"]
    assert asked(tools=[WEATHER], form=Form(), choice=ToolChoice("none"))[0]["generationConfig"]
    with pytest.raises(Unfit, match="beside tools"):
        asked(tools=[WEATHER], form=Form())


VALUES: dict[str, Any] = {
    "max_tokens": 50, "temperature": 0.5, "top_p": 0.9, "top_k": 40, "stop": ["a"], "seed": 7,
    "n": 2, "presence_penalty": 1.0, "frequency_penalty": -1.0, "logit_bias": {"1": 2},
    "logprobs": True, "top_logprobs": 3, "parallel_tool_calls": False, "reasoning_effort": "low",
    "thinking_budget": 2048, "show_thinking": True, "verbosity": "low", "user": "u",
    "metadata": {"a": "b"}, "service_tier": "flex", "store": True, "prompt_cache_key": "k",
    "max_tool_calls": 2,
}  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_either_carried_or_named(name: str):
    body, dropped = asked(settings={name: VALUES[name]})
    config = body.get("generationConfig", {})
    if name in CARRIES:
        assert config == {CARRIES[name]: VALUES[name]}
    elif name in ASKED_BY:
        assert list(config) == ["thinkingConfig"]
    elif name == "service_tier":
        assert body["serviceTier"] == TIERS["flex"]
    else:
        assert dropped == (name,)
        return
    assert dropped == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [("store", False), ("logprobs", False), ("parallel_tool_calls", True), ("n", 1),
     ("service_tier", "auto"), ("seed", None)],
)  # fmt: skip
def test_what_is_so_anyway_is_neither_said_nor_named(name: str, value: Any):
    assert configured(**{name: value}) == ({}, ())


def test_more_than_it_takes_is_cut_and_named_or_unfit():
    config, dropped = configured(stop=list("abcdef"))
    assert config["stopSequences"] == list("abcde")
    assert dropped == ("stop",)
    with pytest.raises(Unfit, match="at most 8"):
        configured(n=9)
    with pytest.raises(Unfit, match="streams one"):
        asked(settings={"n": 2}, stream=True)
    assert configured(service_tier="ultrafast")[1] == ("service_tier",)


@pytest.mark.parametrize(
    ("name", "effort", "thinking"),
    [
        (FLASH, "none", {"thinkingBudget": 0}),
        (FLASH, "high", {"thinkingBudget": 16_384}),
        (FLASH, "max", {"thinkingBudget": 24_576}),
        ("gemini-2.5-pro", "none", {"thinkingBudget": 128}),
        ("gemini-2.5-pro", "max", {"thinkingBudget": 32_768}),
        ("gemini-2.5-flash-lite", "none", {"thinkingBudget": 0}),
        (THIRD, "none", {"thinkingLevel": "MINIMAL"}),
        (THIRD, "medium", {"thinkingLevel": "MEDIUM"}),
        (THIRD, "max", {"thinkingLevel": "HIGH"}),
        ("gemini-3-pro-preview", "none", {"thinkingLevel": "LOW"}),
        ("gemini-3-pro-preview", "medium", {"thinkingLevel": "HIGH"}),
        ("gemini-3.1-pro-preview", "medium", {"thinkingLevel": "MEDIUM"}),
        ("gemini-flash-latest", "low", {"thinkingLevel": "LOW"}),
    ],
)
def test_an_effort_is_a_budget_or_a_level_by_the_model(
    name: str, effort: str, thinking: dict[str, Any]
):
    assert configured(name, reasoning_effort=effort) == ({"thinkingConfig": thinking}, ())


def test_a_budget_is_kept_within_what_the_model_takes():
    lite = "gemini-2.5-flash-lite"
    assert configured(lite, thinking_budget=20)[0]["thinkingConfig"]["thinkingBudget"] == 512
    assert configured(FLASH, thinking_budget=-1)[0]["thinkingConfig"]["thinkingBudget"] == -1
    assert configured(THIRD, thinking_budget=-1) == ({}, ())
    both = configured(THIRD, thinking_budget=9000, show_thinking=True)[0]["thinkingConfig"]
    assert both == {"includeThoughts": True, "thinkingLevel": "HIGH"}


@pytest.mark.parametrize("name", ["gemini-2.0-flash", "gemma-3-27b-it", "gemini-1.5-pro"])
def test_models_that_do_not_think_are_not_told_to(name: str):
    asked_for = {"reasoning_effort": "high", "show_thinking": True}
    assert configured(name, **asked_for) == ({}, ("reasoning_effort", "show_thinking"))
    assert configured(name, reasoning_effort="none", thinking_budget=0) == ({}, ())


TEXTS = st.builds(Text, st.text(max_size=20), st.none() | st.just("5m"))
USERS = st.lists(TEXTS | st.just(PNG), max_size=4)
MODELS = st.lists(
    TEXTS
    | st.builds(Refusal, st.text(max_size=9))
    | st.builds(
        ToolCall, st.sampled_from(["a", "b"]), st.just("f"), st.text(max_size=9) | st.just("{}"),
        st.booleans(), st.none() | st.just("c2ln"), st.sampled_from(["gemini", "anthropic", ""]),
    )
    | st.builds(
        Thinking, st.text(max_size=9), st.sampled_from(["gemini", ""]), st.none() | st.just("c2ln")
    ),
    max_size=4,
)  # fmt: skip
MESSAGES = st.lists(
    st.builds(Message, st.just("user"), USERS)
    | st.builds(Message, st.just("assistant"), MODELS)
    | st.builds(Message, st.just("system"), st.lists(TEXTS, max_size=2)),
    max_size=6,
)
FILLED = {
    "max_tokens": st.integers(1, 9999), "temperature": st.floats(0, 2), "stop": st.lists(st.text()),
    "reasoning_effort": st.sampled_from(sorted(EFFORTS)), "show_thinking": st.booleans(),
    "thinking_budget": st.integers(-1, 99_999), "service_tier": st.sampled_from(["auto", "flex"]),
}  # fmt: skip


@given(
    MESSAGES,
    st.fixed_dictionaries({}, optional=FILLED),
    st.sampled_from([FLASH, THIRD, "gemini-2.5-pro", "gemini-2.0-flash", "gemma-3"]),
)
def test_whatever_is_said_the_sdk_takes_for_a_request(
    messages: list[Message], settings: dict[str, Any], name: str
):
    prompt = Prompt([*messages, HELLO], settings=settings, tools=[WEATHER])
    body = judged(GEMINI.ask(prompt, name, stream=False)[1])
    texts = [
        part.text
        for message in prompt.messages
        for part in message.parts
        if isinstance(part, Text | Refusal) and part.text
    ]
    told = [*body.get("systemInstruction", {"parts": []})["parts"]]
    told += [part for turn in body["contents"] for part in turn["parts"]]
    said = [part["text"] for part in told if part.get("text") and "thought" not in part]
    assert sorted(said) == sorted(texts)
    roles = [turn["role"] for turn in body["contents"]]
    assert all(one != other for one, other in pairwise(roles))
    assert json.loads(json.dumps(body)) == body

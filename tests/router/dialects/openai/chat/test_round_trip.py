"""From a body to the common form and back to a body: nothing that the dialect has is lost."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from router.dialects.common.prompt import Prompt
from router.dialects.openai.chat.foreign import Chat
from router.dialects.openai.chat.quirks import Quirks
from router.dialects.openai.dialect import OPENAI

EVERYTHING = Chat(
    Quirks(names={"max_tokens": "max_completion_tokens"}, lacks=frozenset(), details=True)
)
"""A server that lacks nothing."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
NAME = st.text("abc", min_size=1, max_size=4)
SCHEMA: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"type": st.just("object")}, optional={"properties": st.dictionaries(NAME, st.just({}))}
)
MARK = {
    "cache_control": st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
}


def part(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({"type": st.just(kind), **fields}, optional=MARK)


def texts(least: int = 1) -> st.SearchStrategy[Any]:
    return TEXT | st.lists(part("text", text=TEXT), min_size=least, max_size=3)


def made(required: dict[str, Any], **optional: Any) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


URL = st.just("https://x.example/a") | st.just("data:image/png;base64,iVBORw0KGgo=")
IMAGE = part("image_url", image_url=made({"url": URL}, detail=st.just("low")))
SOUND = part(
    "input_audio", input_audio=made({"data": TEXT, "format": st.sampled_from(["mp3", "wav"])})
)
FILE = part(
    "file",
    file=made({"file_data": st.just("data:application/pdf;base64,AAAA"), "filename": TEXT})
    | made({"file_id": NAME}, filename=TEXT),
)
ANY_PARTS = st.lists(part("text", text=TEXT) | IMAGE | SOUND | FILE, min_size=1, max_size=3)
FUNCTION = made({"name": NAME, "arguments": TEXT})
CALL = made(
    {"id": NAME, "type": st.just("function"), "function": FUNCTION},
    extra_content=st.just({"google": {"thought_signature": "s"}}),
) | made({"id": NAME, "type": st.just("custom"), "custom": made({"name": NAME, "input": TEXT})})
DETAIL = made(
    {"type": st.just("reasoning.text"), "text": TEXT, "signature": TEXT},
    format=st.sampled_from(["anthropic-claude-v1", "google-gemini-v1"]),
)
MESSAGE = (
    made({"role": st.sampled_from(["system", "developer"]), "content": texts()}, name=NAME)
    | made({"role": st.just("user"), "content": TEXT | ANY_PARTS}, name=NAME)
    | made(
        {"role": st.just("assistant"), "content": texts()},
        refusal=TEXT,
        name=NAME,
        tool_calls=st.lists(CALL, min_size=1, max_size=2),
        reasoning_details=st.lists(DETAIL, min_size=1, max_size=2),
    )
    | made({"role": st.just("tool"), "tool_call_id": NAME, "content": texts()})
)
TOOL = made(
    {
        "type": st.just("function"),
        "function": made({"name": NAME}, description=TEXT, parameters=SCHEMA, strict=st.booleans()),
    }
) | made(
    {
        "type": st.just("custom"),
        "custom": made({"name": NAME}, description=TEXT, format=st.just({"type": "text"})),
    }
)
FORM = st.sampled_from([{"type": "text"}, {"type": "json_object"}]) | made(
    {
        "type": st.just("json_schema"),
        "json_schema": made(
            {"name": NAME, "schema": SCHEMA}, description=TEXT, strict=st.booleans()
        ),
    }
)
BODY = made(
    {"model": NAME, "messages": st.lists(MESSAGE, min_size=1, max_size=4)},
    tools=st.lists(TOOL, min_size=1, max_size=2),
    response_format=FORM,
    max_tokens=st.integers(1, 99),
    temperature=st.floats(0, 2),
    top_p=st.floats(0, 1),
    stop=TEXT | st.lists(TEXT, min_size=1, max_size=2),
    seed=st.integers(),
    n=st.integers(1, 4),
    presence_penalty=st.floats(-2, 2),
    frequency_penalty=st.none() | st.floats(-2, 2),
    logit_bias=st.dictionaries(NAME, st.floats(-100, 100)),
    logprobs=st.booleans(),
    top_logprobs=st.integers(0, 20),
    reasoning_effort=st.sampled_from(["none", "low", "xhigh"]),
    verbosity=st.just("low"),
    user=NAME,
    metadata=st.dictionaries(NAME, NAME),
    service_tier=st.just("flex"),
    store=st.booleans(),
    prompt_cache_key=NAME,
    web_search_options=st.just({}),
)


def prompt_of(body: dict[str, Any]) -> Prompt:
    return OPENAI.prompt(OPENAI.parse(json.dumps(body).encode()))


@given(BODY)
def test_a_body_says_the_same_once_it_was_put_in_the_common_form(body: dict[str, Any]) -> None:
    said = prompt_of(body)
    _, again, dropped = EVERYTHING.ask(said, body["model"], stream=False)
    assert dropped == ()
    assert prompt_of(json.loads(again)) == said


def test_a_body_in_the_usual_spelling_comes_back_as_it_was() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    shape = {"name": "n", "schema": {"type": "object"}, "description": "d", "strict": True}
    allowed = {"mode": "required", "tools": [{"type": "function", "function": {"name": "f"}}]}
    parameters = {"type": "object", "properties": {"x": {"type": "integer", "maximum": 2**40}}}
    tool = {"name": "f", "description": "does", "parameters": parameters, "strict": False}
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {
                "role": "user",
                "name": "ann",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "https://x.example/a"}},
                    {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
                    {"type": "file", "file": {"file_id": "file-1"}},
                ],
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "one"},
            {"role": "assistant", "content": None, "refusal": "no"},
        ],
        "tools": [
            {"type": "function", "function": tool},
            {"type": "custom", "custom": {"name": "g", "format": {"type": "text"}}},
        ],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": allowed},
        "response_format": {"type": "json_schema", "json_schema": shape},
        "web_search_options": {"search_context_size": "low"},
        "max_completion_tokens": 50, "temperature": 0.5, "top_p": 0.9, "stop": ["x", "y"],
        "seed": 7, "n": 2, "presence_penalty": 0.1, "frequency_penalty": -0.1,
        "logit_bias": {"50256": -100.0}, "logprobs": True, "top_logprobs": 3,
        "parallel_tool_calls": False, "reasoning_effort": "low", "verbosity": "high",
        "user": "u", "metadata": {"a": "b"}, "service_tier": "flex", "store": False,
        "prompt_cache_key": "k",
    }  # fmt: skip
    prompt = prompt_of(body)
    assert prompt.unknown == ()
    _, again, dropped = EVERYTHING.ask(prompt, "m", stream=False)
    assert (json.loads(again), dropped) == (body, ())

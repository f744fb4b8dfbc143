"""A request of OpenAI's clients in the words of another dialect, and back: it says the same, up to
what was named as left out. For the dialects that are read here as well as written.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.anthropic.foreign import FOREIGN_ANTHROPIC
from router.dialects.common.prompt import (
    File,
    Message,
    Prompt,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    is_usual,
)
from router.dialects.contract import Unfit
from router.dialects.openai.dialect import OPENAI
from router.dialects.responses.dialect import RESPONSES
from router.dialects.responses.foreign import responses_of

WORD = st.text("abcdeé✓ ", min_size=1, max_size=9).map(lambda text: f"x{text}y")
NAME = st.text("abc", min_size=1, max_size=4)
PNG = "data:image/png;base64,iVBORw0KGgo="
IMAGE = st.sampled_from([PNG, "https://example.com/a.png"]).map(
    lambda url: {"type": "image_url", "image_url": {"url": url}}
)
PARTS = st.lists(WORD.map(lambda text: {"type": "text", "text": text}) | IMAGE, min_size=1)
OBJECT = st.dictionaries(NAME, st.integers() | WORD, max_size=2)
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}


@st.composite
def conversations(draw: st.DrawFn) -> list[Any]:
    """Messages as a client sends them: every call has its result."""
    messages: list[Any] = []
    if draw(st.booleans()):
        messages.append({"role": "system", "content": draw(WORD)})
    for turn in range(draw(st.integers(0, 3))):
        messages.append({"role": "user", "content": draw(WORD | PARTS)})
        made = draw(st.lists(st.tuples(NAME, OBJECT), max_size=2))
        if made:
            calls = [
                {
                    "id": f"call_{turn}_{number}",
                    "type": "function",
                    "function": {"name": name, "arguments": json.dumps(given)},
                }
                for number, (name, given) in enumerate(made)
            ]
            content = draw(st.none() | WORD)
            messages.append({"role": "assistant", "content": content, "tool_calls": calls})
            messages += [
                {"role": "tool", "tool_call_id": call["id"], "content": draw(WORD)}
                for call in calls
            ]
        messages.append({"role": "assistant", "content": draw(WORD)})
    return [*messages, {"role": "user", "content": draw(WORD | PARTS)}]


USER = {"role": "user", "content": "x"}
TOOLS = st.lists(NAME, min_size=1, max_size=3, unique=True).map(
    lambda names: [
        {"type": "function", "function": {"name": name, "description": "d", "parameters": SCHEMA}}
        for name in names
    ]
)
FORM = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA, "strict": True}}
BODIES = st.fixed_dictionaries(
    {"model": NAME, "messages": conversations()},
    optional={
        "tools": TOOLS,
        "tool_choice": st.sampled_from(["auto", "required"]),
        "parallel_tool_calls": st.booleans(),
        "response_format": st.just(FORM),
        "max_tokens": st.integers(16, 4000),
        "temperature": st.floats(0, 1),
        "top_p": st.floats(0.1, 1),
        "stop": st.lists(WORD, min_size=1, max_size=3),
        "seed": st.integers(),
        "n": st.integers(1, 3),
        "presence_penalty": st.floats(-2, 2),
        "user": NAME,
        "metadata": st.dictionaries(NAME, NAME, min_size=1),
        "of_tomorrow": st.integers(),
    },
)


def said(prompt: Prompt) -> tuple[list[str], list[Any]]:
    """What a prompt says: its system messages, and the turns with what each says in order."""
    systems: list[str] = []
    turns: list[Any] = []
    for message in prompt.messages:
        if message.role == "system":
            systems += [part.text for part in message.parts if isinstance(part, Text)]
        else:
            if not turns or turns[-1][0] != message.role:
                turns.append((message.role, []))
            turns[-1][1].extend(_parts(message))
    return systems, turns


def _parts(message: Message) -> list[Any]:
    found: list[Any] = []
    for part in message.parts:
        match part:
            case Text(text):
                found.append(("text", text))
            case ToolCall():
                found.append(("call", part.id, part.name, json.loads(part.arguments)))
            case ToolResult():
                texts = [one.text for one in part.parts if isinstance(one, Text)]
                found.append(("result", part.id, texts))
            case File():
                found.append(("file", part.kind, part.data or part.url))
    return found


@pytest.mark.parametrize("dialect", ["anthropic", "responses"])
@given(body=BODIES)
@example({"model": "a", "messages": [USER], "temperature": 0.0, "top_p": 1.0})
def test_what_a_request_says_is_the_same_there_and_back(dialect: str, body: dict[str, Any]) -> None:
    call = OPENAI.parse(json.dumps(body).encode())
    asked = OPENAI.prompt(call)
    try:
        if dialect == "anthropic":
            _, written, dropped = FOREIGN_ANTHROPIC.ask(asked, "claude-sonnet-4-5", stream=False)
            there = ANTHROPIC.prompt(ANTHROPIC.parse(written, "messages"))
        else:
            _, written, dropped = responses_of("openai").ask(asked, "gpt-4.1", stream=False)
            there = RESPONSES.prompt(RESPONSES.parse(written, "responses"))
    except Unfit:
        assert body.get("tool_choice") == "required"
        assert "tools" not in body
        return
    assert said(there) == said(asked)
    tools = [[tool.name for tool in one.tools if isinstance(tool, Tool)] for one in (there, asked)]
    # Who has called tools must still have them: some dialects insist.
    assert tools[0] == tools[1] or not asked.tools
    assert (there.form is None) == (asked.form is None)
    if there.form is not None and asked.form is not None:
        assert there.form.schema == asked.form.schema
    for name, value in asked.settings.items():
        kept = there.settings.get(name) == value
        # Nothing is said of a choice among no tools, nor of a cut that cuts nothing.
        needless = (name == "parallel_tool_calls" and not asked.tools) or (
            name == "top_p" and value == 1
        )
        assert kept or name in dropped or is_usual(name, value) or needless, name
    assert "of_tomorrow" not in body or asked.unknown == ("of_tomorrow",)

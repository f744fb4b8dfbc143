"""A prompt as the body of a response, for providers that are asked through Responses on behalf of
other clients.

Nothing is kept: what the provider would keep by default it is told not to, and reasoning goes back
and forth encrypted. What only tunes an answer and cannot be said is named; what must not be left
out makes the provider unfit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from router.dialects.common.prompt import EFFORTS, Form, Hosted, Prompt, Tool, ToolChoice, is_usual
from router.dialects.contract import Unfit
from router.dialects.openai.chat.quirks import THINKERS
from router.dialects.responses.traces import MAKER
from router.dialects.responses.turns import Content

CARRIES: Mapping[str, str] = {
    "max_tokens": "max_output_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "parallel_tool_calls": "parallel_tool_calls",
    "user": "user",
    "metadata": "metadata",
    "service_tier": "service_tier",
    "prompt_cache_key": "prompt_cache_key",
    "max_tool_calls": "max_tool_calls",
}
"""Settings by their names here. Besides, `reasoning` has two of them, and `text` one."""
SAMPLING = frozenset({"temperature", "top_p"})
"""What OpenAI's models that think refuse to be told."""
THINKING = frozenset({"reasoning_effort", "thinking_budget", "show_thinking"})
FEWEST = 16
"""Tokens of an answer that may be asked for at least."""

Written = dict[str, Any]
_thinkers = re.compile(THINKERS)


def body_of(prompt: Prompt, model: str, *, openai: bool) -> tuple[Written, tuple[str, ...]]:
    """The body but for its streaming, and what it leaves out. `openai`: it is OpenAI itself, which
    takes some settings for some of its models alone. Raises `Unfit`.
    """
    content = Content()
    body: Written = {"model": model, "input": content.items(prompt.messages), "store": False}
    if prompt.tools:
        body["tools"] = [_tool(tool) for tool in prompt.tools]
        if prompt.choice is not None:
            body["tool_choice"] = _choice(prompt.choice, prompt)
    thinks = _thinkers.match(model) is not None if openai else None
    dropped = _settings(body, prompt.settings, thinks=thinks)
    if prompt.form is not None:
        body.setdefault("text", {})["format"] = _format(prompt.form)
    if thinks:
        body["include"] = ["reasoning.encrypted_content"]
    return body, tuple(dict.fromkeys((*content.dropped, *dropped)))


def _settings(body: Written, settings: Mapping[str, Any], *, thinks: bool | None) -> list[str]:
    """Fill in the settings; the names of those that were left out. `thinks`: None: nobody knows."""
    refused = SAMPLING if thinks else frozenset()
    if thinks is False:
        refused = THINKING | {"verbosity"}
    dropped = []
    for name, value in settings.items():
        if value is None:
            continue
        if name in refused or not (name in CARRIES or name in THINKING or name == "verbosity"):
            dropped += [] if is_usual(name, value) else [name]
        elif name == "max_tokens":
            body["max_output_tokens"] = max(FEWEST, value)
        elif name == "verbosity":
            body["text"] = {"verbosity": value}
        elif name == "parallel_tool_calls" and "tools" not in body:
            continue
        elif name in CARRIES:
            body[CARRIES[name]] = value
    if reasoning := _reasoning({k: v for k, v in settings.items() if k not in refused}):
        body["reasoning"] = reasoning
    return dropped


def _reasoning(settings: Mapping[str, Any]) -> Written:
    told: Written = {}
    effort, budget = settings.get("reasoning_effort"), settings.get("thinking_budget")
    if effort is None and budget is not None and budget >= 0:
        fitting = [name for name, tokens in EFFORTS.items() if tokens <= budget]
        effort = fitting[-1] if fitting and budget < EFFORTS["xhigh"] else "high"
    if effort is not None:
        told["effort"] = effort
    if settings.get("show_thinking"):
        told["summary"] = "auto"
    return told


def _tool(tool: Tool | Hosted) -> Any:
    if isinstance(tool, Hosted):
        if tool.maker != MAKER:
            raise Unfit(f"it has no hosted tool {tool.kind!r} of another dialect")
        return tool.written
    described = {} if tool.description is None else {"description": tool.description}
    if tool.custom:
        form = {} if tool.grammar is None else {"format": _grammar(tool.grammar)}
        return {"type": "custom", "name": tool.name, **described, **form}
    # Without a word it would be strict here, and is not elsewhere.
    strict = tool.strict or False
    function = {"type": "function", "name": tool.name, **described}
    return {**function, "parameters": tool.schema, "strict": strict}


def _grammar(form: Any) -> Any:
    """As it is written here: what stands under `grammar` elsewhere stands beside `type`."""
    inner = form.get("grammar") if isinstance(form, dict) else None
    return {"type": "grammar", **inner} if isinstance(inner, dict) else form


def _choice(choice: ToolChoice, prompt: Prompt) -> Any:
    custom = {tool.name for tool in prompt.tools if isinstance(tool, Tool) and tool.custom}

    def named(name: str) -> Written:
        return {"type": "custom" if name in custom else "function", "name": name}

    if choice.mode == "named":
        return named(choice.name)
    if choice.allowed:
        tools = [named(name) for name in choice.allowed]
        mode = "required" if choice.mode == "required" else "auto"
        return {"type": "allowed_tools", "mode": mode, "tools": tools}
    return choice.mode


def _format(form: Form) -> Written:
    if form.schema is None:
        return {"type": "json_object"}
    told: Written = {"type": "json_schema", "name": form.name, "schema": form.schema}
    if form.description is not None:
        told["description"] = form.description
    if form.strict is not None:
        told["strict"] = form.strict
    return told

"""A prompt as the body of a chat completion, for one server with its quirks.

Nothing is left out in silence: what only tunes an answer is named, and what must be said but cannot
makes the server unfit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.dialects.common.prompt import EFFORTS, Form, Hosted, Prompt, Tool, is_usual
from router.dialects.contract import Unfit
from router.dialects.openai.chat.prompts import HERE
from router.dialects.openai.chat.quirks import CARRIES, Quirks
from router.dialects.openai.chat.turns import Content

Written = dict[str, Any]


def body_of(
    prompt: Prompt, model: str, quirks: Quirks, *, thinks: bool
) -> tuple[Written, tuple[str, ...]]:
    """The body but for what concerns its streaming, and what it leaves out. `thinks`: the model is
    known to reason. Raises `Unfit` and `Wanting`.
    """
    content = Content(prompt, quirks)
    body: Written = {"model": model, "messages": content.messages()}
    tools = _tools(prompt, quirks)
    if tools:
        body["tools"] = tools
        body |= _tool_choice(prompt, quirks)
    if prompt.form is not None:
        body["response_format"] = _format(prompt.form, quirks)
    for hosted in prompt.tools:
        if isinstance(hosted, Hosted) and hosted.kind == "web_search" and hosted.maker == HERE:
            body["web_search_options"] = hosted.written
    settings, dropped = _settings(prompt, quirks, thinks=thinks, tools=bool(tools))
    return body | settings, tuple(dict.fromkeys((*content.dropped, *dropped)))


def _settings(
    prompt: Prompt, quirks: Quirks, *, thinks: bool, tools: bool
) -> tuple[Written, list[str]]:
    body, dropped = _reasoning(prompt.settings, quirks, thinks=thinks)
    lacks = quirks.lacks | (quirks.unthinking if thinks else frozenset())
    if quirks.thinkers_only and not thinks:
        lacks |= {"verbosity"}
    for name, value in prompt.settings.items():
        if value is None or name in ("reasoning_effort", "thinking_budget"):
            continue
        if name == "parallel_tool_calls" and not tools:
            continue
        if name in lacks or name not in CARRIES:
            dropped += [] if is_usual(name, value) else [name]
        else:
            body[quirks.names.get(name, CARRIES[name])] = value
    return body, dropped


def _reasoning(
    settings: Mapping[str, Any], quirks: Quirks, *, thinks: bool
) -> tuple[Written, list[str]]:
    """How much to reason, as an effort. A budget of tokens is one of those, where it is known that
    the model takes any; one that the model may choose need not be said.
    """
    effort, budget = settings.get("reasoning_effort"), settings.get("thinking_budget")
    said = "reasoning_effort" if effort is not None else "thinking_budget"
    if effort is None and budget is not None:
        if budget == -1:
            return {}, []
        effort = _effort(budget) if thinks else None
        if effort is None:
            return {}, [said]
    if effort is None:
        return {}, []
    fields = quirks.efforts.get(effort)
    if fields is None or (quirks.thinkers_only and not thinks):
        return {}, [said]
    return dict(fields), []


def _effort(budget: int) -> Any:
    """The least effort whose convention has room for `budget`."""
    if budget <= 0:
        return "none"
    common = ("low", "medium", "high")  # those that all models with efforts know
    return next((name for name in common if EFFORTS[name] >= budget), "high")  # type: ignore[index]


def _tools(prompt: Prompt, quirks: Quirks) -> list[Written]:
    choice = prompt.choice
    offered = [
        tool
        for tool in prompt.tools
        if not (isinstance(tool, Hosted) and tool.kind == "web_search" and tool.maker == HERE)
    ]
    if "allowed_tools" in quirks.lacks and choice is not None and choice.allowed:
        offered = [
            tool for tool in offered if isinstance(tool, Hosted) or tool.name in choice.allowed
        ]
    if "tool_choice" in quirks.lacks and choice is not None and choice.mode == "none":
        offered = []
    if offered and "tools" in quirks.lacks:
        raise Unfit("tools cannot be offered there")
    return [_tool(tool, quirks) for tool in offered]


def _tool(tool: Tool | Hosted, quirks: Quirks) -> Written:
    if isinstance(tool, Hosted):
        if tool.maker != HERE or not isinstance(tool.written, dict):
            raise Unfit(f"the hosted tool {tool.kind} does not run there")
        return tool.written
    told: Written = {"name": tool.name}
    if tool.description is not None:
        told["description"] = tool.description
    if tool.custom:
        if "custom_tools" in quirks.lacks:
            raise Unfit("custom tools cannot be offered there")
        if tool.grammar is not None:
            told["format"] = tool.grammar
        return {"type": "custom", "custom": told}
    told["parameters"] = tool.schema or {"type": "object", "properties": {}}
    if tool.strict is not None:
        told["strict"] = tool.strict
    return {"type": "function", "function": told}


def _tool_choice(prompt: Prompt, quirks: Quirks) -> Written:
    choice = prompt.choice
    if choice is None:
        return {}
    if "tool_choice" in quirks.lacks:
        if choice.mode in ("required", "named"):
            raise Unfit("a call of a tool cannot be demanded there")
        return {}
    mode = quirks.required if choice.mode == "required" else choice.mode
    if choice.mode == "named":
        if "named_tools" in quirks.lacks:
            raise Unfit("a call of one tool cannot be demanded there")
        return {"tool_choice": _reference(choice.name, prompt)}
    if choice.allowed and "allowed_tools" not in quirks.lacks:
        allowed = [_reference(name, prompt) for name in choice.allowed]
        told = {"mode": mode, "tools": allowed}
        return {"tool_choice": {"type": "allowed_tools", "allowed_tools": told}}
    return {"tool_choice": mode}


def _reference(name: str, prompt: Prompt) -> Written:
    custom = any(
        isinstance(tool, Tool) and tool.custom and tool.name == name for tool in prompt.tools
    )
    kind = "custom" if custom else "function"
    return {"type": kind, kind: {"name": name}}


def _format(form: Form, quirks: Quirks) -> Written:
    if form.schema is None:
        return {"type": "json_object"}
    if "schema" in quirks.lacks:
        raise Unfit("a JSON schema for the answer cannot be given there")
    told: Written = {"name": form.name, "schema": form.schema}
    if form.description is not None:
        told["description"] = form.description
    if form.strict is not None:
        told["strict"] = form.strict
    return {"type": "json_schema", "json_schema": told}

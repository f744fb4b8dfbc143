"""From a request in the words of Responses to the common form.

State stays with the account that made it. So what refers to a kept answer, to a conversation or to
a template can only be asked of whom it is kept by, and is an error here; so is an answer that is
to be made in the background.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.dialects.common.outside import decoded
from router.dialects.common.prompt import (
    EFFORTS,
    Form,
    Hosted,
    Message,
    Prompt,
    Text,
    Tool,
    ToolChoice,
)
from router.dialects.fields import Fields, invalid
from router.dialects.responses.contents import Messages, text
from router.dialects.responses.traces import MAKER

SETTINGS: Mapping[str, tuple[str, tuple[type, ...]]] = {
    "max_output_tokens": ("max_tokens", (int,)),
    "temperature": ("temperature", (int, float)),
    "top_p": ("top_p", (int, float)),
    "parallel_tool_calls": ("parallel_tool_calls", (bool,)),
    "user": ("user", (str,)),
    "safety_identifier": ("user", (str,)),
    "metadata": ("metadata", (dict,)),
    "service_tier": ("service_tier", (str,)),
    "prompt_cache_key": ("prompt_cache_key", (str,)),
    "max_tool_calls": ("max_tool_calls", (int,)),
}
"""Fields that are settings as they stand: their common names, and of what kinds they are."""
READ = frozenset(
    {"model", "stream", "stream_options", "input", "instructions", "tools", "tool_choice", "text"}
    | {"reasoning"}
)
"""Fields that are read otherwise, or concern nobody but us."""
KEPT = ("previous_response_id", "conversation", "prompt", "background")
"""Fields that only an account can serve that keeps what it makes."""
NO_ARGUMENTS: Mapping[str, Any] = {"type": "object", "properties": {}}
MEANINGLESS: Mapping[str, tuple[Any, ...]] = {
    "store": (False,),
    "truncation": ("disabled",),
    "include": ([],),
    "top_logprobs": (0,),
    "background": (False,),
}
"""Values by which a field asks for nothing."""


def prompt_of(fields: Fields) -> Prompt:
    """The request in the common form. Raises `ClientError`."""
    told = {name: decoded(raw) for name, raw in fields.items() if name not in READ}
    told = {
        name: value
        for name, value in told.items()
        if value is not None and value not in MEANINGLESS.get(name, ())
    }
    for name in KEPT:
        if name in told:
            raise invalid(f"`{name}` needs an account that keeps what it makes", name)
    prompt = Prompt(messages=[])
    left_out = _say(prompt, decoded(fields.get("instructions")), decoded(fields.get("input")))
    _arm(prompt, fields)
    for name in told.keys() & SETTINGS:
        common, kinds = SETTINGS[name]
        if type(told[name]) not in kinds:
            raise invalid(f"`{name}` must be of type {kinds[0].__name__}", name)
        prompt.settings[common] = told[name]
    _shape(prompt, decoded(fields.get("text")))
    left_out += _reason(prompt, decoded(fields.get("reasoning")))
    unknown = [name for name in told if name not in SETTINGS]
    prompt.unknown = tuple(dict.fromkeys([*unknown, *left_out]))
    return prompt


def _say(prompt: Prompt, instructions: Any, given: Any) -> list[str]:
    """Fill in what is said; the names of what was left out."""
    messages = Messages()
    if instructions:
        if not isinstance(instructions, str):
            raise invalid("`instructions` must be a text", "instructions")
        messages.messages.append(Message("system", [Text(instructions)]))
    if isinstance(given, str):
        messages.messages.append(Message("user", [Text(given)]))
    else:
        for item in given or ():
            messages.add(item)
    if not messages.messages:
        raise invalid("`input` is missing: a text, or a list of items", "input")
    prompt.messages = messages.messages
    return messages.dropped


def _arm(prompt: Prompt, fields: Fields) -> None:
    tools = decoded(fields.get("tools")) or []
    if not isinstance(tools, list):
        raise invalid("`tools` must be a list", "tools")
    prompt.tools = [_tool(tool) for tool in tools]
    prompt.choice = _choice(decoded(fields.get("tool_choice")))


def _tool(tool: Any) -> Tool | Hosted:
    if not isinstance(tool, dict):
        raise invalid("every tool must be an object", "tools")
    described, strict = text(tool, "description") or None, tool.get("strict")
    match tool.get("type"):
        case "function":
            schema = tool.get("parameters")
            if schema is not None and not isinstance(schema, dict):
                raise invalid("`parameters` of a function must be a JSON Schema", "tools")
            strict = strict if isinstance(strict, bool) else None
            return Tool(text(tool, "name"), described, schema or NO_ARGUMENTS, strict)
        case "custom":
            return Tool(text(tool, "name"), described, custom=True, grammar=_grammar(tool))
        case kind:
            return Hosted(str(kind)[:60], tool, MAKER)


def _grammar(tool: dict[str, Any]) -> Any:
    """As chat completions write it: what stands beside `type` here stands under its name there."""
    form = tool.get("format")
    if not isinstance(form, dict) or form.get("type") != "grammar":
        return form
    return {"type": "grammar", "grammar": {k: v for k, v in form.items() if k != "type"}}


def _choice(choice: Any) -> ToolChoice | None:
    match choice:
        case None:
            return None
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case {"type": "function" | "custom", "name": str(name)}:
            return ToolChoice("named", name)
        case {"type": "allowed_tools", "tools": list(tools), **rest}:
            names = [tool.get("name") for tool in tools if isinstance(tool, dict)]
            allowed = tuple(name for name in names if isinstance(name, str))
            required = rest.get("mode") == "required"
            return ToolChoice("required" if required else "auto", allowed=allowed)
    raise invalid("this `tool_choice` cannot be put otherwise", "tool_choice")


def _shape(prompt: Prompt, told: Any) -> None:
    if not isinstance(told, dict):
        return
    if isinstance(verbosity := told.get("verbosity"), str):
        prompt.settings["verbosity"] = verbosity
    form = told.get("format")
    match form:
        case None | {"type": "text"}:
            return
        case {"type": "json_object"}:
            prompt.form = Form()
        case {"type": "json_schema", "schema": dict(schema)}:
            strict = form.get("strict")
            prompt.form = Form(
                schema,
                text(form, "name") or "answer",
                text(form, "description") or None,
                strict if isinstance(strict, bool) else None,
            )
        case _:
            raise invalid("`text.format` is text, json_object or json_schema", "text.format")


def _reason(prompt: Prompt, told: Any) -> list[str]:
    """Fill in how it is to think; the name of what nobody knows."""
    if not isinstance(told, dict):
        return []
    if told.get("summary") or told.get("generate_summary"):
        prompt.settings["show_thinking"] = True
    effort = told.get("effort")
    if isinstance(effort, str) and effort in EFFORTS:
        prompt.settings["reasoning_effort"] = effort
        return []
    return ["reasoning_effort"] if effort else []

"""A prompt as the body of a request to a provider that speaks Anthropic's dialect.

What a parameter is called here is a table, and so is what generations of models refuse (`models`):
what would be refused is left out and named, or makes the target unfit where the request would mean
something else without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.dialects.anthropic.blocks import MAKER, Block, cached, encoded
from router.dialects.anthropic.models import Kind, kind_of
from router.dialects.anthropic.reasoning import Reasoning, reasoning_of
from router.dialects.anthropic.schemas import closed
from router.dialects.anthropic.turns import Turns
from router.dialects.common.prompt import Form, Hosted, Prompt, Tool, ToolCall, is_usual
from router.dialects.contract import Unfit

CARRIES: Mapping[str, str] = {
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "stop": "stop_sequences",
    "parallel_tool_calls": "tool_choice.disable_parallel_tool_use",
    "reasoning_effort": "output_config.effort",
    "thinking_budget": "thinking.budget_tokens",
    "show_thinking": "thinking.display",
    "user": "metadata.user_id",
    "service_tier": "service_tier",
}
"""Settings that have a name in this dialect; all others are left out."""
TIERS: Mapping[str, str] = {
    "auto": "auto",
    "standard_only": "standard_only",
    "default": "standard_only",
}
CHOICES: Mapping[str, str] = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}
MOST_BREAKPOINTS = 4
LEAST_TOP_P = 0.95
"""Of a model that thinks; its temperature cannot be set."""
JSON_ONLY = "Answer with one JSON object and nothing else."
"""There is no parameter for an answer that is some JSON."""


def body_of(prompt: Prompt, model: str, *, stream: bool) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of what is left out. Raises `Unfit`, or `Wanting`."""
    kind = kind_of(model, prompt.most)
    turns = Turns(prompt, kind)
    settings = {name: value for name, value in prompt.settings.items() if value is not None}
    body: dict[str, Any] = {"model": model, "messages": turns.messages}
    lost = turns.dropped
    lost += (n for n, value in settings.items() if n not in CARRIES and not is_usual(n, value))
    _add_tools(body, prompt, kind, lost)
    hindered = (
        turns.begun
        or turns.calls_without_thinking
        or body.get("tool_choice", {}).get("type") in ("any", "tool")
    )
    reasoning = reasoning_of(settings, kind, settings.get("max_tokens"), hindered=hindered)
    lost += reasoning.lost
    body["max_tokens"] = _most(settings.get("max_tokens"), kind, reasoning)
    if reasoning.thinking is not None:
        body["thinking"] = reasoning.thinking
    _add_form(body, turns.system, prompt.form, reasoning, kind, lost)
    if turns.system:
        body["system"] = _plain(turns.system)
    _add_sampling(body, settings, kind, reasoning, lost)
    _add_rest(body, settings, lost)
    if stream:
        body["stream"] = True
    _bound_breakpoints(body, lost)
    return encoded(body), tuple(dict.fromkeys(lost))


def _plain(system: list[Block]) -> Any:
    """A text where it is just one, as people write it."""
    only = system[0]
    return only["text"] if len(system) == 1 and len(only) == 2 else system


def _most(asked: int | None, kind: Kind, reasoning: Reasoning) -> int:
    if asked is None:
        thought = (reasoning.thinking or {}).get("budget_tokens", 0)
        asked = kind.usual_output + (thought if not kind.roomy else 0)
        asked = max(asked, thought + 1)
    return asked if kind.output is None else min(asked, kind.output)


def _add_tools(body: dict[str, Any], prompt: Prompt, kind: Kind, lost: list[str]) -> None:
    choice = prompt.choice
    allowed = choice.allowed if choice is not None else ()
    tools: list[Any] = []
    for tool in prompt.tools:
        if isinstance(tool, Hosted):
            _host(body, tools, tool)
        elif not allowed or tool.name in allowed:
            tools.append(_tool(tool, kind, lost))
    if not tools:
        # Who has called tools must still have them, also where none may be called any more.
        tools = [{"name": name, "input_schema": {"type": "object"}} for name in _called(prompt)]
        if tools:
            body["tools"], body["tool_choice"] = tools, {"type": "none"}
        return
    body["tools"] = tools
    parallel = prompt.settings.get("parallel_tool_calls")
    if choice is None and parallel is not False:
        return
    mode = "auto" if choice is None else choice.mode
    if mode in ("required", "named") and not kind.forced:
        raise Unfit("a call of a tool that the model is made to do")
    made: dict[str, Any] = {"type": CHOICES[mode]}
    if choice is not None and mode == "named":
        made["name"] = choice.name
    if parallel is False and mode != "none":
        made["disable_parallel_tool_use"] = True
    body["tool_choice"] = made


def _host(body: dict[str, Any], tools: list[Any], tool: Hosted) -> None:
    if tool.maker != MAKER:
        raise Unfit(f"a tool of another provider's: {tool.kind[:50]}")
    if tool.kind == "mcp_server":
        body.setdefault("mcp_servers", []).append(tool.written)
    else:
        tools.append(tool.written)


def _tool(tool: Tool, kind: Kind, lost: list[str]) -> Block:
    if tool.custom:
        raise Unfit("a tool that takes free text")
    schema: Any = {"type": "object", "properties": {}} if tool.schema is None else tool.schema
    if "type" not in schema:
        schema = {"type": "object", **schema}
    made: Block = {"name": tool.name, "input_schema": schema}
    if tool.description:
        made["description"] = tool.description
    if tool.strict and kind.schema:
        made["input_schema"], made["strict"] = closed(schema, lost), True
    elif tool.strict:
        lost.append("strict")
    return cached(made, tool.cache)


def _called(prompt: Prompt) -> list[str]:
    """The names of the tools that were called, once each."""
    calls = (part for message in prompt.messages for part in message.parts)
    return list(dict.fromkeys(part.name for part in calls if isinstance(part, ToolCall)))


def _add_form(
    body: dict[str, Any],
    system: list[Block],
    form: Form | None,
    reasoning: Reasoning,
    kind: Kind,
    lost: list[str],
) -> None:
    config: dict[str, Any] = {}
    if reasoning.effort is not None:
        config["effort"] = reasoning.effort
    if form is not None and form.schema is None:
        system.append({"type": "text", "text": JSON_ONLY})
    elif form is not None:
        if not kind.schema:
            raise Unfit("an answer in a given form")
        config["format"] = {"type": "json_schema", "schema": closed(form.schema, lost)}
    if config:
        body["output_config"] = config


def _add_sampling(
    body: dict[str, Any],
    settings: Mapping[str, Any],
    kind: Kind,
    reasoning: Reasoning,
    lost: list[str],
) -> None:
    temperature, top_p, top_k = (settings.get(name) for name in ("temperature", "top_p", "top_k"))
    if temperature is not None:
        temperature = min(1, max(0, temperature))
    if temperature is not None and (reasoning.on or not kind.sampling):
        # One is what it is without being set.
        lost += ["temperature"] if temperature != 1 else []
        temperature = None
    if top_p is not None and (
        not kind.sampling
        or (reasoning.on and top_p < LEAST_TOP_P)
        or (temperature is not None and not kind.both)
    ):
        lost += ["top_p"] if top_p != 1 else []
        top_p = None
    if top_k is not None and (reasoning.on or not kind.sampling):
        lost.append("top_k")
        top_k = None
    said = {"temperature": temperature, "top_p": top_p, "top_k": top_k}
    body.update((name, value) for name, value in said.items() if value is not None)


def _add_rest(body: dict[str, Any], settings: Mapping[str, Any], lost: list[str]) -> None:
    if stop := settings.get("stop"):
        sequences = [sequence for sequence in stop if sequence.strip()]
        if sequences:
            body["stop_sequences"] = sequences
        if len(sequences) < len(stop):
            lost.append("stop")
    if user := settings.get("user"):
        body["metadata"] = {"user_id": user}
    if tier := settings.get("service_tier"):
        if tier in TIERS:
            body["service_tier"] = TIERS[tier]
        else:
            lost.append("service_tier")


def _bound_breakpoints(body: Mapping[str, Any], lost: list[str]) -> None:
    """The last four are kept, which reach furthest; and none for an hour follows one for less."""
    system = body.get("system")
    marked = [block for block in body.get("tools", ()) if "cache_control" in block]
    marked += [block for block in (system if isinstance(system, list) else ()) if _has(block)]
    marked += [block for turn in body["messages"] for block in turn["content"] if _has(block)]
    for block in marked[:-MOST_BREAKPOINTS]:
        del block["cache_control"]
        lost.append("cache_control")
    short = False
    for block in marked[-MOST_BREAKPOINTS:]:
        short = short or "ttl" not in block["cache_control"]
        if short:
            block["cache_control"] = {"type": "ephemeral"}


def _has(block: Block) -> bool:
    return "cache_control" in block

"""A prompt as the body of a request to Converse.

What a parameter is called here is a table; what generations of Claude refuse is known of them
wherever they run. What would be refused is left out and named, or makes the target unfit where the
request would mean something else without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from router.dialects.anthropic.bodies import JSON_ONLY, LEAST_TOP_P
from router.dialects.anthropic.models import UNKNOWN, Kind, kind_of
from router.dialects.anthropic.reasoning import Reasoning, reasoning_of
from router.dialects.anthropic.schemas import closed
from router.dialects.bedrock.turns import Turns
from router.dialects.common.prompt import Form, Hosted, Prompt, Tool, ToolChoice, is_usual
from router.dialects.contract import Unfit

CARRIES: Mapping[str, str] = {
    "max_tokens": "inferenceConfig.maxTokens",
    "temperature": "inferenceConfig.temperature",
    "top_p": "inferenceConfig.topP",
    "top_k": "additionalModelRequestFields.top_k",
    "stop": "inferenceConfig.stopSequences",
    "reasoning_effort": "outputConfig.effort",
    "thinking_budget": "additionalModelRequestFields.thinking",
    "show_thinking": "additionalModelRequestFields.thinking",
    "metadata": "requestMetadata",
    "service_tier": "serviceTier",
}
"""Settings that have a name in this dialect; all others are left out."""
TIERS = frozenset({"priority", "default", "flex", "reserved"})
MOST_METADATA = 16

_TOOL = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_METADATA = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}")
_CACHES = re.compile(r"claude|anthropic|nova")
_encode = msgspec.json.encode


def body_of(prompt: Prompt, model: str) -> tuple[bytes, tuple[str, ...]]:
    """The body, and the names of what is left out. Raises `Unfit`, or `Wanting`."""
    kind = kind_of(model, prompt.most)
    claude = kind is not UNKNOWN or "claude" in model or "anthropic." in model
    turns = Turns(prompt, caches=_CACHES.search(model) is not None, claude=claude)
    if turns.begun and not kind.prefill:
        raise Unfit("the beginning of an answer that the model is to go on with")
    settings = {name: value for name, value in prompt.settings.items() if value is not None}
    body: dict[str, Any] = {"messages": turns.messages}
    lost = turns.dropped
    lost += (n for n, value in settings.items() if n not in CARRIES and not is_usual(n, value))
    if tools := _tools(prompt, turns, kind):
        body["toolConfig"] = tools
    forced = not tools.get("toolChoice", {}).keys().isdisjoint({"any", "tool"})
    reasoning = reasoning_of(
        settings,
        kind,
        settings.get("max_tokens"),
        hindered=turns.begun or turns.calls_without_thinking or forced,
    )
    lost += reasoning.lost
    _add_form(body, turns, prompt.form, reasoning, kind)
    if turns.system:
        body["system"] = turns.system
    inference = _inference(settings, kind, reasoning, lost)
    if inference:
        body["inferenceConfig"] = inference
    if further := _further(settings, kind, reasoning, lost, claude=claude):
        body["additionalModelRequestFields"] = further
    _add_rest(body, settings, lost)
    return _encode(body), tuple(dict.fromkeys(lost))


def _tools(prompt: Prompt, turns: Turns, kind: Kind) -> dict[str, Any]:
    """There is no word for that none may be called: they are left out then, unless some have been,
    since who has called tools must still have them.
    """
    choice = prompt.choice or ToolChoice("auto")
    if any(isinstance(tool, Hosted) for tool in prompt.tools):
        raise Unfit("a tool that runs at another provider")
    named = [tool for tool in prompt.tools if isinstance(tool, Tool)]
    called = turns.calls
    if not named or choice.mode == "none":
        if not called:
            return {}
        if choice.mode == "none":
            turns.dropped.append("tool_choice")
        known = {tool.name: tool for tool in named}
        kept = [known.get(name, Tool(name)) for name in called]
        return {"tools": [block for tool in kept for block in _tool(tool, turns, kind)]}
    if choice.allowed:
        named = [tool for tool in named if tool.name in choice.allowed]
    config: dict[str, Any] = {
        "tools": [block for tool in named for block in _tool(tool, turns, kind)]
    }
    if choice.mode in ("required", "named") and not kind.forced:
        raise Unfit("a call of a tool that the model is made to do")
    if choice.mode == "required":
        config["toolChoice"] = {"any": {}}
    elif choice.mode == "named":
        config["toolChoice"] = {"tool": {"name": choice.name}}
    elif prompt.choice is not None:
        config["toolChoice"] = {"auto": {}}
    return config


def _tool(tool: Tool, turns: Turns, kind: Kind) -> list[dict[str, Any]]:
    if tool.custom:
        raise Unfit("a tool that takes free text")
    if not _TOOL.fullmatch(tool.name):
        raise Unfit("a tool's name that is longer than 64 letters, or has others than a-z 0-9 _ -")
    schema: Any = {"type": "object", "properties": {}} if tool.schema is None else tool.schema
    if "type" not in schema:
        schema = {"type": "object", **schema}
    spec: dict[str, Any] = {"name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    if tool.strict and kind.schema and kind is not UNKNOWN:
        schema, spec["strict"] = closed(schema, turns.dropped), True
    elif tool.strict:
        turns.dropped.append("strict")
    spec["inputSchema"] = {"json": schema}
    return [{"toolSpec": spec}, *turns.point(tool.cache)]


def _add_form(
    body: dict[str, Any], turns: Turns, form: Form | None, reasoning: Reasoning, kind: Kind
) -> None:
    config: dict[str, Any] = {}
    if reasoning.effort is not None:
        config["effort"] = reasoning.effort
    if form is not None and form.schema is None:
        turns.system.append({"text": JSON_ONLY})
    elif form is not None:
        if not kind.schema:
            raise Unfit("an answer in a given form")
        schema = closed(form.schema, turns.dropped)
        told = {"schema": _encode(schema).decode(), "name": form.name}
        if form.description:
            told["description"] = form.description
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": told}}
    if config:
        body["outputConfig"] = config


def _inference(
    settings: Mapping[str, Any], kind: Kind, reasoning: Reasoning, lost: list[str]
) -> dict[str, Any]:
    temperature, top_p = settings.get("temperature"), settings.get("top_p")
    if temperature is not None and (reasoning.on or not kind.sampling):
        lost += ["temperature"] if temperature != 1 else []
        temperature = None
    if top_p is not None and (
        not kind.sampling
        or (reasoning.on and top_p < LEAST_TOP_P)
        or (temperature is not None and not kind.both)
    ):
        lost += ["top_p"] if top_p != 1 else []
        top_p = None
    said: dict[str, Any] = {
        "maxTokens": _most(settings.get("max_tokens"), kind, reasoning),
        "temperature": temperature if temperature is None else min(1, max(0, temperature)),
        "topP": top_p,
    }
    if stop := settings.get("stop"):
        said["stopSequences"] = [sequence for sequence in stop if sequence.strip()] or None
        if len(said["stopSequences"] or ()) < len(stop):
            lost.append("stop")
    return {name: value for name, value in said.items() if value is not None}


def _most(asked: int | None, kind: Kind, reasoning: Reasoning) -> int | None:
    """What a model thinks is a part of the answer, so its bound must be said with a budget."""
    budget: int | None = (reasoning.thinking or {}).get("budget_tokens")
    if asked is None and budget is not None:
        asked = max(kind.usual_output, budget + 1)
    if asked is None:
        return None
    return max(1, asked if kind.output is None else min(asked, kind.output))


def _further(
    settings: Mapping[str, Any],
    kind: Kind,
    reasoning: Reasoning,
    lost: list[str],
    *,
    claude: bool,
) -> dict[str, Any]:
    """What only some models know, in their own words."""
    further: dict[str, Any] = {}
    if (top_k := settings.get("top_k")) is not None:
        if claude and kind.sampling and not reasoning.on:
            further["top_k"] = top_k
        else:
            lost.append("top_k")
    if reasoning.thinking is not None:
        further["thinking"] = reasoning.thinking
    return further


def _add_rest(body: dict[str, Any], settings: Mapping[str, Any], lost: list[str]) -> None:
    if tier := settings.get("service_tier"):
        if tier in TIERS:
            body["serviceTier"] = {"type": tier}
        elif tier != "auto":
            lost.append("service_tier")
    if metadata := settings.get("metadata"):
        if _fits(metadata):
            body["requestMetadata"] = metadata
        else:
            lost.append("metadata")


def _fits(metadata: Any) -> bool:
    return (
        isinstance(metadata, Mapping)
        and len(metadata) <= MOST_METADATA
        and all(
            isinstance(text, str) and _METADATA.fullmatch(text)
            for pair in metadata.items()
            for text in pair
        )
        and all(metadata)
    )

"""A message, as clients are given it: its parts as blocks, why it ended, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.dialects.anthropic.blocks import arguments
from router.dialects.anthropic.traces import marked
from router.dialects.common.events import Reason, Stopped, Usage
from router.dialects.common.prompt import Part, Refusal, Text, Thinking, ToolCall

STOPS: Mapping[Reason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


def why(stopped: Stopped | None, *, called: bool, refused: bool) -> tuple[str, str | None]:
    """The reason to stop, and the sequence that was met. Some say only that they stopped where
    they called tools, or refused.
    """
    reason: Reason = "stop" if stopped is None else stopped.reason
    if reason != "stop":
        return STOPS[reason], None
    if called or refused:
        return STOPS["tool_calls" if called else "content_filter"], None
    if stopped is not None and stopped.sequence is not None:
        return "stop_sequence", stopped.sequence
    return STOPS["stop"], None


def counts(usage: Usage) -> dict[str, Any]:
    """Usage in Anthropic's terms, where what was read from a cache, or written to one, is counted
    apart.
    """
    counted: dict[str, Any] = {
        "input_tokens": max(0, usage.input_tokens - usage.cached - usage.written),
        "cache_creation_input_tokens": usage.written,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning:
        counted["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return counted


def message(name: str, model: str) -> dict[str, Any]:
    """What every message has, with the upstream's name of the model."""
    return {"id": name, "type": "message", "role": "assistant", "model": model}


def block_of(part: Part) -> dict[str, Any] | None:
    """A part of an answer as a block; None: it has none."""
    match part:
        case Text(text) | Refusal(text):
            return {"type": "text", "text": text}
        case Thinking(redacted=str(data)):
            return {"type": "redacted_thinking", "data": marked(part.maker, data)}
        case Thinking():
            signature = marked(part.maker, part.signature or "")
            return {"type": "thinking", "thinking": part.text, "signature": signature}
        case ToolCall():
            given = arguments(part.arguments, free=part.custom)
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": given}
        case _:
            return None

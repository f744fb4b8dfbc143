"""The response object as a client is shown it: what it asked for, said again, and what came of it.

Clients of other languages insist on the fields being there and of their kinds, so those that were
not asked for have the values that they have by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Raw

from router.dialects.common.events import Reason, Usage
from router.dialects.common.outside import decoded
from router.dialects.fields import Fields

DEFAULTS: Mapping[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": "default",
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "top_p": None,
    "user": None,
}
"""Fields that are said again, and what they are where nobody asked."""
INCOMPLETE: Mapping[Reason | None, str] = {
    "length": "max_output_tokens",
    "content_filter": "content_filter",
}


def asked_for(fields: Fields) -> dict[str, Any]:
    """What does not change while the answer comes. It is not kept, whatever was asked."""
    told: dict[str, Any] = dict(DEFAULTS)
    for name in DEFAULTS:
        raw = fields.get(name)
        if raw is not None and bytes(raw) != b"null":
            told[name] = raw
    text = fields.get("text")
    if text is not None and b"format" not in bytes(text):
        told["text"] = {**DEFAULTS["text"], **_table(text)}
    tools = decoded(fields.get("tools"))
    return {
        **told,
        "tools": [_tool(tool) for tool in tools] if isinstance(tools, list) else [],
        "background": False,
        "error": None,
        "previous_response_id": None,
        "store": False,
        "top_logprobs": 0,
        "truncation": "disabled",
    }


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict) or tool.get("type") != "function":
        return tool
    return {"description": None, "parameters": None, "strict": False, **tool}


def _table(raw: Raw) -> dict[str, Any]:
    told = decoded(raw)
    return told if isinstance(told, dict) else {}


def ending(reason: Reason | None) -> dict[str, Any]:
    """How it ended, by why the model stopped."""
    if reason in INCOMPLETE:
        details = {"reason": INCOMPLETE[reason]}
        return {"status": "incomplete", "incomplete_details": details}
    return {"status": "completed", "incomplete_details": None}


def counted(usage: Usage | None) -> dict[str, Any] | None:
    """Tokens as this dialect counts them; None: nobody counted."""
    if usage is None:
        return None
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.written,
        },
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }

"""Reasoning that means something to its maker alone, as clients of chat completions carry it.

OpenAI's own dialect has no place for it. Two have come into use: `reasoning_details`, as OpenRouter
writes and takes them, and `extra_content` of a tool call, as Google's endpoint of this dialect
does. A client that sends back what it was given keeps both, so a conversation can go on at the
provider that began it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.dialects.common.outside import text_of
from router.dialects.common.prompt import Thinking

FORMATS = {
    "anthropic": "anthropic-claude-v1",
    "gemini": "google-gemini-v1",
    "responses": "openai-responses-v1",
}
"""The names of makers in `reasoning_details`."""
MAKERS = {name: maker for maker, name in FORMATS.items()}
VENDORS = {"gemini": "google"}
"""Whose object in `extra_content` holds the signature of a maker's tool calls."""
MOST = 256
"""Details of one message; more are not looked at."""


def thinking_of(details: Any) -> Iterator[Thinking]:
    """What `reasoning_details` say, as far as they are such."""
    for detail in details[:MOST] if isinstance(details, list) else ():
        if not isinstance(detail, dict):
            continue
        text, signature, data = (text_of(detail.get(key)) for key in ("text", "signature", "data"))
        text = text or text_of(detail.get("summary"))
        if text or signature or data:
            form = text_of(detail.get("format"))
            yield Thinking(text, MAKERS.get(form, form), signature or None, data or None)


def detail_of(thinking: Thinking, index: int) -> dict[str, Any]:
    """One of `reasoning_details`."""
    told: dict[str, Any] = {"type": "reasoning.text", "text": thinking.text}
    if thinking.redacted is not None:
        told = {"type": "reasoning.encrypted", "data": thinking.redacted}
    if thinking.signature is not None:
        told["signature"] = thinking.signature
    return {**told, "format": FORMATS.get(thinking.maker, thinking.maker), "index": index}


def signature_of(extra: Any) -> tuple[str | None, str]:
    """The signature in a tool call's `extra_content`, and whose it is."""
    for maker, vendor in VENDORS.items():
        told = extra.get(vendor) if isinstance(extra, dict) else None
        signature = text_of(told.get("thought_signature")) if isinstance(told, dict) else ""
        if signature:
            return signature, maker
    return None, ""


def extra_of(signature: str | None, maker: str) -> dict[str, Any]:
    """What goes beside a tool call for its signature: nothing, if there is no place for it."""
    vendor = VENDORS.get(maker)
    if signature is None or vendor is None:
        return {}
    return {"extra_content": {vendor: {"thought_signature": signature}}}

"""What Converse answers, whole or in pieces, as events. Whatever is not of the kind that it should
be is not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from policies import Outcome, Report
from router.dialects.bedrock.blocks import MAKER
from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Reason,
    Said,
    Stopped,
    Thought,
    Usage,
)
from router.dialects.common.outside import count, object_of, objects_of, text_of, tier_of
from router.dialects.errors.judge import NO_ANSWER, good

REASONS: Mapping[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
BROKEN_OFF = frozenset({"malformed_model_output", "malformed_tool_use"})
"""Reasons to stop that name a failure inside the answer."""


def whole_of(told: Any) -> tuple[Report, list[Event]]:
    """The outcome of an answer in one piece, decoded, and what it says."""
    answer = object_of(told)
    message = object_of(object_of(answer.get("output")).get("message"))
    content, reason = message.get("content"), answer.get("stopReason")
    if not isinstance(content, list) or not isinstance(reason, str):
        return NO_ANSWER, []
    if reason in BROKEN_OFF:
        return Report(Outcome.FAILED, detail=f"200 with stopReason {reason}"), []
    events: list[Event] = [Began("", "")]
    calls = 0
    for block in map(object_of, content):
        events += _block(block, calls)
        calls += isinstance(block.get("toolUse"), dict)
    events.append(stopped(reason))
    if (usage := usage_of(answer)) is not None:
        events.append(Counted(usage))
    return good(usage), events


def _block(block: Mapping[str, Any], calls: int) -> list[Event]:
    if text := text_of(block.get("text")):
        return [Said(text)]
    if isinstance(call := block.get("toolUse"), dict):
        given = msgspec.json.encode(object_of(call.get("input"))).decode()
        return [called(call, calls), Argued(calls, given)]
    if isinstance(cited := object_of(block.get("citationsContent")).get("content"), list):
        texts = [text_of(object_of(one).get("text")) for one in cited]
        return [Said(text) for text in texts if text]
    reasoning = object_of(block.get("reasoningContent"))
    if redacted := text_of(reasoning.get("redactedContent")):
        return [Thought(redacted=redacted, maker=MAKER)]
    told = object_of(reasoning.get("reasoningText"))
    text, signature = text_of(told.get("text")), text_of(told.get("signature"))
    return [Thought(text, signature or None, maker=MAKER)] if text or signature else []


def called(call: Mapping[str, Any], number: int) -> Called:
    """The beginning of a call."""
    return Called(number, text_of(call.get("toolUseId")), text_of(call.get("name")))


def stopped(reason: str) -> Stopped:
    """The end; a reason that nobody knows is one to stop."""
    return Stopped(REASONS.get(reason, "stop"))


def usage_of(said: Mapping[str, Any]) -> Usage | None:
    """Tokens, as far as they are told by what they came with. Those of a cache are counted beside
    the input.
    """
    told = said.get("usage")
    if not isinstance(told, dict):
        return None
    given, output, cached, written = (
        count(told.get(name))
        for name in ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    )
    given += cached + written
    if not given and not output:
        return None
    kept = objects_of(told.get("cacheDetails"))
    hour = sum(count(one.get("inputTokens")) for one in kept if one.get("ttl") == "1h")
    tier = tier_of(object_of(said.get("serviceTier")).get("type"))
    return Usage(given, output, cached, written, 0, min(hour, written), tier)

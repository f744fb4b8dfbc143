"""Writes an answer as chat completions have it: chunks of a stream, or one object.

Clients of OpenAI's SDKs are strict about the order: the role comes first, a call of a tool has its
id and name in its first piece, and the usage, if it was asked for, in a chunk of its own at last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Choice,
    Counted,
    Event,
    Refused,
    Said,
    Stopped,
    Thought,
    Usage,
    whole,
)
from router.dialects.common.prompt import Refusal, Text, Thinking, ToolCall
from router.dialects.contract import Call
from router.dialects.openai.chat.traces import detail_of, extra_of

DONE = b"data: [DONE]\n\n"

_encode = msgspec.json.encode


class ChatWriter:
    """See `Writer`."""

    __slots__ = ("_blocks", "_call", "_custom", "_details", "_head", "_roles", "_tail", "_usage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._head = b""
        self._tail = b',"usage":null}\n\n' if call.usage_asked else b"}\n\n"
        self._usage: Usage | None = None
        self._roles: set[int] = set()
        self._custom: set[tuple[int, int]] = set()
        self._blocks: dict[int, str] = {}
        self._details: dict[int, int] = {}

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join([chunk for event in events for chunk in self._chunks(event)])

    def end(self, note: bytes) -> bytes:
        if self._usage is None or not self._call.usage_asked:
            return note + DONE
        counted = _encode(usage_of(self._usage))
        return self._opening() + b'[],"usage":' + counted + b"}\n\n" + note + DONE

    def whole(self, events: Iterable[Event]) -> bytes:
        answer = whole(events)
        told: dict[str, Any] = {
            "id": answer.id or self._call.id,
            "object": "chat.completion",
            "created": answer.created or self._call.at,
            "model": answer.model or self._call.model,
            "choices": [
                _choice(index, choice) for index, choice in enumerate(answer.choices or [Choice()])
            ],
        }
        if answer.usage is not None:
            told["usage"] = usage_of(answer.usage)
        return _encode(told)

    def _chunks(self, event: Event) -> Iterator[bytes]:
        if isinstance(event, Began):
            self._head = self._headed(event)
            return
        if isinstance(event, Counted):
            self._usage = event.usage
            return
        choice = event.choice
        if choice not in self._roles:
            self._roles.add(choice)
            content = "" if isinstance(event, Said) else None
            yield self._chunk(choice, {"role": "assistant", "content": content})
        if isinstance(event, Stopped):
            yield self._chunk(choice, {}, event.reason)
        elif delta := self._delta(event):
            yield self._chunk(choice, delta)

    def _delta(self, event: Said | Refused | Thought | Called | Argued) -> dict[str, Any]:
        match event:
            case Said(text):
                return {"content": text}
            case Refused(text):
                return {"refusal": text}
            case Thought():
                return self._thought(event)
            case Called():
                if event.custom:
                    self._custom.add((event.choice, event.number))
                return {"tool_calls": [{"index": event.number, **_called(event, "")}]}
            case Argued(number, text):
                if (event.choice, number) in self._custom:
                    return {"tool_calls": [{"index": number, "custom": {"input": text}}]}
                return {"tool_calls": [{"index": number, "function": {"arguments": text}}]}

    def _thought(self, event: Thought) -> dict[str, Any]:
        """Text as it comes; at the end of a block that its maker signed, the block whole."""
        choice = event.choice
        delta: dict[str, Any] = {"reasoning_content": event.text} if event.text else {}
        if event.signature is None and event.redacted is None:
            self._blocks[choice] = self._blocks.get(choice, "") + event.text
            return delta
        text = self._blocks.pop(choice, "") + event.text
        number = self._details.get(choice, 0)
        self._details[choice] = number + 1
        block = Thinking(text, event.maker, event.signature, event.redacted)
        return {**delta, "reasoning_details": [detail_of(block, number)]}

    def _chunk(self, choice: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        reason = b"null" if finish is None else b'"' + finish.encode() + b'"'
        return b"".join(
            (
                self._opening(),
                b'[{"index":%d,"delta":' % choice,
                _encode(delta),
                b',"logprobs":null,"finish_reason":',
                reason,
                b"}]",
                self._tail,
            )
        )

    def _opening(self) -> bytes:
        if not self._head:
            self._head = self._headed(Began("", ""))
        return self._head

    def _headed(self, began: Began) -> bytes:
        told = {
            "id": began.id or self._call.id,
            "object": "chat.completion.chunk",
            "created": began.created or self._call.at,
            "model": began.model or self._call.model,
        }
        return b"data: " + _encode(told)[:-1] + b',"choices":'


def usage_of(usage: Usage) -> dict[str, Any]:
    """Tokens as this dialect counts them: what is cached or reasoning is part of the whole."""
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.written,
        },
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def _choice(index: int, choice: Choice) -> dict[str, Any]:
    parts = choice.parts
    texts = [part.text for part in parts if isinstance(part, Text)]
    refusals = [part.text for part in parts if isinstance(part, Refusal)]
    thinking = [part for part in parts if isinstance(part, Thinking)]
    calls = [part for part in parts if isinstance(part, ToolCall)]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if calls:
        message["tool_calls"] = [_called(call, call.arguments) for call in calls]
    if reasoning := "".join(part.text for part in thinking):
        message["reasoning_content"] = reasoning
    if any(part.signature is not None or part.redacted is not None for part in thinking):
        message["reasoning_details"] = [
            detail_of(part, number) for number, part in enumerate(thinking)
        ]
    reason = "tool_calls" if calls else "stop"
    return {
        "index": index,
        "message": message,
        "logprobs": None,
        "finish_reason": choice.stopped.reason if choice.stopped is not None else reason,
    }


def _called(call: Called | ToolCall, arguments: str) -> dict[str, Any]:
    if call.custom:
        return {
            "id": call.id,
            "type": "custom",
            "custom": {"name": call.name, "input": arguments},
        }
    return {
        "id": call.id,
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
        **extra_of(call.signature, call.maker),
    }

"""An answer as the completion of a text, of which only the words can be said. Chats have a writer
of their own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from router.dialects.common.events import Began, Counted, Event, Said, Stopped, Usage
from router.dialects.contract import Call

DONE = b"data: [DONE]\n\n"


class TextWriter:
    """See `Writer`."""

    __slots__ = ("_call", "_head", "_usage")

    def __init__(self, call: Call) -> None:
        self._call = call
        self._head: dict[str, Any] = {}
        self._usage = Usage(0, 0)

    def write(self, events: Iterable[Event]) -> bytes:
        return b"".join([_event({**self._head, "choices": [one]}) for one in self._choices(events)])

    def end(self, note: bytes) -> bytes:
        counted = {**self._head, "choices": [], "usage": self._counts()}
        return (_event(counted) if self._call.usage_asked else b"") + note + DONE

    def whole(self, events: Iterable[Event]) -> bytes:
        choices: dict[int, dict[str, Any]] = {}
        for piece in self._choices(events):
            choice = choices.setdefault(piece["index"], piece)
            if choice is not piece:
                choice["text"] += piece["text"]
                choice["finish_reason"] = piece["finish_reason"]
        told = {**self._head, "choices": list(choices.values()), "usage": self._counts()}
        return msgspec.json.encode(told)

    def _choices(self, events: Iterable[Event]) -> Iterable[dict[str, Any]]:
        for event in events:
            match event:
                case Began(name, model, created):
                    self._head = {
                        "id": name or self._call.id,
                        "object": "text_completion",
                        "created": created or self._call.at,
                        "model": model or self._call.model,
                    }
                case Counted(usage):
                    self._usage = usage
                case Said(text, choice):
                    yield _choice(choice, text, None)
                case Stopped(reason, choice=choice):
                    yield _choice(choice, "", reason)

    def _counts(self) -> dict[str, int]:
        given, written, *_ = self._usage
        return {
            "prompt_tokens": given,
            "completion_tokens": written,
            "total_tokens": given + written,
        }


def _choice(index: int, text: str, finish: str | None) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish}


def _event(told: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(told) + b"\n\n"

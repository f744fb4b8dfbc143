"""What a provider answers in Responses, as events: as it comes, or whole.

Whether it is an answer at all is asked of the rules that hold for bytes that pass. What is not of
the kind that it should be is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
from msgspec import Raw

from router.dialects.common.events import (
    Argued,
    Began,
    Called,
    Counted,
    Event,
    Reason,
    Refused,
    Said,
    Stopped,
    Thought,
)
from router.dialects.common.outside import count, decoded, objects_of, text_of
from router.dialects.errors.table import Table
from router.dialects.responses.stream import ResponsesStream, StreamEvent, usage_of
from router.dialects.responses.traces import MAKER

MOST_CALLS = 1024
"""Calls in one answer: more are not believed."""
CALLS = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that call a tool, with what they are given."""
REASONS: dict[Any, Reason] = {"max_output_tokens": "length", "content_filter": "content_filter"}
BETWEEN = "\n\n"
"""What stands between two parts of a summary."""


class PlacedEvent(StreamEvent):
    """An event with its places."""

    output_index: Any = None
    summary_index: Any = None


class EventStream(ResponsesStream):
    """A stream that is read for all it says."""

    _decoder: ClassVar[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(PlacedEvent)

    __slots__ = ("_answer", "events")

    def __init__(self, errors: Table) -> None:
        super().__init__(None, errors, "")
        self._answer = Answer()
        self.events: list[Event] = []

    def _reads(self, told: StreamEvent) -> None:
        if isinstance(told, PlacedEvent):
            self.events += self._answer.read(told)


class Answer:
    """One answer as it is read: which items have said something, and which number a call has."""

    __slots__ = ("_begun", "_calls", "_said")

    def __init__(self) -> None:
        self._begun = False
        self._calls: dict[Any, int] = {}
        self._said: set[Any] = set()

    def read(self, told: PlacedEvent) -> Iterator[Event]:
        """What one event says."""
        place = told.output_index if isinstance(told.output_index, int) else 0
        match told.type:
            case "response.output_text.delta":
                yield from self._pieces(Said, told.delta, place)
            case "response.refusal.delta":
                yield from self._pieces(Refused, told.delta, place)
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                if text := text_of(decoded(told.delta)):
                    self._said.add(place)
                    yield Thought(text, maker=MAKER)
            case "response.reasoning_summary_part.added" if told.summary_index:
                yield Thought(BETWEEN, maker=MAKER)
            case "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta":
                if place in self._calls and (text := text_of(decoded(told.delta))):
                    self._said.add(place)
                    yield Argued(self._calls[place], text)
            case "response.output_item.added":
                yield from self._call(decoded(told.item), place)
            case "response.output_item.done":
                yield from self.item(decoded(told.item), place)
            case "response.created" | "response.in_progress":
                yield from self._begin(decoded(told.response))
            case "response.completed" | "response.incomplete":
                yield from self.end(decoded(told.response))

    def whole(self, response: Any) -> Iterator[Event]:
        """What a whole answer says."""
        yield from self._begin(response)
        output = response.get("output") if isinstance(response, dict) else None
        for place, item in enumerate(output if isinstance(output, list) else ()):
            yield from self.item(item, place)
        yield from self.end(response)

    def item(self, item: Any, place: int) -> Iterator[Event]:
        """What an item says that is done, but for what it has said already."""
        if not isinstance(item, dict):
            return
        kind = item.get("type")
        if kind == "reasoning":
            yield from self._thought(item, place)
        elif kind in CALLS:
            yield from self._call(item, place)
            arguments = item.get(CALLS[kind])
            if place in self._calls and place not in self._said and isinstance(arguments, str):
                yield Argued(self._calls[place], arguments)
        elif kind == "message" and place not in self._said:
            for part in objects_of(item.get("content")):
                text, refusal = part.get("text"), part.get("refusal")
                if isinstance(text, str) and text:
                    yield Said(text)
                elif isinstance(refusal, str) and refusal:
                    yield Refused(refusal)

    def end(self, response: Any) -> Iterator[Event]:
        """How it ended, and what it cost."""
        response = response if isinstance(response, dict) else {}
        yield from self._begin(response)
        usage = usage_of(response.get("usage"), response.get("service_tier"))
        if usage is not None:
            yield Counted(usage)
        details = response.get("incomplete_details")
        why = details.get("reason") if isinstance(details, dict) else None
        reason: Reason = "tool_calls" if self._calls else "stop"
        if response.get("status") == "incomplete":
            reason = REASONS.get(why, "length") if isinstance(why, str) else "length"
        yield Stopped(reason)

    def _begin(self, response: Any) -> Iterator[Event]:
        if self._begun or not isinstance(response, dict):
            return
        self._begun = True
        id_, model = response.get("id"), response.get("model")
        made = response.get("created_at")
        yield Began(
            text_of(id_),
            text_of(model),
            count(int(made)) if isinstance(made, int | float) and 0 < made < 1e10 else 0,
        )

    def _call(self, item: Any, place: int) -> Iterator[Event]:
        if not isinstance(item, dict) or item.get("type") not in CALLS or place in self._calls:
            return
        id_, name = item.get("call_id"), item.get("name")
        if isinstance(id_, str) and isinstance(name, str) and len(self._calls) < MOST_CALLS:
            self._calls[place] = len(self._calls)
            custom = item["type"] == "custom_tool_call"
            yield Called(self._calls[place], id_, name, custom)

    def _thought(self, item: dict[str, Any], place: int) -> Iterator[Event]:
        if place not in self._said:
            parts = [*objects_of(item.get("content")), *objects_of(item.get("summary"))]
            texts = [text for part in parts if isinstance(text := part.get("text"), str) and text]
            if texts:
                yield Thought(BETWEEN.join(texts), maker=MAKER)
        encrypted, id_ = item.get("encrypted_content"), item.get("id")
        if isinstance(encrypted, str) and encrypted:
            named = id_ if isinstance(id_, str) and " " not in id_ else ""
            yield Thought(signature=f"{named} {encrypted}".lstrip(), maker=MAKER)

    def _pieces(self, kind: type[Said | Refused], delta: Raw, place: int) -> Iterator[Event]:
        if text := text_of(decoded(delta)):
            self._said.add(place)
            yield kind(text)

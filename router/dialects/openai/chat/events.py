"""What a server of this dialect answers, as events: chunk by chunk, or whole.

Everything here comes from outside and may be anything: what is not of the expected kind is not
there. Whether the answer is one at all is asked of the rules that hold for bytes that pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

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
from router.dialects.common.outside import text_of
from router.dialects.errors.table import Table
from router.dialects.openai.chat.traces import signature_of, thinking_of
from router.dialects.openai.stream import ChatStream, Choice, Chunk, Delta, usage_of

REASONS: dict[str, Reason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "tool_calls",
    "model_length": "length",
    "max_tokens": "length",
}
"""Reasons to finish, with those that single servers have (Mistral: model_length). All others are a
usual end (Together: eos).
"""
MOST_CHOICES = 128
MOST_CALLS = 1024
"""Answers to one question, and calls in one answer: more are not believed."""

_encode = msgspec.json.encode


class Piece(Delta):
    """A piece of an answer, or the message of a whole one."""

    reasoning_details: Any = None


class PieceChoice(Choice):
    """One of the answers; a whole one has a `message`."""

    delta: Piece | None = None
    message: Piece | None = None


class PieceChunk(Chunk):
    """A chunk, or a whole answer."""

    id: Any = None
    model: Any = None
    created: Any = None
    choices: list[PieceChoice] | None = None


_whole = msgspec.json.Decoder(PieceChunk)


class EventStream(ChatStream):
    """A stream that is read for all it says, by the rules of one that passes."""

    _decoder = msgspec.json.Decoder(PieceChunk)

    __slots__ = ("_answer", "events")

    def __init__(self, errors: Table) -> None:
        super().__init__(1, errors, withhold_usage=True)
        self.events: list[Event] = []
        self._answer = Answer()

    def _reads(self, chunk: Chunk, data: bytes) -> bool:
        passes = super()._reads(chunk, data)
        if isinstance(chunk, PieceChunk) and self.failure is None:
            self.events += self._answer.read(chunk)
            if self.usage is not None and (chunk.usage or chunk.x_groq):
                self.events.append(Counted(self.usage))
        return passes

    def _passes(self, data: bytes, *, error: bool = False) -> bool:
        passes = super()._passes(data, error=error)
        if self.done and self.ended:
            self.events += self._answer.end()
        return passes


class Answer:
    """One answer as it is read: which calls of tools have begun, so that their pieces find them,
    and which choices are still open.
    """

    __slots__ = ("_begun", "_calls", "_id", "_open")

    def __init__(self) -> None:
        self._id = ""
        self._begun = False
        self._calls: dict[int, list[tuple[Any, str]]] = {}
        self._open: dict[int, None] = {}

    def read(self, chunk: PieceChunk) -> Iterator[Event]:
        """The events of a chunk, or of a whole answer."""
        if not self._begun and (chunk.choices or chunk.id):  # Azure tells of its filters first
            self._begun = True
            self._id = text_of(chunk.id)
            created = chunk.created if isinstance(chunk.created, int) else 0
            yield Began(self._id, text_of(chunk.model), created)
        for number, choice in enumerate(chunk.choices or ()):
            index = choice.index if type(choice.index) is int else number
            if not 0 <= index < MOST_CHOICES:
                continue
            delta = choice.delta if choice.delta is not None else choice.message
            if delta is not None:
                self._open[index] = None
                yield from self._delta(delta, index)
            if choice.finish_reason and isinstance(choice.finish_reason, str):
                self._open.pop(index, None)
                yield Stopped(self._reason(choice.finish_reason, index), choice=index)

    def end(self) -> Iterator[Event]:
        """What nobody gave a reason to finish for has come to an end as well."""
        for index in self._open:
            yield Stopped(self._reason("stop", index), choice=index)
        self._open.clear()

    def _reason(self, told: str, index: int) -> Reason:
        reason = REASONS.get(told, "stop")
        # Some say `stop` where a call was demanded, or `eos`.
        return "tool_calls" if reason == "stop" and self._calls.get(index) else reason

    def _delta(self, delta: Piece, index: int) -> Iterator[Event]:
        if thought := text_of(delta.reasoning_content) or text_of(delta.reasoning):
            yield Thought(thought, choice=index)
        if delta.reasoning_details:
            for part in thinking_of(delta.reasoning_details):
                words = "" if thought else part.text
                if words or part.signature is not None or part.redacted is not None:
                    yield Thought(words, part.signature, part.redacted, part.maker, index)
        if isinstance(delta.content, str):
            if delta.content:
                yield Said(delta.content, index)
        elif delta.content:
            yield from _parts(delta.content, index)
        if refusal := text_of(delta.refusal):
            yield Refused(refusal, index)
        if isinstance(delta.tool_calls, list):
            for call in delta.tool_calls:
                yield from self._call(call, index)

    def _call(self, told: Any, choice: int) -> Iterator[Event]:
        if not isinstance(told, dict):
            return
        free = isinstance(told.get("custom"), dict)
        what = told.get("custom" if free else "function")
        if not isinstance(what, dict):
            return
        calls = self._calls.setdefault(choice, [])
        named, name, place = text_of(told.get("id")), text_of(what.get("name")), told.get("index")
        number = _number(calls, place, named, name)
        if number is None:
            number = len(calls)
            if not name or number >= MOST_CALLS:
                return
            calls.append((place, named))
            signature, maker = signature_of(told.get("extra_content"))
            made = named or self._made_up(choice, number)
            yield Called(number, made, name, free, signature, maker, choice)
        arguments = what.get("input" if free else "arguments")
        if isinstance(arguments, dict):
            arguments = _encode(arguments).decode()
        if isinstance(arguments, str) and arguments:
            yield Argued(number, arguments, choice)

    def _made_up(self, choice: int, number: int) -> str:
        """An id for a call that came without one: the same whenever this answer is read."""
        words = f"{self._id} {choice} {number}".encode("utf-8", "surrogatepass")
        return "call_" + blake2b(words, digest_size=12).hexdigest()


def events_of(body: bytes) -> list[Event]:
    """What a whole answer says, which is known to be one."""
    told = _whole.decode(body)
    answer = Answer()
    events = [*answer.read(told), *answer.end()]
    usage = usage_of(told.usage)
    return [*events, Counted(usage)] if usage is not None else events


def _number(calls: list[tuple[Any, str]], place: Any, named: str, name: str) -> int | None:
    """Which of the calls that have begun, each with its place and id, a piece belongs to; None: it
    begins another. Some give every call the same place, but an id of its own; some no place.
    """
    if place is None:
        number = len(calls) - 1
        if number < 0 or (name and not named):
            return None
    else:
        places = range(len(calls) - 1, -1, -1)
        number = next((at for at in places if calls[at][0] == place), -1)
        if number < 0:
            return None
    return None if named and name and calls[number][1] != named else number


def _parts(content: Any, index: int) -> Iterator[Event]:
    """Content in parts, as Mistral's models write that think."""
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        if isinstance(thinking := part.get("thinking"), list):
            thought = "".join(text_of(one.get("text")) for one in thinking if isinstance(one, dict))
            if thought:
                yield Thought(thought, choice=index)
        elif said := text_of(part.get("text")):
            yield Said(said, index)

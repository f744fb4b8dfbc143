"""What an answer says, in no dialect's words: as it comes, piece by piece, or whole.

A provider's half reads bytes into events, a client's half writes events in its own words; an answer
in one piece is the same events at once. `choice` counts answers where several were asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from msgspec import Struct, field

from router.dialects.common.prompt import Part, Refusal, Text, Thinking, ToolCall

Reason = Literal["stop", "length", "tool_calls", "content_filter"]


class Usage(NamedTuple):
    """Tokens as a provider counted them. `input_tokens` and `output_tokens` are all of them; of the
    first, `cached` were read from a cache and `written` to one, `hour` of them for an hour;
    `reasoning` are of the second. `service_tier` is the one that it says it served them in.
    """

    input_tokens: int
    output_tokens: int
    cached: int = 0
    written: int = 0
    reasoning: int = 0
    hour: int = 0
    service_tier: str = ""


class Began(Struct, frozen=True):
    """The answer has an id and the upstream's name of the model; `created` is Unix time, 0: nobody
    said.
    """

    id: str
    model: str
    created: int = 0


class Said(Struct, frozen=True):
    """Text."""

    text: str
    choice: int = 0


class Refused(Struct, frozen=True):
    """Text in which the model refuses."""

    text: str
    choice: int = 0


class Thought(Struct, frozen=True):
    """Reasoning: a piece of its text, or, at the end of a block, its `signature`, or a block that
    was `redacted` whole. `maker` is the dialect that they mean something to.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    maker: str = ""
    choice: int = 0


class Called(Struct, frozen=True):
    """A call of a tool begins. `number` counts the calls of the answer from 0; what is said of
    it later comes in `Argued`.
    """

    number: int
    id: str
    name: str
    custom: bool = False
    signature: str | None = None
    maker: str = ""
    choice: int = 0


class Argued(Struct, frozen=True):
    """A piece of the arguments of the call `number`: JSON text, free text for a custom tool."""

    number: int
    text: str
    choice: int = 0


class Stopped(Struct, frozen=True):
    """The answer has come to its semantic end. `sequence` is the stop sequence that was met, where
    the provider says so.
    """

    reason: Reason
    sequence: str | None = None
    choice: int = 0


class Counted(Struct, frozen=True):
    """What it cost so far; the last one counts."""

    usage: Usage


Event = Began | Said | Refused | Thought | Called | Argued | Stopped | Counted
CONTENT = (Said, Refused, Thought, Called, Argued)
"""Events that cost tokens: with the first of them a stream commits."""


class Choice(Struct):
    """One answer, whole."""

    parts: list[Part] = field(default_factory=list)
    stopped: Stopped | None = None


class Whole(Struct):
    """A whole answer: what its events come to."""

    id: str = ""
    model: str = ""
    created: int = 0
    choices: list[Choice] = field(default_factory=list)
    usage: Usage | None = None


def whole(events: Iterable[Event]) -> Whole:
    """Fold `events` together: pieces of one text are one text; parts keep their order."""
    answer = Whole()
    for event in events:
        if isinstance(event, Began):
            answer.id, answer.model, answer.created = event.id, event.model, event.created
        elif isinstance(event, Counted):
            answer.usage = event.usage
        else:
            while len(answer.choices) <= event.choice:
                answer.choices.append(Choice())
            choice = answer.choices[event.choice]
            if isinstance(event, Stopped):
                choice.stopped = event
            else:
                _add(choice.parts, event)
    return answer


def _add(parts: list[Part], event: Said | Refused | Thought | Called | Argued) -> None:
    last = parts[-1] if parts else None
    match event:
        case Said(text):
            if isinstance(last, Text):
                parts[-1] = Text(last.text + text)
            else:
                parts.append(Text(text))
        case Refused(text):
            if isinstance(last, Refusal):
                parts[-1] = Refusal(last.text + text)
            else:
                parts.append(Refusal(text))
        case Thought():
            _think(parts, event)
        case Called():
            parts.append(
                ToolCall(event.id, event.name, "", event.custom, event.signature, event.maker)
            )
        case Argued(number, text):
            _argue(parts, number, text)


def _think(parts: list[Part], event: Thought) -> None:
    last = parts[-1] if parts else None
    goes_on = (
        isinstance(last, Thinking)
        and last.signature is None
        and last.redacted is None
        and event.redacted is None
    )
    if goes_on and isinstance(last, Thinking):
        parts[-1] = Thinking(last.text + event.text, event.maker, event.signature)
    else:
        parts.append(Thinking(event.text, event.maker, event.signature, event.redacted))


def _argue(parts: list[Part], number: int, text: str) -> None:
    calls = [at for at, part in enumerate(parts) if isinstance(part, ToolCall)]
    if number >= len(calls):
        return
    at = calls[number]
    call = parts[at]
    if isinstance(call, ToolCall):
        parts[at] = ToolCall(
            call.id, call.name, call.arguments + text, call.custom, call.signature, call.maker
        )

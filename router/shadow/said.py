"""Reads what an answer said from the bytes that its client got, or would have got.

Why: both sides are then read alike, whoever answered in whatever dialect. Must not: raise for what
cannot be read; it says nothing then.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.dialects.anthropic.dialect import ANTHROPIC
from router.dialects.anthropic.foreign import FOREIGN_ANTHROPIC
from router.dialects.common.events import Event, Whole, whole
from router.dialects.common.outside import UNREADABLE
from router.dialects.common.prompt import Prompt, Refusal, Text, ToolCall
from router.dialects.contract import (
    Call,
    ClientError,
    EventReader,
    ForeignDialect,
    Interpretable,
    Operation,
)
from router.dialects.openai.chat.foreign import chat_of
from router.dialects.openai.dialect import OPENAI
from router.dialects.responses.dialect import RESPONSES
from router.dialects.responses.foreign import responses_of
from router.shadow.judged import Said
from router.stage import give_way

READ_BY: Mapping[Operation, tuple[Interpretable, ForeignDialect]] = {
    "chat": (OPENAI, chat_of()),
    "messages": (ANTHROPIC, FOREIGN_ANTHROPIC),
    "responses": (RESPONSES, responses_of(None)),
}
"""The kinds of calls that can be compared: how the call is read, and how an answer to it is."""

A_BIT = 16 * 1024
"""Bytes of a stream that are read at once: some 70 events, in a fraction of a millisecond."""


async def said_of(call: Call, answer: bytes) -> Said | None:
    """What an answer to `call` said, in its client's dialect; None: it cannot be read. A long one
    is read bit by bit: others have more urgent things to do.
    """
    dialect = READ_BY[call.operation][1]
    try:
        events = await _streamed(dialect, answer) if call.stream else dialect.whole(answer)[1]
        told = whole(events)
    except UNREADABLE:
        return None
    return _first(told) if told.choices else None


async def begun_of(call: Call, data: bytes) -> Said | None:
    """What a streamed answer to `call` has said so far, by its first events; None: they cannot be
    read.
    """
    try:
        told = whole(await _events(READ_BY[call.operation][1].reader(), data))
    except UNREADABLE:
        return None
    return _first(told) if told.choices else Said("")


def prompt_of(call: Call) -> Prompt | None:
    """The call in the common form; None: it cannot be put so."""
    if call.common is not None:
        return call.common
    try:
        return READ_BY[call.operation][0].prompt(call)
    except ClientError:
        return None


async def _streamed(dialect: ForeignDialect, answer: bytes) -> list[Event]:
    reader = dialect.reader()
    return [*await _events(reader, answer), *reader.finish()]


async def _events(reader: EventReader, data: bytes) -> list[Event]:
    events = list[Event]()
    for at in range(0, len(data), A_BIT):
        events += reader.feed(data[at : at + A_BIT])
        await give_way()
    return events


def _first(told: Whole) -> Said:
    choice = told.choices[0]
    texts = [part.text for part in choice.parts if isinstance(part, Text)]
    calls = [(part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)]
    stopped = choice.stopped.reason if choice.stopped is not None else ""
    refused = any(isinstance(part, Refusal) for part in choice.parts)
    return Said("".join(texts), tuple(calls), stopped, refused)

"""What an answer in one piece means that came with a status of success, and what it says.

A success is believed only as far as it shows: content and a reason to stop must be there. A message
without any content is one all the same: models end a turn so when there is nothing left to say.
"""

from __future__ import annotations

from typing import Any

import msgspec

from policies import Outcome, Phase, Report
from router.dialects.anthropic.frames import Block, Tally, read
from router.dialects.anthropic.stream import events_of, stopped
from router.dialects.common.events import Argued, Began, Called, Counted, Event
from router.dialects.common.outside import UNREADABLE, count, decoded, text_of
from router.dialects.errors.judge import NO_ANSWER, failed, good
from router.dialects.errors.table import Table


class _Judged(msgspec.Struct):
    """As much of a message as decides its outcome."""

    content: list[msgspec.Raw] | None = None
    stop_reason: Any = None
    usage: Any = None
    error: Any = None
    type: Any = None


class _Message(msgspec.Struct):
    """A message."""

    id: Any = None
    model: Any = None
    content: list[Block] | None = None
    stop_reason: Any = None
    stop_sequence: Any = None
    stop_details: Any = None
    usage: Any = None


class _Counted(msgspec.Struct):
    """How many tokens a request would have."""

    input_tokens: Any = None
    error: Any = None


_judged = msgspec.json.Decoder(_Judged)
_message = msgspec.json.Decoder(_Message)
_counted = msgspec.json.Decoder(_Counted)


def message(body: bytes, errors: Table) -> Report:
    """The outcome of a message."""
    try:
        answer = read(_judged, body)
    except UNREADABLE:
        return NO_ANSWER
    if answer.error or answer.type == "error":
        return failed(errors, decoded(body), Phase.BODY)
    if answer.content is None or not isinstance(answer.stop_reason, str):
        return NO_ANSWER
    return good(Tally().add(answer.usage))


def events(body: bytes) -> list[Event] | None:
    """What a message says; None: it is none."""
    try:
        answer = read(_message, body)
    except UNREADABLE:
        return None
    said: list[Event] = [Began(text_of(answer.id), text_of(answer.model))]
    calls = 0
    for block in answer.content or ():
        told = events_of(block, calls)
        if told and isinstance(told[0], Called):
            calls += 1
            if len(told) == 1:
                told.append(Argued(calls - 1, "{}"))
        said += told
    usage = Tally().add(answer.usage)
    if usage is not None:
        said.append(Counted(usage))
    if isinstance(answer.stop_reason, str):
        said += stopped(answer.stop_reason, answer.stop_sequence, answer.stop_details)
    return said


def counted(body: bytes, errors: Table) -> Report:
    """The outcome of counting. Nothing of what was counted was sent to a model."""
    try:
        answer = _counted.decode(body)
    except UNREADABLE:
        return NO_ANSWER
    if answer.error:
        return failed(errors, decoded(body), Phase.BODY)
    if count(answer.input_tokens, -1) < 0:
        return NO_ANSWER
    return Report(Outcome.OK, input_tokens=0, output_tokens=0)

"""What a scripted server does on its connection, one thing after another, and the ways to spoil it.

An answer is laid out as steps; a change takes them and gives others. So any fault can be had of
any answer, and faults can be had together. Nothing here knows HTTP or opens a socket.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import NamedTuple

HEAD = -1
END = sys.maxsize


class Send(NamedTuple):
    """Bytes to send. `at` says what they belong to: the head, the event of this number (the body
    in one piece is event 0), or the end.
    """

    data: bytes
    at: int


class Pause(NamedTuple):
    """Seconds in which nothing is sent."""

    seconds: float


class Then(Enum):
    """What ends an answer before its time."""

    CLOSE = "close"
    """The connection is closed in order (FIN), after what was sent."""
    RESET = "reset"
    """The connection is reset (RST)."""
    HANG = "hang"
    """Nothing more comes, and the connection stays open until the client leaves."""


Step = Send | Pause | Then
Steps = Iterator[Step]
Change = Callable[[Steps], Steps]


def broken(steps: Steps, after: int, by: Then | Pause) -> Steps:
    """Break off, or rest, once `after` events were sent."""
    waiting = True
    for step in steps:
        if waiting and isinstance(step, Send) and step.at >= after:
            waiting = False
            yield by
            if isinstance(by, Then):
                return
        yield step


def broken_at_byte(steps: Steps, count: int, by: Then | Pause) -> Steps:
    """Break off, or rest, once `count` bytes were sent, the head's included."""
    left = count
    for step in steps:
        if left >= 0 and isinstance(step, Send) and len(step.data) >= left:
            if left:
                yield Send(step.data[:left], step.at)
            yield by
            if isinstance(by, Then):
                return
            step = Send(step.data[left:], step.at)  # noqa: PLW2901 - the rest of it
            left = -1
        elif isinstance(step, Send):
            left -= len(step.data)
        yield step


def late(steps: Steps, seconds: float) -> Steps:
    """Send nothing for so long."""
    yield Pause(seconds)
    yield from steps


def paced(steps: Steps, seconds: float) -> Steps:
    """Rest so long before each event but the first."""
    last = 0
    for step in steps:
        if isinstance(step, Send) and last < step.at < END:
            last = step.at
            yield Pause(seconds)
        yield step


def dribbled(steps: Steps, size: int, seconds: float, *, head_only: bool) -> Steps:
    """Send so many bytes at a time, resting so long after each."""
    for step in steps:
        if not isinstance(step, Send) or (head_only and step.at != HEAD):
            yield step
            continue
        for start in range(0, len(step.data), size):
            yield Send(step.data[start : start + size], step.at)
            yield Pause(seconds)

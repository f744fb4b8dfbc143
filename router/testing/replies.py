"""The kinds of replies that know no dialect: any body, any stream, any bytes, and none."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from router.testing.reply import Reply, Said, Saying
from router.testing.request import Request
from router.testing.steps import END, Pause, Send, Step, Steps, Then


@dataclass(frozen=True)
class Body(Saying):
    """Any body with any status: text is HTML, bytes are what `kind` says, all else is JSON."""

    body: Any
    status: int = 200
    kind: str | None = None

    def said(self, request: Request) -> Said:
        """See `Saying.said`."""
        match self.body:
            case str():
                kind, data = "text/html; charset=utf-8", self.body.encode()
            case bytes():
                kind, data = "application/octet-stream", self.body
            case _:
                kind, data = "application/json", json.dumps(self.body).encode()
        return Said(self.status, {"content-type": self.kind or kind}, [data])


@dataclass(frozen=True)
class Stream(Saying):
    """A stream of these events, which are sent as they are: `data:` and blank line included."""

    events: Sequence[bytes]
    status: int = 200
    _: KW_ONLY
    headers: Mapping[str, str] = field(default_factory=dict)

    def said(self, request: Request) -> Said:
        """See `Saying.said`."""
        headers = {"content-type": "text/event-stream", **self.headers}
        return Said(self.status, headers, list(self.events), streamed=True)


@dataclass(frozen=True)
class Raw(Reply):
    """Bytes as they are, seconds to rest, and ways to end: whatever a server might do, HTTP or
    not. What does not end leaves the connection open for the next request.
    """

    script: Sequence[bytes | float | Then]

    def laid_out(self, request: Request) -> Steps:
        """See `Reply.laid_out`."""
        return iter([_step(number, step) for number, step in enumerate(self.script)])


@dataclass(frozen=True)
class Silence(Raw):
    """Nothing: the request is read, and never answered."""

    script: Sequence[bytes | float | Then] = (Then.HANG,)


@dataclass(frozen=True)
class Reset(Raw):
    """The connection is reset instead of an answer."""

    script: Sequence[bytes | float | Then] = (Then.RESET,)


@dataclass(frozen=True)
class HangUp(Raw):
    """The connection is closed instead of an answer."""

    script: Sequence[bytes | float | Then] = (Then.CLOSE,)


def _step(number: int, step: bytes | float | Then) -> Step:
    match step:
        case bytes():
            return Send(step, min(number, END))
        case Then():
            return step
        case _:
            return Pause(step)

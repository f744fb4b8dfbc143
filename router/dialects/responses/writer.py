"""Writes an answer that came from elsewhere as a response: streamed, event by event, or whole.

Its events count: each has a number, an item its place and a part its place in the item, and what
came in pieces is said once more whole when it is done. The last event waits for the usage.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, TypeVar

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
    Usage,
)
from router.dialects.contract import Call
from router.dialects.responses.open import OpenCall, OpenItem, OpenMessage, OpenReasoning
from router.dialects.responses.shown import INCOMPLETE, asked_for, counted, ending
from router.dialects.responses.traces import Trace, sealed

_encode = msgspec.json.encode
Item = TypeVar("Item", bound=OpenItem)


class ResponsesWriter:
    """See `Writer`."""

    __slots__ = (
        "_asked", "_call", "_calls", "_items", "_name", "_number", "_open", "_out", "_reason",
        "_shown", "_stopped", "_usage",
    )  # fmt: skip

    def __init__(self, call: Call) -> None:
        self._call = call
        self._number = 0
        self._out: list[bytes] = []
        self._shown: dict[str, Any] | None = None
        self._name = ""
        self._items: list[OpenItem] = []
        self._open: OpenMessage | OpenReasoning | None = None
        self._calls: dict[int, OpenCall] = {}
        self._stopped = False
        self._reason: Reason | None = None
        self._usage: Usage | None = None

    def write(self, events: Iterable[Event]) -> bytes:
        for event in events:
            self._take(event)
        written = b"".join(self._out)
        self._out.clear()
        return written

    def end(self, note: bytes) -> bytes:
        """See `Writer.end`: the last event, and after it the note."""
        self._begin()
        self._stop(None)
        response = self._response(**ending(self._reason), usage=counted(self._usage))
        self._say(f"response.{response['status']}", {"response": response})
        return self.write(()) + note

    def whole(self, events: Iterable[Event]) -> bytes:
        self.write(events)
        self._begin()
        self._stop(None)
        return _encode(self._response(**ending(self._reason), usage=counted(self._usage)))

    def _take(self, event: Event) -> None:
        if isinstance(event, Counted):
            self._usage = event.usage
        elif isinstance(event, Began):
            self._begin(event)
        elif not self._stopped and event.choice == 0:
            self._begin()
            match event:
                case Said(text) if text:
                    self._message().add("output_text", text)
                case Refused(text) if text:
                    self._message().add("refusal", text)
                case Thought():
                    self._think(event)
                case Called():
                    self._called(event)
                case Argued(number, text):
                    if (call := self._calls.get(number)) is not None:
                        call.add(text)
                case Stopped(reason):
                    self._stop(reason)

    def _begin(self, began: Began | None = None) -> None:
        if self._shown is not None:
            return
        began = began or Began("", self._call.model)
        self._name = blake2b((self._call.id or began.id).encode(), digest_size=16).hexdigest()
        self._shown = {
            "id": f"resp_{self._name}",
            "object": "response",
            "created_at": began.created or self._call.at,
            "model": began.model,
            **asked_for(self._call.fields),
        }
        started = self._response(status="in_progress", incomplete_details=None, usage=None)
        self._say("response.created", {"response": started})
        self._say("response.in_progress", {"response": started})

    def _response(self, **told: Any) -> dict[str, Any]:
        return {**(self._shown or {}), "output": [item.item for item in self._items], **told}

    def _message(self) -> OpenMessage:
        if not isinstance(self._open, OpenMessage):
            self._close()
            self._open = self._opened(OpenMessage(self._say, self._next("msg"), self._place()))
        return self._open

    def _think(self, event: Thought) -> None:
        if event.redacted is not None or not isinstance(self._open, OpenReasoning):
            self._close()
            self._open = self._opened(OpenReasoning(self._say, self._next("rs"), self._place()))
        if event.text:
            self._open.add(event.text)
        if event.signature is not None or event.redacted is not None:
            self._open.seal(sealed(Trace(event.maker, event.signature, event.redacted)))
            self._close()

    def _called(self, event: Called) -> None:
        self._close()
        id_ = event.id or self._next("call")
        if event.signature is not None:
            trace = OpenReasoning(self._say, self._next("rs"), self._place())
            self._opened(trace).seal(sealed(Trace(event.maker, event.signature, call=id_)))
            trace.close()
        name = self._next("ctc" if event.custom else "fc")
        call = OpenCall(self._say, name, self._place(), id_, event.name, custom=event.custom)
        self._calls[event.number] = self._opened(call)

    def _stop(self, reason: Reason | None) -> None:
        """Nothing follows; what was broken off is what came last."""
        if self._stopped:
            return
        self._stopped = True
        self._reason = reason
        last = self._items[-1] if self._items else None
        for item in self._items:
            item.close("incomplete" if item is last and reason in INCOMPLETE else "completed")

    def _close(self) -> None:
        """What is open is done. Calls may still come to be argued, several at a time."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _opened(self, item: Item) -> Item:
        self._items.append(item)
        item.begin()
        return item

    def _place(self) -> int:
        return len(self._items)

    def _next(self, kind: str) -> str:
        return f"{kind}_{self._name}_{len(self._items)}"

    def _say(self, kind: str, fields: dict[str, Any]) -> None:
        told = {"type": kind, "sequence_number": self._number, **fields}
        self._number += 1
        self._out.append(b"event: %b\ndata: %b\n\n" % (kind.encode(), _encode(told)))

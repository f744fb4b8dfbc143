"""Server-sent events, framed: bytes in at any split, whole events out in their original bytes.

A line may end in LF, CRLF or CR, and the last event may lack its blank line; all three occur in the
wild. Framing only splits: what an event means is its dialect's.
"""

from __future__ import annotations

import re

MOST_EVENT = 16 * 1024 * 1024
"""Bytes of one event: an image in a single chunk fits, an endless line does not."""

# Atomic, so that the two bytes of one CRLF are never read as two line ends.
_BLANK = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE = re.compile(rb"\r\n|\n|\r")


class Oversized(ValueError):
    """An event grew beyond `MOST_EVENT`."""


class Splitter:
    """Cuts a stream into events."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The events that `data` completes, each with the blank line that ends it. Raises
        `Oversized`.
        """
        data = self._rest + data if self._rest else data
        if b"\r" not in data:
            events = data.split(b"\n\n")
            self._rest = events.pop()
            whole = [event + b"\n\n" for event in events]
        else:
            whole, begin = [], 0
            for blank in _BLANK.finditer(data):
                whole.append(data[begin : blank.end()])
                begin = blank.end()
            self._rest = data[begin:]
        if len(self._rest) > MOST_EVENT:
            raise Oversized(f"an event is longer than {MOST_EVENT} bytes")
        return whole

    def rest(self) -> bytes:
        """What has come since the last whole event; at the end of the stream, the last event."""
        rest, self._rest = self._rest, b""
        return rest


def data_of(event: bytes) -> bytes | None:
    """The event's data, its lines joined by LF; None if it has none (a comment, a lone name)."""
    if (
        event.startswith(b"data: ")
        and b"\n" not in (line := event[6:].rstrip(b"\r\n"))
        and b"\r" not in line
    ):
        return line
    lines = [
        line[5:].removeprefix(b" ")
        for line in _LINE.split(event)
        if line.startswith(b"data:") or line == b"data"
    ]
    return b"\n".join(lines) if lines else None


def comment(text: str) -> bytes:
    """A comment: keeps a connection alive, carries a note, and is skipped by every client."""
    return b": " + text.encode() + b"\n\n"

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

    __slots__ = ("_held", "_size")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The events that `data` completes, each with the blank line that ends it. Raises
        `Oversized`.
        """
        if self._held:
            if b"\n" not in data and b"\r" not in data:
                # Pieces of one long line are joined once, not with every piece.
                self._hold(data)
                return []
            data = self.rest() + data
        if b"\r" not in data:
            events = data.split(b"\n\n")
            rest = events.pop()
            whole = [event + b"\n\n" for event in events]
        else:
            whole, begin = [], 0
            for blank in _BLANK.finditer(data):
                whole.append(data[begin : blank.end()])
                begin = blank.end()
            rest = data[begin:]
        if rest:
            self._hold(rest)
        return whole

    def lone(self, data: bytes) -> bytes | None:
        """The data of the event that these bytes are, if they are just one whole event of one line,
        as they mostly are; None: `feed` them.
        """
        end = len(data) - 2
        if self._held or not data.startswith(b"data: ") or data.find(b"\n") != end:
            return None
        return data[6:end] if data.endswith(b"\n\n") and b"\r" not in data else None

    def rest(self) -> bytes:
        """What has come since the last whole event; at the end of the stream, the last event."""
        rest = b"".join(self._held)
        self._held, self._size = [], 0
        return rest

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._size += len(data)
        if self._size > MOST_EVENT:
            raise Oversized(f"an event is longer than {MOST_EVENT} bytes")


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

"""AWS's event streams, framed: bytes in at any split, whole frames out, each checked by its CRCs.

A frame is its length, the length of its headers, a CRC of both; headers; a payload; a CRC of all
before it. Framing only splits: what a frame means is its dialect's.
"""

from __future__ import annotations

from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple
from zlib import crc32

PRELUDE = Struct(">III")
CRC = Struct(">I")
LEAST = PRELUDE.size + CRC.size
MOST_HEADERS = 128 * 1024
MOST_PAYLOAD = 24 * 1024 * 1024
"""Bytes, as AWS limits them."""
FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value, by its type; those of `BYTES` and `STRING` say how long they are."""
BYTES, STRING = 6, 7
MOST_KNOWN, LONGEST_KNOWN = 32, 256
"""Blocks of headers that are remembered, and how long one may be: nearly all are alike."""


class Frame(NamedTuple):
    """`headers` are those that are texts."""

    headers: Mapping[str, str]
    payload: bytes


class Frames:
    """Cuts a stream into frames. `broken` says why nothing can be read any more."""

    __slots__ = ("_known", "_pieces", "_size", "_wanted", "broken")

    def __init__(self) -> None:
        self.broken = ""
        self._pieces: list[bytes] = []
        self._size = 0
        self._wanted = PRELUDE.size
        self._known: dict[bytes, Mapping[str, str]] = {}

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes."""
        if self.broken:
            return []
        if self._pieces or len(data) < self._wanted:
            self._pieces.append(data)
            self._size += len(data)
            if self._size < self._wanted:
                return []
            data = b"".join(self._pieces)
        frames: list[Frame] = []
        begin = 0
        while size := self._next(data, begin):
            frame = self._frame(data[begin : begin + size])
            if frame is None:
                break
            frames.append(frame)
            begin += size
        rest = data[begin:]
        self._pieces, self._size = ([rest] if rest else []), len(rest)
        return frames

    def _next(self, data: bytes, begin: int) -> int:
        """How long the frame is that is whole at `begin`; 0: none is."""
        come = len(data) - begin
        if come < PRELUDE.size:
            self._wanted = PRELUDE.size
            return 0
        total, headers, told = PRELUDE.unpack_from(data, begin)
        if crc32(data[begin : begin + 8]) != told:
            self.broken = "what came is no event stream: a frame's first CRC is wrong"
        elif not 0 <= total - LEAST - headers <= MOST_PAYLOAD or headers > MOST_HEADERS:
            self.broken = "a frame of a length that none may have"
        elif come >= total:
            return int(total)
        else:
            self._wanted = total
        return 0

    def _frame(self, data: bytes) -> Frame | None:
        _, size, _ = PRELUDE.unpack_from(data)
        if crc32(data[: -CRC.size]) != CRC.unpack_from(data, len(data) - CRC.size)[0]:
            self.broken = "a frame's CRC is wrong"
            return None
        end = PRELUDE.size + size
        written = data[PRELUDE.size : end]
        headers = self._known.get(written)
        if headers is None:
            headers = headers_of(written)
            if headers is None:
                self.broken = "a frame's headers are malformed"
                return None
            if len(self._known) < MOST_KNOWN and size <= LONGEST_KNOWN:
                self._known[written] = headers
        return Frame(headers, data[end : -CRC.size])


def headers_of(data: bytes) -> dict[str, str] | None:
    """The headers that are texts; None: they are malformed."""
    headers: dict[str, str] = {}
    at, end = 0, len(data)
    while at < end:
        named = at + 1 + data[at]
        if named >= end:
            return None
        name, kind = data[at + 1 : named], data[named]
        at = named + 1
        if kind in (BYTES, STRING):
            length = int.from_bytes(data[at : at + 2], "big")
            at += 2
        elif kind in FIXED:
            length = FIXED[kind]
        else:
            return None
        if at + length > end:
            return None
        if kind == STRING:
            headers[name.decode("latin-1")] = data[at : at + length].decode("utf-8", "replace")
        at += length
    return headers


def framed(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame, with headers that are texts: for those who speak as AWS does."""
    written = b"".join(
        bytes([len(name)])
        + name.encode()
        + bytes([STRING])
        + len(value.encode()).to_bytes(2, "big")
        + value.encode()
        for name, value in headers.items()
    )
    total = LEAST + len(written) + len(payload)
    prelude = total.to_bytes(4, "big") + len(written).to_bytes(4, "big")
    frame = prelude + CRC.pack(crc32(prelude)) + written + payload
    return frame + CRC.pack(crc32(frame))

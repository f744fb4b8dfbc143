"""Files of lines, read back as what they say.

Whatever stands there: a file that is being written, that was rotated, packed or cut off. What is no
line is counted and passed over, since one that broke must not cost the others.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from router.telemetry.lines.line import Line

LONGEST = 2**20
"""Bytes of a line: far more than one with fifty targets has."""
STAMP = r"\.\d{8}T\d{9}Z"
PACKED = ".gz"


class Lines:
    """The lines of `paths`, one file after the other. `broken` counts what was none, so far."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.broken = 0
        self._paths = list(paths)
        self._decoder = msgspec.json.Decoder(Line)

    def __iter__(self) -> Iterator[Line]:
        """Raises OSError for a file that cannot be read at all."""
        for path in self._paths:
            with path.open("rb") as plain:
                yield from self._read(gzip.GzipFile(fileobj=plain) if packed(plain) else plain)

    def _read(self, stream: BinaryIO | gzip.GzipFile) -> Iterator[Line]:
        try:
            while raw := stream.readline(LONGEST):
                whole = raw.endswith(b"\n")
                line = self._line(raw)
                if line is not None:
                    yield line
                while not whole and (raw := stream.readline(LONGEST)):
                    whole = raw.endswith(b"\n")  # the rest of one that was too long
        except (EOFError, zlib.error, gzip.BadGzipFile):
            self.broken += 1  # packed, and cut off

    def _line(self, raw: bytes) -> Line | None:
        try:
            return self._decoder.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.broken += 1
            return None


def packed(stream: BinaryIO) -> bool:
    """Whether it was packed by gzip, by its first bytes."""
    magic = stream.read(2)
    stream.seek(0)
    return magic == b"\x1f\x8b"


def written_beside(path: Path) -> list[Path]:
    """All files that a router writes whose file says `path`: rotated ones, those of its workers,
    and those that are written now; each writer's oldest first. Raises OSError for a folder that
    cannot be read.
    """
    own = re.compile(
        rf"{re.escape(path.stem)}(-\d+)?({STAMP})?{re.escape(path.suffix)}({re.escape(PACKED)})?"
    )
    found = [one for one in path.parent.iterdir() if own.fullmatch(one.name)]

    def order(one: Path) -> tuple[str, bool, str]:
        told = own.fullmatch(one.name)
        assert told is not None  # noqa: S101 - it was found so
        return told[1] or "", told[2] is None, told[2] or ""

    return sorted(found, key=order)

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
STAMP = r"\d{8}T\d{9}Z"
"""To the millisecond, in UTC: 20261122T131741382Z."""


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
    """All files of a router whose file says `path`, oldest first: those that were rotated, and the
    one that is written now. Raises OSError for a folder that cannot be read.
    """
    now = [path] if path.exists() else []
    return [*rotated(path).values(), *now]


def rotated(path: Path) -> dict[str, Path]:
    """The files that `path` was before, oldest first, by the instant at which it was rotated."""
    own = re.compile(rf"{re.escape(path.stem)}\.({STAMP}){re.escape(path.suffix)}(\.gz)?")
    # One that is just being packed is there twice for a moment; the packed one sorts last.
    names = sorted(one.name for one in path.parent.iterdir())
    return {told[1]: path.parent / told[0] for name in names if (told := own.fullmatch(name))}


def once(path: Path, stamp: str) -> Path:
    """What `path` is called once it has been rotated at `stamp`, before it is packed."""
    return path.with_name(f"{path.stem}.{stamp}{path.suffix}")

"""One file that is appended to by several processes, and rotated by whoever finds it full.

Whoever writes holds a lock on the file (flock), and looks first whether it is still the one at its
path. So a batch of lines stands there whole, rotation loses none, workers need no files of their
own, and what moves the file away (logrotate) is noticed. What another left unfinished when it was
killed gets an end, so that it costs no line but its own.
Must not: be called where waiting for a disk matters.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import os
import stat
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path

from router.telemetry.lines.reading import once, rotated

PRIVATE = 0o600
PIECE = 256 * 1024
"""Bytes that are packed at a time."""
LEVEL = 1
"""Of gzip: of five times as fast as its usual one, and a fifth larger."""


class File:
    """The file at `path`, rotated before it has more than `most` bytes; `keep` full ones stay."""

    def __init__(self, path: Path, most: int, keep: int) -> None:
        self._path = path
        self._most = most
        self._keep = keep
        self._fd: int | None = None

    def append(self, lines: bytes, wall: float) -> Path | None:
        """Write them all, or raise OSError and have written none. `wall` is the Unix time. Returns
        what was rotated, still to be packed.
        """
        full = None
        fd, size = self._locked()
        try:
            if size and size + len(lines) > self._most:
                full = self._rotate(wall)
                self.close()
                fd, size = self._locked()
            if size and os.pread(fd, 1, size - 1) != b"\n":
                lines = b"\n" + lines
            self._write(fd, lines, size)
        finally:
            if self._fd is not None:
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        if full is not None:
            with suppress(OSError):  # the lines are there; the next rotation tries again
                self._prune()
        return full

    def close(self) -> None:
        """Let go of it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _locked(self) -> tuple[int, int]:
        """The file that is at the path now, this process's alone, and how long it is."""
        while True:
            if self._fd is None:
                flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
                self._fd = os.open(self._path, flags, PRIVATE)
            fcntl.flock(self._fd, fcntl.LOCK_EX)
            mine = os.fstat(self._fd)
            if not stat.S_ISREG(mine.st_mode):
                self.close()
                raise OSError(errno.EINVAL, "is no regular file")
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
            if there is not None and os.path.samestat(mine, there):
                return self._fd, mine.st_size
            self.close()

    @staticmethod
    def _write(fd: int, lines: bytes, size: int) -> None:
        left = memoryview(lines)
        try:
            while left:
                left = left[os.write(fd, left) :]
        except OSError:
            with suppress(OSError):
                os.ftruncate(fd, size)
            raise

    def _rotate(self, wall: float) -> Path:
        """Give it the name of the instant; its place is free then."""
        while True:
            whole = int(wall)
            named = time.strftime("%Y%m%dT%H%M%S", time.gmtime(whole))
            other = once(self._path, f"{named}{int((wall - whole) * 1000):03d}Z")
            if not other.exists() and not packed(other).exists():
                self._path.rename(other)
                return other
            wall += 0.001

    def _prune(self) -> None:
        """Remove the oldest rotated ones."""
        for stamp in list(rotated(self._path))[: -self._keep]:
            plain = once(self._path, stamp)
            for one in (plain, packed(plain), part(plain)):
                one.unlink(missing_ok=True)


def packed(plain: Path) -> Path:
    """What it is called once it is packed."""
    return plain.with_name(f"{plain.name}.gz")


def part(plain: Path) -> Path:
    """And until it is whole."""
    return plain.with_name(f"{plain.name}.gz.part")


def pack(plain: Path) -> Generator[None]:
    """Pack a file, a piece a step, and put the packed one in its place once it is whole. Raises
    OSError, also where another packs it; then the file stays as it is.
    """
    beside = part(plain)
    opened = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        with (
            os.fdopen(opened, "wb") as raw,
            plain.open("rb") as whole,
            gzip.GzipFile("", "wb", LEVEL, raw) as small,
        ):
            while piece := whole.read(PIECE):
                small.write(piece)
                yield
        beside.rename(packed(plain))
        plain.unlink(missing_ok=True)
    finally:
        beside.unlink(missing_ok=True)

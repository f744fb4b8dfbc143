"""Writes the lines of decisions to their file, in a thread of its own.

Lines are made and encoded where a request ends, since a thread that computes would keep the
interpreter from all others for milliseconds at a time; the thread takes what has come five times a
second, in one write. It may wait for its disk as long as it likes: what does not fit meanwhile is
dropped, and counted. Nothing that it meets reaches a request.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Generator
from pathlib import Path
from typing import NamedTuple

import msgspec

from router.telemetry.decisions import Decision
from router.telemetry.journal import RequestRecord
from router.telemetry.lines.files import File, pack
from router.telemetry.lines.making import lines_of
from router.telemetry.log import where

MOST_WAITING = 8 * 1024**2
"""Bytes of lines that wait to be written: 8 s of a thousand requests a second."""
BATCH = 1024**2
GATHER = 0.2
"""Seconds for which lines are gathered for one write."""
AGAIN = 1.0
"""Seconds after which what could not be written is tried again."""
LAST_LINES = 2.0
"""Seconds for a disk that takes nothing to begin to, when everything ends."""


class Waiting(NamedTuple):
    """So many lines, encoded."""

    lines: int
    encoded: bytes


class Writer:
    """Writes to the file at `path`, rotated at `rotate` bytes, of which `keep` rotated ones stay.
    `say` is told when it cannot be written, and when it can again.

    `written` and `dropped` count lines; `problem` is why none is written now (empty: they are).
    """

    def __init__(
        self,
        path: Path,
        rotate: int,
        keep: int,
        instance: str,
        say: Callable[..., None],
    ) -> None:
        self.path = path
        self.written = self.dropped = 0
        self.problem = ""
        self._file = File(path, rotate, keep)
        self._instance, self._say = instance, say
        self._encode = msgspec.json.Encoder().encode_lines
        self._most = min(BATCH, rotate)
        self._waiting: deque[Waiting] = deque()
        self._batch: list[Waiting] = []
        # Each is changed by one side alone, so that neither needs a lock.
        self._came = self._went = 0
        self._some, self._ending = threading.Event(), threading.Event()
        self._full: deque[Path] = deque()
        self._packing: Generator[None] | None = None
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)

    async def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    async def close(self) -> None:
        """Write what waits, then stop; at most `LAST_LINES` are spent on it."""
        self._ending.set()
        self._some.set()
        if self._thread.is_alive():
            self._thread.join(LAST_LINES)
        if lost := sum(one.lines for one in (*self._batch, *self._waiting)):
            self.dropped += lost
            self._say("the last lines of decisions are lost:", lines=lost, problem=self.problem)

    @property
    def waiting(self) -> int:
        """Bytes that wait to be written."""
        return self._came - self._went

    def write(self, decision: Decision, end: RequestRecord) -> None:
        """Have the lines of a decision that is over written soon, or drop them."""
        lines = lines_of(decision, end, self._instance, time.time())
        encoded = self._encode(lines)
        if self.waiting + len(encoded) > MOST_WAITING:
            self.dropped += len(lines)
            return
        self._came += len(encoded)
        self._waiting.append(Waiting(len(lines), encoded))
        if not self._some.is_set():
            self._some.set()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._do(self._turn)
        self._do(self._pass_on)
        self._file.close()
        if self._packing is not None:
            self._packing.close()

    def _do(self, what: Callable[[], object]) -> None:
        """Do it. What it raises that no disk says is told, and costs the batch at hand."""
        try:
            what()
        except Exception as error:  # noqa: BLE001 - the thread must not end by what it meets
            self._failed(f"{type(error).__name__} at {where(error)}")
            self.dropped += sum(one.lines for one in self._batch)
            self._went += sum(len(one.encoded) for one in self._batch)
            self._batch, self._packing = [], None
            self._some.set()
            self._ending.wait(AGAIN)

    def _turn(self) -> None:
        if not self._packs():
            self._some.wait()
            self._ending.wait(GATHER)
        self._some.clear()
        while not self._pass_on() and not self._ending.wait(AGAIN):
            pass

    def _pass_on(self) -> bool:
        """Write all that waits; whether that could be done."""
        while self._take():
            try:
                full = self._file.append(
                    b"".join([one.encoded for one in self._batch]), time.time()
                )
            except OSError as error:
                self._failed(os.strerror(error.errno) if error.errno else str(error))
                return False
            self.written += sum(one.lines for one in self._batch)
            self._went += sum(len(one.encoded) for one in self._batch)
            self._batch = []
            self._succeeded()
            if full is not None:
                self._full.append(full)
        return True

    def _take(self) -> bool:
        """See that there is a batch, the one that could not be written or the next."""
        size = 0
        if not self._batch:
            while self._waiting and size < self._most:
                self._batch.append(self._waiting.popleft())
                size += len(self._batch[-1].encoded)
        return bool(self._batch)

    def _packs(self) -> bool:
        """Pack a piece of what is full; whether there is any."""
        if self._packing is None:
            if not self._full:
                return False
            self._packing = pack(self._full.popleft())
        try:
            next(self._packing)
        except (StopIteration, OSError):
            self._packing = None  # what could not be packed stays as it is, and is read as well
        return True

    def _failed(self, problem: str) -> None:
        said, self.problem = self.problem, problem
        if not said:
            self._say("decisions cannot be written:", file=str(self.path), problem=problem)

    def _succeeded(self) -> None:
        if self.problem:
            self.problem = ""
            self._say("decisions are written again:", file=str(self.path), dropped=self.dropped)

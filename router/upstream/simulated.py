"""A provider inside the process: speaks the OpenAI dialect, takes its time, and sometimes fails.

It exists so that the router runs, with all of its code, on a machine without keys or network, and
so that load and faults can be had by number. Everything it does follows from its seed, the number
of the request and those before it; what it says is made up in `made_up.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from itertools import count

from router.bell import Bell
from router.upstream.made_up import Behaviour, Line, script
from router.upstream.read_before import ReadBefore
from router.upstream.transport import Head, Upstream


class Simulated:
    """The transport of simulated targets; `behaviours` by target."""

    def __init__(self, behaviours: Mapping[str, Behaviour]) -> None:
        self._behaviours = dict(behaviours)
        self._read = {target: ReadBefore() for target in behaviours}
        self._numbers = count(1)

    def open(
        self, upstream: Upstream, path: str, headers: Mapping[str, str], body: bytes, bell: Bell
    ) -> SimulatedExchange:
        """See `Transport.open`."""
        target, number = upstream.target, next(self._numbers)
        read = self._read[target].read
        lines = script(path, self._behaviours[target], upstream.model, number, body, read)
        return SimulatedExchange(lines, bell)


class SimulatedExchange:
    """One simulated answer. See `Exchange`."""

    __slots__ = ("_bell", "_ended", "_lines", "_taken", "_timer", "head")

    def __init__(self, lines: Iterator[Line], bell: Bell) -> None:
        self.head: Head | None = None
        self._lines = lines
        self._bell = bell
        self._taken: list[bytes] = []
        self._ended = False
        self._timer: asyncio.TimerHandle | None = None
        self._wait_for_next()
        if self._taken:
            bell.ring()

    @property
    def sent(self) -> bool:
        """See `Exchange.sent`."""
        return True

    def take(self) -> bytes | None:
        """See `Exchange.take`."""
        if self._taken:
            taken = b"".join(self._taken)
            self._taken.clear()
            return taken
        return b"" if self._ended else None

    def abort(self) -> None:
        """See `Exchange.abort`."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._lines = iter(())

    def finish(self) -> None:
        """See `Exchange.finish`."""
        self.abort()

    def _wait_for_next(self) -> None:
        """Arm the timer for the next line; those without a wait come with the one before."""
        for line in self._lines:
            if line.wait > 0:
                loop = asyncio.get_running_loop()
                self._timer = loop.call_later(line.wait, self._arrive, line)
                return
            self._receive(line)
        self._ended = True

    def _arrive(self, line: Line) -> None:
        self._timer = None
        self._receive(line)
        self._wait_for_next()
        self._bell.ring()

    def _receive(self, line: Line) -> None:
        if self.head is None:
            kind = "text/event-stream" if line.data.startswith(b"data:") else "application/json"
            self.head = Head(line.status, {"content-type": kind})
        self._taken.append(line.data)

"""What a worker is told when it is started, and its end of the line to its parent.

Why: a worker is the same command as its parent; one variable of its environment says that it is
one, and where its sockets are. Over the line it says once that it listens, and is told of signals:
it heeds no others, since a terminal, or whoever stops a service, sends them to every process.
Must not: know what a worker serves.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import NamedTuple

VARIABLE = "POINTSMAN_WORKER"
LONGEST = 64
"""Bytes of what is read from the line at once: each is a signal's number."""
PR_SET_PDEATHSIG = 1
"""Of prctl(2)."""


class Place(NamedTuple):
    """Which worker it is, and the descriptors of its sockets: `line` leads to its parent, `admin`
    is what only its parent asks, at `doors` clients arrive.
    """

    number: int
    line: int
    admin: int
    doors: tuple[int, ...]

    def told(self) -> dict[str, str]:
        """As the environment of a worker says it."""
        return {VARIABLE: json.dumps(self._asdict())}

    @classmethod
    def taken(cls, environ: MutableMapping[str, str]) -> Place | None:
        """What the environment says, once: it is not for the processes that a worker starts. None:
        this process is no worker.
        """
        text = environ.pop(VARIABLE, None)
        if text is None:
            return None
        told = json.loads(text)
        return cls(told["number"], told["line"], told["admin"], tuple(told["doors"]))

    def sockets(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """Where clients arrive, and where the parent asks."""
        return [_owned(one) for one in self.doors], [_owned(self.admin)]

    def bind_life(self) -> None:
        """Die with the parent, and heed no signal but what it says. Other systems than Linux have
        the line's end alone to tell, which takes a loop that turns.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if sys.platform == "linux":
            import ctypes

            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Line:
    """The worker's end. `heed` is told of every signal; the parent's end is two of SIGTERM: leave,
    at once.
    """

    def __init__(self, place: Place, heed: Callable[[signal.Signals], None]) -> None:
        self._heed = heed
        self._socket = _owned(place.line)
        self._socket.setblocking(False)
        self._loop = asyncio.get_running_loop()

    def listening(self, said: Mapping[str, object]) -> None:
        """Say that clients are served, and begin to heed."""
        self._loop.add_reader(self._socket, self._read)
        try:
            self._socket.send(json.dumps(said).encode() + b"\n")
        except OSError:  # the parent is gone: the line's end says so
            return

    def close(self) -> None:
        """Heed nothing more."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        try:
            told = self._socket.recv(LONGEST)
        except BlockingIOError:
            return
        except OSError:
            told = b""
        if not told:
            self._loop.remove_reader(self._socket)
        for number in told or (signal.SIGTERM, signal.SIGTERM):
            self._heed(signal.Signals(number))


def _owned(descriptor: int) -> socket.socket:
    """A socket that was handed over: the processes that this one starts do not get it."""
    one = socket.socket(fileno=descriptor)
    one.set_inheritable(False)
    return one

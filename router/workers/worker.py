"""One worker, as its parent sees it: a process, from its start to its end.

Must not: decide what becomes of it.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

from router.workers.place import Place


class Worker:
    """A process that was started as a worker. `since` is when it began to listen, on the loop's
    clock; None: it has not yet.
    """

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self._process = process
        self._line = line
        self.pid = process.pid
        self.since: float | None = None

    @classmethod
    async def start(
        cls,
        command: Sequence[str],
        environ: Mapping[str, str],
        number: int,
        admin: socket.socket,
        doors: Sequence[socket.socket],
    ) -> Worker:
        """Start one. What it prints goes where errors go: the first line on the standard output is
        its parent's. Raises OSError.
        """
        ours, theirs = socket.socketpair()
        place = Place(
            number, theirs.fileno(), admin.fileno(), tuple(door.fileno() for door in doors)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                env={**environ, **place.told()},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=sys.stderr.fileno(),
                pass_fds=(place.line, place.admin, *place.doors),
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        return cls(process, ours)

    @property
    def serving(self) -> bool:
        """Whether it listens."""
        return self.since is not None and self._process.returncode is None

    async def listening(self) -> bool:
        """Wait until it listens, or has ended before."""
        loop = asyncio.get_running_loop()
        said = b""
        while not said.endswith(b"\n"):
            try:
                more = await loop.sock_recv(self._line, 4096)
            except OSError:
                more = b""
            if not more:
                return False
            said += more
        self.since = loop.time()
        return True

    async def ended(self) -> int:
        """Wait until it has ended; its status (a signal that killed it as 128 and its number)."""
        status = await self._process.wait()
        self._line.close()
        return status if status >= 0 else 128 - status

    def tell(self, number: signal.Signals) -> None:
        """Let it know of a signal. One that does not listen yet has nothing to bring to an end."""
        if self._process.returncode is not None:
            return
        if self.since is None:
            if number is not signal.SIGHUP:
                self._process.kill()
            return
        try:
            self._line.send(bytes([number]))
        except OSError:
            return  # it has just ended, or takes nothing: `kill` is left

    def kill(self) -> None:
        """End it, whatever it does."""
        if self._process.returncode is None:
            self._process.kill()

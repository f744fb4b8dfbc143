"""All workers: started, started again when one dies, told to leave.

Why a bound in every direction: a worker that dies is missed at once, but one that cannot start must
not be started over and over, and one bad start must not end those that serve.
Must not: accept a connection, or know what workers serve.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from router.telemetry.log import Log
from router.workers.doors import Doors, close, private
from router.workers.worker import Worker

SOON = 10.0
"""Seconds within which a worker that ends has died young."""
MOST_IN_A_ROW = 5
"""Young deaths in a row at one post, after which nobody believes in the next."""
SHORTEST, LONGEST = 0.5, 30.0
"""Seconds of pause from the second young death in a row on, doubling."""
LAST_SECONDS = 10.0
"""Until a worker that was hurried is killed: it needs 6 when its handlers do not let go."""


def pause(in_a_row: int) -> float:
    """Seconds before a post is filled again, after so many young deaths in a row."""
    return 0.0 if in_a_row < 2 else min(LONGEST, SHORTEST * 2.0 ** (in_a_row - 2))


class Post:
    """One worker's place: it keeps its number, its private socket and its restarts, whoever has
    it. `doors` are the parent's copies of where its clients arrive.
    """

    def __init__(self, number: int, folder: Path) -> None:
        self.number = number
        self.path = folder / str(number)
        self.admin = private(str(self.path))
        self.doors: list[socket.socket] = []
        self.worker: Worker | None = None
        self.restarts = 0
        self.status = 0

    @property
    def serving(self) -> bool:
        """Whether somebody serves there."""
        return self.worker is not None and self.worker.serving

    def close(self) -> None:
        close(self.doors)
        self.admin.close()


class Crew:
    """`size` processes of `command` at `doors`. `folder` takes their private sockets: nobody else
    may be able to look into it.
    """

    def __init__(
        self,
        size: int,
        command: Sequence[str],
        environ: Mapping[str, str],
        doors: Doors,
        folder: Path,
        log: Log,
    ) -> None:
        self._command, self._environ = command, environ
        self._doors = doors
        self._log = log
        self._leaving = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []
        self._verdict = 0
        self.posts = [Post(number, folder) for number in range(size)]

    async def start(self) -> bool:
        """Fill every post, the first alone: what keeps one from starting keeps all, and should be
        said once. Gives whether all have listened; else they have ended. One that dies while
        others start is replaced, as later.
        """
        begun = [await self._fill(self.posts[0])]
        if begun[0]:
            begun += await asyncio.gather(*(self._fill(post) for post in self.posts[1:]))
        if not all(begun):
            self._end()
            for post in self.posts:
                if post.worker is not None:
                    post.status = await post.worker.ended()
            failed = self.posts[begun.index(False)]
            self._log.event(
                "a worker cannot start, so all leave:", worker=failed.number, status=failed.status
            )
            return False
        self._keepers = [asyncio.create_task(self._keep(post)) for post in self.posts]
        return True

    async def over(self) -> int:
        """Wait until all have ended; their worst status, or that for which all had to."""
        await asyncio.gather(*self._keepers)
        return self._verdict or max(post.status for post in self.posts)

    def reload(self) -> None:
        """Have all of them load the file again."""
        for post in self.posts:
            if post.worker is not None:
                post.worker.tell(signal.SIGHUP)

    def leave(self, number: signal.Signals) -> None:
        """Tell all of a signal on which they end. A second one hurries them."""
        again = self._leaving.is_set()
        self._leaving.set()
        self._doors.close()
        for post in self.posts:
            close(post.doors)
            if post.worker is not None:
                post.worker.tell(number)
        if again:
            asyncio.get_running_loop().call_later(LAST_SECONDS, self._end)

    def close(self) -> None:
        """Let go of every socket. All have ended."""
        self._doors.close()
        for post in self.posts:
            post.close()

    def _end(self) -> None:
        self._leaving.set()
        for post in self.posts:
            if post.worker is not None:
                post.worker.kill()

    async def _fill(self, post: Post) -> bool:
        """Start a worker there; whether it listens."""
        try:
            if not post.doors or post.doors[0].fileno() < 0:
                post.doors = self._doors.open()
            post.worker = await Worker.start(
                self._command, self._environ, post.number, post.admin, post.doors
            )
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            self._log.event("a worker cannot be started:", worker=post.number, problem=why)
            post.status = 1
            return False
        if self._leaving.is_set():  # told before it was there
            post.worker.kill()
        return await post.worker.listening()

    async def _keep(self, post: Post) -> None:
        """See that somebody serves at a post, until all are to leave."""
        loop, young = asyncio.get_running_loop(), 0
        while True:
            worker = post.worker
            if worker is not None:
                post.status = await worker.ended()
            since = worker.since if worker is not None else None
            if self._leaving.is_set():
                post.status = post.status if since is not None else 0
                return
            lived = loop.time() - since if since is not None else 0.0
            young = young + 1 if lived < SOON else 0
            rest = pause(young)
            others = any(one.serving for one in self.posts)
            last = young >= MOST_IN_A_ROW and not others
            self._log.event(
                "a worker has ended:",
                worker=post.number,
                pid=worker.pid if worker is not None else None,
                status=post.status,
                after_s=round(lived, 1),
                then="all leave: none of them stays" if last else f"another in {rest:g} s",
            )
            if last:
                self._verdict = post.status or 1
                self._end()
                return
            await self._rest(post, rest)
            if self._leaving.is_set():
                return
            post.worker, post.restarts = None, post.restarts + 1
            await self._fill(post)

    async def _rest(self, post: Post, seconds: float) -> None:
        """Leave a post empty for so long: who arrives meanwhile is to find another's door."""
        if not seconds:
            return
        close(post.doors)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leaving.wait()

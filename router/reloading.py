"""The file is read again, and put in force as a whole or refused with everything that is wrong.

Why: who edits the file should see traffic follow, or be told why not, and what serves meanwhile
should not notice. Reading takes milliseconds, or seconds where the file is large, so it is done in
a thread; what follows from it is put in force in one step of the loop.
Must not: know what a configuration is made into.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence

from router.admin.state import State
from router.config import Config, ConfigError, Watch, words
from router.telemetry.log import Log


class Reloading:
    """Reads with `load`, which may raise `ConfigError`, and gives it to `take`, which puts it in
    force, or says why that cannot be. What became of it is told to `state` and `log`.
    """

    def __init__(
        self,
        state: State,
        log: Log,
        load: Callable[[], Config],
        take: Callable[[Config], Sequence[str]],
    ) -> None:
        self._state, self._log = state, log
        self._load, self._take = load, take
        self._loop = asyncio.get_running_loop()
        self._watch = Watch(state.force.file.files, self._loop.time())
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """Look from now on whether the files change."""
        self._start(self._follow())

    def soon(self) -> None:
        """Reload without being waited for."""
        self._start(self.now())

    async def now(self) -> None:
        """Read the files as they are, and put them in force or refuse them."""
        async with self._turn:
            found = await self._read()
            old = self._state.force.file
            self._settle(found, self._problems(found), old)

    async def close(self) -> None:
        """Look no longer, and let no reload begin."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _start(self, what: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(what)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.event("reloading failed inside the router:", error=repr(error))

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(self._watch.pause)
            async with self._turn:
                # In a thread: a file system that is away can take any time to say so.
                if await asyncio.to_thread(self._watch.look, self._loop.time()):
                    await self._changed()

    async def _changed(self) -> None:
        """Read files that are others now. What is wrong with them is said only once it is sure that
        nobody writes them any more.
        """
        sure = self._watch.sure(self._loop.time())
        found = await self._read()
        if not await asyncio.to_thread(found.is_as_read):
            return  # they have changed again: the next look is soon
        old, problems = self._state.force.file, self._problems(found)
        if problems and not sure:
            self._watch.doubt()
        else:
            self._settle(found, problems, old)

    async def _read(self) -> Config | ConfigError:
        try:
            return await asyncio.to_thread(self._load)
        except ConfigError as error:
            return error

    def _problems(self, found: Config | ConfigError) -> tuple[str, ...]:
        """What is wrong. Where nothing is, it is in force now."""
        if isinstance(found, ConfigError):
            return tuple(str(found).splitlines())
        try:
            return tuple(self._take(found))
        except Exception as error:  # noqa: BLE001 - a door: what a file names is a user's code
            return (f"it cannot be put in force: {error!r}",)

    def _settle(self, found: Config | ConfigError, problems: tuple[str, ...], old: Config) -> None:
        state, now = self._state, self._loop.time()
        self._watch.settle(found.files, now)
        state.counters.reloads["refused" if problems else "ok"] += 1
        state.errors, state.tried = problems, now
        if problems:
            for line in problems:
                self._log.event("reload refused, the running configuration stays:", problem=line)
            return
        state.loaded = now
        state.changes = tuple(words(old, state.force.file))
        for line in state.changes or ("nothing that matters has changed",):
            self._log.event("reloaded:", change=line)

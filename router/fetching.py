"""The files of one request that a provider wants as bytes: fetched once each, while nothing else of
the request waits for them.

Who asks for a file is told at once whether it can be had; if that is not known yet, its attempt is
given back, and the bell says when to ask again. What could not be fetched is not tried again: it
is the caller's to put right.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterable

from policies import Send
from router.bell import Bell
from router.dialects.contract import Call
from router.upstream.fetch import Fetcher, FetchError

MOST_FILES = 32
MOST_BYTES = 64 * 1024 * 1024
"""Of all files of one request together."""
LONGEST_SHOWN = 200


class Files:
    """Those of `call`. They go into the common form of it; `bell` is the request's."""

    __slots__ = ("_call", "_failed", "_fetcher", "_size", "_task", "bell")

    def __init__(self, call: Call, fetcher: Fetcher, bell: Bell) -> None:
        self._call = call
        self._fetcher = fetcher
        self.bell = bell
        self._failed: dict[str, str] = {}
        self._size = 0
        self._task: asyncio.Task[None] | None = None

    def want(self, urls: Iterable[str], send: Send) -> str | None:
        """Have these fetched for whom `send` names: why they cannot be had, or None: its attempt is
        given back, and the bell says when to ask again.
        """
        urls = tuple(urls)
        if len(urls) > MOST_FILES:
            return f"more than {MOST_FILES} files to fetch"
        for url in urls:
            if url in self._failed:
                return f"{url[:LONGEST_SHOWN]} cannot be fetched: {self._failed[url]}"
        if self._task is not None and self._task.done():
            self._task.result()  # what is wrong with fetching itself is the request's fault inside
            self._task = None
        if self._task is None:
            self._task = asyncio.create_task(self._fetch(urls, send.limits.deadline))
            self._task.add_done_callback(self._done)
        send.attempt.give_back(asyncio.get_running_loop().time())
        return None

    def close(self) -> None:
        """The request is over."""
        if self._task is not None:
            self._task.remove_done_callback(self._done)
            self._task.cancel()

    async def _fetch(self, urls: tuple[str, ...], deadline: float) -> None:
        within = deadline - asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as together:
            for url in urls:
                together.create_task(self._get(url, within))

    async def _get(self, url: str, within: float) -> None:
        common = self._call.common
        try:
            media_type, content = await self._fetcher.get(url, within, self._took)
        except FetchError as error:
            self._failed[url] = str(error)
        else:
            if common is not None:
                common.fetched[url] = (media_type, b64encode(content).decode())

    def _took(self, size: int) -> None:
        self._size += size
        if self._size > MOST_BYTES:
            raise FetchError(f"all files are larger than {MOST_BYTES >> 20} MB together")

    def _done(self, task: asyncio.Task[None]) -> None:
        self.bell.wake()

"""What an instance of a fleet has heard last, in a file beside its configuration: for one that is
started while the shared server is away.

It may be as old as the machine was off, so it holds only until the server was heard, and is never
told to it. It is written whole, by a thread, when it has changed. Several processes may write one
file: they have heard the same. A file that cannot be read or written costs nobody an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from router.kept.contract import Document
from router.kept.file import FORM, documents, replaced

FEWER = 600.0
"""Seconds for which there must be fewer instances to be taken for fewer: a fleet that is stopped
becomes fewer and fewer.
"""
FLEET = "fleet"
"""The document that says which fleet it was, and how many instances it had."""


class LastHeard:
    """Of the fleet of that name, in the file at `path`. `instances` it had, at least one;
    `documents` it kept. `event` logs.
    """

    def __init__(self, path: Path, fleet: str, event: Callable[..., None]) -> None:
        self.instances = 1
        self.documents: Mapping[str, Document] = {}
        self._path, self._fleet, self._event = path, fleet, event
        found, self._why = documents(path)
        about = found.pop(FLEET, {})
        if about.get("name") == fleet:
            self.documents = found
            if isinstance(count := about.get("instances"), int):
                self.instances = max(1, count)
        self._fewer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None

    def keep(self, documents: Mapping[str, Document]) -> None:
        """These are kept now."""
        if documents != self.documents:
            self.documents = dict(documents)
            self._write()

    def count(self, instances: int) -> None:
        """So many are there now: at once where they are more, in a while where they are fewer."""
        if self._fewer is not None:
            self._fewer.cancel()
            self._fewer = None
        if instances < self.instances:
            loop = asyncio.get_running_loop()
            self._fewer = loop.call_later(FEWER, self._counted, instances)
        elif instances > self.instances:
            self._counted(instances)

    async def close(self) -> None:
        """Wait until it is written."""
        if self._fewer is not None:
            self._fewer.cancel()
        if self._writing is not None:
            await self._writing

    def _counted(self, instances: int) -> None:
        self.instances = instances
        self._write()

    def _write(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_on())

    async def _write_on(self) -> None:
        written = b""
        while (told := self._told()) != written:
            why = await asyncio.to_thread(replaced, self._path, told)
            if why and why != self._why:
                self._event(
                    "what the fleet says cannot be kept for a start without its server:",
                    file=str(self._path),
                    why=why,
                )
            self._why, written = why, told

    def _told(self) -> bytes:
        about = {"name": self._fleet, "instances": self.instances}
        whole = {"form": FORM, "documents": {FLEET: about, **self.documents}}
        return msgspec.json.format(msgspec.json.encode(whole), indent=1) + b"\n"

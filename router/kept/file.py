"""Documents of one process, in a file beside its configuration.

They are read once, at the start, and written whole, by a thread, with a replace that leaves either
the old file or the new one. A file that cannot be read or written is said to be so, and costs
nobody an answer. Two processes on one file would each write their own: that is noticed and said.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from router.kept.contract import Copies, Document, How, TooLarge, encoded

FORM = 1
"""Of the file. One that has another is of another release, and not read."""
MOST_BYTES = 8 * 1024 * 1024
"""Of the file."""
ASIDE = ".unreadable"
"""Follows the name of a file that could not be read."""
Stamp = tuple[int, int, int]


class _Whole(msgspec.Struct, forbid_unknown_fields=True):
    """The file."""

    form: int
    documents: dict[str, dict[str, Any]]


class File(Copies):
    """`Kept` in the file at `path`; None: in this process alone. `event` logs."""

    def __init__(self, path: Path | None, event: Callable[..., None]) -> None:
        super().__init__()
        alone = "in this process alone, since server.state is empty"
        self.where = alone if path is None else f"in {path}"
        self.why = ""
        self._path = path
        self._event = event
        self._stamp: Stamp | None = None
        # One thread, so that what was changed last is written last.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kept")

    async def change(self, name: str, how: How) -> Document | None:
        """See `Kept.change`. It holds at once; that it could not be written is said by `why`."""
        before = self.read(name)
        after = how(before)
        if after == before:
            return before
        told = encoded(name, after)
        after = msgspec.json.decode(told) if told else None
        whole = self._whole(name, after)
        self._hold(name, after)
        if self._path is not None:
            loop = asyncio.get_running_loop()
            write = loop.run_in_executor(self._writer, self._write, self._path, whole)
            said = await asyncio.shield(write)  # it holds already, whoever leaves
            self._say(said)
        return after

    async def start(self) -> None:
        if self._path is None:
            return
        loop = asyncio.get_running_loop()
        found, wrong = await loop.run_in_executor(self._writer, self._read, self._path)
        if wrong:
            aside = await loop.run_in_executor(self._writer, self._put_aside, self._path)
            self._event(
                "the file of what operators said cannot be read, it is begun anew:",
                file=str(self._path),
                why=wrong,
                kept_as=aside or "it could not be moved, and is replaced by the next change",
                then="to have it back: stop, correct it, give it its name again, start",
            )
        for name, document in found.items():
            self._hold(name, document)

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.shutdown)

    def _whole(self, name: str, document: Document | None) -> bytes:
        """The file with that document. Raises `TooLarge`."""
        documents = {**self._copies, name: document}
        if document is None:
            del documents[name]
        told = msgspec.json.encode({"form": FORM, "documents": documents})
        if len(told) > MOST_BYTES:
            raise TooLarge(f"with {name} the file has {len(told):,} bytes, of {MOST_BYTES:,}")
        return msgspec.json.format(told, indent=1) + b"\n"

    def _read(self, path: Path) -> tuple[dict[str, dict[str, Any]], str]:
        """What is there, and what is wrong with it; in the thread."""
        found = documents(path)
        self._stamp = _stamp(path)
        return found

    def _put_aside(self, path: Path) -> str:
        """Keep an unreadable file under another name, which is given; empty: it cannot be."""
        aside = path.with_name(path.name + ASIDE)
        try:
            path.replace(aside)
        except OSError:
            return ""
        self._stamp = None
        return str(aside)

    def _write(self, path: Path, whole: bytes) -> tuple[str, bool]:
        """Replace the file; in the thread. Gives what is wrong, and whether another wrote it."""
        foreign = _stamp(path) != self._stamp
        wrong = replaced(path, whole)
        if not wrong:
            self._stamp = _stamp(path)
        return wrong, foreign

    def _say(self, said: tuple[str, bool]) -> None:
        wrong, foreign = said
        if foreign:
            self._event(
                "the file of what operators said was changed by another, whose word is replaced:",
                file=str(self._path),
                then="give each router a server.state of its own, or a shared.redis to all",
            )
        why = f"{self._path} cannot be written: {wrong}" if wrong else ""
        if why != self.why:
            if why:
                self._event("what operators say is forgotten by a restart:", why=why)
            else:
                self._event("what operators say is kept over a restart again:", file=self.where)
        self.why = why


def replaced(path: Path, whole: bytes) -> str:
    """Have the file at `path`, which is its owner's alone, hold this; what went wrong, if anything.
    Then the old one is still there.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with suppress(FileNotFoundError):
            new.unlink()
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(whole)
            out.flush()
            os.fsync(out.fileno())
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        return os.strerror(error.errno or 0)
    return ""


def documents(path: Path) -> tuple[dict[str, dict[str, Any]], str]:
    """What the file at `path` keeps, and what is wrong with it."""
    try:
        with path.open("rb") as file:
            told = file.read(MOST_BYTES * 2 + 1)
        if len(told) > MOST_BYTES * 2:  # its indents among them
            return {}, "it is too large to be ours"
        whole = msgspec.json.decode(told, type=_Whole)
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        return {}, os.strerror(error.errno or 0)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return {}, str(error) or type(error).__name__
    if whole.form != FORM:
        return {}, f"its form is {whole.form}, and {FORM} is known here"
    return whole.documents, ""


def _stamp(path: Path) -> Stamp | None:
    """What differs once another has written the file; None: there is none to see."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size

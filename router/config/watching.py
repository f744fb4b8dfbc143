"""When files are worth reading again: they are others than those read last, and whoever writes them
has paused.

Why looking five times a second, and no events from the system: it costs a few microseconds and no
memory, and it sees every way in which a file can become another one, also through
symbolic links, and where a system tells nobody (a network's file system, a container's mount).
Must not: read a file, or decide what becomes of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR
from zlib import crc32

SELDOM, OFTEN = 0.2, 0.05
"""Seconds between two looks: usually, and once something was seen to change."""
QUIET = 0.1
"""Seconds without a change, after which a file is taken to be whole. Editors that empty a file and
write it anew take a millisecond or two.
"""
SURE = 0.5
"""The same before a file that is wrong, empty or gone is taken to be meant so."""
LONGEST = 0.5
"""Seconds after which files that change all the time are read between two changes."""

Stamp = tuple[int, int, int, int, int] | None
"""What tells one state of a file from another without reading it. None: there is none."""


def stamp(path: Path) -> Stamp:
    """How the file, or the folder, at `path` is now; links are followed."""
    with suppress(OSError, ValueError):
        found = path.stat()
        if S_ISDIR(found.st_mode):
            # Not by its times: editors leave files of their own beside those that are read.
            names = [one.name for one in listed(path)]
            return (found.st_dev, found.st_ino, len(names), crc32("\0".join(names).encode()), 0)
        # The time of the last change of its state as well: a copy may keep all else.
        return (
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
        )
    return None


def listed(folder: Path) -> list[Path]:
    """The files of a folder that are configuration, by their names. Raises OSError."""
    found = (path for path in folder.iterdir() if path.suffix in {".yaml", ".yml"})
    return sorted(path for path in found if path.name[0] != "." and path.is_file())


def unchanged(files: Mapping[Path, Stamp]) -> bool:
    """Whether `files` are still as their stamps say."""
    return all(stamp(path) == read for path, read in files.items())


class Watch:
    """Looks at `files`, which were read as their stamps say. `now` is in seconds of any clock."""

    def __init__(self, files: Mapping[Path, Stamp], now: float) -> None:
        self._doubted: Mapping[Path, Stamp] | None = None
        self.settle(files, now)

    def settle(self, files: Mapping[Path, Stamp], now: float) -> None:
        """These were read, and it is known what becomes of them."""
        self._read = self._seen = files
        self._since = self._begun = now

    def doubt(self) -> None:
        """What was seen was read and is wrong, perhaps since it is not whole yet."""
        self._doubted = self._seen

    def look(self, now: float) -> bool:
        """Whether to read them now."""
        seen = {path: stamp(path) for path in self._read}
        if seen != self._seen:
            if not self.restless:
                self._begun = now
            self._seen, self._since = seen, now
        if not self.restless:
            return False
        if seen == self._doubted:
            return self.sure(now)
        return now - self._since >= QUIET or now - self._begun >= LONGEST

    def sure(self, now: float) -> bool:
        """Whether nothing has changed for so long that what is there is meant."""
        return now - self._since >= SURE

    @property
    def restless(self) -> bool:
        """Whether they were seen to be others than those that were read."""
        return self._seen != self._read

    @property
    def pause(self) -> float:
        """Seconds to the next look."""
        return OFTEN if self.restless else SELDOM

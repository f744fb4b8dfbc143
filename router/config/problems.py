"""What is wrong with a file, said where it is wrong.

Why: whoever edits the file should see every mistake at once, each with its place and its remedy.
Must not: hold a value that came from the environment, or a credential, in any text.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from router.config.watching import Stamp, unchanged


class Mark(NamedTuple):
    """A place in a file: line and column, both from 1. Without a `file` it is in the one that is
    being read.
    """

    line: int
    column: int
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


START = Mark(1, 1)
# Looking for the nearest name takes its time, and nobody reads on after so many mistakes.
_MANY = 200
_LONGEST_NAME = 200
_LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake (or one note): where it is, what it is, and what to do about it."""

    file: str
    line: int
    column: int
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.what}; {self.remedy}"


class ConfigError(Exception):
    """The file cannot be used. `problems` are all its mistakes, in the order of the file; `files`
    are what was read of it, and how that was.
    """

    def __init__(self, problems: Iterable[Problem], files: Mapping[Path, Stamp]) -> None:
        self.problems = tuple(problems)
        self.files = files
        super().__init__("\n".join(map(str, self.problems)))

    def is_as_read(self) -> bool:
        """Whether the files are still those that were read."""
        return unchanged(self.files)


@dataclass(slots=True)
class Report:
    """Collects what is found while `file` is read, and what is read for it: `files`, and the
    `contents` of those that are configuration.

    A place is named once: what is found first there explains what is found later.
    """

    file: str
    files: dict[Path, Stamp] = field(default_factory=dict)
    contents: list[bytes] = field(default_factory=list)
    _problems: dict[Mark, Problem] = field(default_factory=dict)
    _notes: set[Problem] = field(default_factory=set)

    def problem(self, mark: Mark, what: str, remedy: str) -> None:
        """Record a mistake: the file will not be used."""
        mark = mark._replace(file=mark.file or self.file)
        self._problems.setdefault(mark, Problem(mark.file, mark.line, mark.column, what, remedy))

    def note(self, mark: Mark, what: str, remedy: str) -> None:
        """Record what is allowed, but is worth knowing."""
        self._notes.add(Problem(mark.file or self.file, mark.line, mark.column, what, remedy))

    def of(self, file: str) -> Report:
        """The same report, while another file is read for it."""
        return replace(self, file=file)

    def nearest(self, word: str, words: Iterable[str], otherwise: str = "") -> str:
        """As the function of this name; once there are many mistakes, without looking far."""
        if len(self._problems) >= _MANY:
            return otherwise or "check its spelling"
        return nearest(word, words, otherwise)

    def failed(self) -> bool:
        return bool(self._problems)

    def error(self) -> ConfigError:
        """All mistakes so far, to be raised."""
        return ConfigError(sorted(self._problems.values()), self.files)

    def notes(self) -> tuple[Problem, ...]:
        return tuple(sorted(self._notes))


def quoted(text: str) -> str:
    """`text` as a message shows it: one line, in quotes, not too long."""
    short = text if len(text) <= _LONGEST_QUOTE else text[: _LONGEST_QUOTE - 1] + "…"
    return json.dumps(short, ensure_ascii=not short.isprintable())


def nearest(word: str, words: Iterable[str], otherwise: str = "") -> str:
    """The remedy for a name that is not among `words`: the nearest of them, or what to do if none
    is near; without `otherwise`, that is to choose among them.
    """
    known = sorted(name for name in words if len(name) <= _LONGEST_NAME)
    near = difflib.get_close_matches(word[:_LONGEST_NAME], known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {quoted(near[0])}?"
    if otherwise:
        return otherwise
    if not known:
        return "none is declared yet"
    return f"use one of: {', '.join(known[:20])}{', …' if len(known) > 20 else ''}"

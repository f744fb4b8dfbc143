"""Another program's table, key by key: what is taken, what is left, and what cannot be read.

Why: nothing of a file may be lost unnoticed, so whatever nobody took is named in the end.
Must not: know any gateway's keys; or let a value into a message, since it may be a credential.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from router.config.problems import Mark, Report, quoted
from router.config.tree import Entry, Leaf, Listing, Node, Table
from router.config.units import Unreadable

T = TypeVar("T")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OURS = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^{}$]*)?\}")
_MOST = 10**15


@dataclass(slots=True)
class Outside:
    """A table of another program's. `path` is how it is called in messages; `prefix` is what
    stands before a variable's name there.
    """

    table: Table
    report: Report
    path: str
    prefix: str = "os.environ/"
    _taken: set[str] = field(default_factory=set)

    def line(self, key: str) -> int:
        """Where a key stands; the table's own line if it has none."""
        entry = self.table.entries.get(key)
        return entry.key.mark.line if entry else self.table.mark.line

    def mark(self, key: str) -> Mark:
        """The same, with its column."""
        entry = self.table.entries.get(key)
        return entry.value.mark if entry else self.table.mark

    def has(self, key: str) -> bool:
        """Whether the key stands there with something under it."""
        node = self.table.get(key)
        return node is not None and not (isinstance(node, Leaf) and node.value in (None, ""))

    def take(self, key: str) -> Node | None:
        """What stands under a key; None where that is nothing."""
        self._taken.add(key)
        return self.table.get(key) if self.has(key) else None

    def left(self) -> Iterator[Entry]:
        """The entries that nobody took and that say something."""
        for key, entry in self.table.entries.items():
            if key not in self._taken and self.has(key):
                yield entry

    def below(self, key: str) -> Outside:
        """A table under a key; an empty one where there is none."""
        node = self.take(key)
        path = f"{self.path}.{key}" if self.path else key
        if node is not None and not isinstance(node, Table):
            self.wrong(node.mark, key, "is not a mapping", "write it as key: value")
        table = node if isinstance(node, Table) else Table(self.mark(key), {})
        return Outside(table, self.report, path, self.prefix)

    def items(self, key: str) -> tuple[Node, ...]:
        """A list under a key; a single value is a list of one."""
        node = self.take(key)
        if node is None:
            return ()
        return node.items if isinstance(node, Listing) else (node,)

    def tables(self, key: str) -> list[Outside]:
        """The tables of a list under a key."""
        path = f"{self.path}.{key}" if self.path else key
        found = []
        for index, item in enumerate(self.items(key)):
            if isinstance(item, Table):
                found.append(Outside(item, self.report, f"{path}[{index}]", self.prefix))
            else:
                self.wrong(item.mark, key, "holds something that is no mapping", "correct it")
        return found

    def text(self, key: str, read: Callable[[object], object] | None = None) -> str | None:
        """Visible text, variables as we write them. `read` says whether it has its form, where it
        is no variable.
        """
        node = self.take(key)
        if node is None:
            return None
        return self.text_of(node, key, read)

    def text_of(
        self, node: Node, key: str, read: Callable[[object], object] | None = None
    ) -> str | None:
        """The same of a value that was taken already."""
        value = node.value if isinstance(node, Leaf) else node
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            self.wrong(node.mark, key, "is not text", "quote it")
            return None
        told = str(value).strip()
        if told.startswith(self.prefix):
            name = told.removeprefix(self.prefix)
            if not VARIABLE.fullmatch(name):
                remedy = "rename the variable: letters, digits and _"
                self.wrong(node.mark, key, "names a variable that no shell can set", remedy)
                return None
            return f"${{{name}}}"
        if not told.isprintable():
            remedy = "remove it"
            self.wrong(node.mark, key, "holds a character that cannot be seen", remedy)
            return None
        if "${" in _OURS.sub("", told):
            remedy = "write it as ${NAME}"
            self.wrong(node.mark, key, "begins a variable, and is none", remedy)
            return None
        if read is not None and "${" not in told:
            self.read(node, key, read, told)
        return told

    def count(self, key: str) -> int | None:
        """A whole number, 1 or more; None for 0, which is no limit to other gateways."""
        number = self.number(key)
        if number is None or not number:
            return None
        if number != int(number):
            self.wrong(self.mark(key), key, "is not whole", "write it as 500")
            return None
        return int(number)

    def number(self, key: str) -> float | int | None:
        """A number, 0 or more."""
        node = self.take(key)
        if node is None:
            return None
        value = node.value if isinstance(node, Leaf) else None
        if isinstance(value, str):
            value = _number(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _MOST:
            self.wrong(node.mark, key, "is not a number, 0 or more", "write it as 30")
            return None
        return value

    def flag(self, key: str) -> bool | None:
        """Yes or no; None where it is neither, or nothing."""
        node = self.take(key)
        return node.value if isinstance(node, Leaf) and isinstance(node.value, bool) else None

    def read(self, node: Node, key: str, read: Callable[[object], T], value: object) -> T | None:
        """A value as one of our own readers reads it."""
        try:
            return read(value)
        except Unreadable as error:
            self.wrong(node.mark, key, error.what, error.remedy)
            return None

    def wrong(self, mark: Mark, key: str, what: str, remedy: str) -> None:
        """Report what cannot be read."""
        path = f"{self.path}.{key}" if self.path else key
        self.report.problem(mark, f"{shown(path)} {what}", remedy)


def shown(key: str) -> str:
    """A key of another program's as a message or a comment has it."""
    return key if re.fullmatch(r"[\w.\[\]/-]{1,80}", key, re.ASCII) else quoted(key)


def _number(text: str) -> float | int | None:
    """Text that is a number to whoever reads it there, `3e-07` among them."""
    if re.fullmatch(r"\d{1,15}", text.strip(), re.ASCII):
        return int(text)
    decimal = re.fullmatch(r"\d{1,15}(\.\d{1,15})?([eE]-?\d{1,2})?", text.strip(), re.ASCII)
    return float(text) if decimal else None

"""The file as a tree of places: what stands where, before anyone asks what it means.

Why: every later stage can say line and column, also for what an earlier stage has rewritten.
Must not: know which keys there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from router.config.problems import Mark, quoted

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar. `written` is what the file says, the only form that a message may show."""

    mark: Mark
    value: Scalar
    written: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A list."""

    mark: Mark
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """A key with its value."""

    key: Leaf
    value: Node


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the order of the file."""

    mark: Mark
    entries: Mapping[str, Entry]

    def get(self, key: str) -> Node | None:
        entry = self.entries.get(key)
        return entry.value if entry else None

    def table(self, key: str) -> Table:
        """The table under `key`; an empty one if there is something else, or nothing."""
        value = self.get(key)
        return value if isinstance(value, Table) else Table(self.mark, {})

    def with_values(self, values: Mapping[str, Node]) -> Table:
        """The same keys in the same places, with other values for some of them."""
        return Table(
            self.mark,
            {
                name: Entry(entry.key, values.get(name, entry.value))
                for name, entry in self.entries.items()
            },
        )


Node = Leaf | Listing | Table


@dataclass(frozen=True, slots=True)
class Found:
    """The deepest part of a path that the file has. `whole` is False if the path goes on."""

    key: Leaf
    node: Node
    whole: bool


def find(root: Table, path: Iterable[str | int]) -> Found:
    """Follow `path` as far as it is written. `key` is the last one that was passed."""
    key = Leaf(root.mark, None, "")
    node: Node = root
    for step in path:
        below: Node | None = None
        if isinstance(node, Table) and str(step) in node.entries:
            key, below = node.entries[str(step)].key, node.entries[str(step)].value
        elif isinstance(node, Listing) and isinstance(step, int) and step < len(node.items):
            below = node.items[step]
        if below is None:
            return Found(key, node, whole=False)
        node = below
    return Found(key, node, whole=True)


def plain(node: Node) -> object:
    """The tree's values without their places."""
    if isinstance(node, Table):
        return {name: plain(entry.value) for name, entry in node.entries.items()}
    if isinstance(node, Listing):
        return [plain(item) for item in node.items]
    return node.value


def is_null(node: Node | None) -> bool:
    """True where a key stands without a value."""
    return isinstance(node, Leaf) and node.value is None


def shown(node: Node) -> str:
    """A scalar as a message shows it; empty for what is none."""
    return quoted(node.written) if isinstance(node, Leaf) else ""

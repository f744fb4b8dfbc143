"""`include`: what stands in other files, as if it stood in this one.

Why: who has many providers or tenants keeps them in files of their own, and a folder may be filled
by others than whoever keeps the rest.
Must not: let one thing be said twice; which of the two holds would depend on names of files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from router.config.problems import Mark, Report, quoted
from router.config.reading import read
from router.config.tree import Entry, Leaf, Listing, Node, Table, is_null
from router.config.variables import substitute
from router.config.watching import listed, stamp

BY_NAME = ("providers", "models", "tenants")
"""Sections of which each file may have a part. Every other key stands in one of the files alone."""
_REMOVE = "remove one of the two"
_DEEPEST = 16
"""Files inside one another: nobody follows more."""


def gather(path: Path, environ: Mapping[str, str], report: Report) -> Table | None:
    """The top-level mapping of the file at `path` with all that it includes, and with variables
    replaced; None if it has none. Problems go to `report`.
    """
    return _Gathering(environ, report).file(path, report)


class _Gathering:
    """`_within` are the files that are being read, each inside the one before; `_places` says of
    every file where it was included, None of the first.
    """

    def __init__(self, environ: Mapping[str, str], report: Report) -> None:
        self._environ, self._report = environ, report
        self._places: dict[object, Mark | None] = {}
        self._within: list[object] = []

    def file(self, path: Path, report: Report, place: Mark | None = None) -> Table | None:
        own = _identity(path)
        self._places[own] = place
        self._within.append(own)
        tree = read(path, report)
        if tree is not None:
            tree = self._whole(substitute(tree, self._environ, report), path)
        self._within.pop()
        return tree

    def _whole(self, tree: Table, path: Path) -> Table:
        """`tree` with what it includes."""
        entries = dict(tree.entries)
        include = entries.pop("include", None)
        for leaf in self._names(include.value) if include is not None else ():
            for other in self._files(path.parent / str(leaf.value), leaf):
                if not self._is_new(other, leaf):
                    continue
                report = self._report.of(str(other))
                more = self.file(other, report, leaf.mark)
                if more is not None:
                    self._add(entries, more)
        return Table(tree.mark, entries)

    def _names(self, node: Node) -> Iterator[Leaf]:
        for item in node.items if isinstance(node, Listing) else (node,):
            if isinstance(item, Leaf) and isinstance(item.value, str) and item.value:
                yield item
            elif not is_null(item) or isinstance(node, Listing):
                what = "include names files and folders"
                self._report.problem(item.mark, what, "write it as [models.yaml, tenants.d]")

    def _files(self, path: Path, leaf: Leaf) -> list[Path]:
        """The files that one name stands for."""
        self._report.files[path] = stamp(path)
        what, remedy = "is not there", "paths are relative to the file that names them"
        try:
            if path.is_dir():
                return listed(path)
            if path.is_file():
                return [path]
            if path.exists():
                what, remedy = "is neither a file nor a folder", "name one of these"
        except OSError as error:
            what, remedy = f"cannot be read: {error.strerror}", "check its path and its rights"
        self._report.problem(leaf.mark, f"{quoted(leaf.written)} {what}", remedy)
        return []

    def _is_new(self, path: Path, leaf: Leaf) -> bool:
        own = _identity(path)
        if own not in self._places:
            if len(self._within) < _DEEPEST:
                return True
            what = f"files that include one another are more than {_DEEPEST} deep"
            self._report.problem(leaf.mark, what, "include them side by side")
            return False
        shown, before = quoted(leaf.written), self._places[own]
        if own not in self._within:
            what = f"{shown} includes {quoted(path.name)}, which is included at {before} already"
            self._report.problem(leaf.mark, what, _REMOVE)
            return False
        deeper = self._within[self._within.index(own) + 1 :]
        through = f", which is read for {self._places[deeper[0]]}" if deeper else " itself"
        what = f"{shown} goes round in a circle: it includes this file{through}"
        self._report.problem(leaf.mark, what, "remove one `include`")
        return False

    def _add(self, entries: dict[str, Entry], more: Table) -> None:
        """What another file says, to what is there."""
        for key, entry in more.entries.items():
            first = entries.get(key)
            if first is None:
                entries[key] = entry
            elif key == "version":
                if _value(entry) != _value(first):
                    self._twice("another", key, entry, first)
            elif key in BY_NAME and isinstance(entry.value, Table):
                entries[key] = Entry(first.key, self._together(key, first.value, entry.value))
            elif not (key in BY_NAME and is_null(entry.value)):
                self._twice("", quoted(key), entry, first)

    def _together(self, section: str, ours: Node, theirs: Table) -> Node:
        if not isinstance(ours, Table):
            return theirs if is_null(ours) else ours
        entries = dict(ours.entries)
        for name, entry in theirs.entries.items():
            first = entries.setdefault(name, entry)
            if first is not entry:
                self._twice(section.removesuffix("s"), quoted(name), entry, first)
        return Table(ours.mark, entries)

    def _twice(self, kind: str, name: str, entry: Entry, first: Entry) -> None:
        what = f"{kind} {name} stands at {first.key.mark} already".strip()
        self._report.problem(entry.key.mark, what, _REMOVE)


def _identity(path: Path) -> object:
    """What two paths to one file have in common."""
    found = stamp(path)
    return path if found is None else found[:2]


def _value(entry: Entry) -> object:
    return entry.value.value if isinstance(entry.value, Leaf) else None

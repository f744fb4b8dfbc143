"""From YAML nodes to a tree of places, with every surprise that YAML holds named on the way.

Why: YAML 1.1 reads `no` as false, `010` as eight and `1:30` as ninety, keeps the last of two equal
keys, and lets an alias stand for a thousand others. None of that may reach a router unnoticed.
Must not: know which keys there are.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from yaml.resolver import Resolver

from router.config.problems import Mark, Report, quoted
from router.config.syntax import MOST_LEVELS, MOST_VALUES, compose, composed, place
from router.config.tree import Entry, Leaf, Listing, Node, Scalar, Table

_CORE = "tag:yaml.org,2002:"
# Text in YAML 1.2 as well, or read as text here: a date can be the name of a model.
_TEXT = ("str", "timestamp", "value")
_KINDS = {"bool": "a boolean", "int": "a number", "float": "a number", "null": "no value"}
# What a scalar without quotes and without a tag is to YAML.
_PLAIN = Resolver()
# More digits than any quantity has: read as text, and refused by whoever wants a number.
_MOST_DIGITS = 30


def _implicit_tag(text: str) -> object:
    return _PLAIN.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]


def read(path: Path, report: Report) -> Table | None:
    """The file's top-level mapping, or None if it has none. Problems go to `report`."""
    root = compose(path, report)
    return None if root is None else _built(root, report, "begin it with `version: 1`")


def read_text(text: str, report: Report, begin: str) -> Table | None:
    """The same of another program's text, which begins with `begin`: of what surprises in YAML 1.1,
    what is common there is read as it is meant, merge keys and booleans.
    """
    root = composed(text, report)
    return None if root is None else _built(root, report, begin, foreign=True)


def _built(root: yaml.Node, report: Report, begin: str, *, foreign: bool = False) -> Table | None:
    try:
        tree = _Builder(report, foreign=foreign).build(root, 1)
    except _Excess as excess:
        report.problem(excess.mark, excess.what, "write out what the aliases stand for")
        return None
    if isinstance(tree, Table):
        return tree
    report.problem(tree.mark, "the file is not a mapping", begin)
    return None


class _Excess(Exception):
    """Aliases that make a small file large, or endless."""

    def __init__(self, mark: Mark, what: str) -> None:
        super().__init__(what)
        self.mark = mark
        self.what = what


class _Builder:
    def __init__(self, report: Report, *, foreign: bool = False) -> None:
        self._report = report
        self._foreign = foreign
        self._values = 0

    def build(self, node: yaml.Node, level: int) -> Node:
        mark = place(node.start_mark)
        self._values += 1
        if level > MOST_LEVELS:
            raise _Excess(mark, "an alias that contains itself")
        if self._values > MOST_VALUES:
            raise _Excess(mark, f"aliases that stand for more than {MOST_VALUES:,} values")
        if isinstance(node, yaml.ScalarNode):
            return Leaf(mark, self._scalar(node, mark), node.value)
        if isinstance(node, yaml.MappingNode):
            self._expect_tag(node, "map")
            return self._table(node, level)
        self._expect_tag(node, "seq")
        return Listing(mark, tuple(self.build(item, level + 1) for item in node.value))

    def _table(self, node: yaml.MappingNode, level: int) -> Table:
        entries: dict[str, Entry] = {}
        merged: list[Table] = []
        for key_node, value_node in node.value:
            merges = self._foreign and key_node.tag == f"{_CORE}merge"
            key = None if merges else self._key(key_node)
            value = self.build(value_node, level + 1)
            merged += _tables(value) if merges else []
            if key is None:
                continue
            first = entries.setdefault(key.written, Entry(key, value))
            if first.key is not key:
                what = f"duplicate key {quoted(key.written)}: it is on line {first.key.mark.line}"
                self._report.problem(key.mark, f"{what} already", "remove one of the two")
        for table in merged:
            entries = {**table.entries, **entries}
        return Table(place(node.start_mark), entries)

    def _key(self, node: yaml.Node) -> Leaf | None:
        mark = place(node.start_mark)
        if not isinstance(node, yaml.ScalarNode):
            self._report.problem(mark, "a list or mapping as a key", "quote it if it is a name")
            return None
        kind = node.tag.removeprefix(_CORE)
        if kind == "merge":
            remedy = "write the keys out, or use `like:` between providers"
            self._report.problem(mark, "merge keys (<<) are not read", remedy)
            return None
        if kind not in _TEXT and not node.style:
            what = f"this key is {_KINDS.get(kind, 'not text')} to YAML"
            self._report.problem(mark, what, "quote it")
        return Leaf(mark, node.value, node.value)

    def _scalar(self, node: yaml.ScalarNode, mark: Mark) -> Scalar:
        text: str = node.value
        kind = node.tag.removeprefix(_CORE)
        if not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            self._report.problem(mark, "half of a character (a surrogate)", "write it as it is")
        if node.style or node.tag != _implicit_tag(text):
            self._expect_tag(node, "str")
            return text
        if kind == "bool":
            return self._boolean(text, mark)
        if kind == "null":
            return None
        return self._number(text, kind, mark) if kind in _KINDS else text

    def _boolean(self, text: str, mark: Mark) -> bool:
        if text.lower() not in ("true", "false") and not self._foreign:
            meant = "true" if text.lower() in ("yes", "on") else "false"
            remedy = f'write {meant}, or quote it if it is a name: "{text}"'
            self._report.problem(mark, f"{text} is a boolean to YAML", remedy)
        return text.lower() in ("true", "yes", "on")

    def _number(self, text: str, kind: str, mark: Mark) -> Scalar:
        if ":" in text:
            remedy = "write it with its unit, like 90s, or quote it"
            self._report.problem(mark, "a number with a colon is in base 60 to YAML", remedy)
            return text
        digits = text.lstrip("+-").replace("_", "")
        if kind == "int" and len(digits) > 1 and digits[0] == "0":
            remedy = "write it without the leading 0, or quote it"
            self._report.problem(mark, "a number with a leading 0 is not decimal to YAML", remedy)
            return text
        if len(digits) > _MOST_DIGITS:
            return text
        exact = text.replace("_", "").lower()
        if kind == "int":
            return int(exact)
        return float(exact.replace(".inf", "inf").replace(".nan", "nan"))

    def _expect_tag(self, node: yaml.Node, kind: str) -> None:
        if node.tag != _CORE + kind:
            remedy = "remove it, or quote text that begins with !"
            self._report.problem(place(node.start_mark), "a tag (!) that is not known", remedy)


def _tables(node: Node) -> list[Table]:
    """What a merge key names; the first that has a key says it."""
    items = node.items if isinstance(node, Listing) else (node,)
    return [item for item in items if isinstance(item, Table)]

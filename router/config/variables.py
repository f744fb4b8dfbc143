"""`${NAME}` and `${NAME:-default}` in values, from the environment that the caller hands in.

Why: credentials belong into the environment, and a missing one should be known before it is needed.
Must not: read the process's environment itself, or show a variable's value to anyone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from router.config.problems import Report
from router.config.tree import Entry, Leaf, Listing, Node, Table

_VARIABLE = re.compile(r"\$\{([^{}]*)\}?")
_INSIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


def substitute(tree: Table, environ: Mapping[str, str], report: Report) -> Table:
    """`tree` with variables replaced in its values. Missing ones go to `report`.

    With `:-` the default stands in for a variable that is not set or empty; without it, the
    variable must be set. What a variable holds is taken as it is, not searched for variables.
    """
    entries = {
        name: Entry(entry.key, _replaced(entry.value, environ, report))
        for name, entry in tree.entries.items()
    }
    return Table(tree.mark, entries)


def names(leaf: Leaf) -> tuple[str, ...]:
    """The variables that `leaf` is written with."""
    inside = (_INSIDE.fullmatch(found[1]) for found in _VARIABLE.finditer(leaf.written))
    return tuple(match[1] for match in inside if match)


def _replaced(node: Node, environ: Mapping[str, str], report: Report) -> Node:
    if isinstance(node, Table):
        return substitute(node, environ, report)
    if isinstance(node, Listing):
        return Listing(node.mark, tuple(_replaced(item, environ, report) for item in node.items))
    if not isinstance(node.value, str) or "${" not in node.value:
        return node

    def value(found: re.Match[str]) -> str:
        inside = _INSIDE.fullmatch(found[1])
        if inside is None or not found[0].endswith("}"):
            what = "this is not a variable, though it begins like one"
            report.problem(node.mark, what, "write it as ${NAME} or ${NAME:-default}")
            return ""
        name, default = inside[1], inside[2]
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            remedy = f"set it, or write ${{{name}:-}} if it may be empty"
            report.problem(node.mark, f"the variable {name} is not set", remedy)
        return environ.get(name, "")

    return replace(node, value=_VARIABLE.sub(value, node.value))

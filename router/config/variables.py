"""`${NAME}` and `${NAME:-default}` in values, from the environment that the caller hands in, and
`${file:PATH}` from a file of its own.

Why: credentials belong into the environment or a secret's file, and a missing one should be known
before it is needed.
Must not: read the process's environment itself, or show to anyone what stands for a variable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from router.config.problems import Mark, Report, quoted
from router.config.tree import Entry, Leaf, Listing, Node, Table
from router.config.watching import stamp

_VARIABLE = re.compile(r"\$\{([^{}]*)\}?")
_INSIDE = re.compile(r"(file:.+?|[A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_BARE = re.compile(r"(?:\$|os\.environ/)([A-Z][A-Z0-9_]+)")
"""As other files name a variable: it would be sent as it stands, and refused only then."""
_FILE = "file:"
_MOST_BYTES = 64 * 1024
"""Of a file that stands for a value: the longest of credentials have a few thousand."""


def substitute(tree: Table, environ: Mapping[str, str], report: Report) -> Table:
    """`tree` with variables replaced in its values. Missing ones go to `report`.

    With `:-` the default stands in for a variable that is not set or empty, and for a file that is
    not there or empty; without it, the variable must be set, and the file be there. What either
    holds is taken as it is, but for the end of a file's last line, and not searched for variables.
    A file's path is relative to the one in which it is written.
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
        if isinstance(node.value, str) and (bare := _BARE.fullmatch(node.value)) is not None:
            what = f"{quoted(node.value)} is text here, and no variable"
            report.problem(node.mark, what, f'write it as "${{{bare[1]}}}"')
        return node

    def value(found: re.Match[str]) -> str:
        inside = _INSIDE.fullmatch(found[1])
        if inside is None or not found[0].endswith("}"):
            what = "this is not a variable, though it begins like one"
            remedy = "write it as ${NAME}, ${NAME:-default} or ${file:PATH}"
            report.problem(node.mark, what, remedy)
            return ""
        name, default = inside[1], inside[2]
        if name.startswith(_FILE):
            return _content(name.removeprefix(_FILE), default, node.mark, report)
        if default is not None:
            return environ.get(name) or default
        if name not in environ:
            remedy = f"set it, or write ${{{name}:-}} if it may be empty"
            report.problem(node.mark, f"the variable {name} is not set", remedy)
        return environ.get(name, "")

    return replace(node, value=_VARIABLE.sub(value, node.value))


def _content(name: str, default: str | None, mark: Mark, report: Report) -> str:
    path = Path(mark.file).parent / name
    report.files[path] = stamp(path)
    what, remedy = "", 'put the value there, or write "${file:PATH:-}" if it may be missing'
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            what, remedy = "is larger than 64 KiB", "name the file that holds the value alone"
        return content.decode().rstrip("\r\n") or default or ""
    except (FileNotFoundError, NotADirectoryError):
        what = "is not there"
        return default or ""
    except UnicodeDecodeError:
        what, remedy = "is not UTF-8 text", "save it as UTF-8"
        return ""
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        what, remedy = f"cannot be read: {reason}", "check its path and its rights"
        return ""
    finally:
        if what and (default is None or "not there" not in what):
            report.problem(mark, f"the file {quoted(name)} {what}", remedy)

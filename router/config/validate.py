"""From a normalised tree to typed tables, with every fault reported in its place.

Why: pydantic says what is wrong in its own words and by a path; people need theirs, and a line.
Must not: stop at the first fault, or show a value: only what is written, and no credential's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from router.config import texts
from router.config.base_written import Written
from router.config.problems import START, Report, quoted
from router.config.remedies import EXAMPLES, OF_ROUTES, OTHERS
from router.config.sections_written import WrittenDefaults, WrittenTenant
from router.config.startup_written import WrittenServer, WrittenShared
from router.config.tree import Leaf, Node, Table, find, is_null, plain
from router.config.units import Unreadable
from router.config.written import WrittenProvider, WrittenRoute

VERSION = 1
_SECTIONS = ("version", "include", "server", "shared", "defaults", "providers", "models", "tenants")
# Never shown, not even as they are written.
_SECRET = {"api_key", "admin_token", "keys", "base_url", "proxy", "redis"}
_SHAPES = {
    "dict_type": ("is not a mapping", "write it as `name: value`"),
    "model_type": ("is not a mapping", "write it as `key: value`"),
    "tuple_type": ("is not a list", "write it as [a, b]"),
}

_W = TypeVar("_W", bound=Written)
_Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Sections:
    """The file's tables, each typed. Where something was wrong, it is left out."""

    server: WrittenServer
    shared: WrittenShared
    defaults: WrittenDefaults
    providers: dict[str, WrittenProvider]
    models: dict[str, WrittenRoute]
    tenants: dict[str, WrittenTenant]


def validate(tree: Table, report: Report) -> Sections:
    """Type every table of `tree`; faults go to `report`."""
    for name, entry in tree.entries.items():
        if name not in _SECTIONS:
            _unknown_key(entry.key, entry.value, _SECTIONS, report)
    _check_version(tree, report)
    for name in ("providers", "models"):
        if not tree.table(name).entries:
            mark = tree.entries[name].key.mark if name in tree.entries else START
            report.problem(mark, f"there are no {name}", f"declare at least one under `{name}:`")
    return Sections(
        server=_fitted(WrittenServer, tree, ("server",), report),
        shared=_fitted(WrittenShared, tree, ("shared",), report),
        defaults=_fitted(WrittenDefaults, tree, ("defaults",), report),
        providers=_named(WrittenProvider, tree, "providers", report),
        models=_named(WrittenRoute, tree, "models", report),
        tenants=_named(WrittenTenant, tree, "tenants", report),
    )


def _check_version(tree: Table, report: Report) -> None:
    version = tree.get("version")
    if version is None:
        report.problem(START, "the file has no version", "begin it with `version: 1`")
    elif not isinstance(version, Leaf) or version.value != VERSION or version.value is True:
        report.problem(version.mark, "this version is not known", "write `version: 1`")


def _named(kind: type[_W], tree: Table, section: str, report: Report) -> dict[str, _W]:
    node = tree.get(section)
    if node is None or is_null(node):
        return {}
    if not isinstance(node, Table):
        what, remedy = _SHAPES["dict_type"]
        report.problem(node.mark, f"{section} {what}", remedy)
        return {}
    for name, entry in node.entries.items():
        _check_name(section, name, entry.key, report)
    return {name: _fitted(kind, tree, (section, name), report) for name in node.entries}


def _check_name(section: str, name: str, key: Leaf, report: Report) -> None:
    if section != "models" and not texts.NAME.fullmatch(name):
        what = f"{quoted(key.written)} cannot be the name of a {section.removesuffix('s')}"
        report.problem(key.mark, what, "use letters, digits, - _ and .")
        return
    if "→" in name:
        what = f"{quoted(key.written)} has an arrow in it, as the router's own names have"
        report.problem(key.mark, what, "use - or _ between words")
        return
    try:
        texts.label(name)
    except Unreadable as unreadable:
        report.problem(key.mark, f"this name {unreadable.what}", unreadable.remedy)


def _fitted(kind: type[_W], tree: Table, path: _Path, report: Report) -> _W:
    """The table at `path` as a `kind`; what does not fit is reported and left out."""
    found = find(tree, path)
    if not found.whole:
        return kind()
    data = plain(found.node)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False)
    for fault in reversed(faults):
        _explain(kind, tree, path, dict(fault), report)
        data = _without(data, fault["loc"])
    return kind.model_validate(data)


def _without(data: Any, path: _Path) -> Any:
    """`data` without what is at `path`."""
    if not path:
        return {}
    *above, last = path
    table = data
    for step in above:
        table = table[step]
    del table[last]
    return data


def _explain(
    kind: type[_W], tree: Table, path: _Path, fault: dict[str, Any], report: Report
) -> None:
    below: _Path = fault["loc"]
    found = find(tree, path + below)
    if fault["type"] == "extra_forbidden":
        if kind is WrittenRoute and len(below) == 1 and found.key.written in OF_ROUTES:
            what = f"{quoted(found.key.written)} is no key of a route"
            report.problem(found.key.mark, what, OF_ROUTES[found.key.written])
        else:
            _unknown_key(found.key, found.node, _keys(kind, below[:-1]), report)
        return
    names = [step for step in path + below if isinstance(step, str)]
    label = names[-2] if names[-1] in ("name", "rules") else names[-1]
    if fault["type"] == "value_error":
        unreadable = fault["ctx"]["error"]
        what, remedy = unreadable.what, unreadable.remedy
    else:
        what, remedy = _SHAPES[fault["type"]]
        remedy = f"write it as {EXAMPLES[label]}" if label in EXAMPLES else remedy
    shown = _shown(found.node) if not _SECRET.intersection(names) else ""
    report.problem(found.node.mark, f"{label} {shown}{what}", remedy)


def _shown(node: Node) -> str:
    return f"{quoted(node.written)} " if isinstance(node, Leaf) and node.written else ""


def _unknown_key(key: Leaf, value: Node, known: tuple[str, ...], report: Report) -> None:
    name, colon, _ = key.written.partition(":")
    if colon and is_null(value):  # `{api_key:abc}`: what follows the colon may be a credential
        report.problem(key.mark, f"no space after {quoted(name + ':')}", "put one there")
    elif name == "client_write":
        what = f"{quoted(name)} is about clients, not about a provider"
        report.problem(key.mark, what, "set it under defaults.timeouts")
    else:
        remedy = OTHERS.get(name) or report.nearest(name, known)
        report.problem(key.mark, f"unknown key {quoted(name)}", remedy)


def _keys(kind: type[BaseModel], path: _Path) -> tuple[str, ...]:
    """The keys of the table that `path` leads to, from a `kind`."""
    here: Any = kind
    for step in path:
        if isinstance(here, type) and issubclass(here, BaseModel):
            here = _by_key(here)[str(step)].annotation
        else:  # dict[str, X], tuple[X, ...]
            here = next(arg for arg in reversed(get_args(here)) if arg is not Ellipsis)
        if type(None) in get_args(here):
            here = next(arg for arg in get_args(here) if arg is not type(None))
    return tuple(_by_key(here))


def _by_key(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """A table's fields by the keys of the file: a word of Python's has another name there."""
    return {field.alias or name: field for name, field in kind.model_fields.items()}

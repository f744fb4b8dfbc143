"""One form for what the file may write in several.

Why: validated as a union, one mistake would be reported once for every form it is not.
Must not: judge values. What has no known form passes as it is, and validation names it.
"""

from __future__ import annotations

from collections.abc import Callable

from router.config.problems import Report, quoted
from router.config.tree import Entry, Leaf, Listing, Node, Table, is_null

_Edit = Callable[[Node], Node]


def normalise(tree: Table, report: Report) -> Table:
    """`tree` with lists of models and targets as mappings, weights, policies and paths as tables.

    What is judged is only what would be lost: a name that stands twice in a list, or is none.
    """

    def named(node: Node) -> Node:
        return _table_of_names(node, report)

    def targets(node: Node) -> Node:
        return _each(named(node), lambda target: _under("weight", target))

    def tiers(node: Node) -> Node:
        if not isinstance(node, Listing):
            return node
        return Listing(node.mark, tuple(targets(tier) for tier in node.items))

    def provider(node: Node) -> Node:
        return _model(_edited(node, models=lambda models: _each(named(models), _model)))

    def shift(node: Node) -> Node:
        return _edited(node, to=targets)

    def route(node: Node) -> Node:
        start = {"cascade": _cascade, "start": _start, "tiers_at": _listed, "estimator": _policy}
        places = {"targets": targets, "tiers": tiers, "shift": shift}
        return _edited(node, policy=_policy, within=_policy, only=_only, **places, **start)

    return _edited_table(
        tree,
        server=_server,
        providers=lambda node: _each(node, provider),
        models=lambda node: _each(node, route),
        tenants=lambda node: _each(node, _tenant),
    )


def _edited_table(table: Table, **edits: _Edit) -> Table:
    values = {
        key: edit(entry.value) for key, edit in edits.items() if (entry := table.entries.get(key))
    }
    return table.with_values(values)


def _edited(node: Node, **edits: _Edit) -> Node:
    return _edited_table(node, **edits) if isinstance(node, Table) else node


def _each(node: Node, edit: _Edit) -> Node:
    if not isinstance(node, Table):
        return node
    return node.with_values({name: edit(entry.value) for name, entry in node.entries.items()})


def _under(key: str, node: Node) -> Node:
    """A bare scalar as a table of one key."""
    if not isinstance(node, Leaf):
        return node
    return Table(node.mark, {key: Entry(Leaf(node.mark, key, key), node)})


def _server(node: Node) -> Node:
    def path(file: Node) -> Node:
        nothing = isinstance(file, Leaf) and file.value is None
        return file if nothing else _under("path", file)

    return _edited(node, decisions=lambda decisions: _edited(decisions, file=path))


def _model(node: Node) -> Node:
    """What models and their providers have alike."""
    return _edited(node, limits=_limits, residency=_listed, tags=_listed, tenants=_listed)


def _tenant(node: Node) -> Node:
    def by_name(several: Node) -> Node:
        return _each(several, _limits)

    limits = {"limits": _limits, "per_user": _limits, "per_model": by_name, "per_endpoint": by_name}
    return _edited(node, only=_only, **limits)


def _only(node: Node) -> Node:
    return _edited(node, region=_listed, residency=_listed, tags=_listed)


def _table_of_names(node: Node, report: Report) -> Node:
    if isinstance(node, Leaf):
        if node.value is not None:
            what = "one name where a list or a mapping of names is meant"
            report.problem(node.mark, what, "write it in brackets: [a]")
        return Table(node.mark, {})
    if isinstance(node, Table):
        return node
    entries: dict[str, Entry] = {}
    for item in node.items:
        if not isinstance(item, Leaf):
            remedy = "write [a, b] or {a: …, b: …}"
            report.problem(node.mark, "a list of names holds something else", remedy)
        elif not isinstance(item.value, str):
            report.problem(item.mark, "this name is not text to YAML", "quote it")
            entries.setdefault(item.written, Entry(item, Table(item.mark, {})))
        elif item.value in entries:
            what = f"{quoted(item.written)} stands twice in this list"
            report.problem(item.mark, what, "remove one of the two")
        else:
            entries[item.value] = Entry(item, Table(item.mark, {}))
    return Table(node.mark, entries)


def _limits(node: Node) -> Node:
    kinds = ("requests", "tokens", "input_tokens", "output_tokens")
    return _edited(node, **dict.fromkeys(kinds, _listed))


def _listed(one: Node) -> Node:
    """A bare scalar as a list of one."""
    return Listing(one.mark, (one,)) if isinstance(one, Leaf) else one


def _start(node: Node) -> Node:
    """The rules that are shipped, by their name, apart from those that stand beside it."""

    def rule(node: Node) -> Node:
        return _edited(node, **{"if": lambda asked: _edited(asked, says=_listed, tenant=_listed)})

    if isinstance(node, Leaf):
        return _under("name", node)
    entries: dict[str, Entry] = {}
    rules = node
    if isinstance(node, Listing):
        name = next((item for item in node.items if isinstance(item, Leaf)), None)
        if name is not None:
            entries["name"] = Entry(name, name)
        own = tuple(rule(item) for item in node.items if item is not name)
        rules = Listing(node.mark, own)
    return Table(node.mark, {**entries, "rules": Entry(Leaf(node.mark, "rules", ""), rules)})


def _cascade(node: Node) -> Node:
    """A check that is a mere name, as a table; `auto` has nothing of its own."""

    def checks(node: Node) -> Node:
        if not isinstance(node, Listing):
            return node
        return Listing(node.mark, tuple(_under("name", item) for item in node.items))

    def audit(node: Node) -> Node:
        return Table(node.mark, {}) if is_null(node) else _under("by", node)

    if isinstance(node, Leaf) and node.value in ("auto", None):
        return Table(node.mark, {})
    return _edited(node, checks=checks, audit=audit)


def _policy(node: Node) -> Node:
    if not isinstance(node, Table):
        return _under("name", node)
    options = {name: entry for name, entry in node.entries.items() if name != "name"}
    policy = {"name": node.entries["name"]} if "name" in node.entries else {}
    if options:
        table = Table(node.mark, options)
        policy["options"] = Entry(next(iter(options.values())).key, table)
    return Table(node.mark, policy)

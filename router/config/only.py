"""Where targets are, and to which of them requests may go, as the file says it.

Why: a restriction keeps what may not leave from leaving, so a word of it that leads nowhere should
be known before anybody relies on it; and one that leaves nobody to ask before anybody asks.
Must not: know how requests are kept to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from router.config.place import Only, Place, is_within
from router.config.place_written import WrittenOnly
from router.config.problems import Report, quoted
from router.config.schema import Provider, Route, Tenant
from router.config.tiers import DEFAULT_TENANT
from router.config.tree import Found, Leaf, Listing, Node, Table, find, is_null
from router.config.written import WrittenModel, WrittenProvider

KEYS = ("region", "residency", "tags")
EXAMPLE = "write it as {residency: eu, tags: [zdr]}, or remove it"
MOST_NAMED = 5

_Path = tuple[str | int, ...]


def place_of(provider: WrittenProvider, model: WrittenModel) -> Place:
    """Where a model is: what it says itself, it says instead of its provider."""
    said = {**provider.given(), **model.given()}
    tenants = said.get("tenants")
    return Place(
        provider.region,
        frozenset(said.get("residency", ())),
        frozenset(said.get("tags", ())),
        None if tenants is None else frozenset(tenants),
    )


def only_of(path: _Path, written: WrittenOnly | None, tree: Table, report: Report) -> Only:
    """The `only` of whatever stands at `path`."""
    found = find(tree, (*path, "only"))
    given = written.given() if written is not None else {}
    node = found.node
    empty = is_null(node) or (isinstance(node, Table) and not node.entries)
    if found.whole and empty:
        report.problem(found.key.mark, "only asks for nothing", EXAMPLE)
    for key, names in given.items():
        if not names:
            mark = find(tree, (*path, "only", key)).key.mark
            report.problem(mark, f"only: {key} names nothing", EXAMPLE)
    return Only(**{key: frozenset(names) for key, names in given.items()})


class Known(NamedTuple):
    """What is resolved of a file, and where it is written."""

    providers: Mapping[str, Provider]
    routes: Mapping[str, Route]
    tenants: Mapping[str, Tenant]
    tree: Table

    def places(self) -> dict[str, Place]:
        """Where every target is, by its full name."""
        return {
            f"{provider.name}/{model.name}": model.place
            for provider in self.providers.values()
            for model in provider.models.values()
        }

    def said(self, key: str) -> Iterator[Found]:
        """Where providers and their models say `key`."""
        section = self.tree.table("providers")
        for provider in section.entries:
            path: _Path = ("providers", provider)
            models = section.table(provider).table("models").entries
            for where in (path, *((*path, "models", model) for model in models)):
                if (found := find(self.tree, (*where, key))).whole:
                    yield found


def check_only(known: Known, auth: str, report: Report) -> None:
    """Report tenants that there are not, and words that no target has; note who is left with nobody
    to be served by. `auth` is the server's.
    """
    _check_tenants(known, report)
    for section in ("models", "tenants"):
        for name in known.tree.table(section).entries:
            _check_words((section, name, "only"), known, report)
    if not report.failed():
        _note_likenesses(known, report)
        _note_routes(known, report)
        _note_tenants(known, auth, report)


def _check_tenants(known: Known, report: Report) -> None:
    there = [*known.tree.table("tenants").entries, DEFAULT_TENANT]
    for found in known.said("tenants"):
        for leaf in _leaves(found.node):
            if leaf.value not in there:
                what = f"there is no tenant {quoted(leaf.written)}"
                report.problem(leaf.mark, what, report.nearest(str(leaf.value), there))
        if isinstance(found.node, Listing) and not found.node.items:
            what = "tenants names nobody, so nobody would be served"
            report.problem(found.key.mark, what, "name those who are, or remove the key")


def _check_words(path: _Path, known: Known, report: Report) -> None:
    for key in KEYS:
        found = find(known.tree, (*path, key))
        asked = [*_leaves(found.node)] if found.whole else []
        if not asked:
            continue
        said = [leaf for place in known.said(key) for leaf in _leaves(place.node)]
        there = {str(leaf.value) for leaf in said}
        shown = {leaf.written for leaf in said if leaf.written == leaf.value}
        for leaf in asked:
            word = str(leaf.value)
            if any(is_within(one, word) if key == "region" else one == word for one in there):
                continue
            what = f"no provider has the {key.removesuffix('s')} {quoted(leaf.written)}"
            otherwise = "" if shown else f"say {key} of a provider, or remove it here"
            report.problem(leaf.mark, what, report.nearest(word, shown, otherwise))


def _note_likenesses(known: Known, report: Report) -> None:
    """Whoever is like another is elsewhere than that, and yet what it is sent stays there."""
    for provider in known.providers.values():
        own = known.tree.table("providers").table(provider.name)
        like = own.get("like")
        other = known.providers.get(str(like.value)) if isinstance(like, Leaf) else None
        if other is None or "region" not in own.entries:
            continue
        if other.region in (None, provider.region):
            continue
        tables = [own, *map(own.table("models").table, own.table("models").entries)]
        said = {str(leaf.value) for one in tables for leaf in _leaves(one.get("residency") or one)}
        if any(not model.place.residency <= said for model in provider.models.values()):
            what = f"{quoted(provider.name)} has the residency of another region"
            report.note(own.entries["region"].key.mark, what, "write its own residency")


def _note_routes(known: Known, report: Report) -> None:
    places = known.places()
    for route in known.routes.values():
        mark = find(known.tree, ("models", route.name, "only")).key.mark
        if not _left(route, places):
            moves = ", or none once it has moved" if route.shift is not None else ""
            what = f"`only` leaves route {quoted(route.name)} no target{moves}"
            report.note(mark, what, "add one that is, or ask for less")
        elif route.shadow is not None and route.only.lack(places[route.shadow.to]) is not None:
            what = f"nothing of {quoted(route.name)} is copied: its shadow is not as `only` asks"
            report.note(mark, what, "copy to a target that is, or remove the shadow")


def _note_tenants(known: Known, auth: str, report: Report) -> None:
    everyone = dict(known.tenants)
    if auth == "open":
        everyone.setdefault(DEFAULT_TENANT, Tenant(DEFAULT_TENANT, (), frozenset(), None))
    places = known.places()
    for name, tenant in everyone.items():
        open_to_it = {
            target: place
            for target, place in places.items()
            if (place.tenants is None or name in place.tenants) and tenant.only.lack(place) is None
        }
        shut = [
            route.name
            for route in known.routes.values()
            if (tenant.models is None or route.name in tenant.models)
            and _left(route, places)
            and not _left(route, open_to_it)
        ]
        if shut:
            mark = find(known.tree, ("tenants", name, "only")).key.mark
            which = ", ".join(shut[:MOST_NAMED]) + (", …" if len(shut) > MOST_NAMED else "")
            what = f"tenant {quoted(name)} is served by no target of {which}"
            report.note(mark, what, "give them one that may serve it, or leave them out of models")


def _left(route: Route, places: Mapping[str, Place]) -> bool:
    """Whether some of a route's targets, and of those to which its traffic moves, are among
    `places` and as its own `only` asks.
    """
    arms = [[target for tier in route.tiers for target in tier]]
    arms += [[*route.shift.to]] if route.shift is not None else []
    return all(
        any(one.name in places and route.only.lack(places[one.name]) is None for one in arm)
        for arm in arms
    )


def _leaves(node: Node) -> Iterator[Leaf]:
    items = node.items if isinstance(node, Listing) else (node,)
    yield from (item for item in items if isinstance(item, Leaf))

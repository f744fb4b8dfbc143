"""What a route falls back on when all of its targets have failed: its `when_all_fail`.

Why: a rung that leads nowhere, or in a circle, should be known before an outage asks for it.
Must not: know when a request goes down, or what it is told on its way.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.config.problems import Report
from router.config.schema import Route, Rung
from router.config.tree import Found, Table, find, shown
from router.config.written import WrittenRoute, WrittenRung

EXAMPLE = "write it as {model: NAME} or {text: …}"


def rungs(
    route: str,
    written: WrittenRoute,
    known: Mapping[str, WrittenRoute],
    tree: Table,
    report: Report,
) -> tuple[Rung, ...]:
    """A route's rungs, as far as they lead somewhere; the rest goes to `report`."""
    found = []
    for index, rung in enumerate(written.when_all_fail):
        place = find(tree, ("models", route, "when_all_fail", index))
        if index and written.when_all_fail[index - 1].text is not None:
            report.problem(place.node.mark, "after a text nothing is tried", "put the text last")
        if (one := _rung(rung, known, place, report)) is not None:
            found.append(one)
    return tuple(found)


def _rung(
    written: WrittenRung, known: Mapping[str, WrittenRoute], place: Found, report: Report
) -> Rung | None:
    given = written.given()
    if isinstance(place.node, Table) and len(place.node.entries) != 1:
        report.problem(place.node.mark, "a rung is one model or one text", EXAMPLE)
        return None
    model = given.get("model")
    if model is not None and model not in known and isinstance(place.node, Table):
        leaf = place.node.entries["model"].value
        what = f"there is no model {shown(leaf)}"
        report.problem(leaf.mark, what, report.nearest(model, known))
        return None
    return Rung(model, given.get("text"))


def check_circles(routes: Mapping[str, Route], tree: Table, report: Report) -> None:
    """Report every rung that leads back to a model from which it was come to."""
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> None:
        for index, rung in enumerate(routes[name].when_all_fail):
            if rung.model in way:
                circle = " → ".join((*way[way.index(rung.model) :], rung.model))
                place = find(tree, ("models", name, "when_all_fail", index, "model"))
                what = f"when_all_fail leads in a circle: {circle}"
                report.problem(place.node.mark, what, "remove one of its rungs")
            elif rung.model is not None and rung.model not in done:
                follow(rung.model, (*way, rung.model))
        done.add(name)

    for name in routes:
        if name not in done:
            follow(name, (name,))


def ladder(name: str, routes: Mapping[str, Route]) -> tuple[Rung, ...]:
    """All that a request for `name` may come to, in order: a model that it falls back on is asked
    as if it had been asked for, with its own rungs after it; each model once, and nothing after a
    text.
    """
    found: list[Rung] = []

    def descend(route: Route) -> None:
        for rung in route.when_all_fail:
            if (found and found[-1].text is not None) or rung in found:
                continue
            found.append(rung)
            if rung.model is not None:
                descend(routes[rung.model])

    descend(routes[name])
    return tuple(found)

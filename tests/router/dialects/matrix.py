"""What becomes of each feature of a request on its way to each dialect, worked out by asking.

A request without the feature and one with it are put in the provider's words. What differs is how
the feature is said there; what is named as left out was dropped; what cannot be asked is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from router.dialects.contract import ClientDialect, Operation, Unfit, UpstreamDialect, Wanting
from tests.router.dialects.features import GIVEN, PNG, Fields

MOST_PLACES = 3
DEPTH = 2
"""How deep what is new is looked into."""
SILENT = frozenset({"role", "type"})
"""Fields that say nothing of how a feature is said."""


class Cell(NamedTuple):
    """`said`: where in the body; `dropped`: what was named; `refused`: why nothing is sent;
    `fetched`: a file is fetched first, and sent as bytes.
    """

    said: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    refused: str = ""
    fetched: bool = False

    def __str__(self) -> str:
        """As the table has it."""
        if self.refused:
            return "refused"
        told = [f"`{place}`" for place in self.said[:MOST_PLACES]]
        if len(self.said) > MOST_PLACES:
            told.append("…")
        words = ", ".join(told)
        if self.fetched:
            words = f"fetched; {words}"
        if self.dropped:
            return f"{words}; dropped in part" if words else "dropped"
        return words or "–"


class Way(NamedTuple):
    """From a client's dialect to a target."""

    client: ClientDialect
    operation: Operation
    upstream: UpstreamDialect
    model: str

    def cell(self, base: Fields, feature: Fields) -> Cell:
        """What becomes of `feature`, added to `base`."""
        plain, _, before = self._asked(base)
        try:
            body, fetched, dropped = self._asked({**base, **feature})
        except Unfit as unfit:
            return Cell(refused=str(unfit) or "refused")
        said = tuple(dict.fromkeys(differences(plain, body)))
        return Cell(said, tuple(name for name in dropped if name not in before), "", fetched)

    def _asked(self, fields: Fields) -> tuple[Any, bool, tuple[str, ...]]:
        call = self.client.parse(json.dumps(fields).encode(), self.operation)
        fetched = False
        try:
            _, body, dropped = self.upstream.ask(call, self.model, ask_usage=False)
        except Wanting as wanting:
            assert call.common is not None
            call.common.fetched.update(dict.fromkeys(wanting.urls, ("image/png", PNG)))
            fetched = True
            _, body, dropped = self.upstream.ask(call, self.model, ask_usage=False)
        return json.loads(body), fetched, dropped


def differences(before: Any, after: Any, place: str = "") -> Iterator[str]:
    """Where two bodies differ: places of what is there, changed or gone."""
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys([*after, *before]):
            inner = f"{place}.{name}" if place else name
            yield from differences(before.get(name), after.get(name), inner)
    elif isinstance(after, list) and isinstance(before, list | None):
        old = before or []
        for at, item in enumerate(after):
            yield from differences(old[at] if at < len(old) else None, item, f"{place}[]")
        if len(old) > len(after):
            yield place
    elif isinstance(after, Mapping) and place.count(".") < DEPTH:
        told = [name for name in after if name not in SILENT]
        for name in told:
            yield from differences(None, after[name], f"{place}.{name}")
        if not told:
            yield place
    elif isinstance(after, list) and place.count(".") < DEPTH:
        yield from differences([], after, place)
    else:
        yield place


def rows(ways: Mapping[str, Way], base: Fields, features: Mapping[str, Fields]) -> Iterator[str]:
    """The lines of a table: a feature each, a way each column."""
    yield f"| | {' | '.join(ways)} |"
    yield f"|---|{'---|' * len(ways)}"
    for name, feature in features.items():
        given = {**base, "tools": feature["tools"]} if name.startswith(GIVEN) else base
        cells = " | ".join(str(way.cell(given, feature)) for way in ways.values())
        yield f"| {name} | {cells} |"

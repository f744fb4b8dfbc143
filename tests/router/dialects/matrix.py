"""What becomes of each feature of a request on its way to each dialect, worked out by asking.

A request without the feature and one with it are put in the provider's words. What differs is how
the feature is said there; what is named as left out was dropped; what cannot be asked is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple

from router.dialects.contract import ClientDialect, Operation, Unfit, UpstreamDialect, Wanting
from tests.router.dialects.features import PNG, Features, Fields

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

    def cell(self, without: Fields, with_it: Fields) -> Cell:
        """What becomes of a feature, told from a request without it and one with it."""
        plain, _, before = self._asked(without)
        try:
            body, fetched, dropped = self._asked(with_it)
        except Unfit as unfit:
            return Cell(refused=str(unfit) or "refused")
        places = tuple(dict.fromkeys(differences(plain, body)))
        left_out = tuple(name for name in dropped if name not in before)
        return Cell(tuple(brief(places)), left_out, "", fetched)

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


def brief(places: Iterable[str]) -> Iterator[str]:
    """Places of one field as the one that they are all in."""
    for _, group in groupby(places, lambda place: place.split(".")[0]):
        together = [place.split(".") for place in group]
        common = [names[0] for names in zip(*together, strict=False) if len(set(names)) == 1]
        yield ".".join(common)


def rows(ways: Mapping[str, Way], features: Features) -> Iterator[str]:
    """The lines of a table: a feature each, a way each column."""
    yield f"| | {' | '.join(ways)} |"
    yield f"|---|{'---|' * len(ways)}"
    for name, (without, with_it) in features.items():
        cells = " | ".join(str(way.cell(without, with_it)) for way in ways.values())
        yield f"| {name} | {cells} |"

"""Where a target is, and what of that may be asked for: what decides where a request may go.

Must not: know who asks, or what is done about a target that falls short.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import NamedTuple

NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Place:
    """`region` is where a target is served, as the file calls that (None: nobody said). What it is
    sent stays within each of `residency`; `tags` are what else holds there. `tenants` are who may
    be served (None: everybody).
    """

    region: str | None = None
    residency: frozenset[str] = NOTHING
    tags: frozenset[str] = NOTHING
    tenants: frozenset[str] | None = None


class Lack(NamedTuple):
    """What a place falls short of: a key of `only`, and what would do."""

    key: str
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Only:
    """What a target must be: in one of the regions, which may end in *; such that what it is sent
    stays within one of `residency`; with all of the tags. Nothing of a kind binds nobody.
    """

    region: frozenset[str] = NOTHING
    residency: frozenset[str] = NOTHING
    tags: frozenset[str] = NOTHING

    def __bool__(self) -> bool:
        return bool(self.region or self.residency or self.tags)

    def __str__(self) -> str:
        said = ((key.name, sorted(getattr(self, key.name))) for key in fields(self))
        return ", ".join(f"{key} {'+'.join(names)}" for key, names in said if names)

    def lack(self, place: Place) -> Lack | None:
        """What `place` falls short of, first; None: nothing. What nobody said of it is not so."""
        if self.region and not any(is_within(place.region, region) for region in self.region):
            return Lack("region", tuple(sorted(self.region)))
        if self.residency and not self.residency & place.residency:
            return Lack("residency", tuple(sorted(self.residency)))
        if missing := self.tags - place.tags:
            return Lack("tags", tuple(sorted(missing)))
        return None


ANYWHERE, NOWHERE = Only(), Place()


def is_within(region: str | None, wanted: str) -> bool:
    """Whether a target's region is the one that is wanted, or begins so, where that ends in *."""
    if region is None:
        return False
    return region.startswith(wanted[:-1]) if wanted.endswith("*") else region == wanted


def place_words(place: Place) -> Mapping[str, tuple[str, ...] | None]:
    """Its residency, tags and tenants by the file's keys, in order; None where nobody said."""
    return {
        "residency": tuple(sorted(place.residency)) or None,
        "tags": tuple(sorted(place.tags)) or None,
        "tenants": None if place.tenants is None else tuple(sorted(place.tenants)),
    }

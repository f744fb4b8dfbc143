"""From which targets whose requests are barred, by what the file says of where those are, and of
who may go where.

It is looked up once for each request, and made once for each set of restrictions that binds one:
those of its tenant, of the models that it is asked of, and its own.
Must not: choose, or let anybody go further than any one of them lets.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from policies import Refusal, Refused
from policies.policy import UNBARRED
from router.config import Config, Only, Place

MOST = 256
"""Sets of restrictions that are kept: what callers ask for in headers is among them."""
CAUSES = {"region": Refusal.REGION, "residency": Refusal.RESIDENCY, "tags": Refusal.TAGS}
FOREIGN = Refused(Refusal.TENANT)
NONE: Mapping[str, Only] = MappingProxyType({})


class Barring:
    """`places` of targets by their full names; what `models` and `tenants` restrict, by name.
    `binds`: somebody may be barred from something whatever they ask for.
    """

    __slots__ = ("_known", "_models", "_named", "_places", "_tenants", "binds")

    def __init__(
        self,
        places: Mapping[str, Place],
        models: Mapping[str, Only] = NONE,
        tenants: Mapping[str, Only] = NONE,
    ) -> None:
        self._places, self._models, self._tenants = places, models, tenants
        self._named = frozenset(
            name for place in places.values() if place.tenants for name in place.tenants
        )
        self._known: dict[tuple[str, tuple[Only, ...]], Mapping[str, Refused]] = {}
        closed = any(place.tenants is not None for place in places.values())
        self.binds = bool(models or tenants or closed)

    def of(self, tenant: str, models: tuple[str, ...], wish: Only | None) -> Mapping[str, Refused]:
        """The targets that may not serve `tenant` what it asks of these `models` together with such
        a wish, each with the first cause.
        """
        said = [self._tenants.get(tenant), *map(self._models.get, models), wish]
        who = tenant if tenant in self._named else ""
        binding = tuple([only for only in said if only is not None])
        known = self._known.get((who, binding))
        if known is None:
            known = self._known[who, binding] = self._found(who, binding)
            if len(self._known) > MOST:
                del self._known[next(iter(self._known))]
        return known

    def _found(self, tenant: str, binding: tuple[Only, ...]) -> Mapping[str, Refused]:
        found = {}
        for name, place in self._places.items():
            if place.tenants is not None and tenant not in place.tenants:
                found[name] = FOREIGN
                continue
            lack = next((lack for only in binding if (lack := only.lack(place))), None)
            if lack is not None:
                found[name] = Refused(CAUSES[lack.key], lacking=lack.wanted)
        return found or UNBARRED


def barring_of(config: Config) -> Barring:
    """What a file restricts."""
    return Barring(
        {name: config.target(name)[1].place for name in config.targets()},
        {route.name: route.only for route in config.models.values() if route.only},
        {tenant.name: tenant.only for tenant in config.tenants.values() if tenant.only},
    )

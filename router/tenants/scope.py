"""What is counted together of one tenant: all that it asks, what it asks for one user, of one
model, or at one endpoint.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256

from policies import Limits
from policies.engine.limits.counting import Need
from policies.engine.limits.quota import Quota
from policies.engine.limits.stand import stands
from router.quota.bounds import Bound, bounds_of
from router.tenants.wording import Kind, Standing, named

MOST_USERS = 10_000
"""Users of one tenant of whom it is known what they took; beyond, who asked longest ago, and has
nothing under way, is forgotten and begins anew."""


Confine = Callable[[str, Quota], None]
"""Makes the limits of a scope, by its full name, those of a part of them, or whole again."""


class Scope:
    """One such, by its full `name`; `policy` is what clients are told of its limits. With a `fleet`
    it is bounded there as well.
    """

    __slots__ = ("_confined", "_fleet", "_items", "bounds", "kind", "name", "policy", "quota")

    def __init__(self, kind: Kind, name: str, limits: Limits, fleet: str | None) -> None:
        self.kind = kind
        self.name = name
        self.quota = Quota(limits)
        self._fleet = fleet
        self._confined: Confine | None = None
        self.bounds: tuple[Bound, ...] = ()
        self.refit(limits)

    @property
    def closed(self) -> bool:
        """Whether nothing is let through, however little was taken."""
        return self.quota.ceiling == 0

    def confine(self, confine: Confine | None) -> None:
        """Have `confine` done to its quota, unless that is done already."""
        if confine is not self._confined:
            self._confined = confine
            if confine is not None:
                confine(self.name, self.quota)

    def refit(self, limits: Limits) -> None:
        """Take the limits of a file that is loaded again, and keep what was counted."""
        if limits is not self.quota.limits:
            self.quota.refit(limits)
            self._confined = None
        self.policy, self._items = named(self.kind, limits)
        if self._fleet is not None:
            self.bounds = bounds_of(self._fleet, self.name, limits)

    def standings(self, need: Need, now: float) -> list[Standing]:
        """How its limits stand, in the order of its bounds."""
        levels = stands(self.quota, need, now)
        return [
            Standing(self.kind, item, level)
            for item, level in zip(self._items, levels, strict=True)
        ]


class Users:
    """The scopes of a tenant's users, each with the same `limits`, and with `confine` done to it
    when it asks. Who is named to us may be anything, so their number is bounded, and so is what is
    kept of a name.
    """

    def __init__(self, tenant: str, limits: Limits, fleet: str | None) -> None:
        self.limits = limits
        self._tenant = tenant
        self._fleet = fleet
        self._scopes: OrderedDict[str, Scope] = OrderedDict()
        self.confine: Confine | None = None

    def __len__(self) -> int:
        return len(self._scopes)

    def __iter__(self) -> Iterator[Scope]:
        return iter(self._scopes.values())

    def of(self, user: str) -> Scope:
        """The scope of one; those who name none are one together."""
        digest = sha256(user.encode()).hexdigest()[:32] if user else ""
        scope = self._scopes.get(digest)
        if scope is None:
            if len(self._scopes) >= MOST_USERS:
                self._forget_one()
            name = f"tenant:{self._tenant}:user:{digest}"
            scope = self._scopes[digest] = Scope("user", name, self.limits, self._fleet)
        else:
            self._scopes.move_to_end(digest)
            if scope.quota.limits is not self.limits:
                scope.refit(self.limits)
        scope.confine(self.confine)
        return scope

    def take_over(self, old: Users) -> None:
        """Go on with what was counted for the users of `old`; each takes the new limits when it
        asks again.
        """
        self._scopes = old._scopes

    def _forget_one(self) -> None:
        for _ in range(len(self._scopes)):
            digest, scope = self._scopes.popitem(last=False)
            if not scope.quota.in_flight:
                return
            self._scopes[digest] = scope

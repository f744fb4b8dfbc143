"""What tenants may ask for in a while, and what of it they have taken.

A request takes of every scope that it belongs to, or of none: its tenant, its user, its model and
its endpoint. It reserves by estimate when it is admitted and is settled once, when it is over, to
what all its attempts really used: what was spent is spent, also where no answer came of it; of what
nobody was ever asked nothing stays. Refusals are the tenant's alone: no target hears of them.

With a fleet the same limits bind all its instances: `Allowance` says what the shared script is to
reserve besides, and takes its answer. What this instance alone knows to be too much is refused
without asking.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from policies import Limits, Request
from policies.engine.limits.counting import Need
from router.dialects.contract import Call, ClientDialect, ClientError
from router.tenants.allowance import NOTHING, Allowance, expected, policy_of
from router.tenants.scope import Confine, Scope, Users
from router.tenants.wording import SOON, Kind, Standing, headers_of, hindrance, refusal

NO_LIMITS = Limits()
CLOSED = "the limits of this tenant are kept elsewhere, and cannot be reached now"
"""Why nothing at all is let through, however little was taken."""


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """What binds a tenant: all of it, each user, and single models and endpoints, by name."""

    tenant: Limits = NO_LIMITS
    user: Limits = NO_LIMITS
    models: Mapping[str, Limits] = field(default_factory=dict)
    endpoints: Mapping[str, Limits] = field(default_factory=dict)

    def __bool__(self) -> bool:
        several = (*self.models.values(), *self.endpoints.values())
        return any((self.tenant, self.user, *several))


class Allowances:
    """Those of one tenant, by its `name`. `refusals` counts by kind of scope and what of it was
    used up. With the name of a `fleet` they are shared within it.
    """

    def __init__(self, name: str, limits: TenantLimits, fleet: str | None = None) -> None:
        self.name = name
        self.refusals: Counter[tuple[Kind, str]] = Counter()
        self._confine: Confine | None = None
        own = f"tenant:{name}"
        self._all = Scope("tenant", own, limits.tenant, fleet) if limits.tenant else None
        self.users = Users(name, limits.user, fleet) if limits.user else None
        self._models = {
            model: Scope("model", f"{own}:model:{model}", one, fleet)
            for model, one in limits.models.items()
        }
        self._endpoints = {
            at: Scope("endpoint", f"{own}:endpoint:{at}", one, fleet)
            for at, one in limits.endpoints.items()
        }

    def admit(
        self, call: Call, dialect: ClientDialect, request: Request, now: float
    ) -> Allowance | None:
        """Let a request through; None: nothing binds it. Raises `ClientError`."""
        user = dialect.user(call) if self.users is not None else None
        counted = None if call.operation == "count_tokens" else expected(request)
        return self._admit(self._scopes(call.operation, call.model, user), counted, now)

    def admit_asked(self, request: Request, now: float) -> Allowance | None:
        """The same of one of which only this is known: chat, of nobody in particular."""
        return self._admit(self._scopes("chat", request.model, None), expected(request), now)

    def admit_question(self, now: float) -> Allowance | None:
        """The same of one about what is kept: it names neither a model nor a user, and uses no
        tokens.
        """
        return self._admit(self._scopes("responses", None, None), None, now)

    def hindrance(self, request: Request, now: float) -> str:
        """Why one of which only this is known would not be let through now; empty: it would."""
        scopes, need = self._scopes("chat", request.model, None), expected(request)
        if all(scope.quota.refused(need, now) is None for scope in scopes):
            return ""
        found = hindrance([one for scope in scopes for one in scope.standings(need, now)])
        if found is None or any(scope.closed for scope in scopes):
            return CLOSED
        standing, wait = found
        return refusal(standing, self.name, need[0], wait)

    def headers(self, now: float) -> dict[str, str]:
        """How the tenant's own limits stand, for an answer that took nothing."""
        if self._all is None:
            return {}
        return headers_of(self._all.policy, self._all.standings(NOTHING, now))

    def confine(self, confine: Confine) -> None:
        """Have this done to the quotas of all scopes, and to those that come later."""
        self._confine = confine
        for scope in self.scopes():
            scope.confine(confine)
        if self.users is not None:
            self.users.confine = confine

    def take_over(self, old: Allowances) -> None:
        """Go on with what `old` has counted, by the limits that are in force now."""
        self.refusals = old.refusals
        before = {scope.name: scope for scope in old.scopes()}

        def kept(scope: Scope) -> Scope:
            known = before.get(scope.name)
            if known is None:
                return scope
            known.refit(scope.quota.limits)
            return known

        if self._all is not None:
            self._all = kept(self._all)
        self._models = {name: kept(scope) for name, scope in self._models.items()}
        self._endpoints = {name: kept(scope) for name, scope in self._endpoints.items()}
        if self.users is not None and old.users is not None:
            self.users.take_over(old.users)
        if old._confine is not None:
            self.confine(old._confine)

    def scopes(self) -> Iterator[Scope]:
        """Those that the file names: all but its users."""
        if self._all is not None:
            yield self._all
        yield from self._models.values()
        yield from self._endpoints.values()

    def refuse(
        self, scopes: Sequence[Scope], standings: Sequence[Standing], tokens: int
    ) -> ClientError:
        """The error for a request for which not all limits of these scopes, which stand so, have
        room.
        """
        wait, message, found = SOON, CLOSED, hindrance(standings)
        if found is None or any(scope.closed for scope in scopes):
            self.refusals["tenant", "all"] += 1
            # However much of them was not taken: none of it can be had.
            standings = [one._replace(level=one.level._replace(left=0)) for one in standings]
        else:
            standing, wait = found
            self.refusals[standing.kind, standing.level.counts] += 1
            message = refusal(standing, self.name, tokens, wait)
        beside = headers_of(policy_of(scopes), standings)
        return ClientError(
            429,
            "rate_limit_error",
            "rate_limit_exceeded",
            message,
            retry_after=wait,
            beside=beside,
        )

    def _scopes(self, endpoint: str, model: str | None, user: str | None) -> list[Scope]:
        found = [self._all] if self._all is not None else []
        if self.users is not None and user is not None:
            found.append(self.users.of(user))
        if self._models and model is not None and (one := self._models.get(model)) is not None:
            found.append(one)
        if self._endpoints and (one := self._endpoints.get(endpoint)) is not None:
            found.append(one)
        return found

    def _admit(self, scopes: list[Scope], counted: Need | None, now: float) -> Allowance | None:
        need = counted or NOTHING
        for scope in scopes:
            if scope.quota.refused(need, now) is not None:
                standings = [one for scope in scopes for one in scope.standings(need, now)]
                raise self.refuse(scopes, standings, need[0])
        return Allowance(self, scopes, counted, now) if scopes else None

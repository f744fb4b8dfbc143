"""How the limits of tenants stand, for people and for scrapers: no user's name is in it."""

from __future__ import annotations

from typing import Any

from router.tenants.allowance import NOTHING
from router.tenants.allowances import Allowances
from router.tenants.identity import Tenants
from router.tenants.scope import Scope


def shown(tenants: Tenants, now: float) -> dict[str, Any]:
    """Every tenant that has limits, by name."""
    return {
        tenant.name: _shown(tenant.allowances, now)
        for tenant in tenants.known().values()
        if tenant.allowances is not None
    }


def limited_of(tenants: Tenants) -> dict[tuple[str, str, str], int]:
    """How many requests were refused, by tenant, by what was counted together (all of the tenant, a
    user, a model, an endpoint), and by what of it was used up.
    """
    return {
        (tenant.name, scope, counts): number
        for tenant in tenants.known().values()
        if tenant.allowances is not None
        for (scope, counts), number in tenant.allowances.refusals.items()
    }


def _shown(allowances: Allowances, now: float) -> dict[str, Any]:
    users = allowances.users
    return {
        "limits": {scope.name: _levels(scope, now) for scope in allowances.scopes()},
        "users": len(users) if users is not None else None,
        "refused": [
            {"scope": scope, "limit": counts, "count": number}
            for (scope, counts), number in allowances.refusals.items()
        ],
    }


def _levels(scope: Scope, now: float) -> list[dict[str, Any]]:
    return [
        {
            "limit": level.counts,
            "amount": level.amount,
            "seconds": level.seconds,
            "left": level.left,
            "more_in_s": round(level.more, 1),
            "in_flight": scope.quota.in_flight,
        }
        for _, _, level in scope.standings(NOTHING, now)
    ]

"""Who asked, and what they asked for beside the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from policies import Band
from router.config import Only
from router.dialects.contract import ClientDialect
from router.idempotency.claim import Claim
from router.tenants.identity import Tenant

BANDS = {band.name.lower(): band for band in Band}
"""The bands by the names that callers ask for."""


class Wishes(NamedTuple):
    """The router's own request headers. `timeout` in seconds; `session` is what the client calls
    the conversation that this request is of; `only` to which targets it may go.
    """

    timeout: float | None = None
    target: str | None = None
    policy: str | None = None
    priority: Band | None = None
    session: str | None = None
    only: Only | None = None

    @property
    def where(self) -> str:
        """Where the request may go, in the same words for the same wishes; empty: anywhere."""
        if self.target is None and self.only is None:
            return ""
        return f"{self.target or ''}\0{self.only or ''}"


NONE = Wishes()


@dataclass(slots=True, eq=False)
class Caller:
    """Whose request it is, and how they speak. `headers` are those of the client's that providers
    are sent; `claim` is theirs to one answer for all requests with its key.
    """

    request_id: str
    tenant: Tenant
    dialect: ClientDialect
    headers: Mapping[str, str]
    wishes: Wishes = NONE
    claim: Claim | None = None

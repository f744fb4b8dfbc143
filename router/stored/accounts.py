"""Accounts that keep what they made, and to which of them a request is confined by what it refers
to.

Nothing is decided here about where else to send: what one account alone knows has one place to go,
and where that cannot be told, the client learns why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from router.bell import Bell
from router.dialects.contract import Call, ClientError
from router.dialects.fields import invalid
from router.stored.owners import Owners
from router.upstream.transport import Exchange


class Asker(Protocol):
    """Asks a provider about what it keeps."""

    def ask(self, method: str, path: str, headers: Mapping[str, str], bell: Bell) -> Exchange:
        """Send a request without a body to `path`, with its query, below the base URL."""


@dataclass(frozen=True, slots=True)
class Account:
    """A provider that keeps what it made; its `targets`, and how it is asked. `deadline` and
    `silence` are seconds that an answer, and two pieces of it, may take.
    """

    name: str
    targets: frozenset[str]
    asker: Asker
    deadline: float = 600.0
    silence: float = 120.0


Accounts = Mapping[str, Account]


def confined_by(
    call: Call,
    targets: frozenset[str],
    accounts: Accounts,
    owners: Owners,
    tenant: str,
    *,
    alone: bool,
) -> frozenset[str] | None:
    """Those of `targets` that can serve what `call` of `tenant` refers to, or keep what comes of
    it; None: all of them can. `alone`: there is no other tenant whose it may be. Raises
    `ClientError` where none can, or nobody knows which, or for whom it was made.
    """
    own = {name: account.targets & targets for name, account in accounts.items()}
    own = {name: those for name, those in own.items() if those}
    if call.bound:
        return own[_maker(call.bound, own, owners, tenant, alone=alone)]
    if call.stays:
        if not own:
            raise invalid(
                "no target of this model makes answers in the background: they are kept by nobody",
                "background",
            )
        return frozenset().union(*own.values())
    for id_ in reversed(call.traces):
        owner = owners.of(id_)
        if owner is not None and owner.tenant == tenant and owner.account in own:
            return own[owner.account]
    return None


def _maker(
    ids: Iterable[str], own: Mapping[str, object], owners: Owners, tenant: str, *, alone: bool
) -> str:
    """The one account that knows all of `ids`."""
    makers = set()
    for id_ in ids:
        owner = owners.of(id_)
        if owner is not None and owner.tenant != tenant:
            raise unknown(id_)
        if owner is not None:
            if owner.account not in own:
                raise unknown(id_, "the account that made it serves no target of this model")
            makers.add(owner.account)
        elif not own:
            raise unknown(id_, WHY_NOBODY)
        elif len(own) > 1 or not alone:
            raise unmade(id_, owners)
        else:
            makers.update(own)
    if len(makers) > 1:
        raise invalid(
            "it refers to what different accounts have made, and keep for themselves", None
        )
    return makers.pop()


WHY_UNKNOWN = (
    "which account made it, and for whom, is not known here; send the whole input instead "
    "(a restart forgets it where there is no shared.redis)"
)
"""Also of what another tenant's is: that it exists is nobody else's business."""
WHY_NOBODY = "no target of this model keeps what it makes: send the whole input instead"
SOON = 1.0
"""Seconds after which the others of a fleet may be there again."""


def unmade(id_: str, owners: Owners) -> ClientError:
    """What a client is told where nobody knows who made what it refers to; or nobody does now."""
    if not owners.unheard:
        return unknown(id_)
    message = f"who made {id_[:80]!r} is not known here, and nobody else can be asked now"
    return ClientError(503, "server_error", "maker_unknown", message, retry_after=SOON)


def unknown(id_: str, why: str = WHY_UNKNOWN) -> ClientError:
    """What a client is told that refers to something nobody knows."""
    message = f"there is no {id_[:80]!r}: {why}"
    return ClientError(404, "invalid_request_error", "not_found", message, hopeless=True)

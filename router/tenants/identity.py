"""Identity: a key to a tenant. Keys are known by their SHA-256 only, and never shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256

from router.tenants.allowances import Allowances
from router.tenants.scope import Confine, Scope

EVERYTHING = frozenset({"policy", "priority", "target"})


@dataclass(frozen=True, slots=True)
class Tenant:
    """Who is calling. `models` are the routes it may ask for (None: all); `may` names what else;
    `allowances` are what it may ask for in a while (None: nothing bounds it).
    """

    name: str
    may: frozenset[str] = frozenset()
    models: frozenset[str] | None = None
    allowances: Allowances | None = field(default=None, compare=False)

    def sees(self, model: str) -> bool:
        """Whether this model exists for the tenant."""
        return self.models is None or model in self.models


DEFAULT = Tenant("default", EVERYTHING)
"""Who everyone is where `auth` is open and the file does not say otherwise."""


class Tenants:
    """All tenants, by the digests of their keys. `everyone` is who a caller is without a key,
    if that is allowed; `alone`: there is but one, if one without a key now is counted as well.
    """

    def __init__(
        self, keys: Iterable[tuple[str, Tenant]], everyone: Tenant | None, *, alone: bool = False
    ) -> None:
        self._by_digest = {bytes.fromhex(digest): tenant for digest, tenant in keys}
        self._everyone = everyone
        self.alone = alone

    def identify(self, authorization: str | None, api_key: str | None = None) -> Tenant | None:
        """The tenant of an `Authorization` header, or of an `x-api-key`; None: nobody we know. What
        is compared is a digest, which a caller cannot steer, so the time that it takes says nothing
        about a key.
        """
        if self._everyone is not None:
            return self._everyone
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and (tenant := self._of(key.strip())) is not None:
            return tenant
        return self._of(api_key.strip()) if api_key is not None else None

    def _of(self, key: str) -> Tenant | None:
        if not key:
            return None
        # A header's bytes need not be UTF-8: such a key is nobody's, not a fault of ours.
        digest = sha256(key.encode("utf-8", "surrogateescape")).digest()
        return self._by_digest.get(digest)

    def take_over(self, old: Tenants) -> None:
        """Go on with what was counted of the tenants of `old`."""
        before = old.known()
        for name, tenant in self.known().items():
            known = before.get(name)
            if tenant.allowances is not None and known is not None and known.allowances is not None:
                tenant.allowances.take_over(known.allowances)

    def confine(self, confine: Confine) -> None:
        """Have this done to the quotas of all tenants' limits, by their full names, also to those
        of users who come later, and after a file was loaded again: a part of them is this
        instance's while the fleet cannot be asked, all of them afterwards.
        """
        for tenant in self.known().values():
            if tenant.allowances is not None:
                tenant.allowances.confine(confine)

    def scopes(self) -> Iterator[Scope]:
        """All that is counted, users among them."""
        for tenant in self.known().values():
            if (allowances := tenant.allowances) is not None:
                yield from allowances.scopes()
                yield from allowances.users or ()

    def known(self) -> dict[str, Tenant]:
        """Everyone whom `identify` can find, by name."""
        found = self._by_digest.values() if self._everyone is None else [self._everyone]
        return {tenant.name: tenant for tenant in found}

"""Tenants: whose key is whose, and what each may do.

Why: a key is compared, never shown, so only its digest leaves this module.
Must not: keep a key, or let an empty one match anyone.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from router.config import variables
from router.config.only import only_of
from router.config.problems import START, Mark, Report, quoted
from router.config.providers import resolve_limits
from router.config.schema import Tenant
from router.config.sections_written import WrittenTenant
from router.config.startup import Server
from router.config.tree import Leaf, Table, find
from router.config.values import Secret

ENDPOINTS = frozenset(
    (
        "chat", "messages", "responses", "count_tokens", "completions", "embeddings",
        "moderations", "rerank", "images/generations", "images/edits", "images/variations",
        "audio/speech", "audio/transcriptions", "audio/translations",
    )
)  # fmt: skip
"""What `per_endpoint` may name: the kinds of calls, as the log and the journal call them."""
_HASHED = "sha256:"
_DIGEST = re.compile(r"[0-9a-f]{64}")


def resolve_tenants(
    written: Mapping[str, WrittenTenant],
    routes: frozenset[str],
    server: Server,
    tree: Table,
    report: Report,
) -> dict[str, Tenant]:
    """Every tenant. `routes` are the names that a tenant's `models` may hold."""
    resolver = _Resolver(routes, tree, report)
    tenants = {name: resolver.tenant(name, tenant) for name, tenant in written.items()}
    mark = find(tree, ("server", "auth")).key.mark if server.auth == "keys" else START
    keys = any(tenant.keys for tenant in tenants.values())
    if server.auth == "keys" and not keys:
        what = "no tenant has a key: every request will be refused"
        report.note(mark, what, "give a tenant under `tenants:` a key")
    if server.auth == "open" and keys:
        mark = find(tree, ("tenants",)).key.mark
        what = "tenants have keys, but auth is open: nobody is asked for one"
        report.note(mark, what, "write `auth: keys` under server")
    return tenants


@dataclass(frozen=True, slots=True)
class _Resolver:
    routes: frozenset[str]
    tree: Table
    report: Report
    owners: dict[str, str] = field(default_factory=dict)

    def tenant(self, name: str, written: WrittenTenant) -> Tenant:
        keys = [self._digest(name, index, key) for index, key in enumerate(written.keys)]
        for index, route in enumerate(written.models):
            leaf = find(self.tree, ("tenants", name, "models", index)).node
            if route not in self.routes and isinstance(leaf, Leaf):
                what = f"there is no model {quoted(leaf.written)}"
                self.report.problem(leaf.mark, what, self.report.nearest(route, self.routes))
        self._check_names(name, "per_model", written.per_model, self.routes, "model")
        self._check_names(name, "per_endpoint", written.per_endpoint, ENDPOINTS, "kind of call")
        return Tenant(
            name=name,
            keys=tuple(key for key in keys if key),
            may=frozenset(written.may),
            models=frozenset(written.models) if "models" in written.model_fields_set else None,
            limits=resolve_limits(written.limits),
            per_user=resolve_limits(written.per_user),
            per_model={key: resolve_limits(one) for key, one in written.per_model.items()},
            per_endpoint={key: resolve_limits(one) for key, one in written.per_endpoint.items()},
            only=only_of(("tenants", name), written.only, self.tree, self.report),
        )

    def _check_names(
        self, tenant: str, key: str, given: Iterable[str], known: frozenset[str], what: str
    ) -> None:
        for name in given:
            if name not in known:
                leaf = find(self.tree, ("tenants", tenant, key, name)).key
                said = f"{key}: there is no {what} {quoted(leaf.written)}"
                self.report.problem(leaf.mark, said, self.report.nearest(name, known))

    def _digest(self, tenant: str, index: int, key: Secret) -> str | None:
        leaf = find(self.tree, ("tenants", tenant, "keys", index)).node
        if not key:
            names = variables.names(leaf) if isinstance(leaf, Leaf) else ()
            why = f" ({names[0]} is not set)" if names else ""
            what = f"tenant {quoted(tenant)}: an empty key is dropped{why}"
            self.report.note(leaf.mark, what, "set it, or remove it from the list")
            return None
        text = key.reveal()
        if text.startswith(_HASHED):
            digest = text.removeprefix(_HASHED).lower()
            if not _DIGEST.fullmatch(digest):
                what = "a hashed key is not 64 hexadecimal digits"
                self.report.problem(leaf.mark, what, "write sha256: and the key's SHA-256 in hex")
                return None
        else:
            if isinstance(leaf, Leaf) and not variables.names(leaf):
                what = "a key that everyone who reads the file can read"
                remedy = 'set a variable to it and write "${NAME}", or write "sha256:…"'
                self.report.problem(leaf.mark, what, remedy)
            digest = hashlib.sha256(text.encode()).hexdigest()
        self._claim(tenant, digest, leaf.mark)
        return digest

    def _claim(self, tenant: str, digest: str, mark: Mark) -> None:
        owner = self.owners.setdefault(digest, tenant)
        if owner != tenant:
            what = f"tenant {quoted(owner)} has the same key"
            self.report.problem(mark, what, "give each tenant its own")

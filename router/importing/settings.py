"""LiteLLM's settings beside its list of models, as ours.

Must not: know of deployments, or let a credential out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from router.config import texts
from router.config.tree import Leaf, Listing, Table
from router.importing.accounts import IN_PLAIN_TEXT
from router.importing.deployments import seconds
from router.importing.draft import Block, Draft
from router.importing.outside import Outside, shown
from router.importing.reasons import reason

ATTEMPTS = 3
"""Of ours, where nobody says how many."""
_VARIABLE = re.compile(r"\$\{\w+\}")
_STRATEGIES = {
    "simple-shuffle": ("weighted_round_robin", ""),
    "latency-based-routing": ("least_latency", ""),
    "least-busy": (
        "least_latency",
        "least-busy is least_latency here: what a target has under way is part of its prediction",
    ),
    "usage-based-routing": ("least_latency", ""),
    "usage-based-routing-v2": ("least_latency", ""),
    "cost-based-routing": (
        "weighted_round_robin",
        "cost-based-routing: write `policy: cost_tiers`, with the targets in tiers, cheapest first",
    ),
}
_USAGE = "usage-based-routing is least_latency here: limits bind under every policy"


@dataclass(frozen=True, slots=True)
class Settings:
    """The three tables; of two that say the same `router`'s wins."""

    router: Outside
    litellm: Outside
    general: Outside

    def number(self, key: str, other: str = "") -> float | int | None:
        """A number in the router's table, or else in the library's (there, maybe, as `other`)."""
        mine, theirs = self.router.number(key), self.litellm.number(other or key)
        return theirs if mine is None else mine

    def policy(self, draft: Draft) -> str:
        """What chooses among a route's targets."""
        told = self.router.text("routing_strategy") or "simple-shuffle"
        line = self.router.line("routing_strategy")
        policy, remark = _STRATEGIES.get(
            told, ("weighted_round_robin", "routing_strategy: it is not known here")
        )
        remark = _USAGE if told.startswith("usage-based") else remark
        if remark:
            draft.remarks.remark(line, remark)
        return policy

    def defaults(self, draft: Draft) -> None:
        """How long and how often is tried."""
        block, retries = draft.defaults, self.number("num_retries")
        timeout, first = self.number("timeout", "request_timeout"), self.number("stream_timeout")
        attempts = ATTEMPTS if retries is None else min(int(retries), 1000) + 1
        if timeout:
            block.keys["deadline"] = seconds(timeout * attempts)
            told = f"a time for each attempt ({seconds(timeout)}); `deadline` is for the whole of a"
            line = self.router.line("timeout") if self.router.has("timeout") else 0
            line = line or self.litellm.line("request_timeout")
            block.remark(line, f"{told} request, and is as long as {attempts} of them")
        if first or timeout:
            block.keys["timeouts"] = {"first_token": seconds(first or timeout or 0)}
        if retries is not None:
            block.keys["retry"] = {"attempts": attempts}

    def fallbacks(self, key: str, block: Block) -> dict[str, list[str]]:
        """Models with those that are asked instead: `[{a: [b, c]}]`."""
        found: dict[str, list[str]] = {}
        for outside in (self.router, self.litellm):
            for item in outside.items(key):
                entries = item.entries.items() if isinstance(item, Table) else ()
                if not isinstance(item, Table):
                    outside.wrong(item.mark, key, "is not a list of models", "write [{a: [b]}]")
                for name, entry in entries:
                    if name not in found:
                        told = entry.value
                        items = told.items if isinstance(told, Listing) else (told,)
                        names = [self._name(outside, key, one, block) for one in items]
                        found[name] = [other for other in names if other]
        return found

    def _name(
        self, outside: Outside, key: str, item: Leaf | Listing | Table, block: Block
    ) -> str | None:
        if not isinstance(item, Table):
            return outside.text_of(item, key)
        told = "what a fallback says beside its model's name is left out: clients say it"
        block.remark(item.mark.line, told)
        return Outside(item, outside.report, key).text("model")

    def default_fallbacks(self) -> list[str]:
        """Those of every model that has none of its own."""
        for outside in (self.router, self.litellm):
            items = outside.items("default_fallbacks")
            names = [outside.text_of(item, "default_fallbacks") for item in items]
            if names:
                return [name for name in names if name]
        return []

    def shared(self, draft: Draft) -> None:
        """The server that instances share."""
        router = self.router
        url = router.text("redis_url")
        parts = {key: router.text(f"redis_{key}") for key in ("host", "port", "password", "db")}
        plain = parts["password"] and not _VARIABLE.fullmatch(parts["password"])
        if url:
            line = router.line("redis_url")
            if re.search("[@?]", url) and not _VARIABLE.fullmatch(url):
                draft.variables["REDIS_URL"] = f"to {IN_PLAIN_TEXT} line {line}"
                url = "${REDIS_URL}"
        elif parts["host"]:
            line = router.line("redis_host")
            if plain:
                where = router.line("redis_password")
                draft.variables["REDIS_PASSWORD"] = f"to {IN_PLAIN_TEXT} line {where}"
                parts["password"] = "${REDIS_PASSWORD}"
            who = f":{parts['password']}@" if parts["password"] else ""
            scheme = "rediss" if router.flag("redis_ssl") else "redis"
            db = f"/{parts['db']}" if parts["db"] else ""
            url = f"{scheme}://{who}{parts['host']}:{parts['port'] or 6379}{db}"
        if not url:
            return
        if "${" not in url:
            router.read(router.table, "redis_host", texts.redis, url)
        for name in re.findall(r"\$\{(\w+)\}", url):
            draft.variables.setdefault(name, "")
        draft.shared.keys["redis"] = url
        if "@" in url:
            told = "what is special in its password is written in the variable as %40 for @, and so"
            draft.shared.remark(line, f"{told} on: see the reference")

    def tenants(self, draft: Draft) -> None:
        """Who may ask: whoever has the master key."""
        general = self.general
        size = general.number("max_request_size_mb")
        if size and size < 1000:
            draft.server.keys["max_body"] = f"{max(1, int(size))}MiB"
        key = general.text("master_key")
        if key is None:
            return
        draft.server.keys["auth"] = "keys"
        told = (
            "it listens on 127.0.0.1:8080; `listen: 0.0.0.0:4000` is where the proxy was by default"
        )
        draft.server.remark(0, told)
        line = general.line("master_key")
        tenant = Block(remarks=[])
        if _VARIABLE.fullmatch(key):
            draft.variables.setdefault(key[2:-1], "")
            tenant.keys["keys"] = [key]
            tenant.remark(line, "the master_key")
        else:
            tenant.keys["keys"] = [f"sha256:{hashlib.sha256(key.encode()).hexdigest()}"]
            tenant.remark(line, "the master_key, which stood in plain text, as its SHA-256")
        tenant.keys["may"] = ["policy", "priority", "target"]
        draft.tenants["master"] = tenant
        told = "keys that were made since are in its database, as their SHA-256 in hex: write each"
        tenant.remark(0, f'{told} that is used as a tenant\'s key, "sha256:…"')

    def left(self, draft: Draft) -> None:
        """Say of what nobody took why it is not here."""
        for outside in (self.router, self.litellm, self.general):
            remark_left(draft.remarks, outside)


def remark_left(block: Block, outside: Outside) -> None:
    """Say of each key that nobody took why it is not here."""
    for entry in outside.left():
        told = reason(entry.key.written)
        if told:
            path = f"{outside.path}.{entry.key.written}".strip(".")
            block.remark(entry.key.mark.line, f"{shown(path)}: {told}")


def environment(top: Outside, draft: Draft) -> None:
    """Variables that stood in the file: they are the environment's to set."""
    table: Mapping[str, object] = top.below("environment_variables").table.entries
    line = top.line("environment_variables")
    others = [shown(name) for name in table if name not in draft.variables]
    for name in table:
        if name in draft.variables:
            draft.variables[name] = f"to what stood under environment_variables in line {line}"
    if others:
        told = "environment_variables are the environment's to set"
        draft.remarks.remark(line, f"{told}: {', '.join(others)}")

"""Routes with every target, policy and default resolved.

Why: a route is where a name that a client asks for meets the places that can serve it, so each of
its names must lead somewhere before the first request does.
Must not: know what a policy does, or import one; only which names there are and what form each
needs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from router.config import units
from router.config.cascade import Known, cascade_of
from router.config.ladders import check_circles, rungs
from router.config.only import only_of
from router.config.options import read_options
from router.config.problems import Report, quoted
from router.config.schema import Defaults, PolicySpec, Provider, Route
from router.config.shadow import Shadow, shadow_of
from router.config.shift import Shift
from router.config.shifts import shift_of
from router.config.tiers import TIERED, check_form, leaving, note_alone, start_of
from router.config.tree import Found, Leaf, Table, find, shown
from router.config.values import WeightedTarget
from router.config.weights import note_weights
from router.config.written import WrittenPolicy, WrittenRoute, WrittenTarget

POLICIES = ("weighted_round_robin", "least_latency", *TIERED)
DEFAULT = "least_latency"


def resolve_routes(
    written: Mapping[str, WrittenRoute],
    providers: Mapping[str, Provider],
    defaults: Defaults,
    plugins: tuple[str, ...],
    tree: Table,
    report: Report,
) -> dict[str, Route]:
    """Every route; what does not lead anywhere goes to `report`."""
    declared, shown = _declared(providers, tree)
    resolver = _Resolver(providers, declared, shown, defaults, plugins, tree, report)
    routes = {
        name: replace(
            resolver.route(name, route),
            when_all_fail=rungs(name, route, written, tree, report),
            only=only_of(("models", name), route.only, tree, report),
        )
        for name, route in written.items()
    }
    for name, route in routes.items():
        known = Known(written, plugins, route.policy.name, len(route.tiers))
        cascade = cascade_of(name, written[name].cascade, known, tree, report)
        routes[name] = replace(route, cascade=cascade)
    check_circles(routes, tree, report)
    return routes


def _declared(
    providers: Mapping[str, Provider], tree: Table
) -> tuple[frozenset[str], frozenset[str]]:
    """Full names of all targets, also of those in which something is wrong; and those of them that
    a message may show, since no part of them came from a variable.
    """
    names = {f"{p.name}/{model}" for p in providers.values() for model in p.models}
    hidden = set()
    section = tree.table("providers")
    for provider in section.entries:
        for model, entry in section.table(provider).table("models").entries.items():
            names.add(f"{provider}/{model}")
            if entry.key.written != model:
                hidden.add(model)
    shown = (name for name in names if name.partition("/")[2] not in hidden)
    return frozenset(names), frozenset(shown)


@dataclass(frozen=True, slots=True)
class _Resolver:
    providers: Mapping[str, Provider]
    declared: frozenset[str]
    shown: frozenset[str]
    defaults: Defaults
    plugins: tuple[str, ...]
    tree: Table
    report: Report

    def route(self, name: str, written: WrittenRoute) -> Route:
        policy = self._policy(name, "policy", written.policy) or PolicySpec(DEFAULT)
        within = self._policy(name, "within", written.within)
        self._check_form(name, policy.name)
        in_place = (
            [("tiers", i) for i in range(len(written.tiers))] if written.tiers else [("targets",)]
        )
        tables = written.tiers or (written.targets,)
        tiers = tuple(
            self._tier(("models", name, *place), table)
            for place, table in zip(in_place, tables, strict=True)
        )
        self._check_distinct(name, tiers)
        start = start_of(name, written, len(tiers), self.tree, self.report)
        if name in self.declared:
            what = f"{quoted(name)} is a target's full name as well"
            self.report.problem(self._found(name).key.mark, what, "give the route another name")
        route = Route(
            name=name,
            policy=policy,
            within=(within or PolicySpec(DEFAULT)) if policy.name in TIERED else None,
            tiers=tiers,
            deadline=written.deadline or self.defaults.deadline,
            retry=replace(self.defaults.retry, **written.retry.given()),
            estimator=self._policy(name, "estimator", written.estimator),
            **start,
            decisions=1.0 if written.decisions is None else written.decisions,
            shift=self._shift(name, written, tiers[0]),
            shadow=self._shadow(name, written, tiers),
            **leaving(written),
            **_serving(written),
        )
        self._note_idle(route)
        note_weights(name, written, tiers, self.tree, self.report)
        note_alone(name, written, self.tree, self.report)
        if written.decisions and not find(self.tree, ("server", "decisions", "file")).whole:
            mark = self._found(name, "decisions").key.mark
            what = "no decisions are written: there is no server.decisions.file"
            self.report.note(mark, what, "name one, or remove the key")
        return route

    def _shift(
        self, name: str, written: WrittenRoute, targets: tuple[WeightedTarget, ...]
    ) -> Shift | None:
        if written.shift is None:
            return None
        to = self._tier(("models", name, "shift", "to"), written.shift.to)
        names = {target.name.partition("/")[0] for target in to} & self.providers.keys()
        if names and not any(self.providers[name].enabled for name in names):
            mark = self._found(name, "shift", "to").key.mark
            what = f"nothing of {quoted(name)} moves: the providers of `to` are off"
            self.report.note(mark, what, f"switch one on: {', '.join(sorted(names))}")
        return shift_of(name, written, to, targets, self.tree, self.report)

    def _shadow(
        self, route: str, written: WrittenRoute, tiers: tuple[tuple[WeightedTarget, ...], ...]
    ) -> Shadow | None:
        own = frozenset(target.name for tier in tiers for target in tier)
        shadow = shadow_of(
            route, written.shadow, own, self.plugins, self.providers, self.tree, self.report
        )
        to = self._found(route, "shadow", "to").node
        if shadow is not None and isinstance(to, Leaf):
            self._check_target(shadow.to, to)
            provider = self.providers.get(shadow.to.partition("/")[0])
            if provider is not None and not provider.enabled:
                what = f"nothing is copied to {shown(to)}: {provider.off_because}"
                self.report.note(to.mark, what, "switch its provider on, or remove the shadow")
        return shadow

    def _found(self, route: str, *path: str | int) -> Found:
        return find(self.tree, ("models", route, *path))

    def _policy(self, route: str, key: str, written: WrittenPolicy | None) -> PolicySpec | None:
        if written is None:
            return None
        found = self._found(route, key, "name")
        if written.name is None:
            if not found.whole:
                self.report.problem(found.node.mark, f"{key} has no name", "write `name: …` in it")
            return None
        module, colon, _ = written.name.partition(":")
        options = written.options
        if colon and module not in self.plugins:
            what = f"the module of {key} {shown(found.node)} is not in server.plugins"
            self.report.problem(found.node.mark, what, "add it there")
        elif key == "estimator" and not colon:
            what = f"{shown(found.node)} is no import path"
            self.report.problem(found.node.mark, what, "write it as package.module:attribute")
        elif not colon and written.name not in POLICIES:
            what = f"there is no policy {shown(found.node)}"
            remedy = self.report.nearest(written.name, POLICIES)
            remedy += ", or package.module:attribute" if "." in written.name else ""
            self.report.problem(found.node.mark, what, remedy)
        elif key == "within" and written.name in TIERED:
            what = f"within is for a choice inside one tier, and {written.name} is among tiers"
            self.report.problem(found.node.mark, what, f"use {DEFAULT} or weighted_round_robin")
        elif not colon:
            options = read_options(written, self._found(route, key, "options"), self.report)
        return PolicySpec(written.name, MappingProxyType(dict(options)))

    def _check_form(self, route: str, policy: str) -> None:
        """Exactly one of targets and tiers, the one that the policy is for."""
        keys = self.tree.table("models").table(route).entries
        place = self._found(route).key.mark
        known = policy in POLICIES or ":" in policy
        if "targets" in keys and "tiers" in keys:
            remedy = f"keep tiers for policy {' or '.join(TIERED)}, targets for any other"
            self.report.problem(keys["tiers"].key.mark, "both targets and tiers", remedy)
        elif "targets" not in keys and "tiers" not in keys:
            word = "tiers" if policy in TIERED else "targets"
            self.report.problem(place, f"route {quoted(route)} has no {word}", f"add `{word}:`")
        elif "targets" in keys and policy in TIERED:
            what, remedy = f"policy {policy} takes tiers", "write tiers: [[a], [b]]"
            self.report.problem(keys["targets"].key.mark, what, remedy)
        elif "tiers" in keys and policy not in TIERED and known:
            what = f"only policy {' or '.join(TIERED)} takes tiers"
            self.report.problem(keys["tiers"].key.mark, what, "write targets, or policy: priority")
        check_form(route, policy, self.tree, self.report, known=known)

    def _tier(
        self, path: tuple[str | int, ...], table: Mapping[str, WrittenTarget]
    ) -> tuple[WeightedTarget, ...]:
        found = find(self.tree, path)
        if found.whole and isinstance(found.node, Table) and not found.node.entries:
            self.report.problem(found.node.mark, "there is no target in it", "name at least one")
        for target in table:
            self._check_target(target, find(self.tree, (*path, target)).key)
        return tuple(WeightedTarget(target, given.weight) for target, given in table.items())

    def _check_target(self, target: str, key: Leaf) -> None:
        provider, slash, _ = target.partition("/")
        section = self.tree.table("providers").entries
        if target in self.declared or (provider in section and provider not in self.providers):
            return
        if re.search(r":\s*\d", key.written):
            what = f"{shown(key)} is one word to YAML"
            self.report.problem(key.mark, what, "put a space after the colon: {a: 90}")
            return
        mine = [name for name in self.shown if name.startswith(f"{provider}/")]
        if slash and provider in section:
            what = f"provider {quoted(provider)} declares no such model: {shown(key)}"
            here = f"declare it under providers.{provider}.models"
            self.report.problem(key.mark, what, self.report.nearest(target, mine, here))
        else:
            what = f"there is no target {shown(key)}"
            self.report.problem(key.mark, what, self.report.nearest(target, self.shown))

    def _check_distinct(self, route: str, tiers: tuple[tuple[WeightedTarget, ...], ...]) -> None:
        seen: dict[str, int] = {}
        for index, tier in enumerate(tiers):
            for target in tier:
                first = seen.setdefault(target.name, index)
                if first != index:
                    key = self._found(route, "tiers", index, target.name).key
                    what = f"{shown(key)} is in tier {first + 1} already"
                    self.report.problem(key.mark, what, "keep it in one tier")

    def _note_idle(self, route: Route) -> None:
        mark = self._found(route.name).key.mark
        targets = [target for tier in route.tiers for target in tier]
        names = {target.name.partition("/")[0] for target in targets}
        if targets and not any(target.weight for target in targets):
            what = f"route {quoted(route.name)} serves nothing: every weight is 0"
            self.report.note(mark, what, "give one target a weight")
        elif names and not any(p.enabled for n, p in self.providers.items() if n in names):
            what = f"route {quoted(route.name)} serves nothing: its providers are off"
            self.report.note(mark, what, f"switch one on: {', '.join(sorted(names))}")
        else:
            self._note_starts(route)

    def _note_starts(self, route: Route) -> None:
        """Rules by which requests start where, and beyond which, everything is off."""
        on = [
            tier
            for tier, targets in enumerate(route.tiers, 1)
            for target in targets
            if (provider := self.providers.get(target.name.partition("/")[0])) and provider.enabled
        ]
        for index, rule in enumerate(route.start):
            if on and (rule.tier or 1) > max(on):
                mark = self._found(route.name, "start", "rules", index).node.mark
                what = f"requests that start in tier {rule.tier} are refused: nothing there is on"
                self.report.note(mark, what, "switch one of its providers on, or name another tier")
        if on and len(route.tiers_at) >= max(on):
            first = units.show_number(route.tiers_at[max(on) - 1])
            what = f"requests whose score is {first} or more are refused: nothing is on there"
            mark = self._found(route.name).key.mark
            self.report.note(mark, what, "switch one of its providers on, or raise tiers_at")


def _serving(written: WrittenRoute) -> dict[str, Any]:
    """What the file says of how requests are served, as a `Route` takes it."""
    names = ("embeddings", "interrupted", "unsupported", "prompt_cache")
    return {name: said for name in names if (said := getattr(written, name)) is not None}

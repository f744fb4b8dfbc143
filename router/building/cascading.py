"""From a configuration to the cascades of its routes. Only translation."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

from policies import Price
from router.building.build import price_of, serving
from router.building.choosing import called, judge_of
from router.cascade.checks import BEGINNINGS, BUILT_IN, READ_FOR, Check, matching, of_length
from router.cascade.pattern import Pattern
from router.cascade.terms import ASK, ModelCheck, Own, OwnCheck, Terms
from router.config import Cascade, CheckSpec, Config, Route
from router.config.extents import show_extent


def cascades_of(config: Config) -> dict[str, Terms]:
    """How answers are checked, by model. Raises `BuildFault`."""
    return {
        route.name: _terms(config, route, route.cascade, tiers)
        for route in serving(config)
        if route.cascade is not None and (tiers := _able(config, route))[1:]
    }


def _able(config: Config, route: Route) -> list[list[str]]:
    """The targets of each tier that can serve, up to the last that has any."""
    tiers = [[target.name for target in tier if target.weight] for tier in config.live(route)]
    while tiers and not tiers[-1]:
        tiers.pop()
    return tiers


def _terms(config: Config, route: Route, cascade: Cascade, able: list[list[str]]) -> Terms:
    made = [_check(one) for one in cascade.checks]
    tiers = {target.name: at for at, tier in enumerate(route.tiers) for target in tier}
    judged = [one.judge for one in cascade.checks if one.judge is not None]
    names = {*tiers, *(t.name for j in judged for tier in config.models[j].tiers for t in tier)}
    prices = {name: price_of(config.target(name)[1]) for name in names}
    audit = cascade.audit
    own = audit is not None and ":" in audit.by
    # Not by weights: who is drained for a while changes nothing of what was measured.
    asked = [[target.name for target in tier] for tier in route.tiers]
    rules = f"{route.start} {route.auto} {route.tiers_at}"
    measured = f"{asked} {len(able)} {cascade} {prices} {rules}"
    return Terms(
        route.name,
        tuple(one for one in made if isinstance(one, Check)),
        tuple(one for one in made if not isinstance(one, Check)),
        any(one.name in READ_FOR for one in cascade.checks),
        tiers,
        {name: price for name, price in prices.items() if price is not None},
        tuple(_usual(prices[name] for name in names) for names in able),
        audit,
        judge_of(audit.by) if audit is not None and own else None,
        sha256(measured.encode()).hexdigest()[:16],
        cascade.head,
    )


def _check(spec: CheckSpec) -> Check | OwnCheck | ModelCheck:
    if spec.judge is not None:
        return ModelCheck(spec.judge, spec.ask or ASK, spec.budget)
    if spec.length is not None:
        least, most = spec.length
        return Check(f"length {show_extent(spec.length)}", of_length(least, most))
    if spec.match is not None:
        return Check("match", matching(Pattern(spec.match)))
    name = spec.name or ""
    if name in BUILT_IN:
        return Check(name, BUILT_IN[name], BEGINNINGS.get(name))
    own: Own = called(name, "check")
    return OwnCheck(name, own)


def _usual(prices: Iterable[Price | None]) -> Price | None:
    """The mean of some targets' prices; None: one of them is unknown, or there is none."""
    known = list(prices)
    priced = [one for one in known if one is not None]
    if not priced or len(priced) < len(known):
        return None
    return Price(
        sum(one.input for one in priced) // len(priced),
        sum(one.output for one in priced) // len(priced),
    )

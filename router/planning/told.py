"""A plan as JSON, and its numbers in words: what a table, a page and a pipeline of CI are made of.

Units in JSON are nano-dollars a request, seconds, and shares from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from router.planning.comparing import Group
from router.planning.interval import Change
from router.planning.plan import Plan, Side
from router.planning.thresholds import Verdict

NO_DIFFERENCE = "no difference seen"
TITLES = {
    "cost": "cost of 1,000 requests",
    "errors": "errors",
    "limit_hits": "limit hits",
    "p50_first_token": "first token, median",
    "p99_first_token": "first token, p99",
}
"""What people read for each figure."""
DOLLARS_A_THOUSAND = 1000 / 1e9


def as_json(plan: Plan, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """All of it, as plain values."""
    comparison, traffic = plan.comparison, plan.traffic
    return {
        "old": _side(plan.old),
        "new": _side(plan.new),
        "changes": list(plan.changes),
        "traffic": {
            "of": traffic.of,
            "requests": len(traffic.arrivals),
            "seconds": round(traffic.seconds, 3),
            "runs": plan.runs,
            "notes": list(traffic.notes),
        },
        "confidence": 0.95,
        "all": _group(comparison.all),
        "models": {name: _group(group) for name, group in comparison.models.items()},
        "tenants": {name: _group(group) for name, group in comparison.tenants.items()},
        "thresholds": [_verdict(verdict) for verdict in verdicts],
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "file": str(side.config.path),
        "revision": side.config.revision,
        "targets": {name: basis.words for name, basis in side.bases.items()},
        "off": dict(side.off),
        "not_played": list(side.unplayed),
    }


def _group(group: Group) -> dict[str, Any]:
    return {
        "requests": group.requests,
        **{name: _change(change) for name, change in group.figures.items()},
        "share": {target: _change(change) for target, change in group.shares.items()},
        "no_price": list(group.unpriced),
    }


def _change(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "old": change.old,
        "new": change.new,
        "difference": change.difference,
        "low": change.low,
        "high": change.high,
        "seen": change.seen,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {"threshold": verdict.threshold.text, "kept": verdict.kept, "surely": verdict.surely}


def level(figure: str, value: float) -> str:
    """A figure's value, as people read it; a share of sends under any other name."""
    if figure == "cost":
        return f"${value * DOLLARS_A_THOUSAND:,.4g}"
    if figure.endswith("first_token"):
        return f"{value * 1000:,.0f} ms" if value < 10 else f"{value:,.1f} s"
    return f"{value:.2%}"


def difference(figure: str, change: Change) -> str:
    """By how much it changes, with the interval; or that no difference was seen."""
    if not change.seen:
        return NO_DIFFERENCE
    if figure != "cost" and not figure.endswith("first_token"):
        points = f"({change.low * 100:+.2f} to {change.high * 100:+.2f})"
        return f"{change.difference * 100:+.2f} points {points}"
    if not change.old:
        return f"+{level(figure, change.difference)}"
    parts = (change.difference / change.old, change.low / change.old, change.high / change.old)
    middle, low, high = (f"{part:+.1%}" for part in parts)
    return f"{middle} ({low} to {high})"


def groups(plan: Plan) -> list[tuple[str, Group]]:
    """What is shown of it, with titles: all requests, those of models, those of tenants, where
    there is more than one.
    """
    comparison = plan.comparison
    found = [(f"model {name}", group) for name, group in comparison.models.items()]
    if len(comparison.models) > 1:
        found.insert(0, ("all", comparison.all))
    if len(comparison.tenants) > 1:
        found += [(f"tenant {name}", group) for name, group in comparison.tenants.items()]
    return found


def rows(group: Group) -> list[tuple[str, str, str, str]]:
    """What a table shows of some requests: the figure, the old value, the new one, the
    difference.
    """
    found = []
    for name, change in group.figures.items():
        if change is not None:
            values = level(name, change.old), level(name, change.new), difference(name, change)
            found.append((TITLES[name], *values))
        elif name == "cost" and group.unpriced:
            found.append((TITLES[name], "?", "?", f"no price: {', '.join(group.unpriced)}"))
        else:
            found.append((TITLES[name], "–", "–", "too few answers to tell"))
    for target, share in group.shares.items():
        values = level("share", share.old), level("share", share.new), difference("share", share)
        found.append((f"share of {target}", *values))
    return found


def remarks(plan: Plan) -> list[str]:
    """What a reader has to know of it: the traffic, what targets stand on, what is off, what is not
    played.
    """
    traffic = plan.traffic
    played = f", played {plan.runs} times" if plan.runs > 1 else ""
    size = f"{len(traffic.arrivals):,} requests in {traffic.seconds:,.0f} s{played}"
    told = [
        f"traffic: {traffic.of}: {size}",
        *(f"traffic: {note}" for note in traffic.notes),
    ]
    old, new = _words(plan.old), _words(plan.new)
    asked = {target for group in plan.comparison.models.values() for target in group.shares}
    for name in sorted(asked & (old.keys() | new.keys())):
        before, after = old.get(name), new.get(name)
        if before == after or before is None or after is None:
            told.append(f"{name}: {after or before}")
        else:
            told.extend((f"{name}, old: {before}", f"{name}, new: {after}"))
    for side, title in ((plan.old, "old"), (plan.new, "new")):
        told.extend(f"{title}: {name} cannot serve: {why}" for name, why in side.off.items())
    both = set(plan.old.unplayed) & set(plan.new.unplayed)
    told.extend(what for what in plan.old.unplayed if what in both)
    for side, title in ((plan.old, "old"), (plan.new, "new")):
        told.extend(f"{title}: {what}" for what in side.unplayed if what not in both)
    return told


def verdict_words(verdict: Verdict) -> str:
    """What became of a threshold."""
    threshold, change = verdict.threshold, verdict.change
    values = f"{level(threshold.figure, change.old)} → {level(threshold.figure, change.new)}"
    if not verdict.kept:
        end = "broken"
    elif verdict.surely:
        end = "kept"
    else:
        end = "kept, but not for certain: it is within the interval"
    return f"{threshold.text}: {end}: {values}, {difference(threshold.figure, change)}"


def _words(side: Side) -> Mapping[str, str]:
    return {name: basis.words for name, basis in side.bases.items()}

"""How a route's cascade goes, as JSON knows it, and in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from policies.cascading.trust import Interval, clopper_pearson
from policies.cascading.worth import LEAST, most_failed
from router.cascade.lane import Lane
from router.config.units import show_size
from router.telemetry.prometheus import Metric

NANO = 1_000_000_000


SUMS = ("requests", "climbed", "unpriced", "spent", "always_dear", "saved")
COUNTS = ("checked", "begun", "audited", "wrong")
BY_TIER = {
    "checked": "Answers that were checked, by tier.",
    "begun": "Those of them that were streams, of which the beginning alone was checked.",
    "audited": "Accepted answers that were compared, by tier.",
    "wrong": "Those of them that should not have been accepted.",
}
Page = dict[str, Any]
Sample = tuple[dict[str, object], float]


def shown(lane: Lane) -> Page:
    """All of it. Money is in dollars."""
    account = lane.account
    page = {
        "tiers": [tier(lane, at) for at in range(lane.terms.last)],
        "requests": account.requests,
        "climbed": account.climbed,
        "spent": dollars(account.spent),
        "spent_on": {
            "answers": dollars(account.answers),
            "checks": dollars(account.checks),
            "audits": dollars(account.audits),
        },
        "always_dear": dollars(account.dear),
        "saved": dollars(account.saved),
        "unpriced": account.unpriced,
        "not_audited": dict(sorted(lane.held.items())),
        "trouble": lane.trouble or None,
    }
    return {**page, "words": words(page)}


def together(pages: Sequence[Page]) -> Page:
    """What several processes have seen, as one. Of what they do not agree on the worst is shown."""
    page = {
        **pages[0],
        **{key: round(sum(one[key] for one in pages), 9) for key in SUMS},
        "spent_on": _summed([one["spent_on"] for one in pages]),
        "not_audited": _summed([one["not_audited"] for one in pages]),
        "trouble": next((one["trouble"] for one in pages if one["trouble"]), None),
        "tiers": [_alike(one) for one in zip(*(one["tiers"] for one in pages), strict=False)],
    }
    return {**page, "words": words(page)}


def _alike(tiers: Sequence[Page]) -> Page:
    """One tier, as several processes see it."""
    worst = min(tiers, key=lambda one: (one["asked_first"], -(one["share_failed"] or 0.0)))
    counts = {key: sum(one[key] for one in tiers) for key in COUNTS}
    told = None
    if counts["audited"]:
        told = interval(clopper_pearson(counts["wrong"], counts["audited"]))
    failed = _summed([one["failed"] for one in tiers])
    return {**worst, **counts, "failed": failed, "wrongly_accepted": told}


def _summed(each: Sequence[dict[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for one in each for name in one)
    return {name: round(sum(one.get(name, 0) for one in each), 9) for name in names}


def tier(lane: Lane, at: int) -> Page:
    """One of the tiers before the last."""
    tally = lane.tallies[at]
    most = most_failed(lane.tallies, at, lane.dear)
    priced = tally.priced or 1.0
    told = lane.trusts[at].interval()
    return {
        "asked_first": (lane.alone or at not in lane.dear) and at not in lane.mistrusted,
        "why": why(lane, at),
        "checked": lane.checked[at],
        "begun": lane.begun[at],
        "failed": dict(sorted(lane.fails[at].items())),
        "share_failed": round(tally.share, 4) if tally.answers else None,
        "share_worth": None if most is None else round(most, 4),
        "answer_costs": dollars(tally.cost / priced),
        "checks_cost": dollars(tally.checks / priced),
        "above_costs": [dollars(one / priced) for one in tally.above],
        "audited": lane.audited[at],
        "wrong": lane.wrong[at],
        "wrongly_accepted": None if told is None else interval(told),
    }


def why(lane: Lane, at: int) -> str:
    """Why a tier is asked first, or is not, in a sentence."""
    tally, most = lane.tallies[at], most_failed(lane.tallies, at, lane.dear)
    if at in lane.mistrusted:
        return "its accepted answers were wrong too often; a look at it now and then says how often"
    if not tally.measured:
        return f"fewer than {LEAST} answers were checked: it is tried"
    if most is None:
        return "what it saves is not known, for want of a price"
    failed = f"{tally.share:.0%} of its last answers failed"
    if at in lane.dear and lane.alone:
        return f"{failed}; but nobody above it could serve of late, so it is asked first"
    if at in lane.dear:
        return f"{failed}, and from {max(0.0, most):.0%} on it is dearer than to begin above it"
    return f"{failed}, and up to {most:.0%} it is cheaper than to begin above it"


def reasons(lane: Lane, first: int) -> list[str]:
    """A sentence for each tier before the last in which a request that begins in `first` is
    checked, and for those that are skipped.
    """
    checks, head = ", ".join(one.name for one in (*lane.terms.checks, *lane.terms.others)), ""
    if lane.terms.head:
        head = f", of a longer stream the first {show_size(lane.terms.head)}"
    return [
        f"an answer of tier {at + 1} is checked ({checks}){head}: {why(lane, at)}"
        for at in range(lane.terms.last)
        if at >= first or at in lane.dear or at in lane.mistrusted
    ]


def words(page: Page) -> str:
    """All of it in a sentence."""
    requests, climbed, saved = page["requests"], page["climbed"], page["saved"]
    if not requests:
        return "no answer was checked yet"
    told = f"{climbed} of {requests} requests climbed"
    if requests == page["unpriced"]:
        return f"{told}; no price is known"
    dear = page["always_dear"]
    share = f" ({abs(saved) / dear:.0%})" if dear else ""
    return (
        f"{told}; {'saved' if saved >= 0 else 'lost'} ${abs(saved):.4f}{share} against always "
        "the dearest tier, checks and audits paid"
    )


def interval(told: Interval) -> dict[str, float]:
    """The share that should not have been accepted."""
    return {name: round(value, 4) for name, value in told._asdict().items()}


def dollars(nano: float) -> float:
    """From nano-dollars."""
    return round(nano / NANO, 9)


def all_of(lanes: Iterable[Lane]) -> dict[str, Page]:
    """The cascades of several models."""
    return {lane.terms.model: shown(lane) for lane in lanes}


def metrics(lanes: Sequence[Lane]) -> list[Metric]:
    """Name, kind, help and samples."""
    named: list[tuple[dict[str, object], Lane]] = [
        ({"model": lane.terms.model}, lane) for lane in lanes
    ]
    failed: list[Sample] = [
        ({**name, "tier": str(at + 1), "check": check}, count)
        for name, lane in named
        for at, fails in enumerate(lane.fails)
        for check, count in fails.items()
    ]
    spent: list[Sample] = [
        ({**name, "for": what}, getattr(lane.account, what) / NANO)
        for name, lane in named
        for what in ("answers", "checks", "audits")
    ]
    dear: list[Sample] = [(name, lane.account.dear / NANO) for name, lane in named]
    told = "What requests with a cascade have cost, by what for."
    return [
        *(_by_tier(name, help_, lanes) for name, help_ in BY_TIER.items()),
        ("cascade_failed_total", "counter", "Answers that failed, by the check.", failed),
        ("cascade_dollars_total", "counter", told, spent),
        ("cascade_dear_dollars_total", "counter", "The same, had the last tier answered.", dear),
    ]


def _by_tier(name: str, told: str, lanes: Sequence[Lane]) -> Metric:
    samples: list[Sample] = [
        ({"model": lane.terms.model, "tier": str(at + 1)}, count)
        for lane in lanes
        for at, count in enumerate(getattr(lane, name))
    ]
    return (f"cascade_{name}_total", "counter", told, samples)

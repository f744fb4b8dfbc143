"""How a route's cascade goes, as JSON knows it, and in a sentence."""

from __future__ import annotations

from typing import Any

from policies.cascading.trust import Trust
from policies.cascading.worth import LEAST, most_failed
from router.cascade.lane import Lane
from router.telemetry.prometheus import Metric

NANO = 1_000_000_000


def shown(lane: Lane) -> dict[str, Any]:
    """All of it. Money is in dollars."""
    account = lane.account
    return {
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
        "trouble": lane.trouble or None,
        "words": words(lane),
    }


def tier(lane: Lane, at: int) -> dict[str, Any]:
    """One of the tiers before the last."""
    tally = lane.tallies[at]
    most = most_failed(lane.tallies, at, lane.dear)
    answers = tally.answers or 1.0
    return {
        "asked_first": at not in lane.dear and at not in lane.mistrusted,
        "why": why(lane, at),
        "checked": lane.checked[at],
        "failed": dict(sorted(lane.fails[at].items())),
        "share_failed": round(tally.share, 4) if tally.answers else None,
        "share_worth": None if most is None else round(most, 4),
        "answer_costs": dollars(tally.cost / answers),
        "checks_cost": dollars(tally.checks / answers),
        "above_costs": [dollars(one / answers) for one in tally.above],
        "audited": len(lane.trusts[at].last),
        "wrongly_accepted": interval(lane.trusts[at]),
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
    if at in lane.dear:
        return f"{failed}, and from {max(0.0, most):.0%} on it is dearer than to begin above it"
    return f"{failed}, and up to {most:.0%} it is cheaper than to begin above it"


def reasons(lane: Lane) -> list[str]:
    """A sentence for each of the tiers before the last."""
    checks = ", ".join(one.name for one in (*lane.terms.checks, *lane.terms.others))
    return [
        f"an answer of tier {at + 1} is checked ({checks}): {why(lane, at)}"
        for at in range(lane.terms.last)
    ]


def words(lane: Lane) -> str:
    """All of it in a sentence."""
    account = lane.account
    if not account.requests:
        return "no answer was checked yet"
    if account.requests == account.unpriced:
        return f"{account.climbed} of {account.requests} requests climbed; no price is known"
    saved, dear = account.saved, account.dear
    share = f" ({abs(saved) / dear:.0%})" if dear else ""
    verb = "saved" if saved >= 0 else "lost"
    return (
        f"{account.climbed} of {account.requests} requests climbed; {verb} "
        f"${abs(saved) / NANO:.4f}{share} against always the dearest tier, checks and audits paid"
    )


def interval(trust: Trust) -> dict[str, float] | None:
    """The share that should not have been accepted."""
    told = trust.interval()
    return None if told is None else {k: round(v, 4) for k, v in told._asdict().items()}


def dollars(nano: float) -> float:
    """From nano-dollars."""
    return round(nano / NANO, 9)


def metrics(lanes: list[Lane]) -> list[Metric]:
    """Name, kind, help and samples."""
    named: list[tuple[dict[str, object], Lane]] = [
        ({"model": lane.terms.model}, lane) for lane in lanes
    ]
    return [
        (
            "cascade_checked_total", "counter", "Answers that were checked, by tier.",
            [
                ({**name, "tier": str(at + 1)}, count)
                for name, lane in named
                for at, count in enumerate(lane.checked)
            ],
        ),
        (
            "cascade_failed_total", "counter", "Those of them that failed, by the check.",
            [
                ({**name, "tier": str(at + 1), "check": check}, count)
                for name, lane in named
                for at, fails in enumerate(lane.fails)
                for check, count in fails.items()
            ],
        ),
        (
            "cascade_dollars_total", "counter", "What requests with a cascade have cost, by what.",
            [
                ({**name, "for": what}, getattr(lane.account, what) / NANO)
                for name, lane in named
                for what in ("answers", "checks", "audits")
            ],
        ),
        (
            "cascade_dear_dollars_total", "counter", "What they would have cost in the last tier.",
            [(name, lane.account.dear / NANO) for name, lane in named],
        ),
    ]  # fmt: skip

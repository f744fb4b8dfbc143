"""What there is to be shown of a shadow: what production and it came to, and whether to switch.

Pure: a page is made of its head, which is the configuration's, and of evidence; so the pages of
several workers are one page of all their evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from router.config.units import show_part, show_rate, show_spend
from router.shadow.evidence import Evidence, Of
from router.shadow.histogram import Histogram
from router.shadow.intervals import Interval
from router.shadow.lane import Lane
from router.shadow.verdict import criteria, shown, times, verdict

Page = dict[str, Any]
NANO = 1_000_000_000


def page_of(lane: Lane, now: float) -> Page:
    """The page of one process about one shadow."""
    return made(head(lane, now), lane.evidence)


def head(lane: Lane, now: float) -> Page:
    """What does not follow from evidence."""
    terms, shadow, left = lane.terms, lane.terms.shadow, lane.left(now)
    return {
        "model": terms.model,
        "to": shadow.to,
        "share": show_part(shadow.share),
        "rate": show_rate(shadow.rate),
        "spend": show_spend(shadow.spend),
        "judge": shadow.judge,
        "compared": terms.compared,
        "since_s": round(now - lane.since, 1),
        "running": lane.running,
        "dollars_left": None if left is None else left / NANO,
        "priced": shadow.to in terms.prices,
        "judge_said": lane.trouble,
    }


def made(head: Page, evidence: Evidence) -> Page:
    """The page: the verdict first, what it is made of last."""
    judged = head["judge"] is not None
    word, words = verdict(evidence, judged=judged)
    return {
        **head,
        "verdict": word,
        "words": words,
        "criteria": [shown(one) for one in criteria(evidence, judged=judged)],
        "sampled": evidence.sampled,
        "pairs": evidence.pairs,
        "held": evidence.held,
        "control": _side(evidence.control),
        "shadow": _side(evidence.shadow),
        "dollars_spent": evidence.spent / NANO,
        "length": _ratio(evidence.characters.factor()),
        "tokens": _ratio(evidence.tokens.interval()),
        "dollars": {"control": evidence.cost.x / NANO, "shadow": evidence.cost.y / NANO},
        "judge_errors": evidence.errors,
        "evidence": msgspec.to_builtins(evidence, str_keys=True),
    }


def together(pages: Iterable[Page]) -> Page:
    """The pages of several workers about one shadow, as one; there is one at least. Of two samples
    that are not of the same (one of them has not taken over a new file yet), the first is shown.
    """
    first, *others = pages
    evidence, same = evidence_of(first), [first]
    for page in others:
        if page["compared"] == first["compared"]:
            evidence = evidence.plus(evidence_of(page))
            same.append(page)
    left = [page["dollars_left"] for page in same]
    told = {
        **{name: first[name] for name in HEAD},
        "since_s": max(page["since_s"] for page in same),
        "running": sum(page["running"] for page in same),
        "dollars_left": None if None in left else sum(left),
        "judge_said": next((page["judge_said"] for page in same if page["judge_said"]), ""),
    }
    return made(told, evidence)


HEAD = (
    "model", "to", "share", "rate", "spend", "judge", "compared", "since_s", "running",
    "dollars_left", "priced", "judge_said",
)  # fmt: skip


def evidence_of(page: Page) -> Evidence:
    """What a page was made of. Raises `msgspec.ValidationError`."""
    return msgspec.convert(page["evidence"], Evidence, strict=False)


def _side(of: Of) -> Page:
    return {
        "outcomes": of.outcomes,
        "stopped": of.stopped,
        "first_token_s": _quantiles(of.first),
        "whole_s": _quantiles(of.total),
    }


def _quantiles(durations: Histogram) -> Mapping[str, float | None]:
    found = {name: durations.quantile(share) for name, share in (("p50", 0.5), ("p95", 0.95))}
    return {name: None if one is None else round(one, 4) for name, one in found.items()}


def _ratio(told: Interval | None) -> Page | None:
    if told is None:
        return None
    words = f"{times(told.estimate)} ({times(told.low)} to {times(told.high)})"
    return {**{n: round(v, 5) for n, v in told._asdict().items()}, "words": words}

"""How evenly tenants are served that wait at once, and how evenly they could be.

The gap between two tenants is the most by which one was served more tokens than the other in any
span in which requests of both waited all the while, those written twice as dear as those read. The
Virtual Token Counter keeps it within twice the longest input, or what is being written at once, if
that is more (Sheng et al., Fairness in Serving Large Language Models, OSDI 2024).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

from policies.engine.waiting.fairness import OUTPUT_WEIGHT
from policies.simulate.ended import Answered, Sent

Span = tuple[float, float]


def widest(sent: Sequence[Sent], answered: Iterable[Answered]) -> float:
    """The widest gap between any two tenants, over what it may be; 0 where no two ever wait at
    once.
    """
    waited = waits(sent, answered)
    served = sorted(
        event
        for each in sent
        for event in (
            (each.at, each.tenant, float(each.input_tokens)),
            (each.end, each.tenant, OUTPUT_WEIGHT * each.output_tokens),
        )
    )
    most = 0.0
    for one, other in combinations(waited, 2):
        signs = {one: 1.0, other: -1.0}
        events = [(at, signs[name] * tokens) for at, name, tokens in served if name in signs]
        for begin, end in both(waited[one], waited[other]):
            most = max(most, swing(tokens for at, tokens in events if begin <= at < end))
    return most / allowed(sent) if most else 0.0


def waits(sent: Iterable[Sent], answered: Iterable[Answered]) -> dict[str, list[Span]]:
    """The spans in which requests of each tenant waited to be sent, without a break."""
    begun: dict[tuple[str, float], float] = {}
    for each in sent:
        key = each.tenant, each.came
        begun[key] = min(each.at, begun.get(key, each.at))
    spans: dict[str, list[Span]] = {}
    for one in answered:
        tenant = one.arrival.tenant
        until = begun.get((tenant, one.at), one.at + one.total)
        if until > one.at:
            spans.setdefault(tenant, []).append((one.at, until))
    return {tenant: joined(sorted(each)) for tenant, each in spans.items()}


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch as one."""
    whole: list[Span] = []
    for span in spans:
        if whole and span[0] <= whole[-1][1]:
            begin, end = whole.pop()
            whole.append((begin, max(end, span[1])))
        else:
            whole.append(span)
    return whole


def both(ones: Iterable[Span], others: Sequence[Span]) -> list[Span]:
    """Where the spans of two overlap."""
    shared = [(max(one[0], other[0]), min(one[1], other[1])) for one in ones for other in others]
    return [(begin, end) for begin, end in shared if begin < end]


def swing(steps: Iterable[float]) -> float:
    """The most that a sum of steps moves in any part of the way."""
    total = least = most = 0.0
    for step in steps:
        total += step
        least, most = min(least, total), max(most, total)
    return most - least


def allowed(sent: Sequence[Sent]) -> float:
    """The gap that may come."""
    longest = max(each.input_tokens for each in sent)
    turns = sorted(
        event
        for each in sent
        for event in ((each.at, each.output_tokens), (each.end, -each.output_tokens))
    )
    written = at_once = 0
    for _, tokens in turns:
        written += tokens
        at_once = max(at_once, written)
    return 2.0 * max(float(longest), OUTPUT_WEIGHT * at_once)

"""What `cost_tiers` costs: CPU time of reading what its rules ask for, of adding them up, and of
choosing in the tier where a request has begun.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from benchmarks.choosing import EIGHT, body, choosing, cpu
from policies import (
    CostTiers,
    LeastLatency,
    Policy,
    Request,
    Rule,
    Target,
    WeighedLatency,
    WeightedRoundRobin,
)
from policies.affinity.prefix import PREFIX
from router.dialects.beginning import beginning
from router.dialects.openai.dialect import OPENAI

LENGTHS = (0, 200, 1_000, 4_000, 16_000, 64_000, 1_000_000)
"""Characters of a last message."""
TYPICAL = 4_000
ONE_RULE = CostTiers((Rule(1, tools=True),))
TWO_TIERS = tuple(Target(one.name, 1, place // 4) for place, one in enumerate(EIGHT))
WITHIN: dict[str, Policy] = {
    "weighted_round_robin": WeightedRoundRobin(),
    "least_latency": LeastLatency(),
    "  with affinity": WeighedLatency("prefix"),
}


def show_cpu(policy: CostTiers) -> None:
    """What it costs with the rules of `policy`."""
    print("last message      read        rules")
    for length in LENGTHS:
        request = request_of(length, policy)
        call = OPENAI.parse(body(length))
        read = cpu(partial(OPENAI.features, call, policy.needs))
        added = cpu(partial(policy.start, request))
        print(f"{length / 1000:9,.1f} kB {read:7.1f} µs {added:7.1f} µs")
    request = request_of(TYPICAL, policy)
    print(f"one rule that names a tier: {cpu(partial(ONE_RULE.start, request)):.1f} µs")
    print("within                 choosing of eight in two tiers, in one")
    for name, within in WITHIN.items():
        inner = replace(policy, within=within)
        two, one = (choosing(inner, request, targets) for targets in (TWO_TIERS, EIGHT))
        print(f"{name:22} {two:18.1f} µs {one:15.1f} µs")


def request_of(length: int, policy: CostTiers) -> Request:
    """Somebody's whose last message has so many characters, as the router reads it."""
    call = OPENAI.parse(body(length))
    prefix = beginning(call.fields, call.input_tokens, "", "", "")
    features = {**OPENAI.features(call, policy.needs), PREFIX: prefix}
    return Request("m", 1e9, call.input_tokens, None, True, features=features)

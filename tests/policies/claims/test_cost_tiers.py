"""A request starts where its rule says, is sent nowhere below that, and goes on for the causes that
its route names, as far as the bill of an outage allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from policies import Climb, CostTiers, Facts, Price, Request, Rule, Target, Threshold
from policies.engine.limits.bill import START, TIMES
from policies.simulate import Arrival, Crowd, Fault, Service, World
from tests.policies.claims.played import in_order, named, play, pools, seeds

TOKENS = 1_000
CHEAP, DEAR = Price(100, 100), Price(10_000, 10_000)
"""Nano-dollars a token: a hundred times."""
CAUSES = (
    frozenset[Climb](),
    frozenset({Climb.FAILURE}),
    frozenset({Climb.THROTTLED}),
    frozenset(Climb),
)


def names_of(causes: frozenset[Climb]) -> str:
    """In an order that is the same in every process."""
    return "+".join(sorted(cause.value for cause in causes))


def ladder(count: int) -> list[Target]:
    """So many tiers of one target each."""
    return [Target(f"p{tier}/m", 1, tier) for tier in range(count)]


def tier_of(target: str) -> int:
    return int(target[1:].partition("/")[0])


def for_tenants(count: int) -> CostTiers:
    """Each tenant has a tier of its own, by a rule."""
    return CostTiers(tuple(Rule(tier, tenant=(f"t{tier}",)) for tier in range(count)))


def by_tenants(count: int, seed: int, seconds: float = 60.0) -> Iterator[Arrival]:
    rng = Random(seed)
    for one in Crowd(2.0 * count).come(seconds, Random(f"{seed}/arrivals")):
        yield one._replace(tenant=f"t{rng.randrange(count)}")


def met(world: World) -> list[tuple[str, int]]:
    """Of each send, who asked, and in which tier it was."""
    return [(one.tenant, tier_of(one.target)) for one in in_order(world)]


class TestStart:
    @pools
    @seeds
    def test_a_request_starts_where_its_rule_says(self, count: int, seed: int) -> None:
        world = play(for_tenants(count), ladder(count), seed, arrivals=by_tenants(count, seed))
        assert len(met(world)) == len(world.answered) > 60
        assert all(tenant == f"t{tier}" for tenant, tier in met(world))

    @pools
    @seeds
    def test_it_is_sent_nowhere_below_that_whatever_fails(self, count: int, seed: int) -> None:
        rng = Random(seed)
        faults = [
            Fault(target.name, at := rng.uniform(0, 50), at + 20.0, errors=rng.choice((0.5, 1.0)))
            for target in ladder(count)
        ]
        arrivals = by_tenants(count, seed)
        world = play(for_tenants(count), ladder(count), seed, arrivals=arrivals, faults=faults)
        assert all(tier >= int(tenant[1:]) for tenant, tier in met(world))
        assert count == 1 or any(tier > int(tenant[1:]) for tenant, tier in met(world))

    @pools
    @seeds
    def test_a_rule_that_names_a_tier_wins_over_every_score(self, count: int, seed: int) -> None:
        """Rules, and what requests bring, are drawn; who starts where is worked out beside them."""
        rng = Random(seed)
        words = [f"word{number}" for number in range(12)]
        scores = {word: rng.choice((-0.2, 0.1, 0.3, 0.5)) for word in words[:8]}
        tiers = {word: rng.randrange(count) for word in words[8:]}
        at = tuple((tier + 1) / count for tier in range(count - 1))
        rules = [Rule(score=score, says=(word,)) for word, score in scores.items()]
        rules += [Rule(tier, says=(word,)) for word, tier in tiers.items()]
        rng.shuffle(rules)
        due: list[int] = []
        arrivals = []
        for number in range(150):
            said = rng.sample(words, rng.randrange(5))
            score = min(1.0, max(0.0, round(sum(scores.get(word, 0.0) for word in said), 6)))
            named_tiers = [tiers[word] for word in said if word in tiers]
            due.append(max(named_tiers, default=sum(score >= bound for bound in at)))
            features = {f"says:{word}": True for word in said}
            like = Request("", 0.0, TOKENS, None, True, features=features)
            arrivals.append(Arrival(0.5 * number, TOKENS, 50, like=like))
        world = play(CostTiers(tuple(rules), tiers_at=at), ladder(count), seed, arrivals=arrivals)
        assert [tier_of(one.target) for one in in_order(world)] == due

    @pools
    @seeds
    def test_long_requests_start_in_the_last_tier_and_no_other(self, count: int, seed: int) -> None:
        rule = Rule(count - 1, input_tokens=Threshold(">", TOKENS))
        world = play(CostTiers((rule,)), ladder(count), seed)
        for one in world.sent:
            assert tier_of(one.target) == (count - 1 if one.input_tokens > TOKENS else 0)


class TestClimb:
    @pools
    @seeds
    @pytest.mark.parametrize("climb", CAUSES, ids=names_of)
    @pytest.mark.parametrize("cause", list(Climb), ids=lambda cause: cause.value)
    def test_a_tier_is_left_for_the_causes_that_are_named_and_no_other(
        self, count: int, seed: int, climb: frozenset[Climb], cause: Climb
    ) -> None:
        first = named(count)
        broken = [Fault(target.name, 10.0, 30.0, errors=1.0) for target in first]
        full = {target.name: Service(per_minute=10, per_token=0.002) for target in first}
        world = play(
            CostTiers(),
            [*first, *named(count, tier=1)],
            seed,
            seconds=40.0,
            climb=climb,
            faults=broken if cause is Climb.FAILURE else (),
            services=full if cause is Climb.THROTTLED else None,
        )
        assert any(one.target[0] == "b" for one in world.sent) == (cause in climb)


class TestBill:
    def outage(self, count: int, seed: int, dear: Price | None = DEAR) -> tuple[int, int]:
        """What is spent on the dear tier while the cheap one is away, and what all of those
        requests would have cost there.
        """
        cheap, tier = named(count), named(count, tier=1)
        facts = {target.name: Facts(price=CHEAP) for target in cheap}
        facts |= {target.name: Facts(price=dear) for target in tier}
        faults = [Fault(target.name, 20.0, errors=1.0) for target in cheap]
        requests = Crowd(2.0 * count).come(20.0 + 400.0 / count, Random(f"{seed}/arrivals"))
        arrivals = [one._replace(input_tokens=TOKENS, output_tokens=1) for one in requests]
        world = play(
            CostTiers(), [*cheap, *tier], seed, arrivals=arrivals, faults=faults, facts=facts
        )
        per = TOKENS + 1
        spent = sum(one.target[0] == "b" for one in world.sent) * per * DEAR.input
        return spent, len(arrivals) * per * CHEAP.input

    @pools
    @seeds
    def test_an_outage_costs_at_most_three_times_what_is_usual(self, count: int, seed: int) -> None:
        spent, usual = self.outage(count, seed)
        assert 0.8 * START <= spent <= 1.05 * (START + TIMES * usual)

    @pools
    def test_without_a_price_nobody_guards_it(self, count: int) -> None:
        spent, usual = self.outage(count, 1, dear=None)
        assert spent > 2 * (START + TIMES * usual)

"""Whatever goes wrong in a world: nothing of those who are barred from a target is sent there."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policies import (
    Engine,
    Facts,
    LeastLatency,
    Limits,
    Policy,
    Price,
    Priority,
    Refusal,
    Refused,
    Retry,
    Route,
    Target,
    WeightedRoundRobin,
)
from policies.simulate import Arrival, Fault, Rung, Service, Terms, World

NAMES = ("a/m", "a/n", "b/m", "c/m")
TENANTS = ("one", "two", "three")
CAUSE = Refused(Refusal.TAGS, lacking=("zdr",))
FAULTS = st.builds(
    Fault,
    st.sampled_from(NAMES),
    st.floats(0.0, 60.0),
    st.floats(20.0, 120.0),
    slower=st.sampled_from([1.0, 1.0, 20.0]),
    errors=st.sampled_from([0.0, 0.5, 1.0]),
    silent=st.booleans(),
    cuts=st.sampled_from([0.0, 0.5]),
    capacity=st.sampled_from([None, 1]),
    period=st.sampled_from([None, 10.0]),
)
BARS = st.fixed_dictionaries(
    {tenant: st.frozensets(st.sampled_from(NAMES), max_size=3) for tenant in TENANTS}
)
POLICIES: tuple[Policy, ...] = (LeastLatency(), WeightedRoundRobin(), Priority())


@settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    faults=st.lists(FAULTS, max_size=5),
    bars=BARS,
    policy=st.sampled_from(POLICIES),
    hedge=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 99),
)
def test_nobody_is_ever_sent_where_they_are_barred(
    faults: list[Fault],
    bars: Mapping[str, frozenset[str]],
    policy: Policy,
    hedge: float,
    seed: int,
) -> None:
    targets = [Target(name, 1.0, tier) for tier, name in enumerate(NAMES)]
    retry = Retry(attempts=4, budget=1.0, hedge=hedge)
    routes = {"chat": Route(targets, policy, retry), "rest": Route(targets[2:], policy, retry)}
    facts = {name: Facts(Limits(concurrent=3), price=Price(1, 2)) for name in NAMES}
    world = World(
        Engine(routes, facts=facts, rng=Random(seed), now=0.0),
        {name: Service(first_token=0.3, per_token=0.01) for name in NAMES},
        Random(seed),
        faults,
        terms={"chat": Terms(40.0, (Rung("rest", frozenset(NAMES[2:])),))},
    )

    def barred(tenant: str, _models: tuple[str, ...]) -> Mapping[str, Refused]:
        return dict.fromkeys(bars[tenant], CAUSE)

    world.barred = barred
    rng = Random(seed)
    world.run(
        Arrival(
            at / 3, 200, 20, stream=rng.random() < 0.7, tenant=rng.choice(TENANTS), model="chat"
        )
        for at in range(300)
    )
    assert len(world.answered) == 300
    assert not [each for each in world.sent if each.target in bars[each.tenant]]
    alone = {tenant for tenant in TENANTS if len(bars[tenant]) < len(NAMES)}
    if not faults:
        assert {each.tenant for each in world.sent} == alone

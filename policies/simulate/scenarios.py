"""The scenarios that policies are judged in, and what is asked of the recommended one in each.

Four targets that are equally fast, unless a scenario says otherwise; conversations as public traces
have them. The trouble is always with the first target, so that a policy which favours the first of
a list is seen to. What is asked are targets, not measurements: some are missed, and the report says
so.
"""

from __future__ import annotations

from policies.engine.route import Facts, Limits, Price, Rate, Target
from policies.priority import Priority
from policies.simulate.arrivals import CODE, Crowd, Lengths
from policies.simulate.estimate import Bound
from policies.simulate.scenario import POOL, SICK, Scenario
from policies.simulate.service import Fault, Service
from policies.simulate.terms import Clients
from policies.weighted_round_robin import WeightedRoundRobin

HEAVY = Lengths(6.633, 0.985, 4.6, 1.5, long=0.02)
"""Answers whose lengths vary far more than those of conversations."""
NAMES = tuple(target.name for target in POOL)
DAY = 86_400.0


def _ramp() -> tuple[Fault, ...]:
    """5 % slower every ten seconds, up to six times."""
    steps = range(37)
    return tuple(
        Fault(SICK, 100.0 + 10 * step, 100.0 + 10 * (step + 1), slower=1.05**step, pace=1.05**step)
        for step in steps
    )


def _everywhere(start: float, end: float, errors: float) -> tuple[Fault, ...]:
    return tuple(Fault(name, start, end, errors=errors) for name in NAMES)


BROWN_OUT = (Fault(SICK, 60.0, 180.0, slower=10.0, pace=5.0),)
ROOM = Service(capacity=60)
"""Twice what each is used for: whoever herds pays for it."""
TEN_MINUTES = 60.0, 660.0
OUTAGE = tuple(Fault(name, *TEN_MINUTES, errors=1.0) for name in ("a/1", "a/2", "b/1"))
"""All of one provider and half of another."""
COMPANIES = tuple(Target(name) for name in ("a/1", "a/2", "b/1", "b/2"))
PRICES = {
    target.name: Facts(price=Price(250, 2000) if target.name < "b" else Price(1000, 5000))
    for target in COMPANIES
}
"""The provider that stays is about three times as dear."""
MINUTE = Facts(Limits(requests=[Rate(500, 60.0)]))
"""What is configured where the provider truly takes 300 a minute."""

QUARTERS = {name: Service(per_minute=300, resets=15 * place) for place, name in enumerate(NAMES)}
"""Limits that come back a quarter of a minute apart."""

LIMITED = (Bound("refused", most=0.02), Bound("of most", least=0.95), Bound("parked", most=61.0))
"""What is asked where limits are less than what is configured."""

NEWCOMER = (Bound("early", most=0.10), Bound("settled", least=0.8), Bound("step", most=1.3))
"""What is asked of a target that comes, or comes back, and is slow for a minute."""

LATENCY = (
    Scenario(
        "unequal",
        seconds=200.0,
        services={
            name: Service(first_token=wait)
            for name, wait in zip(NAMES, (1.2, 0.2, 0.5, 0.8), strict=True)
        },
        bounds=(Bound("regret", most=0.15),),
    ),
    Scenario(
        "brown-out",
        BROWN_OUT,
        (Crowd(24.0),),
        seconds=280.0,
        start=60.0,
        end=180.0,
        service=ROOM,
        bounds=(Bound("late", most=0.03), Bound("back", most=30.0), Bound("regret", most=0.15)),
    ),
    Scenario(
        "brown-out, quiet",
        (Fault(SICK, 300.0, 600.0, slower=10.0, pace=5.0),),
        (Crowd(0.3),),
        seconds=1200.0,
        start=300.0,
        end=600.0,
        bounds=(Bound("looks", most=1.0), Bound("back", most=90.0)),
    ),
    Scenario(
        "brown-out, 4 instances",
        BROWN_OUT,
        (Crowd(24.0),),
        seconds=200.0,
        start=60.0,
        end=180.0,
        service=ROOM,
        instances=4,
        bounds=(Bound("regret", most=0.15),),
    ),
    Scenario(
        "slow ramp",
        _ramp(),
        (Crowd(10.0),),
        seconds=500.0,
        start=100.0,
        end=470.0,
        metric="p99",
        bounds=(Bound("p99 / best", most=1.3), Bound("flaps", most=2.0)),
    ),
    Scenario(
        "new target",
        (Fault(SICK, 60.0, 120.0, slower=3.0),),
        seconds=260.0,
        start=60.0,
        end=120.0,
        service=ROOM,
        added=SICK,
        bounds=NEWCOMER,
    ),
    Scenario(
        "back after ten minutes",
        (Fault(SICK, 30.0, 630.0, errors=1.0), Fault(SICK, 630.0, 690.0, slower=3.0)),
        (Crowd(8.0),),
        seconds=780.0,
        start=630.0,
        end=690.0,
        service=ROOM,
        bounds=NEWCOMER,
    ),
)

FAILURES = (
    Scenario(
        "errors 30 %",
        (Fault(SICK, 60.0, 360.0, errors=0.3),),
        (Crowd(10.0),),
        seconds=380.0,
        start=60.0,
        end=360.0,
        metric="answered",
        bounds=(
            Bound("answered", least=0.997),
            Bound("sends", most=1.10),
            Bound("exposed", most=50.0, quantile=0.95),
        ),
    ),
    Scenario(
        "errors everywhere",
        _everywhere(100.0, 400.0, 0.3),
        (Crowd(5.0),),
        seconds=400.0,
        start=100.0,
        end=400.0,
        sick=None,
        policy=WeightedRoundRobin(),
        metric="sends",
        bounds=(Bound("answered", least=0.86), Bound("sends", most=1.25)),
    ),
    Scenario(
        "flapping",
        (Fault(SICK, 60.0, 660.0, errors=1.0, period=20.0),),
        (Crowd(6.0),),
        seconds=680.0,
        start=60.0,
        end=660.0,
        policy=WeightedRoundRobin(),
        metric="answered",
        bounds=(Bound("answered", least=0.995), Bound("waste", most=0.10)),
    ),
    Scenario(
        "correlated outage",
        OUTAGE,
        (Crowd(8.0),),
        seconds=680.0,
        start=60.0,
        end=660.0,
        sick=None,
        targets=COMPANIES,
        facts=PRICES,
        metric="answered",
        bounds=(
            Bound("answered", least=0.999),
            Bound("sends", most=1.25),
            Bound("spend", most=3.0),
        ),
    ),
    Scenario(
        "full outage",
        (*OUTAGE, *(Fault(target.name, 660.0, 720.0, errors=1.0) for target in COMPANIES)),
        (Crowd(8.0),),
        seconds=755.0,
        start=660.0,
        end=720.0,
        sick=None,
        targets=COMPANIES,
        metric="whole",
        bounds=(Bound("sends", most=1.25), Bound("whole", most=20.0)),
    ),
    Scenario(
        "silent tier",
        (Fault(SICK, 60.0, 240.0, silent=True),),
        (Crowd(10.0),),
        seconds=300.0,
        start=60.0,
        end=240.0,
        targets=(Target(SICK), Target("p1/m", tier=1)),
        deadline=240.0,
        policy=Priority(),
        metric="longest",
        bounds=(Bound("answered", least=1.0), Bound("longest", most=120.0)),
    ),
)

LIMITS = (
    Scenario(
        "429 storm",
        crowds=(Crowd(24.0),),
        seconds=190.0,
        services=QUARTERS,
        facts=dict.fromkeys(NAMES, MINUTE),
        slo=12.0,
        metric="goodput",
        bounds=LIMITED,
    ),
    Scenario(
        "lying headers",
        crowds=(Crowd(24.0),),
        seconds=190.0,
        services={
            **QUARTERS,
            "p0/m": Service(per_minute=300, resets=0, lie=DAY),
            "p1/m": Service(per_minute=300, resets=15, rest=None),
            "p2/m": Service(per_minute=300, resets=30, lie=-1.0),
        },
        slo=12.0,
        metric="goodput",
        bounds=LIMITED,
    ),
    Scenario(
        "capacity loss",
        (Fault(SICK, 60.0, 200.0, capacity=15),),
        (Crowd(36.0),),
        seconds=200.0,
        start=60.0,
        end=200.0,
        service=Service(capacity=60, queue=3, overloaded=True),
        facts=dict.fromkeys(NAMES, Facts(Limits(concurrent=60))),
        metric="goodput",
        bounds=(Bound("of most", least=0.95), Bound("held", least=0.8, most=1.2)),
    ),
    Scenario(
        "heavy tails",
        crowds=(Crowd(20.0, lengths=HEAVY),),
        seconds=300.0,
        facts=dict.fromkeys(NAMES, Facts(Limits(tokens=[Rate(600_000, 60.0)]))),
        deadline=600.0,
        metric="goodput",
        bounds=(Bound("uneven", most=1.05), Bound("overshoot", most=1.10)),
    ),
    Scenario(
        "retry storm",
        tuple(Fault(name, 60.0, 90.0, capacity=30) for name in NAMES),
        (Crowd(36.5),),
        seconds=150.0,
        start=60.0,
        end=90.0,
        sick=None,
        service=Service(capacity=50, queue=0, overloaded=True),
        facts=dict.fromkeys(NAMES, Facts(Limits(concurrent=50))),
        clients=Clients(retries=3),
        metric="whole",
        bounds=(Bound("whole", most=30.0),),
    ),
    Scenario(
        "noisy tenant",
        crowds=(
            Crowd(2.0, tenant="b"),
            Crowd(2.0, tenant="a"),
            Crowd(38.0, 60, 140, tenant="a"),
            Crowd(30.0, 60, 140, lengths=CODE, tenant="c"),
        ),
        seconds=160.0,
        start=60.0,
        end=140.0,
        sick=None,
        service=Service(capacity=25, queue=0),
        facts=dict.fromkeys(NAMES, Facts(Limits(concurrent=25))),
        tenant="b",
        metric="tenant",
        bounds=(Bound("tenant", least=0.99), Bound("of most", least=0.99), Bound("gap", most=1.0)),
    ),
)

SCENARIOS = (*LATENCY, *FAILURES, *LIMITS)

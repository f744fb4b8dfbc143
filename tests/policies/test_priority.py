from collections import Counter

from policies import LeastLatency, Outcome, Priority, Report, Target, WeightedRoundRobin
from tests.policies.driver import DENIED, FAILED, THROTTLED, World, limited


def tiers(*tiers: str | list[Target], policy: Priority | None = None, **options: object) -> World:
    """A world with one tier for each argument."""
    targets = [
        Target(target.name, target.weight, tier)
        for tier, written in enumerate(tiers)
        for target in ([Target(written)] if isinstance(written, str) else written)
    ]
    return World(*targets, policy=policy or Priority(), **options)  # type: ignore[arg-type]


def test_the_first_tier_takes_all_it_has_room_for_and_only_the_overflow_goes_on() -> None:
    world = tiers("a/m", "b/m", "c/m", facts={"a/m": limited(concurrent=3)})
    sends = [world.send() for _ in range(5)]
    assert [send.target for send in sends] == ["a/m"] * 3 + ["b/m"] * 2
    world.settle(sends[1])
    assert world.send().target == "a/m"
    assert world.send().target == "b/m"
    world.close()


def test_it_takes_all_however_slow_it_is() -> None:
    world = tiers("slow/m", "fast/m")
    world.teach("slow/m", 30.0)
    world.teach("fast/m", 0.1)
    assert world.shares(50) == {"slow/m": 50}


def test_the_limit_of_a_minute_overflows_and_the_next_minute_returns() -> None:
    world = tiers("a/m", "b/m", facts={"a/m": limited(requests=10)})
    assert world.shares(25, every=0.1) == {"a/m": 10, "b/m": 15}
    world.now += 61
    assert world.shares(10, every=0.1) == {"a/m": 10}


def test_a_resting_tier_is_passed_over_until_its_rest_ends() -> None:
    world = tiers("a/m", "b/m")
    world.will("a/m", THROTTLED, Report(Outcome.OK))
    rested = world.now + 30
    assert world.ask().targets == ["a/m", "b/m"]
    while world.now < rested:
        assert world.ask().targets == ["b/m"]
        world.now += 1.0
    world.now += 0.2
    assert world.ask().targets == ["a/m"]


def test_a_denied_tier_is_passed_over() -> None:
    world = tiers("a/m", "b/m")
    world.will("a/m", DENIED)
    assert world.ask().targets == ["a/m", "b/m"]
    assert world.ask().targets == ["b/m"]


def test_an_ejected_tier_returns_by_ramp() -> None:
    world = tiers("a/m", "b/m")
    world.eject("a/m")
    assert world.ask().targets == ["b/m"]
    world.now = world.until("a/m")
    assert world.ask().targets == ["a/m"]  # the probe
    early = Counter(world.send().target for _ in range(500))
    assert 25 <= early["a/m"] <= 75
    world.close()
    world.now += 30
    half = Counter(world.send().target for _ in range(500))
    assert 200 <= half["a/m"] <= 300
    world.close()
    world.now += 30
    assert Counter(world.send().target for _ in range(100)) == {"a/m": 100}
    world.close()


def test_a_tier_of_which_one_target_is_well_is_not_away() -> None:
    world = tiers([Target("a/m"), Target("b/m")], "c/m", policy=Priority(WeightedRoundRobin()))
    world.eject("a/m")
    world.now = world.until("a/m")
    assert world.ask().targets == ["a/m"]
    assert world.state("a/m") == "recovering"
    assert "c/m" not in world.shares(100)


def test_a_last_tier_that_returns_takes_what_there_is() -> None:
    world = tiers("a/m", "b/m")
    for name in ("a/m", "b/m"):
        world.eject(name)
        world.now = world.until(name)
        assert world.ask().targets[0] == name
    world.will("a/m", FAILED)
    assert all(world.ask().fail is None for _ in range(20))


def test_inside_a_tier_the_inner_policy_chooses() -> None:
    world = tiers(
        [Target("a/m", 3), Target("b/m", 1)],
        [Target("c/m", 1), Target("d/m", 4)],
        policy=Priority(WeightedRoundRobin()),
    )
    assert world.shares(400) == {"a/m": 300, "b/m": 100}
    world.eject("a/m")
    world.eject("b/m")
    counts = Counter(world.send().target for _ in range(50))
    assert counts == {"c/m": 10, "d/m": 40}
    world.close()


def test_it_needs_what_the_policy_inside_needs() -> None:
    assert Priority().needs == LeastLatency.needs
    assert Priority(WeightedRoundRobin()) == Priority(WeightedRoundRobin())

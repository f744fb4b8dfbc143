import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.engine.learning.health import Evidence


def evidence(outcomes: str, every: float = 0.1, *, healthy: bool = True) -> tuple[Evidence, float]:
    """Evidence of outcomes, written `+` and `-`, and the time of the last."""
    kept, now = Evidence(0.0), 0.0
    for outcome in outcomes:
        now += every
        kept.record(bad=outcome == "-", healthy=healthy, now=now)
    return kept, now


def test_nothing_known_is_fully_available() -> None:
    assert Evidence(0.0).availability(100.0) == 1.0


def test_one_failure_is_not_a_hundred_percent() -> None:
    kept, now = evidence("-")
    assert 0.65 < kept.availability(now) < 1.0


def test_a_target_that_always_fails_is_not_available() -> None:
    kept, now = evidence("-" * 20)
    assert kept.availability(now) == 0.0


def test_a_few_failures_in_a_hundred_are_normal() -> None:
    kept, now = evidence(("+" * 49 + "-") * 4)
    assert kept.availability(now) > 0.95


def test_old_failures_fade_by_time_and_not_by_count() -> None:
    kept, now = evidence("-" * 10)
    levels = [kept.availability(now + seconds) for seconds in (0, 30, 60, 120, 240)]
    assert levels == sorted(levels)
    assert levels[0] < 0.1
    assert levels[-1] > 0.95


def test_it_is_half_forgotten_after_thirty_seconds() -> None:
    kept, now = evidence("-" * 40, every=0.0)
    before, after = kept.bad, kept.bad * 0.5
    kept.record(bad=False, healthy=True, now=now + 30.0)
    assert kept.bad == pytest.approx(after)
    assert before == 40


def test_the_usual_rate_is_learned_only_while_healthy() -> None:
    sick, _ = evidence("-" * 2000, healthy=False)
    well, _ = evidence(("+" * 24 + "-") * 200)
    assert sick.usual == 0.01
    assert well.usual == pytest.approx(0.04, abs=0.01)


def test_the_usual_rate_stays_between_one_and_five_percent() -> None:
    assert evidence("+" * 5000)[0].usual == 0.01
    assert evidence("-" * 5000)[0].usual == 0.05


def test_what_is_held_back_leaves_about_twice_what_is_accepted() -> None:
    half, now = evidence("+-" * 20, every=0.01)
    assert half.throttled_share(now) < 0.05
    quarter, now = evidence("+---" * 10, every=0.01)
    assert quarter.throttled_share(now) == pytest.approx(0.5, abs=0.05)
    dead, now = evidence("-" * 40, every=0.01)
    assert dead.throttled_share(now) > 0.9
    assert dead.throttled_share(now + 600) < 0.01


@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.floats(-5, 100)), max_size=100),
    st.floats(-100, 1000),
)
def test_every_share_stays_between_nothing_and_all(
    outcomes: list[tuple[bool, bool, float]], later: float
) -> None:
    kept, now = Evidence(0.0), 0.0
    for bad, healthy, elapsed in outcomes:
        now += elapsed
        kept.record(bad=bad, healthy=healthy, now=now)
        for share in (kept.availability, kept.failing, kept.throttled_share):
            assert 0.0 <= share(now + later) <= 1.0
        assert 0.01 <= kept.usual <= 0.05

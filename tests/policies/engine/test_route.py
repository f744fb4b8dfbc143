import pytest

from policies import Facts, LeastLatency, Limits, Rate, Retry, Route, Target


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf"), float("-inf")])
def test_a_weight_is_zero_or_a_finite_number_above(weight: float) -> None:
    with pytest.raises(ValueError, match="a/m"):
        Target("a/m", weight)


def test_a_target_is_named_once_in_a_route() -> None:
    with pytest.raises(ValueError, match="b/m is named twice"):
        Route([Target("a/m"), Target("b/m"), Target("b/m", tier=1)])


def test_the_default_policy_is_least_latency() -> None:
    assert Route([Target("a/m")]).policy == LeastLatency()
    assert Route([Target("a/m")]).retry == Retry(attempts=3, budget=0.2)


def test_limits_are_true_when_any_of_them_binds() -> None:
    assert not Limits()
    assert Limits([Rate(1, 1.0)])
    assert Limits(tokens=[Rate(1, 1.0)])
    assert Limits(concurrent=0)


def test_what_configures_the_engine_is_immutable() -> None:
    for value, name in ((Target("a/m"), "weight"), (Facts(), "context"), (Retry(), "attempts")):
        with pytest.raises(AttributeError):
            setattr(value, name, 1)

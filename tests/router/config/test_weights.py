"""Weights, where what they say depends on a policy that nobody wrote."""

import pytest

from tests.router.config.samples import PROVIDERS, noted

THREE = PROVIDERS.replace("slow: }", "slow: , third: }")
NOTED = (
    'the weights of "chat" are no shares: least_latency takes the fastest, and a weight of 90 as 9 '
    "times as fast as one of 10; write {key}: weighted_round_robin, or {key}: least_latency if it "
    "is meant"
)
UNEQUAL = "{sim/fast: 90, sim/slow: 10}"


@pytest.mark.parametrize(
    ("route", "key"),
    [
        (f"targets: {UNEQUAL}", "policy"),
        (f"policy: priority, tiers: [{UNEQUAL}, [sim/third]]", "within"),
    ],
)
def test_unequal_weights_without_a_policy_are_noted_as_no_shares(route: str, key: str) -> None:
    [note] = noted(THREE + f"models: {{chat: {{{route}}}}}\n")
    assert note.endswith(NOTED.format(key=key))


def test_so_are_unequal_weights_of_those_to_which_traffic_moves() -> None:
    route = f"chat: {{targets: [sim/third], shift: {{to: {UNEQUAL}}}}}"
    [note] = noted(THREE + f"models: {{{route}}}\n")
    assert note.endswith(NOTED.format(key="policy"))
    assert (
        noted(
            THREE + f"models: {{{route.replace('{targets', '{policy: least_latency, targets')}}}\n"
        )
        == []
    )


@pytest.mark.parametrize(
    "route",
    [
        f"policy: least_latency, targets: {UNEQUAL}",
        f"policy: weighted_round_robin, targets: {UNEQUAL}",
        f"policy: priority, within: least_latency, tiers: [{UNEQUAL}, [sim/third]]",
        "targets: {sim/fast: 90, sim/slow: 0}",
        "targets: {sim/fast: 2, sim/slow: 2}",
        "policy: priority, tiers: [{sim/fast: 90}, {sim/slow: 10}]",
    ],
)
def test_weights_that_are_meant_equal_or_alone_are_not(route: str) -> None:
    assert noted(THREE + f"models: {{chat: {{{route}}}}}\n") == []

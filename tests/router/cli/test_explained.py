"""An explanation on the terminal: where such requests go comes first."""

from typing import Any

import pytest

from router.cli.explained import explained


def target(name: str) -> dict[str, Any]:
    factors = dict.fromkeys(("health", "availability", "latency", "ramp"), 1.0)
    numbers = {"tier": 1, "weight": 1.0, "odds": 1.0, "predicted_s": None, "in_flight": 0}
    return {"target": name, "words": "not measured yet", **factors, **numbers}


def told(**more: Any) -> dict[str, Any]:
    one = {"model": "chat", "policy": "priority", "verdict": "goes to a/m", "rule": "the first"}
    rest = {"start": [], "targets": [target("a/m")], "shift": None, "when_all_fail": []}
    return {**one, **rest, **more}


def lines(capsys: pytest.CaptureFixture[str], page: dict[str, Any]) -> list[str]:
    explained("a cold start", page)
    return [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_it_begins_with_where_such_a_request_goes_and_by_which_rule(capsys):
    said = lines(capsys, told(start=["starts in tier 1: no rule names another", "no tier 2 for x"]))
    assert said[:5] == [
        "chat by priority, as a cold start sees it",
        "goes to a/m",
        "its rule: the first",
        "starts in tier 1: no rule names another",
        "no tier 2 for x",
    ]


def test_a_tenant_without_room_is_named_beside_where_its_request_would_go(capsys):
    said = lines(capsys, told(tenant="the tenant 'a' may have 1 requests in any minute"))
    assert said[2] == "but refused now: the tenant 'a' may have 1 requests in any minute"


def test_a_policy_that_says_no_rule_has_none(capsys):
    assert not [line for line in lines(capsys, told(rule="")) if "rule" in line]


def test_the_table_says_what_health_is_made_of(capsys):
    [head] = [line for line in lines(capsys, told()) if line.startswith("target")]
    assert " ".join(head.split()) == (
        "target tier weight odds health = available × speed × ramp predicted in flight"
    )


def test_traffic_that_moves_goes_two_ways(capsys):
    arms = {"share": 0.25, "by": "session", "verdict": "goes to b/m", "targets": [target("b/m")]}
    said = lines(capsys, told(shift=arms))
    assert said[1] == "75%, as its traffic moves: goes to a/m"
    assert "the other 25%, by session: goes to b/m" in said


def test_what_follows_where_all_fail_is_said_in_order(capsys):
    rungs = [{"model": "other"}, {"text": "We are [busy]."}]
    assert lines(capsys, told(when_all_fail=rungs))[-2:] == [
        "when all fail, the model other is asked",
        "when all fail, the answer is: We are [busy].",
    ]

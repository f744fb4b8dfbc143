"""Evidence adds up, goes through JSON, and does not grow."""

import msgspec

from router.shadow.evidence import Evidence
from router.shadow.pairs import Pair, Side
from router.shadow.report import evidence_of, made, together
from router.shadow.verdict import verdict
from tests.router.shadow.test_verdict import evidence


def test_it_is_json_both_ways():
    told = evidence(50, fails=0.1, score=0.1)
    told.hold("rate")
    assert msgspec.json.decode(msgspec.json.encode(told), type=Evidence) == told


def test_that_of_two_workers_is_one_sample():
    one, other = evidence(200, seed=1), evidence(300, seed=2, fails=0.1)
    both = one.plus(other)
    assert both.pairs == 500
    assert both.first.count == one.first.count + other.first.count
    assert both.shadow.outcomes == {"ok": 500 - both.failed.shadow, "failed": both.failed.shadow}
    assert verdict(both, judged=False) == verdict(other.plus(one), judged=False)


def test_it_does_not_grow_with_traffic():
    few, many = (len(msgspec.json.encode(evidence(pairs))) for pairs in (2_000, 20_000))
    assert many < few * 1.5


def test_what_one_of_two_did_not_answer_is_not_compared():
    told = Evidence()
    answered = Side("ok", "a", 1.0, 2.0, 10, 100, 40, "stop", form=True, tools=True)
    told.add(Pair(answered, Side("failed", "b")))
    told.add(Pair(Side("failed", "a"), answered))
    assert told.pairs == 2
    assert told.failed.control == told.failed.shadow == 1
    assert told.total.count == told.cost.count == told.malformed.count == told.score.count == 0


HEAD = {
    "model": "chat",
    "to": "p/m",
    "share": "5%",
    "rate": "60/min",
    "spend": "$5/day",
    "judge": None,
    "compared": "abc",
    "since_s": 5.0,
    "running": 1,
    "dollars_left": 1.0,
    "priced": True,
    "judge_said": "",
}


def page(told, **more):
    """As another process reads it."""
    return msgspec.json.decode(msgspec.json.encode(made({**HEAD, **more}, told)))


def test_pages_of_several_workers_are_one():
    one, other = evidence(200, seed=1), evidence(300, seed=2)
    whole = together([page(one), page(other, since_s=9.0, running=2, dollars_left=0.5)])
    assert whole["pairs"] == 500
    assert (whole["since_s"], whole["running"], whole["dollars_left"]) == (9.0, 3, 1.5)
    assert evidence_of(whole) == one.plus(other)
    assert whole["words"] == verdict(one.plus(other), judged=False)[1]


def test_a_worker_that_compares_something_else_is_left_out():
    one, other = evidence(200, seed=1), evidence(300, seed=2)
    assert together([page(one), page(other, compared="older")])["pairs"] == 200

"""Which requests leave a record, and how long it is kept."""

from random import Random

import pytest

from policies import Engine, Request, Route, Target
from router.telemetry.decisions import Decisions, Origin
from tests.router.telemetry.records import REQUEST, changed

ORIGIN = Origin("e", 7, 0.0)


def sampled(decisions: Decisions, *instants: float) -> list[bool]:
    return [decisions.sample(f"req_{now}", now) is not None for now in instants]


def test_so_many_a_second_leave_a_record_and_the_others_none() -> None:
    decisions = Decisions(ORIGIN, most=2)
    told = sampled(decisions, 100.0, 100.1, 100.2, 100.9, 101.0, 101.5, 101.6, 105.0)
    assert told == [True, True, False, False, True, True, False, True]
    assert (decisions.seen, decisions.recorded, len(decisions)) == (8, 5, 5)


def test_the_rate_may_be_of_another_span_or_none_at_all() -> None:
    by_minute = Decisions(ORIGIN, most=1, seconds=60.0)
    assert sampled(by_minute, 1.0, 59.0, 60.0, 119.0) == [True, False, True, False]
    assert all(sampled(Decisions(ORIGIN, most=None), *(n / 1000 for n in range(200))))


def test_the_last_so_many_are_kept() -> None:
    decisions = Decisions(ORIGIN, keep=3, most=None)
    sampled(decisions, *range(10))
    assert [decision.request_id for decision in decisions.newest()] == ["req_9", "req_8", "req_7"]
    assert decisions.find("req_6") is None
    assert decisions.find("req_7") is not None


def test_they_are_found_by_model_and_by_end() -> None:
    engine = Engine({"chat": Route([Target("a/m")])}, rng=Random(7), now=0.0)
    decisions = Decisions(ORIGIN, most=None)
    for number, model in enumerate(("chat", "other", "chat")):
        record = decisions.sample(f"req_{number}", 0.0)
        engine.start(Request(model, 9.0), 0.0, record=record).close(0.0)
    decisions.request(changed(REQUEST, request_id="req_0", end="error"))
    decisions.request(changed(REQUEST, request_id="req_1", end="error"))
    decisions.request(changed(REQUEST, request_id="req_9", end="ok"))  # never sampled

    def found(**asked: str) -> list[str]:
        return [decision.request_id for decision in decisions.newest(**asked)]

    assert found() == ["req_2", "req_1", "req_0"]
    assert found(model="chat") == ["req_2", "req_0"]
    assert found(end="error") == ["req_1", "req_0"]
    assert found(model="chat", end="error") == ["req_0"]
    assert found(end="ok") == []


@pytest.mark.parametrize("keep", [1, 2])
def test_a_request_that_is_under_way_is_shown_without_an_end(keep: int) -> None:
    decisions = Decisions(ORIGIN, keep=keep)
    decisions.sample("req_1", 0.0)
    [decision] = decisions.newest()
    assert decision.end is None

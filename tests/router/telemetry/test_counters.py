import pytest

from policies import Outcome, Phase, Report
from router.telemetry.counters import BOUNDS, Counters, Histogram
from router.telemetry.journal import RefusalRecord, Resumed
from tests.router.telemetry.records import ATTEMPT, OK, REQUEST, changed


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [(0.0, 0), (0.01, 0), (0.0101, 1), (81.92, 13), (82.0, 14), (1e9, 14), (float("inf"), 14)],
)
def test_a_duration_is_counted_under_the_first_bound_that_it_does_not_exceed(
    seconds: float, bucket: int
) -> None:
    histogram = Histogram()
    histogram.record(seconds)
    assert histogram.counts.index(1) == bucket
    assert sum(histogram.counts) == 1
    assert histogram.sum == seconds


def test_bounds_rise() -> None:
    assert sorted(set(BOUNDS)) == list(BOUNDS)


def test_requests_are_counted_by_tenant_model_status_and_end() -> None:
    counters = Counters()
    counters.request(REQUEST)
    counters.request(REQUEST)
    counters.request(changed(REQUEST, status=503, end="error"))
    assert counters.requests == {
        ("default", "chat", 200, "ok"): 2,
        ("default", "chat", 503, "error"): 1,
    }
    assert counters.duration["chat"].sum == 3.0


@pytest.mark.parametrize(
    ("end", "attempts", "rescued"), [("ok", 1, 0), ("ok", 2, 1), ("error", 2, 0), ("gone", 3, 0)]
)
def test_a_request_is_rescued_when_a_later_attempt_answers_it(
    end: str, attempts: int, rescued: int
) -> None:
    counters = Counters()
    counters.request(changed(REQUEST, end=end, attempts=attempts))
    assert counters.rescued["chat"] == rescued


def test_a_request_that_only_found_capacity_used_up_was_not_rescued() -> None:
    counters = Counters()
    spilled = changed(ATTEMPT, report=Report(Outcome.SPILLED, Phase.HEAD), first=None)
    for attempts, rescued in ((2, 0), (3, 1), (2, 2)):
        if attempts == 3 or not rescued:
            counters.attempt(spilled)
        counters.request(changed(REQUEST, end="ok", attempts=attempts))
        assert counters.rescued["chat"] == rescued
    assert not counters.last_failure


def test_a_request_that_was_gone_on_with_is_counted_by_how_it_ended() -> None:
    counters = Counters()
    for end in ("ok", "ok", "interrupted"):
        counters.request(changed(REQUEST, end=end, resumed=(Resumed("sim/fast", 3),)))
    counters.request(REQUEST)
    assert counters.resumed == {("chat", "ok"): 2, ("chat", "interrupted"): 1}


@pytest.mark.parametrize("outcome", [Outcome.UNFIT, Outcome.REJECTED, Outcome.FILTERED])
def test_what_a_request_asks_for_in_vain_is_no_failure_of_the_target(outcome: Outcome) -> None:
    counters = Counters()
    counters.attempt(changed(ATTEMPT, report=Report(outcome, Phase.CONNECT)))
    assert not counters.last_failure
    counters.attempt(changed(ATTEMPT, report=Report(Outcome.FAILED, Phase.HEAD)))
    assert list(counters.last_failure) == ["sim/fast"]


def test_an_attempt_is_counted_by_its_outcome_and_how_far_a_failed_one_had_come() -> None:
    counters = Counters()
    counters.attempt(ATTEMPT)
    failed = Report(Outcome.FAILED, Phase.CONNECT)
    counters.attempt(changed(ATTEMPT, report=failed, first=None))
    assert counters.attempts == {
        ("sim/fast", "ok", ""): 1,
        ("sim/fast", "failed", "connect"): 1,
    }


def test_an_error_that_no_table_knows_is_counted_by_provider_and_status() -> None:
    counters = Counters()
    counters.attempt(ATTEMPT)
    for status in (418, 418, 200):
        report = Report(Outcome.FAILED, unclassified=status)
        counters.attempt(changed(ATTEMPT, report=report, target="sim/a/b"))
    assert counters.unclassified == {("sim", 418): 2, ("sim", 200): 1}


def test_tokens_are_counted_for_whoever_used_them_answered_or_not() -> None:
    counters = Counters()
    counters.attempt(changed(ATTEMPT, report=OK._replace(input_tokens=3, output_tokens=4)))
    abandoned = Report(Outcome.ABANDONED, input_tokens=5, output_tokens=0, estimated=True)
    counters.attempt(changed(ATTEMPT, report=abandoned))
    counters.attempt(ATTEMPT)  # nobody knows how many
    assert counters.tokens == {("sim/fast", "input"): 8, ("sim/fast", "output"): 4}


def test_the_first_token_is_timed_where_there_was_one() -> None:
    counters = Counters()
    counters.attempt(changed(ATTEMPT, first=None))
    assert counters.first_token == {}
    counters.attempt(ATTEMPT)
    assert counters.first_token["sim/fast"].sum == 0.5


def test_refusals_are_counted_by_status_and_code() -> None:
    counters = Counters()
    counters.refused(RefusalRecord("req_1", 401, "invalid_api_key"))
    counters.refused(RefusalRecord("req_1", 401, "invalid_api_key"))
    assert counters.refusals == {(401, "invalid_api_key"): 2}


def test_events_that_were_left_out_are_counted_by_target() -> None:
    counters = Counters()
    for malformed in (0, 2, 1):
        counters.attempt(changed(ATTEMPT, malformed=malformed))
    assert counters.malformed == {ATTEMPT.target: 3}


def test_answers_of_a_rung_are_counted_and_errors_after_one_are_not() -> None:
    counters = Counters()
    for end, degraded in (("ok", ""), ("ok", "model=b"), ("degraded", "text"), ("error", "text")):
        counters.request(changed(REQUEST, end=end, degraded=degraded))
    assert counters.degraded == {("chat", "model=b"): 1, ("chat", "text"): 1}

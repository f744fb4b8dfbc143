import json

import pytest

from policies import Cause, Fail, Outcome, Phase, Refusal, Refused, Report
from router.dialects.openai.dialect import OPENAI
from router.failures import client_error, useful

NOW = 1000.0
REST, LIMIT = Refused(Refusal.RESTING, NOW + 30), Refused(Refusal.LIMITED, NOW + 12.2)
BUSY, TRIED = Refused(Refusal.BUSY), Refused(Refusal.TRIED)
UNFIT, DRAINED = Refused(Refusal.UNFIT), Refused(Refusal.DRAINED)
AWAY, THEIRS = Refused(Refusal.RESIDENCY, lacking=("eu",)), Refused(Refusal.TENANT)
EXCLUDED = Refused(Refusal.EXCLUDED)
HOPELESS = {"x-should-retry": "false"}
LONG = Report(Outcome.UNFIT, Phase.HEAD, detail="400 context_length_exceeded")
OVERLOADED = Report(Outcome.THROTTLED, Phase.HEAD, overloaded=True)
BUSY_THERE = Report(Outcome.THROTTLED, Phase.HEAD)
FAILED = Report(Outcome.FAILED, Phase.HEAD, detail="500 server_error")


def fail(cause: Cause, *refusals: Refused) -> Fail:
    ends = [refused.until for refused in refusals if refused.until != float("inf")]
    named = {f"p{number}/m": refused for number, refused in enumerate(refusals)}
    return Fail(cause, named, min(ends, default=None))


@pytest.mark.parametrize(
    ("failed", "last", "status", "code", "headers"),
    [
        (fail(Cause.DEADLINE), None, 504, "deadline_exceeded", {}),
        (fail(Cause.DEADLINE), FAILED, 504, "deadline_exceeded", {}),
        (fail(Cause.INTERRUPTED), FAILED, 502, "stream_interrupted", {}),
        (fail(Cause.ATTEMPTS), FAILED, 502, "upstream_failed", {}),
        (fail(Cause.BUDGET), FAILED, 502, "upstream_failed", {}),
        (fail(Cause.QUEUE_FULL), None, 429, "no_capacity", {"retry-after": "1"}),
        (fail(Cause.WAIT, LIMIT), None, 429, "no_capacity", {"retry-after": "13"}),
        (fail(Cause.WAIT), None, 429, "no_capacity", {"retry-after": "1"}),
        (
            fail(Cause.NO_TARGET),
            None,
            429,
            "no_capacity",
            {"retry-after": "1"},
        ),  # others were first
        (fail(Cause.NO_TARGET, REST), None, 429, "no_capacity", {"retry-after": "30"}),
        (fail(Cause.NO_TARGET, REST, LIMIT), None, 429, "no_capacity", {"retry-after": "13"}),
        (fail(Cause.NO_TARGET, BUSY), None, 429, "no_capacity", {"retry-after": "1"}),
        (fail(Cause.ATTEMPTS, REST), Report(Outcome.THROTTLED), 429, "no_capacity", None),
        (fail(Cause.NO_TARGET, REST, TRIED), FAILED, 502, "upstream_failed", {"retry-after": "30"}),
        (fail(Cause.NO_TARGET, REST, TRIED), BUSY_THERE, 429, "no_capacity", {"retry-after": "30"}),
        (fail(Cause.ATTEMPTS, TRIED), BUSY_THERE, 429, "no_capacity", {"retry-after": "1"}),
        (fail(Cause.ATTEMPTS, TRIED), OVERLOADED, 503, "no_target", {"retry-after": "1"}),
        (fail(Cause.DEADLINE), LONG, 504, "deadline_exceeded", {}),
        (fail(Cause.INTERRUPTED), LONG, 502, "stream_interrupted", {}),
        (fail(Cause.NO_TARGET, UNFIT), LONG, 400, "invalid_request", HOPELESS),
        (fail(Cause.NO_TARGET, UNFIT, DRAINED), LONG, 400, "invalid_request", HOPELESS),
        (fail(Cause.ATTEMPTS, UNFIT), LONG, 400, "invalid_request", {}),
        (fail(Cause.NO_TARGET, UNFIT, TRIED), LONG, 400, "invalid_request", {}),
        (fail(Cause.NO_TARGET, UNFIT, REST), LONG, 400, "invalid_request", {"retry-after": "30"}),
        (fail(Cause.NO_TARGET, TRIED), FAILED, 502, "upstream_failed", {}),
        (fail(Cause.NO_TARGET, TRIED), Report(Outcome.DENIED), 503, "no_target", None),
        (
            fail(Cause.NO_TARGET, Refused(Refusal.DRAINED), REST),
            None,
            429,
            "no_capacity",
            {"retry-after": "30"},
        ),
        (
            fail(Cause.NO_TARGET, Refused(Refusal.CONTEXT), Refused(Refusal.UNFIT)),
            None,
            400,
            "context_length_exceeded",
            {"x-should-retry": "false"},
        ),
        (
            fail(Cause.NO_TARGET, Refused(Refusal.CONTEXT), Refused(Refusal.EXCLUDED)),
            None,
            400,
            "context_length_exceeded",
            {"x-should-retry": "false"},
        ),
        (fail(Cause.NO_TARGET, AWAY), None, 403, "not_permitted", HOPELESS),
        (fail(Cause.NO_TARGET, AWAY, THEIRS, EXCLUDED), None, 403, "not_permitted", HOPELESS),
        (fail(Cause.NO_TARGET, AWAY, REST), None, 429, "no_capacity", {"retry-after": "30"}),
        (fail(Cause.NO_TARGET, AWAY, DRAINED), None, 503, "no_target", {"retry-after": "1"}),
        (fail(Cause.NO_TARGET, AWAY, TRIED), FAILED, 502, "upstream_failed", {}),
        (fail(Cause.NO_TARGET, AWAY, UNFIT), LONG, 400, "invalid_request", HOPELESS),
        (
            fail(Cause.NO_TARGET, AWAY, Refused(Refusal.CONTEXT)),
            None,
            400,
            "context_length_exceeded",
            HOPELESS,
        ),
        (
            fail(Cause.NO_TARGET, Refused(Refusal.EXCLUDED), Refused(Refusal.EXCLUDED)),
            None,
            400,
            "invalid_header",
            {"x-should-retry": "false"},
        ),
        (
            fail(Cause.CALLER),
            Report(Outcome.REJECTED, detail="400"),
            400,
            "invalid_request",
            {"x-should-retry": "false"},
        ),
        (
            fail(Cause.CALLER),
            Report(Outcome.FILTERED, detail="400"),
            400,
            "content_filter",
            {"x-should-retry": "false"},
        ),
    ],
)
def test_a_failed_course_is_told_with_a_status_a_code_and_a_true_time(
    failed: Fail,
    last: Report | None,
    status: int,
    code: str,
    headers: dict[str, str] | None,
) -> None:
    error = client_error(failed, last, NOW)
    assert (error.status, error.code) == (status, code)
    assert headers is None or error.headers() == headers


def test_every_cause_has_an_error_and_none_is_a_500() -> None:
    for cause in Cause:
        error = client_error(fail(cause, TRIED), FAILED, NOW)
        assert error.status in (400, 429, 502, 503, 504)
        assert error.message


def test_a_page_in_between_is_no_more_useful_than_a_failure() -> None:
    page = LONG._replace(unclassified=400)
    order = [None, Report(Outcome.ABANDONED), page, LONG, BUSY_THERE, Report(Outcome.REJECTED)]
    assert sorted(order[1:], key=useful) == order[1:]
    assert useful(page) == useful(FAILED) > useful(Report(Outcome.DENIED)) == useful(None)


def test_a_time_to_come_back_is_never_in_the_past() -> None:
    error = client_error(fail(Cause.NO_TARGET, REST), None, NOW + 100)
    assert error.headers() == {"retry-after": "1"}


def test_the_message_names_every_target_with_its_reason() -> None:
    error = client_error(fail(Cause.NO_TARGET, REST, TRIED), FAILED, NOW)
    assert "p0/m: its provider asked for a pause; p1/m: it has already failed" in error.message


def test_what_the_last_attempt_died_of_is_told() -> None:
    assert "500 server_error" in client_error(fail(Cause.ATTEMPTS), FAILED, NOW).message
    wordless = Report(Outcome.FAILED, Phase.CONNECT)
    assert "connect" in client_error(fail(Cause.ATTEMPTS), wordless, NOW).message
    assert "500 server_error" in client_error(fail(Cause.INTERRUPTED), FAILED, NOW).message


def test_an_error_is_one_for_the_sdk() -> None:
    error = client_error(fail(Cause.NO_TARGET, REST), None, NOW)
    told = json.loads(OPENAI.error(error))["error"]
    assert (told["type"], told["code"]) == ("rate_limit_error", "no_capacity")


def test_who_may_not_serve_is_told_with_the_cause_but_not_whose_they_are() -> None:
    told = client_error(fail(Cause.NO_TARGET, AWAY, THEIRS, EXCLUDED), None, NOW)
    assert told.message == (
        "no target of this model may be sent this request "
        "(p0/m: what it is sent does not stay where the request must: eu)"
    )
    told = client_error(fail(Cause.NO_TARGET, THEIRS, REST), None, NOW)
    assert "p0/m" not in told.message
    assert "p1/m" in told.message

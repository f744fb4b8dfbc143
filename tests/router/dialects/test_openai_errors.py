import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Phase, Scope
from router.dialects.openai import OPENAI
from router.dialects.openai_errors import CODES, STATUSES, rest_of
from tests.router.dialects.test_openai import CALL, JSON

HTML = b"<html>Just a moment... cf-ray</html>"


def error(**fields: Any) -> bytes:
    return json.dumps({"error": {"message": "secret words", **fields}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome", "scope"),
    [
        (400, error(type="invalid_request_error", code=None), Outcome.REJECTED, Scope.REQUEST),
        (400, error(code="context_length_exceeded"), Outcome.UNFIT, Scope.REQUEST),
        (400, error(code=400, type="exceed_context_size_error"), Outcome.UNFIT, Scope.REQUEST),
        (400, error(code="unsupported_parameter"), Outcome.UNFIT, Scope.REQUEST),
        (400, error(code="content_policy_violation"), Outcome.FILTERED, Scope.REQUEST),
        (400, error(code="model_decommissioned"), Outcome.DENIED, Scope.TARGET),
        (400, b'{"message":"Not found"}', Outcome.REJECTED, Scope.REQUEST),
        (400, b"", Outcome.REJECTED, Scope.REQUEST),
        (401, error(code="invalid_api_key"), Outcome.DENIED, Scope.PROVIDER),
        (401, HTML, Outcome.DENIED, Scope.PROVIDER),
        (401, b'{"detail":"Unauthorized"}', Outcome.DENIED, Scope.PROVIDER),
        (402, b"", Outcome.DENIED, Scope.PROVIDER),
        (403, error(code="unsupported_country_region_territory"), Outcome.DENIED, Scope.PROVIDER),
        (403, HTML, Outcome.FAILED, Scope.TARGET),
        (403, error(code=403, metadata={"reasons": ["x"]}), Outcome.FILTERED, Scope.REQUEST),
        (403, error(code=403, metadata={"provider_name": "x"}), Outcome.DENIED, Scope.PROVIDER),
        (404, b'{"error":"model \'x\' not found"}', Outcome.DENIED, Scope.TARGET),
        (404, error(code="DeploymentNotFound"), Outcome.DENIED, Scope.TARGET),
        (408, b"", Outcome.FAILED, Scope.TARGET),
        (409, b"", Outcome.FAILED, Scope.TARGET),
        (413, HTML, Outcome.UNFIT, Scope.REQUEST),
        (415, b"", Outcome.REJECTED, Scope.REQUEST),
        (422, b"", Outcome.REJECTED, Scope.REQUEST),
        (424, b"", Outcome.FAILED, Scope.TARGET),
        (429, error(type="tokens", code="rate_limit_exceeded"), Outcome.THROTTLED, Scope.TARGET),
        (429, error(code="429"), Outcome.THROTTLED, Scope.TARGET),
        (429, error(code="insufficient_quota"), Outcome.DENIED, Scope.PROVIDER),
        (429, error(code=None, type="insufficient_quota"), Outcome.DENIED, Scope.PROVIDER),
        (
            429,
            b'[{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]',
            Outcome.THROTTLED,
            Scope.TARGET,
        ),
        (498, b"", Outcome.FAILED, Scope.TARGET),
        (302, b"", Outcome.FAILED, Scope.TARGET),
        (500, error(type="server_error"), Outcome.FAILED, Scope.TARGET),
        (503, b"upstream connect error", Outcome.FAILED, Scope.TARGET),
        (520, HTML, Outcome.FAILED, Scope.TARGET),
        (529, error(type="overloaded_error"), Outcome.THROTTLED, Scope.TARGET),
    ],
)
def test_a_refusal_means_what_its_code_says_and_else_its_status(
    status: int, body: bytes, outcome: Outcome, scope: Scope
) -> None:
    report = OPENAI.refusal(CALL, status, {}, body)
    assert (report.outcome, report.phase) == (outcome, Phase.HEAD)
    assert report.scope is scope
    assert str(status) in report.detail


def test_overload_is_a_pause_and_a_sign_of_sickness() -> None:
    assert OPENAI.refusal(CALL, 529, {}, b"").overloaded
    assert OPENAI.refusal(CALL, 503, {}, error(type="overloaded_error")).overloaded
    assert not OPENAI.refusal(CALL, 429, {}, b"").overloaded


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after": "7", "retry-after-ms": "6500"}, 6.5),
        ({"retry-after": "7", "retry-after-ms": "soon"}, 7),
        ({"retry-after": "-5"}, 0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:00 GMT"}, None),
        ({"retry-after": ""}, None),
        ({}, None),
    ],
)
def test_the_pause_that_was_asked_for_is_read(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert rest_of(headers) == seconds
    assert OPENAI.refusal(CALL, 429, headers, b"").rest == seconds
    assert OPENAI.refusal(CALL, 500, headers, b"").rest is None


@given(
    st.integers(300, 999),
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text(max_size=9)),
    JSON.map(lambda value: json.dumps({"error": value}).encode())
    | JSON.map(lambda value: json.dumps([{"error": value}]).encode())
    | st.binary(max_size=20),
)
def test_any_refusal_has_an_outcome_that_is_not_good(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    report = OPENAI.refusal(CALL, status, headers, body)
    assert report.outcome not in (Outcome.OK, Outcome.ABANDONED)
    assert report.rest is None or report.rest >= 0


def test_no_text_of_a_provider_gets_into_a_report() -> None:
    for status in (400, 401, 429, 500):
        report = OPENAI.refusal(CALL, status, {}, error(code="x" * 500, type="y" * 500))
        assert "secret" not in report.detail
        assert len(report.detail) < 100


def test_what_only_the_provider_is_to_blame_for_never_goes_to_the_client() -> None:
    for meaning in (*CODES.values(), *STATUSES.values()):
        to_the_client = (Outcome.REJECTED, Outcome.FILTERED, Outcome.UNFIT)
        assert (meaning.scope is Scope.REQUEST) == (meaning.outcome in to_the_client)

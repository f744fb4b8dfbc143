"""What the tables may not do, whatever stands in them."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Phase, Scope
from router.dialects.errors.judge import failed, refused
from router.dialects.errors.quirks import EVERYBODY, TABLES
from router.dialects.errors.rests import DAY
from router.dialects.errors.table import FAILED, KEY, UNFIT, Table, line
from router.dialects.openai.dialect import OPENAI, SPOKEN_BY
from tests.router.dialects.openai.test_dialect import JSON

TABLED = [EVERYBODY, *TABLES.values()]
LINES = [one for table in TABLED for one in table.lines]
ECHOED = frozenset({400, 413, 422, 404, 200})
"""Statuses whose message may repeat what a caller wrote."""
CHAT = OPENAI.parse(b'{"model":"m","messages":[]}')
EMBED = OPENAI.parse(b'{"model":"m","input":"a"}', "embeddings")


def error(**fields: Any) -> bytes:
    return json.dumps({"error": {"message": "secret words", **fields}}).encode()


def test_what_is_the_requests_own_and_nothing_else_goes_to_the_client() -> None:
    to_the_client = (Outcome.REJECTED, Outcome.FILTERED, Outcome.UNFIT)
    for one in LINES:
        assert (one.means.scope is Scope.REQUEST) == (one.means.outcome in to_the_client), one


def test_no_text_of_a_caller_makes_a_target_rest() -> None:
    for one in LINES:
        if one.says and one.means.outcome.rests and (not one.status or one.status & ECHOED):
            assert one.says.startswith("^"), one
            assert "|" not in re.sub(r"\(.*?\)", "", one.says), one


def test_what_is_compared_is_in_lower_case_on_both_sides() -> None:
    table = Table([line(KEY, says="^no key")])
    assert refused(table, 400, {}, error(message="No KEY"), None).outcome is Outcome.DENIED
    for one in LINES:
        assert not re.search(r"(?<!\\)[A-Z]", "".join((one.says, *one.codes))), one


def test_a_line_names_something_and_a_code_is_known_by_one_line_of_a_table() -> None:
    for table in TABLED:
        seen: set[tuple[str, int]] = set()
        for one in table.lines:
            assert one.status or one.codes or one.says
            assert not (one.codes and one.says)
            keys = {(code, status) for code in one.codes for status in one.status or {0}}
            assert not keys & seen
            seen |= keys


def test_more_telling_signs_are_asked_first_and_a_providers_own_before_all() -> None:
    common = Table([line(FAILED, 400), line(UNFIT, 400, codes="a b"), line(KEY, 400, says="^no")])
    own = Table([line(FAILED, 400, codes="b")], common)
    for table, body, outcome in (
        (common, error(code="a", message="no key"), Outcome.DENIED),
        (common, error(code="a"), Outcome.UNFIT),
        (common, error(code="c"), Outcome.FAILED),
        (own, error(code="b", message="no key"), Outcome.FAILED),
        (own, error(code="a"), Outcome.UNFIT),
    ):
        assert refused(table, 400, {}, body, None).outcome is outcome


def test_the_most_telling_word_of_an_error_decides() -> None:
    body = error(code="model_not_found", type="invalid_request_error", status="INVALID_ARGUMENT")
    assert OPENAI.refusal(CHAT, 400, {}, body).scope is Scope.TARGET
    body = error(code=400, status="INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}])
    assert OPENAI.refusal(CHAT, 400, {}, body).scope is Scope.PROVIDER


@pytest.mark.parametrize("status", [429, 425])
@pytest.mark.parametrize("code", ["overloaded_error", "queue_exceeded", "engine_overloaded"])
def test_a_429_is_never_a_sign_of_sickness(status: int, code: str) -> None:
    report = OPENAI.refusal(CHAT, status, {}, error(code=code))
    assert report.outcome is Outcome.THROTTLED
    assert report.overloaded is (status != 429)


def test_a_missing_path_says_nothing_of_a_model_where_not_every_server_has_it() -> None:
    for status in (404, 405):
        assert OPENAI.refusal(EMBED, status, {}, b"").outcome is Outcome.UNFIT
        assert OPENAI.refusal(CHAT, status, {}, b"").outcome is Outcome.DENIED
    missing = error(code="model_not_found")
    assert OPENAI.refusal(EMBED, 404, {}, missing).outcome is Outcome.DENIED


def test_no_text_of_a_provider_gets_into_a_report() -> None:
    for status in (400, 401, 418, 429, 500):
        report = OPENAI.refusal(CHAT, status, {}, error(code="x" * 500, type="y" * 500))
        assert "secret" not in report.detail
        assert len(report.detail) < 100
        assert OPENAI.refusal(CHAT, status, {}, error(code="a\nb")).detail == str(status)


def test_an_error_inside_a_success_shows_both_statuses() -> None:
    assert failed(EVERYBODY, {"error": {"code": 502}}, Phase.BODY).detail == "200 with a 502"
    report = failed(EVERYBODY, {"error": {"code": "server_error"}}, Phase.BODY)
    assert report.detail == "200 server_error"


WORDS = st.sampled_from(
    [
        "code", "type", "status", "message", "details", "metadata", "innererror", "reasons",
        "headers", "retryDelay", "violations", "quotaId", "error_type", "error_code", "reason",
        "error", "detail", "msg", "status_code",
    ]
)  # fmt: skip
LEAVES = JSON | st.sampled_from(["429", 429, "34.5s", "PerDay", "insufficient_quota", "1e400"])
ERRORS = st.recursive(
    LEAVES,
    lambda inner: st.dictionaries(WORDS, inner, max_size=5) | st.lists(inner, max_size=3),
    max_leaves=12,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-reset-tokens",
            "x-ratelimit-remaining-tokens", "x-ratelimit-remaining", "ratelimit", "date",
        ]
    ),
    st.text(max_size=20)
    | st.from_regex(r"-?[0-9]{1,20}(\.[0-9]+)?(ms|s|m)?", fullmatch=True)
    | st.sampled_from(["nan", "inf", "-inf", "1e999", "Sat, 99 Aug 2026 02:26:30 GMT"])
    | st.datetimes().map(str),
)  # fmt: skip
BODIES = (
    st.binary(max_size=40)
    | ERRORS.map(lambda told: json.dumps({"error": told}).encode())
    | ERRORS.map(lambda told: json.dumps([told]).encode())
    | ERRORS.map(lambda told: json.dumps(told).encode())
)


@given(
    st.sampled_from([OPENAI, *SPOKEN_BY.values()]),
    st.integers(300, 999) | st.sampled_from([400, 402, 403, 404, 412, 429, 503, 529]),
    HEADERS,
    BODIES,
    st.none() | st.floats(0, 4e9),
)
def test_any_refusal_has_an_outcome_that_is_not_good_and_a_rest_that_is_finite(
    dialect: Any, status: int, headers: dict[str, str], body: bytes, wall: float | None
) -> None:
    report = dialect.refusal(CHAT, status, headers, body, wall)
    assert report.outcome not in (Outcome.OK, Outcome.ABANDONED)
    assert report.rest is None or (report.outcome.rests and 0 <= report.rest <= DAY)
    assert report.unclassified in (None, status)
    assert report.detail.isprintable()


@given(BODIES)
def test_any_error_inside_a_success_is_one(body: bytes) -> None:
    report = OPENAI.whole(CHAT, body)[0]
    assert report.outcome not in (Outcome.OK, Outcome.ABANDONED)
    assert report.rest is None or 0 <= report.rest <= DAY
    stream = OPENAI.reader(OPENAI.parse(b'{"model":"m","messages":[],"stream":true}'))
    stream.feed(b"event: error\ndata: " + body.replace(b"\n", b"").replace(b"\r", b"") + b"\n\n")
    stream.feed(body)
    stream.finish()
    assert not stream.ended
    assert stream.failure is None or not stream.failure.outcome.good


@given(BODIES)
def test_own_words_are_an_error_with_a_message_or_nothing(body: bytes) -> None:
    words = OPENAI.own_words(CHAT, body)
    if words is not None:
        told = json.loads(words)["error"]
        assert isinstance(told, dict)
        assert told.get("message") or told.get("detail") or told.get("msg")

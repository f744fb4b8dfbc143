import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.headers import DOWN, downward, meant_for, upward

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)


def test_only_what_a_provider_needs_goes_up() -> None:
    client = {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "openai-beta": "x=1",
        "traceparent": "00-1-2-03",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
        "authorization": "Bearer the clients own",
        "x-api-key": "the clients own",
        "cookie": "session=1",
        "host": "router",
        "content-length": "7",
        "connection": "close",
        "accept-encoding": "gzip",
        "user-agent": "curl",
        "origin": "http://localhost",
        "openai-organization": "org-1",
        "x-forwarded-for": "10.0.0.1",
        "x-stainless-retry-count": "1",
        "idempotency-key": "k",
        "x-router-target": "a/m",
    }
    assert upward(client) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "openai-beta": "x=1",
        "traceparent": "00-1-2-03",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
    }


def test_what_is_another_dialects_is_withheld() -> None:
    client = {"accept": "*/*", "openai-beta": "x", "anthropic-beta": "y"}
    assert meant_for(client, ()) is client
    assert meant_for({"accept": "*/*"}, ("anthropic-",)) == {"accept": "*/*"}
    assert meant_for(client, ("anthropic-",)) == {"accept": "*/*", "openai-beta": "x"}
    assert meant_for(client, ("anthropic-", "openai-")) == {"accept": "*/*"}


@given(st.dictionaries(NAMES, st.text(max_size=5)))
def test_nothing_unnamed_goes_up(headers: dict[str, str]) -> None:
    known = {"content-type", "accept", "openai-beta", "traceparent"}
    assert all(name in known or name.startswith("anthropic-") for name in upward(headers))


@pytest.mark.parametrize(
    "name",
    [
        *("connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding"),
        *("date", "server", "via", "trailer", "upgrade", "alt-svc", "server-timing"),
        *("set-cookie", "openai-organization", "openai-project"),
        *("anthropic-organization-id", "anthropic-workspace-id"),
        *("x-ratelimit-remaining-requests", "ratelimit-reset", "ratelimit"),
        *("anthropic-ratelimit-tokens-remaining", "retry-after", "retry-after-ms"),
        *("x-should-retry", "x-request-id", "x-router-target", "x-router-attempts"),
        *(
            "access-control-allow-origin",
            "strict-transport-security",
            "cf-ray",
            "x-envoy-upstream-service-time",
            "x-new",
        ),
    ],
)
def test_what_is_between_router_and_provider_does_not_come_down(name: str) -> None:
    assert downward({name: "x", "openai-version": "1"}) == {"openai-version": "1"}


@pytest.mark.parametrize(
    "name",
    ["content-type", "cache-control", "openai-processing-ms", "openai-version", "request-id"],
)
def test_what_a_client_may_know_comes_down(name: str) -> None:
    assert downward({name: "x"}) == {name: "x"}


@given(st.dictionaries(NAMES, st.text(max_size=5)))
def test_nothing_unnamed_comes_down(headers: dict[str, str]) -> None:
    passed = ("openai-", "anthropic-")
    assert all(name in DOWN or name.startswith(passed) for name in downward(headers))

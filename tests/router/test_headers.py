import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from router.headers import DOWN, downward, upward

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=20)


def test_only_what_a_provider_needs_goes_up() -> None:
    client = CIMultiDict(
        {
            "Content-Type": "application/json",
            "Accept": "text/event-stream",
            "OpenAI-Beta": "x=1",
            "Traceparent": "00-1-2-03",
            "Anthropic-Version": "2023-06-01",
            "Anthropic-Beta": "a,b",
            "Authorization": "Bearer the clients own",
            "X-Api-Key": "the clients own",
            "Cookie": "session=1",
            "Host": "router",
            "Content-Length": "7",
            "Connection": "close",
            "Accept-Encoding": "gzip",
            "User-Agent": "curl",
            "Origin": "http://localhost",
            "OpenAI-Organization": "org-1",
            "X-Forwarded-For": "10.0.0.1",
            "X-Stainless-Retry-Count": "1",
            "Idempotency-Key": "k",
            "X-Router-Target": "a/m",
        }
    )
    assert upward(client) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "openai-beta": "x=1",
        "traceparent": "00-1-2-03",
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
    }


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

"""The headers in which a client is told how its limits stand, and the words of a refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Limits, Rate
from policies.engine.limits.stand import Stand
from router.tenants.wording import NAMES, Standing, duration, headers_of, hindrance, named, refusal

REQUESTS = Standing(
    "tenant", '"tenant-requests-per-minute";r=', Stand("requests", 100, 60.0, 42, 0.0, 2.2, 59.4)
)
OF_USER = Standing("user", '"user";r=', Stand("requests", 10, 60.0, 3, 0.0, 5.0, 30.0))
DAY = Stand("tokens", 1_000_000, 86400.0, -5, 12.01, 3.0, 86000.0)
TOKENS = Standing("model", '"model-tokens-per-day";r=', DAY)
PLACES = Standing("tenant", '"tenant-concurrent";r=', Stand("concurrent", 20, 0.0, 0, None))
FRESH = Standing("endpoint", '"endpoint";r=', Stand("requests", 5, 1.0, 5, 0.0))


def test_every_limit_is_an_item_of_its_own_in_the_policy() -> None:
    limits = Limits((Rate(100, 60.0), Rate(5, 1.0)), (Rate(1_000_000, 86400.0),), 20)
    policy, items = named("tenant", limits)
    assert policy == (
        '"tenant-requests-per-minute";q=100;w=60, "tenant-requests-per-second";q=5;w=1, '
        '"tenant-tokens-per-day";q=1000000;qu="tokens";w=86400, '
        '"tenant-concurrent";q=20;qu="concurrent-requests"'
    )
    assert [f"{item}3" for item in items] == [
        f"{one.partition(';')[0]};r=3" for one in policy.split(", ")
    ]
    assert named("user", Limits()) == ("", ())


def test_every_limit_says_what_is_left_and_when_there_is_more_or_room() -> None:
    told = headers_of("the policy", [REQUESTS, OF_USER, TOKENS, PLACES, FRESH])
    assert told["ratelimit-policy"] == "the policy"
    assert told["ratelimit"] == (
        '"tenant-requests-per-minute";r=42;t=3, "user";r=3;t=5, '
        '"model-tokens-per-day";r=0;t=13, "tenant-concurrent";r=0, "endpoint";r=5'
    )


def test_openai_s_clients_are_told_of_the_limit_of_which_least_is_left() -> None:
    told = headers_of("", [REQUESTS, OF_USER, TOKENS])
    assert {name: value for name, value in told.items() if name.startswith("x-")} == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "3",
        "x-ratelimit-reset-requests": "30s",
        "x-ratelimit-limit-tokens": "1000000",
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "23h53m20s",
    }
    assert set(told) <= NAMES


def test_without_limits_there_are_no_headers() -> None:
    assert headers_of("", []) == {}
    assert set(headers_of("", [PLACES])) == {"ratelimit-policy", "ratelimit"}


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.0, "0ms"),
        (0.0201, "21ms"),
        (0.9999, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (360.0, "6m0s"),
        (3600.0, "1h0m0s"),
        (86400.25, "24h0m0.25s"),
    ],
)
def test_durations_are_written_as_openai_writes_them(seconds: float, told: str) -> None:
    assert duration(seconds) == told


@given(st.floats(0.0, 1e7))
def test_a_duration_is_never_shorter_than_it_is(seconds: float) -> None:
    told, total = duration(seconds), 0.0
    for unit, worth in (("ms", 0.001), ("h", 3600), ("m", 60), ("s", 1)):
        head, sign, rest = told.partition(unit)
        if sign:
            total, told = total + float(head) * worth, rest
    assert not told
    assert seconds - 1e-6 <= total <= seconds + 0.002


def test_the_latest_of_several_hindrances_is_named_with_the_time_for_all_of_them() -> None:
    assert hindrance([REQUESTS, TOKENS, PLACES]) == (TOKENS, 12.01)
    assert hindrance([REQUESTS, PLACES]) == (PLACES, 1.0)
    assert refusal(TOKENS, "team", 5000, 12.01) == (
        "the tenant 'team' may have of this model 1,000,000 tokens in any day; 0 are left and this "
        "request needs about 5,000; there is room in 13 s"
    )
    assert refusal(PLACES, "team", 0, 1.0) == (
        "the tenant 'team' may have 20 requests under way at once, and has them"
    )

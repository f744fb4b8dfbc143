"""What each provider sends is written here by hand, from what is published of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Headroom, Measurement, Used
from router.headers import downward
from router.quota.headers import READ, USED, measured
from router.upstream.fields import every, of_success

WALL = 1_790_000_000.0  # 2026-09-21T14:13:20Z
GOLDEN: dict[str, tuple[dict[str, str], tuple[Headroom, ...]]] = {
    "OpenAI": (
        {
            "x-ratelimit-limit-requests": "5000",
            "x-ratelimit-remaining-requests": "4999",
            "x-ratelimit-reset-requests": "12ms",
            "x-ratelimit-limit-tokens": "160000",
            "x-ratelimit-remaining-tokens": "159976",
            "x-ratelimit-reset-tokens": "6m0s",
        },
        (
            Headroom("requests", 4999, 5000, 0.012, None, "requests"),
            Headroom("tokens", 159976, 160000, 360.0, 60.0, "tokens"),
        ),
    ),
    "Azure": (
        {"x-ratelimit-remaining-requests": "99", "x-ratelimit-remaining-tokens": "98811"},
        (
            Headroom("requests", 99, None, None, None, "requests"),
            Headroom("tokens", 98811, None, None, 60.0, "tokens"),
        ),
    ),
    "Azure, with every part": (
        {
            "x-ratelimit-limit-requests": "2500",
            "x-ratelimit-remaining-requests": "2499",
            "x-ratelimit-reset-requests": "24",
            "x-ratelimit-renewalperiod-requests": "60",
            "x-ratelimit-limit-tokens": "250000",
            "x-ratelimit-remaining-tokens": "249993",
            "x-ratelimit-reset-tokens": "1",
            "x-ratelimit-renewalperiod-tokens": "60",
            "x-ratelimit-abusepenalty-active": "False",
        },
        (
            Headroom("requests", 2499, 2500, 24.0, None, "requests"),
            Headroom("tokens", 249993, 250000, 1.0, 60.0, "tokens"),
        ),
    ),
    "Anthropic": (
        {
            "anthropic-ratelimit-requests-limit": "50",
            "anthropic-ratelimit-requests-remaining": "49",
            "anthropic-ratelimit-requests-reset": "2026-09-21T14:13:21Z",
            "anthropic-ratelimit-input-tokens-limit": "30000",
            "anthropic-ratelimit-input-tokens-remaining": "28000",
            "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:13:24Z",
            "anthropic-ratelimit-output-tokens-limit": "8000",
            "anthropic-ratelimit-output-tokens-remaining": "8000",
            "anthropic-ratelimit-output-tokens-reset": "2026-09-21T14:13:20Z",
        },
        (
            Headroom("requests", 49, 50, 1.0, 60.0, "requests"),
            Headroom("input", 28000, 30000, 4.0, 60.0, "input-tokens"),
            Headroom("output", 8000, 8000, 0.0, 60.0, "output-tokens"),
        ),
    ),
    "Groq": (
        {
            "x-ratelimit-limit-requests": "14400",
            "x-ratelimit-limit-tokens": "18000",
            "x-ratelimit-remaining-requests": "14370",
            "x-ratelimit-remaining-tokens": "17997",
            "x-ratelimit-reset-requests": "2m59.56s",
            "x-ratelimit-reset-tokens": "7.66s",
        },
        (
            Headroom("requests", 14370, 14400, 179.56, None, "requests"),
            Headroom("tokens", 17997, 18000, 7.66, 60.0, "tokens"),
        ),
    ),
    "Together": (
        {
            "x-ratelimit-limit": "10",
            "x-ratelimit-remaining": "3",
            "x-ratelimit-reset": "1",
            "x-tokenlimit-limit": "2000",
            "x-tokenlimit-remaining": "1500",
        },
        (
            Headroom("requests", 3, 10, 1.0, None, "requests"),
            Headroom("tokens", 1500, 2000, None, None, "tokens"),
        ),
    ),
    "Fireworks": (
        {
            "x-ratelimit-limit-requests": "600",
            "x-ratelimit-remaining-requests": "599",
            "x-ratelimit-limit-tokens-prompt": "60000",
            "x-ratelimit-remaining-tokens-prompt": "59900",
            "x-ratelimit-limit-tokens-generated": "6000",
            "x-ratelimit-remaining-tokens-generated": "5990",
            "x-ratelimit-over-limit": "no",
        },
        (
            Headroom("requests", 599, 600, None, None, "requests"),
            Headroom("input", 59900, 60000, None, 60.0, "tokens-prompt"),
            Headroom("output", 5990, 6000, None, 60.0, "tokens-generated"),
        ),
    ),
    "Cerebras": (
        {
            "x-ratelimit-limit-requests-day": "14400",
            "x-ratelimit-remaining-requests-day": "14399",
            "x-ratelimit-reset-requests-day": "33011.382867",
            "x-ratelimit-limit-tokens-minute": "60000",
            "x-ratelimit-remaining-tokens-minute": "59998",
            "x-ratelimit-reset-tokens-minute": "11.38",
        },
        (
            Headroom("requests", 14399, 14400, 33011.382867, 86400.0, "requests-day"),
            Headroom("tokens", 59998, 60000, 11.38, 60.0, "tokens-minute"),
        ),
    ),
    "Mistral": (
        {
            "x-ratelimit-limit-req-minute": "60",
            "x-ratelimit-remaining-req-minute": "58",
            "x-ratelimitbysize-limit-minute": "500000",
            "x-ratelimitbysize-remaining-minute": "499000",
            "x-ratelimit-tokens-query-cost": "12",
        },
        (
            Headroom("requests", 58, 60, None, 60.0, "req-minute"),
            Headroom("tokens", 499000, 500000, None, 60.0, "tokens-minute"),
        ),
    ),
    "OpenRouter": (
        {
            "x-ratelimit-limit": "20",
            "x-ratelimit-remaining": "0",
            "x-ratelimit-reset": "1790000030000",
        },
        (Headroom("requests", 0, 20, 30.0, None, "requests"),),
    ),
    "RateLimit": (
        {
            "ratelimit-policy": '"burst";q=100;w=60, "daily";q=1000;w=86400',
            "ratelimit": '"burst";r=50;t=30, "daily";r=900;t=4000',
        },
        (
            Headroom("requests", 50, 100, 30.0, 60.0, "burst"),
            Headroom("requests", 900, 1000, 4000.0, 86400.0, "daily"),
        ),
    ),
    "RateLimit, as first drafted": (
        {"ratelimit": "limit=100, remaining=50, reset=30"},
        (Headroom("requests", 50, 100, 30.0, None, "requests"),),
    ),
    "RateLimit, in three": (
        {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "5", "ratelimit-reset": "30"},
        (Headroom("requests", 5, 100, 30.0, 60.0, "requests"),),
    ),
    "RateLimit, in three, with its policy apart": (
        {
            "ratelimit-limit": "100",
            "ratelimit-remaining": "5",
            "ratelimit-reset": "30",
            "ratelimit-policy": "10;w=1, 100;w=3600",
        },
        (Headroom("requests", 5, 100, 30.0, 3600.0, "requests"),),
    ),
    "RateLimit, as first drafted, with its policy": (
        {"ratelimit": "limit=100, remaining=50, reset=30", "ratelimit-policy": "100;w=3600"},
        (Headroom("requests", 50, 100, 30.0, 3600.0, "requests"),),
    ),
    "RateLimit, of several units": (
        {
            "ratelimit-policy": '"day";q=9000;w=86400;qu="tokens", "size";q=65536;w=60;'
            'qu="content-bytes", "open";q=5;qu="concurrent-requests", "all";q=9;w=60;qu="requests"',
            "ratelimit": '"day";r=800;t=30, "size";r=0;t=30, "open";r=0, "all";r=8;t=30',
        },
        (
            Headroom("tokens", 800, 9000, 30.0, 86400.0, "day"),
            Headroom("requests", 8, 9, 30.0, 60.0, "all"),
        ),
    ),
}
LEFT_OUT = {
    "Anthropic's priority tier": {
        "anthropic-priority-input-tokens-limit": "10000",
        "anthropic-priority-input-tokens-remaining": "0",
        "anthropic-priority-input-tokens-reset": "2026-09-21T14:13:24Z",
        "anthropic-priority-output-tokens-limit": "10000",
        "anthropic-priority-output-tokens-remaining": "0",
        "anthropic-priority-output-tokens-reset": "2026-09-21T14:13:24Z",
    },
    "Anthropic's fast mode": {
        "anthropic-fast-input-tokens-limit": "10000",
        "anthropic-fast-input-tokens-remaining": "0",
        "anthropic-fast-input-tokens-reset": "2026-09-21T14:13:24Z",
    },
    "a subscription of Anthropic's": {
        "anthropic-ratelimit-unified-status": "allowed",
        "anthropic-ratelimit-unified-representative-claim": "five_hour",
        "anthropic-ratelimit-unified-reset": "1790003600",
        "anthropic-ratelimit-unified-5h-status": "allowed",
        "anthropic-ratelimit-unified-5h-utilization": "0.98",
        "anthropic-ratelimit-unified-5h-reset": "1790003600",
        "anthropic-ratelimit-unified-7d-utilization": "0.3",
        "anthropic-ratelimit-unified-overage-status": "rejected",
        "anthropic-ratelimit-unified-fallback-percentage": "0.5",
    },
    "Fireworks, near capacity": {"x-ratelimit-over-limit": "yes"},
    "whether to ask again": {"x-should-retry": "false"},
}


@pytest.mark.parametrize("provider", GOLDEN)
def test_every_providers_way_to_say_what_is_left_is_read(provider: str) -> None:
    headers, said = GOLDEN[provider]
    assert measured({"content-type": "application/json", **headers}, WALL) == Measurement(said)


@pytest.mark.parametrize("provider", GOLDEN)
def test_of_a_success_these_headers_are_read_and_not_passed_on(provider: str) -> None:
    headers, _ = GOLDEN[provider]
    fields = [(name.title().encode(), value.encode()) for name, value in headers.items()]
    known = {name: value for name, value in headers.items() if name in READ}
    told, limits = of_success(fields, {})
    assert every(limits) == known
    assert not downward(told)


@pytest.mark.parametrize("headers", LEFT_OUT.values(), ids=LEFT_OUT)
@pytest.mark.parametrize("provider", [None, *GOLDEN])
def test_what_limits_no_request_of_ours_changes_nothing_of_what_does(
    provider: str | None, headers: dict[str, str]
) -> None:
    real, said = GOLDEN[provider] if provider else ({}, ())
    assert measured({**headers, **real}, WALL) == (Measurement(said) if said else None)


@pytest.mark.parametrize("headers", LEFT_OUT.values(), ids=LEFT_OUT)
def test_clients_are_not_told_of_it_either(headers: dict[str, str]) -> None:
    assert not downward(headers)


def test_an_answer_without_such_headers_says_nothing() -> None:
    assert measured({"content-type": "application/json", "openai-version": "1"}, WALL) is None
    assert measured({"x-ratelimit-limit-requests": "60"}, WALL) is None


def test_what_cannot_be_read_is_counted_and_the_rest_holds() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "many",
        "x-ratelimit-remaining-tokens": "10",
        "x-ratelimit-limit-tokens": "unlimited",
        "x-ratelimit-reset-tokens": "soon",
    }
    left = Headroom("tokens", 10, None, None, 60.0, "tokens")
    assert measured(headers, WALL) == Measurement((left,), nonsense=3)


def test_an_instant_is_read_by_the_clock_of_the_answer_itself() -> None:
    headers, _ = GOLDEN["Anthropic"]
    ahead = {**headers, "date": "Mon, 21 Sep 2026 14:13:20 GMT"}
    assert measured(ahead, WALL + 3600) == measured(headers, WALL)


VALUES = st.text(max_size=30) | st.from_regex(
    r"-?[0-9]{0,20}(\.[0-9]+)?(ms|s|m|h)?", fullmatch=True
)


@given(
    st.dictionaries(st.sampled_from(sorted(READ)) | st.text(max_size=10), VALUES, max_size=8),
    st.none() | st.floats(0, 4e9),
)
def test_whatever_headers_say_nothing_is_raised(headers: dict[str, str], wall: float) -> None:
    told = measured(headers, wall)
    for one in told.said if told is not None else ():
        assert one.reset is None or one.reset >= 0


@pytest.mark.parametrize(
    ("headers", "used"),
    [
        ({USED: "87.3%"}, Used(0.873)),
        ({USED: "100.0%", "retry-after-ms": "1500", "retry-after": "2"}, Used(1.0, 1.5)),
        ({USED: " 104.25 % ", "retry-after": "2"}, Used(1.0425, 2.0)),
        ({USED: "101%", "retry-after-ms": "0", "retry-after": "1"}, Used(1.01, 1.0)),
        ({USED: "0"}, Used(0.0)),
    ],
)
def test_azure_says_how_much_of_provisioned_throughput_is_used(
    headers: dict[str, str], used: Used
) -> None:
    told = measured(headers, WALL)
    assert told is not None
    assert told.used is not None
    assert (told.said, told.nonsense) == ((), 0)
    assert told.used.share == pytest.approx(used.share)
    assert told.used.rest == used.rest


@pytest.mark.parametrize("value", ["", "-3%", "nan%", "12,5%", "1e9%", "9" * 9, "much"])
def test_a_utilisation_that_is_none_is_nonsense(value: str) -> None:
    assert measured({USED: value}, WALL) == Measurement((), 1)


def test_a_time_to_come_back_alone_says_nothing_of_what_is_left() -> None:
    assert measured({"retry-after": "3", "retry-after-ms": "3000"}, WALL) is None

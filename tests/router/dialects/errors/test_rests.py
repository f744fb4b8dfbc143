"""Every way in which a provider is known to say how long it wants to be left alone."""

from datetime import UTC, datetime

import pytest

from router.dialects.errors.rests import DAY, calendar, seconds, told
from router.dialects.errors.said import Said
from router.dialects.errors.table import Resets

WALL = datetime(2026, 8, 22, 2, 26, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("value", "rest"),
    [
        ("7", 7),
        (" 7 ", 7),
        ("0.25", 0.25),
        ("-5", 0),
        ("1s", 1),
        ("6m0s", 360),
        ("1h2m3.5s", 3723.5),
        ("120ms", 0.12),
        ("2ms", 0.002),
        ("2m59.56s", 179.56),
        ("34.074824224s", 34.074824224),
        ("1d", DAY),
        ("900h", DAY),
        ("26 seconds", 26),
        ("5 min", 300),
        (f"{WALL + 12:.0f}", 12),
        (f"{WALL * 1000 + 12_500:.0f}", 12.5),
        (f"{WALL - 12:.0f}", 0),
        ("2026-08-22T02:26:42Z", 42),
        ("2026-08-22T04:26:42+02:00", 42),
        ("2026-08-22T02:26:42", 42),
        ("Sat, 22 Aug 2026 02:26:30 GMT", 30),
        ("Saturday, 22-Aug-26 02:26:30 GMT", 30),
        ("Sat Aug 22 02:26:30 2026", 30),
        ("Sat, 22 Aug 2026 02:25:30 GMT", 0),
    ],
)
def test_a_wait_is_read_in_every_form(value: str, rest: float) -> None:
    assert seconds(value, WALL) == pytest.approx(rest, abs=1e-6)


@pytest.mark.parametrize(
    "value",
    ["", "soon", "nan", "inf", "1e5", "1_0", "7x", "s", "6 months", "\u0667", "Sat, 99 Aug"],
)
def test_what_is_no_wait_says_nothing(value: str) -> None:
    assert seconds(value, WALL) is None


@pytest.mark.parametrize("value", ["2026-08-22T02:26:42Z", "Sat, 22 Aug 2026 02:26:30 GMT"])
def test_an_instant_says_nothing_to_who_does_not_know_the_time(value: str) -> None:
    assert seconds(value, None) is None
    assert seconds("7", None) == 7


def test_an_instant_is_read_by_the_clock_that_made_it() -> None:
    headers = {
        "retry-after": "Sat, 22 Aug 2026 10:00:30 GMT",
        "date": "Sat, 22 Aug 2026 10:00:00 GMT",
    }
    assert told(Said(429, headers=headers), WALL) == 30
    late = told(Said(429, headers={**headers, "date": "today"}), WALL)
    assert late == 7 * 3600 + 34 * 60 + 30


def test_headers_are_believed_before_the_body_and_the_body_before_the_message() -> None:
    message = "please try again in 20s."
    limits = {"x-ratelimit-reset-tokens": "6s"}
    every = Said(429, (), message, True, "9s", {"retry-after": "3", **limits})
    assert told(every, WALL) == 3
    assert told(every._replace(headers=limits), WALL) == 9
    assert told(every._replace(headers=limits, delay=""), WALL) == 6
    assert told(every._replace(headers={}, delay=""), WALL) == 20
    assert told(every._replace(headers={"retry-after": "soon"}, delay="x"), WALL) == 20


@pytest.mark.parametrize(
    ("message", "rest"),
    [
        ("Please try again in 7m12s.", 432),
        ("Please try again in 20s. Visit the page", 20),
        ("Please retry in 36.96s.", 36.96),
        ("Please retry after 26 seconds.", 26),
        ("Try again in 6ms", 0.006),
        ("try again in 1h26m.", 5160),
        ("Please wait 5 minutes", 300),
        ("Please try again later.", None),
        ("Try again in 6 months", None),
        ("The limit is 20s", None),
    ],
)
def test_a_message_names_a_wait_where_nothing_else_does(message: str, rest: float | None) -> None:
    assert told(Said(429, (), message.lower()), WALL) == rest


def test_of_several_limits_the_one_that_was_hit_decides() -> None:
    resets = {"x-ratelimit-reset-requests": "8s", "x-ratelimit-reset-tokens": "2s"}
    both = Said(429, headers=resets)
    assert told(both, WALL) == 2
    assert told(both._replace(codes=("requests", "rate_limit_exceeded")), WALL) == 8
    spent = {**resets, "x-ratelimit-remaining-requests": "0", "x-ratelimit-remaining-tokens": "5"}
    assert told(Said(429, headers=spent), WALL) == 8
    spent |= {"x-ratelimit-remaining-tokens": "-1"}
    assert told(Said(429, headers=spent), WALL) == 8


@pytest.mark.parametrize(
    ("day", "midnight", "month"),
    [
        ("2026-08-22T02:26:00", "2026-08-22T08:00:00", "2026-09-01T00:00:00"),
        ("2026-08-22T08:00:00", "2026-08-23T08:00:00", "2026-09-01T00:00:00"),
        ("2026-12-31T23:59:00", "2027-01-01T08:00:00", "2027-01-01T00:00:00"),
        ("2026-02-28T12:00:00", "2026-03-01T08:00:00", "2026-03-01T00:00:00"),
    ],
)
def test_a_quota_of_the_calendar_comes_back_with_it(day: str, midnight: str, month: str) -> None:
    wall, at, first = (
        datetime.fromisoformat(one).replace(tzinfo=UTC).timestamp()
        for one in (day, midnight, month)
    )
    assert calendar(Resets.PACIFIC, wall) == at - wall
    assert calendar(Resets.MONTH, wall) == min(DAY, first - wall)
    assert calendar(Resets.MONTH, None) is None

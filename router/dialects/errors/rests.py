"""How long a provider asks to be left alone: every way in which one is known to say it.

No clock is read: an instant needs to be told what time it is, by the answer's own `Date` (the
clock by which the instant was made) or else by the caller. What comes out is in seconds, never
negative and at most a day: headers lie, and a look a day costs little.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from router.dialects.contract import Headers
from router.dialects.errors.said import UNIFIED, Said, used_up
from router.dialects.errors.table import Meaning, Resets

DAY = 86_400.0
LEAST_BILL = 60.0
"""Money that is said to be back sooner is not: what is meant is when to ask again."""
PACIFIC_MIDNIGHT = timedelta(hours=8)
"""In UTC, by standard time: an hour late in summer, never early."""
EPOCH_MS, EPOCH = 1e12, 1e9
"""Larger numbers are instants since 1970, in milliseconds and in seconds."""
LONGEST = 64
UNITS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY}
KINDS = {
    "tokens": "token", "requests": "request",
    "token_quota_exceeded": "token", "request_quota_exceeded": "request",
}  # fmt: skip
"""Which of several limits was hit, by the error's type (OpenAI) or code (Cerebras): what the names
of that limit's headers hold.
"""

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d*)?", re.ASCII)
_PART = r"(\d{1,12}(?:\.\d{1,12})?)\s?(us|µs|ms|s|m|h|d)(?:ec|in|our|ay)?(?:ond|ute)?s?(?![a-z])"
_PARTS = re.compile(_PART, re.ASCII)
_DURATION = re.compile(rf"(?:{_PART}\s?)+", re.ASCII)
_IN_WORDS = re.compile(
    rf"\b(?:again|retry|wait)(?: in| after| for)? (?:about )?((?:{_PART}\s?)+)", re.ASCII
)
_LIMITS = re.compile(r"\b(r|remaining|t|reset|q|limit|w)=(\d{1,12})", re.ASCII)


def rest_of(meaning: Meaning, said: Said, wall: float | None) -> float | None:
    """Seconds until what was refused comes back; None: nobody said. `wall` is Unix time, None
    where it is not known: instants then say nothing.
    """
    match meaning.resets:
        case Resets.UNTOLD:
            return None
        case Resets.TOLD:
            return told(said, wall)
        case Resets.BILL:
            rest = told(said, wall)
            return rest if rest is not None and rest >= LEAST_BILL else None
        case _:
            return calendar(meaning.resets, wall)


def told(said: Said, wall: float | None) -> float | None:
    """Seconds, as headers, the body or at last the message name them."""
    headers = said.headers
    wall = wall_of(headers, wall)
    if (rest := named(headers, wall, said.delay)) is not None:
        return rest
    rest = of_limits(said, wall)
    if rest is None and (words := _IN_WORDS.search(said.message)) is not None:
        rest = seconds(words[1], None)
    return rest


def named(headers: Headers, wall: float | None, delay: str = "") -> float | None:
    """Seconds after which a request may come again, as headers say it, or else a body's `delay`. A
    time that is over says less than one that is not: Azure sends `retry-after-ms: 0` beside
    `retry-after: 1`.
    """
    over = None
    for value, unit in (
        (headers.get("retry-after-ms"), 1e-3),
        (headers.get("retry-after"), 1.0),
        (delay, 1.0),
    ):
        rest = seconds(value, wall, unit) if value else None
        if rest:
            return rest
        over = rest if over is None else over
    return over


def seconds(value: str, wall: float | None, unit: float = 1.0) -> float | None:
    """A number (in `unit` seconds, or an instant since 1970), a duration, or an instant."""
    value = value.strip()[:LONGEST]
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number < EPOCH:
            return _clamped(number * unit)
        until = number / 1000 if number >= EPOCH_MS else number
    elif _DURATION.fullmatch(value):
        return _clamped(_summed(value))
    elif (at := _instant(value)) is not None:
        until = at
    else:
        return None
    return _clamped(until - wall) if wall is not None else None


def of_limits(said: Said, wall: float | None) -> float | None:
    """By the limits that headers tell of: that of the kind which was hit, among those of which
    nothing remains; if something remains of each, the one that is soonest back.
    """
    headers, pool, spent = said.headers, [], []
    if used_up(headers):
        return seconds(headers.get(f"{UNIFIED}reset", ""), wall)
    kinds = [KINDS[code] for code in said.codes if code in KINDS]
    for name, value in headers.items():
        if "ratelimit" not in name or "reset" not in name or name.startswith(UNIFIED):
            continue
        if kinds and not any(kind in name for kind in kinds):
            continue
        if (rest := seconds(value, wall)) is not None:
            pool.append(rest)
            left = headers.get(name.replace("reset", "remaining"), "")
            if _NUMBER.fullmatch(left) and float(left) <= 0:
                spent.append(rest)
    for _, item in structured(headers.get("ratelimit", "")):
        if (until := item.get("t", item.get("reset"))) is not None:
            pool.append(_clamped(until))
            if item.get("r", item.get("remaining", 1)) <= 0:
                spent.append(pool[-1])
    return max(spent) if spent else min(pool, default=None)


def calendar(resets: Resets, wall: float | None) -> float | None:
    """Seconds until the day or the month is over."""
    if wall is None:
        return None
    now = datetime.fromtimestamp(wall, UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if resets is Resets.PACIFIC:
        until = today + PACIFIC_MIDNIGHT
        until = until if until > now else until + timedelta(days=1)
    else:
        until = (today.replace(day=28) + timedelta(days=4)).replace(day=1)
    return _clamped((until - now).total_seconds())


def structured(value: str) -> Iterator[tuple[str, dict[str, int]]]:
    """Names of limits, and the numbers that stand with them, of `RateLimit: "burst";r=50;t=30`,
    or as it was first drafted: `limit=100, remaining=50, reset=30`; of `RateLimit-Policy` as well.
    """
    items = [value] if "reset=" in value or "limit=" in value else value.split(",")
    for item in items[:LONGEST]:
        found = {name: int(number) for name, number in _LIMITS.findall(item[:LONGEST])}
        if found:
            name = item.partition(";")[0].strip().strip('"')
            yield ("" if "=" in name else name[:LONGEST]), found


def _summed(value: str) -> float:
    return sum(float(number) * UNITS[unit] for number, unit in _PARTS.findall(value))


def _instant(value: str) -> float | None:
    """Unix time of an RFC 3339 timestamp or an HTTP date."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            at = read(value)
            at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
            return at.timestamp()
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def wall_of(headers: Headers, wall: float | None) -> float | None:
    """Unix time by the answer's own clock, where it tells, else `wall`."""
    date = headers.get("date")
    at = _instant(date) if date and wall is not None else None
    return wall if at is None else at


def _clamped(rest: float) -> float:
    return min(max(0.0, rest), DAY)

"""Durations, sizes, counts, rates and plain numbers, as people write them, both ways.

Why: `5m`, `32MiB`, `200k` and `500/min` say their unit where they stand.
Must not: repeat a value in an error. It may have come from the environment; whoever knows what the
file says adds that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from math import isfinite
from typing import Literal, cast

from router.config.rules import Threshold
from router.config.values import Rate, Spend

DURATIONS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
SIZES = {
    "B": Decimal(1),
    **{f"{prefix}B": Decimal(1000) ** n for n, prefix in enumerate("kMG", 1)},
    **{f"{prefix}iB": Decimal(1024) ** n for n, prefix in enumerate("KMG", 1)},
}
COUNTS = {"": Decimal(1), "k": Decimal(10) ** 3, "M": Decimal(10) ** 6, "G": Decimal(10) ** 9}
_PLAIN = {"": Decimal(1)}
PERIODS = {"s": 1.0, "sec": 1.0, "min": 60.0, "hour": 3600.0, "day": 86400.0}
NANO = Decimal(10) ** 9

# Digits in groups, as YAML and Python read them. More of them than a float can hold are refused, so
# that no text takes long to read.
_QUANTITY = re.compile(r"((?:\d_?){0,17}\d(?:\.\d{1,20})?)\s*([A-Za-z]*)", re.ASCII)

_SCORE = re.compile(r"([+-]?)(\d{0,3}(?:\.\d{1,20})?)", re.ASCII)
_THRESHOLD = re.compile(r"(>=|<=|>|<)\s*([^<>=\s].*)")

MOST_EXPONENT = 10

_DURATION = "write it as 250ms, 3s, 5m or 1h"
_COUNT = "write it as 64, 200_000, 200k or 1.5M"


class Unreadable(ValueError):
    """A value that cannot be read. `what` is said of the value: "is not a duration"."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def duration(value: object) -> float:
    """Seconds, 0 or more."""
    if value in (0, "0") and not isinstance(value, bool):
        return 0.0
    return float(_quantity(value, DURATIONS, "is not a duration", _DURATION))


def span(value: object) -> float:
    """Seconds, more than 0."""
    seconds = duration(value)
    if not seconds:
        raise Unreadable("must be longer than 0", _DURATION)
    return seconds


def size(value: object) -> int:
    """Bytes, 1 or more. A bare number is bytes."""
    remedy = "write it as 32MiB, 10kB or a number of bytes"
    return _whole(_quantity(value, {**_PLAIN, **SIZES}, "is not a size", remedy), 1, remedy)


def count(value: object) -> int:
    """A whole number, 0 or more."""
    return _whole(_quantity(value, COUNTS, "is not a count", _COUNT), 0, _COUNT)


def positive(value: object) -> int:
    """A whole number, 1 or more."""
    remedy = "write 1 or more: 3, 64, 200k"
    return _whole(_quantity(value, COUNTS, "is not a count", remedy), 1, remedy)


def rate(value: object) -> Rate:
    """An amount in a window."""
    remedy = "write it as 500/min or 10k/day (s, min, hour, day)"
    if value is None:
        raise Unreadable("has no value", f"{remedy}, or remove the key")
    number, _, period = value.partition("/") if isinstance(value, str) else ("", "", "")
    seconds = PERIODS.get(period.strip())
    if seconds is None:
        raise Unreadable("is not a rate", remedy)
    whole = _whole(_quantity(number, COUNTS, "is not a rate", remedy), 1, remedy)
    return Rate(whole, seconds)


def rate_or_all(value: object) -> Rate | None:
    """An amount in a window; None for `all`, which bounds nothing."""
    if value == "all":
        return None
    try:
        return rate(value)
    except Unreadable as unreadable:
        raise Unreadable(unreadable.what, "write it as 10/s or 600/min, or all") from None


def price(value: object) -> int:
    """Nano-dollars a token, from dollars per million tokens."""
    remedy = "write dollars per million tokens: 0.25"
    number = _quantity(value, _PLAIN, "is not a price", remedy) * 1000
    return _whole(number, 0, f"{remedy}, in steps of 0.001")


def weight(value: object) -> float:
    """A number, 0 or more."""
    return float(_quantity(value, _PLAIN, "is not a number, 0 or more", "write it as 90 or 0.5"))


def exponent(value: object) -> float:
    """A number from 0 to 10."""
    try:
        number = weight(value)
    except Unreadable as unreadable:
        raise Unreadable(unreadable.what, "write it as 0.3") from None
    if number > MOST_EXPONENT:
        raise Unreadable("is more than 10", "write it as 0.3")
    return number


def speed(value: object) -> float:
    """A number, more than 0."""
    number = weight(value)
    if not number:
        raise Unreadable("must be more than 0", "write it as 90 or 0.5")
    return number


def share(value: object) -> float:
    """A number from 0 to 1."""
    number = _quantity(value, _PLAIN, "is not a number from 0 to 1", "write 20 % as 0.2")
    if number > 1:
        raise Unreadable("is not a number from 0 to 1", "write 20 % as 0.2")
    return float(number)


def score(value: object) -> float:
    """A number from -1 to 1, but not 0."""
    remedy = "write it as +.4 or -0.1"
    written = value if isinstance(value, str) else ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        written = format(Decimal(repr(value)), "f") if isfinite(value) else ""
    match = _SCORE.fullmatch(written.strip())
    number = float(f"{match[1]}0{match[2]}") if match and match[2] else 0.0
    if not number or abs(number) > 1:
        raise Unreadable("is not a number from -1 to 1, other than 0", remedy)
    return number


def part(value: object) -> float:
    """A part of everything, from 0 to 1."""
    remedy = "write it as 10%, all or none"
    if value in ("all", "none"):
        return float(value == "all")
    text = value.strip() if isinstance(value, str) else ""
    if not text.endswith("%"):
        raise Unreadable("is not a part", remedy)
    number = _quantity(text.removesuffix("%"), _PLAIN, "is not a part", remedy)
    if number > 100:
        raise Unreadable("is more than 100%", remedy)
    return float(number / 100)


def spend(value: object) -> Spend:
    """Money in a window; `none` bounds nothing."""
    remedy = "write it as $5/day (s, min, hour, day), or none"
    if value == "none":
        return Spend(None)
    if value is None:
        raise Unreadable("has no value", f"{remedy}, or remove the key")
    number, _, period = value.partition("/") if isinstance(value, str) else ("", "", "")
    seconds = PERIODS.get(period.strip())
    if seconds is None or not number.strip().startswith("$"):
        raise Unreadable("is not money in a time", remedy)
    dollars = _quantity(number.strip()[1:], _PLAIN, "is not money in a time", remedy)
    nano = _whole(dollars * NANO, 1, f"{remedy}, in steps of a nano-dollar")
    return Spend(Rate(nano, seconds))


def hedge(value: object) -> float:
    """A number from 0 to 0.2."""
    number = _quantity(value, _PLAIN, "is not a number from 0 to 0.2", "write 5 % as 0.05")
    if number > Decimal("0.2"):
        raise Unreadable("is more than 0.2", "write 0.2 or less: each hedge is a second send")
    return float(number)


def boolean(value: object) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise Unreadable("is neither true nor false", "write true or false")
    return value


def threshold(value: object) -> Threshold:
    """A comparison with a count."""
    remedy = "write it in quotes, as '>8k', '>=1', '<200' or '<=200'"
    match = _THRESHOLD.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise Unreadable("is not a comparison", remedy)
    number = _whole(_quantity(match[2], COUNTS, "is not a comparison", remedy), 0, remedy)
    return Threshold(cast("Literal['>', '>=', '<', '<=']", match[1]), number)


def show_number(number: float) -> str:
    """A plain number as the file writes it."""
    return f"{number:g}"


def show_score(score: float) -> str:
    """A score as the file writes it."""
    return f"{score:+g}"


def show_threshold(threshold: Threshold) -> str:
    """A comparison as the file writes it."""
    return f"{threshold.sign}{show_count(threshold.count)}"


def show_duration(seconds: float) -> str:
    """`seconds` in the largest unit that makes it whole."""
    return _show(seconds, DURATIONS) if seconds else "0s"


def show_size(size: int) -> str:
    """Bytes in the largest unit that makes them whole."""
    return _show(size, SIZES)


def show_count(number: int) -> str:
    """A count in the largest unit that makes it whole."""
    return _show(number, COUNTS) if number else "0"


def show_price(nano_dollars: int) -> str:
    """A price as the file writes it."""
    return f"{Decimal(nano_dollars) / 1000:f}"


def show_part(part: float) -> str:
    """A part as the file writes it."""
    if part in (0.0, 1.0):
        return "all" if part else "none"
    return f"{(Decimal(repr(part)) * 100).normalize():f}%"


def show_rate(rate: Rate) -> str:
    """A rate as the file writes it."""
    period = next(name for name, seconds in PERIODS.items() if seconds == rate.seconds)
    return f"{show_count(rate.amount)}/{period}"


def show_spend(rate: Rate | None) -> str:
    """Money in a window as the file writes it."""
    if rate is None:
        return "none"
    period = next(name for name, seconds in PERIODS.items() if seconds == rate.seconds)
    dollars = f"{Decimal(rate.amount) / NANO:f}"
    return f"${dollars.rstrip('0').rstrip('.') if '.' in dollars else dollars}/{period}"


def _quantity(value: object, units: Mapping[str, Decimal], what: str, remedy: str) -> Decimal:
    if value is None:
        raise Unreadable("has no value", f"{remedy}, or remove the key")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Unreadable(what, remedy)
    text = value if isinstance(value, str) else format(Decimal(repr(value)), "f")
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match[2] not in units:
        raise Unreadable(what, remedy)
    return Decimal(match[1].replace("_", "")) * units[match[2]]


def _whole(number: Decimal, least: int, remedy: str) -> int:
    if number != int(number):
        raise Unreadable("is not whole", remedy)
    if number < least:
        raise Unreadable(f"must be at least {least}", remedy)
    return int(number)


def _show(number: float, units: Mapping[str, Decimal]) -> str:
    exact = Decimal(repr(number))
    by_worth = sorted(units.items(), key=lambda unit: unit[1], reverse=True)
    name, worth = next(((n, w) for n, w in by_worth if exact % w == 0), by_worth[-1])
    shown = f"{exact / worth:f}"
    return (shown.rstrip("0").rstrip(".") if "." in shown else shown) + name

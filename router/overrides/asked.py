"""What an operator asks for, from the fields of a request: checked, bounded, and with an end.

Must not: know which models and targets there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from router.config import texts, units
from router.config.problems import nearest, quoted
from router.overrides.override import Kind, Override

DEFAULT = 3600.0
"""Seconds for which a word holds whose end nobody said."""
DAY = 86_400.0
LONGEST = 30 * DAY
"""Seconds."""
LONGEST_TEXT = 200
"""Characters of a name or a reason."""


class Refused(ValueError):
    """What cannot be done as it was asked; the message says what to do about it."""


def _short(value: object) -> str:
    told = texts.text(value)
    if len(told) > LONGEST_TEXT:
        raise units.Unreadable("is too long", f"use at most {LONGEST_TEXT} characters")
    return told


def _span(value: object) -> float:
    told = value.strip() if isinstance(value, str) else ""
    days = told.endswith("d")
    seconds = units.positive(told[:-1]) * DAY if days else units.span(value)
    if seconds > LONGEST:
        raise units.Unreadable("is too long", f"write at most {LONGEST / DAY:g}d: 7d, 2h, 90m, 30s")
    return seconds


READERS: Mapping[str, Callable[[object], Any]] = {
    "kind": texts.choice("drain", "pin"),
    "target": _short,
    "model": _short,
    "for": _span,
    "by": _short,
    "reason": _short,
    "force": units.boolean,
}
MISSING = {
    "kind": "write drain or pin",
    "target": "name one, as provider/model",
    "model": "a pin is of one model, so name it",
}
"""What to do about a field without which nothing is asked for."""
SHOWN = ("kind", "for")
"""What is short enough to be shown as it was written."""


class Asked(msgspec.Struct, frozen=True):
    """What is asked for. `force`: also where it leaves a model without any target."""

    kind: Kind
    target: str
    model: str | None
    seconds: float
    by: str
    reason: str
    force: bool

    def override(self, id_: str, now: float) -> Override:
        """The same, said now."""
        return Override(
            id_,
            self.kind,
            self.target,
            self.model,
            now,
            now + self.seconds,
            self.by,
            self.reason,
        )


def decoded(body: bytes) -> Asked:
    """What a body asks for. Raises `Refused`."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f'send {{"kind": "drain", "target": …}} as JSON: {error}') from None
    return asked_of(fields)


def asked_of(fields: Mapping[str, object]) -> Asked:
    """What these fields ask for, of which None says nothing. Raises `Refused`."""
    for field in fields:
        if field not in READERS:
            raise Refused(f"unknown field {quoted(field)}; {nearest(field, READERS)}")
    given = {n: _read(n, value) for n, value in fields.items() if value is not None}
    for field in ("kind", "target", *(["model"] if given.get("kind") == "pin" else [])):
        if field not in given:
            raise Refused(f"{field} is missing; {MISSING[field]}")
    return Asked(
        cast("Kind", given["kind"]),
        given["target"],
        given.get("model"),
        given.get("for", DEFAULT),
        given.get("by", ""),
        given.get("reason", ""),
        given.get("force", False),
    )


def _read(field: str, value: object) -> Any:
    try:
        return READERS[field](value)
    except units.Unreadable as unreadable:
        shown = f"{quoted(value)} " if field in SHOWN and isinstance(value, str) and value else ""
        raise Refused(f"{field} {shown}{unreadable.what}; {unreadable.remedy}") from None

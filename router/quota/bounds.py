"""What a request takes of shared limits, and what it gives back: the words of the script.

Pure: keys, numbers and MessagePack. The arithmetic is the script's (`quota.lua`) and, the same in
every answer, the engine's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from policies import Limits, Rate
from policies.engine.limits.windows import CELLS, MICROSECONDS

What = Literal["requests", "tokens", "places"]
WINDOW, SLICES, PLACES = 1, 2, 3
LEASE_SECONDS = 60
"""For which a place is held by an instance that says nothing more: so long it outlives one."""

_encode = msgspec.msgpack.encode


class Bound(NamedTuple):
    """One limit: where it is kept, what it counts, and how the script reads it (its kind, the
    limit, a cell's width or the span, and a slice, in microseconds).
    """

    key: str
    what: What
    spec: tuple[int, int, int, int]


class Held(NamedTuple):
    """What was reserved: `tokens` of these bounds at the instant `at` of the server's clock, its
    places under the name `lease`.
    """

    bounds: tuple[Bound, ...]
    tokens: int
    at: int
    lease: str


class Wanted(NamedTuple):
    """A reservation that is to be made in one of `alternatives`, the first that has room."""

    alternatives: tuple[tuple[Bound, ...], ...]
    tokens: int
    lease: str


class Answered(NamedTuple):
    """`taken` counts alternatives from 0, None: none had room. `waits` are, for each that was
    looked at, seconds until it has room if nobody else takes anything, by its bounds; 0: it has,
    None: nobody knows.
    """

    taken: int | None
    at: int
    waits: tuple[tuple[float | None, ...], ...]


class Settled(NamedTuple):
    """The end of a reservation: `used` tokens; `sent`: the request itself stays counted."""

    held: Held
    used: int
    sent: bool


def bounds_of(fleet: str, name: str, limits: Limits) -> tuple[Bound, ...]:
    """The bounds behind the limits of a target, a group of targets, or a tenant, by its name."""
    found = [
        _rate(fleet, name, what, rate)
        for what, rates in (("requests", limits.requests), ("tokens", limits.tokens))
        for rate in rates
    ]
    if limits.concurrent is not None:
        key = f"{{pm:{fleet}}}:{name}:places"
        found.append(Bound(key, "places", (PLACES, limits.concurrent, 0, 0)))
    return tuple(found)


def asked(settled: Sequence[Settled], wanted: Sequence[Wanted]) -> tuple[list[str], bytes]:
    """The script's keys and its argument."""
    index: dict[Bound, int] = {}
    settlements = [one for end in settled for one in _settlements(end, index)]
    reservations = [
        [
            [
                (_number(bound, index), _units(bound, one.tokens), one.lease, LEASE_SECONDS)
                for bound in bounds
            ]
            for bounds in one.alternatives
        ]
        for one in wanted
    ]
    told = _encode(([bound.spec for bound in index], settlements, reservations))
    return [bound.key for bound in index], told


def answered(told: bytes) -> list[Answered]:
    """What the script says of each reservation."""
    at, answers = msgspec.msgpack.decode(told, type=tuple[int, list[tuple[int, list[list[int]]]]])
    return [
        Answered(
            taken - 1 if taken else None,
            at,
            tuple(tuple(_seconds(wait) for wait in waits) for waits in by_alternative),
        )
        for taken, by_alternative in answers
    ]


def _rate(fleet: str, name: str, what: str, rate: Rate) -> Bound:
    span = max(1, round(rate.seconds * MICROSECONDS))
    counts: What = "requests" if what == "requests" else "tokens"
    if rate.slice is None:
        spec = (WINDOW, rate.amount, max(1, span // CELLS), 0)
    else:
        spec = (SLICES, rate.amount, span, round(rate.slice * MICROSECONDS))
    # The limit is no part of the key: who changes it goes on counting.
    return Bound(f"{{pm:{fleet}}}:{name}:{what}/{rate.seconds:g}", counts, spec)


def _settlements(end: Settled, index: dict[Bound, int]) -> Iterable[tuple[int, int, int, str]]:
    held = end.held
    for bound in held.bounds:
        if bound.what == "places":
            yield _number(bound, index), 0, held.at, held.lease
        elif bound.what == "tokens" and end.used != held.tokens:
            yield _number(bound, index), end.used - held.tokens, held.at, ""
        elif bound.what == "requests" and not end.sent:
            yield _number(bound, index), -1, held.at, ""


def _number(bound: Bound, index: dict[Bound, int]) -> int:
    """Its place among the keys, from 1."""
    return index.setdefault(bound, len(index) + 1)


def _units(bound: Bound, tokens: int) -> int:
    return tokens if bound.what == "tokens" else 1


def _seconds(wait: int) -> float | None:
    return None if wait < 0 else wait / MICROSECONDS

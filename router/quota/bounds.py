"""What a request takes of shared limits, and what it gives back: the words of the script.

Pure: keys, numbers and MessagePack. The arithmetic is the script's (`quota.lua`) and, the same in
every answer, the engine's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from policies import Limits, Rate
from policies.engine.limits.windows import (
    CELLS,
    INPUT,
    MICROSECONDS,
    OUTPUT,
    REQUESTS,
    TOKENS,
    Note,
)
from router.redis.down import Refused

What = Literal["requests", "tokens", "input", "output", "places"]
WINDOW, SLICES, PLACES, CALENDAR = 1, 2, 3, 4
STRANGE = "what it answers is not the script's"
LEASE_SECONDS = 15
"""For which places stay those of an instance that says nothing more."""

_COUNTS: Mapping[What, int] = {
    "requests": REQUESTS,
    "places": REQUESTS,
    "tokens": TOKENS,
    "input": INPUT,
    "output": OUTPUT,
}
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(
    tuple[int, list[tuple[int, list[list[int]], list[int]]]],
).decode


class Bound(NamedTuple):
    """One limit: where it is kept, what it counts, and how the script reads it: its kind, the
    limit, a cell's width or the span, and a slice or the next reset, in microseconds.
    """

    key: str
    what: What
    spec: tuple[int, int, int, int]


Needs = tuple[tuple[Bound, int], ...]
"""What one request needs of every limit that binds it: so many requests, tokens or places."""


class Settled(NamedTuple):
    """So many units more (below 0: less) than what was taken of a limit at an instant of the
    server's clock, in microseconds; below 0: of our own, where the server was not asked. For places
    it says no more than that there are fewer now.
    """

    bound: Bound
    units: int
    taken: int


class Answered(NamedTuple):
    """What the script says of one reservation, at an instant `at` of its clock. `taken` counts
    alternatives from 0, None: none had room. `waits` are, for each that was looked at, seconds
    until it has room if nobody else takes anything, by its limits; 0: it has, None: nobody knows.
    `left` is what is left of the limits of the one that was taken, or of the first.
    """

    taken: int | None
    at: int
    waits: tuple[tuple[float | None, ...], ...]
    left: tuple[int, ...]


def bounds_of(fleet: str, name: str, limits: Limits, ahead: float = 0.0) -> tuple[Bound, ...]:
    """The bounds behind the limits of a target, a group of targets, or a tenant, by its name;
    `ahead` are the seconds by which the world's clock is ahead of the engine's.
    """
    kinds: tuple[tuple[What, Sequence[Rate]], ...] = (
        ("requests", limits.requests),
        ("tokens", limits.tokens),
        ("input", limits.input),
        ("output", limits.output),
    )
    found = [_rate(fleet, name, what, rate, ahead) for what, rates in kinds for rate in rates]
    if limits.concurrent is not None:
        key = f"{{pm:{fleet}}}:{name}:places"
        found.append(Bound(key, "places", (PLACES, limits.concurrent, 0, 0)))
    return tuple(found)


def asked(
    instance: str,
    settled: Iterable[Settled],
    wanted: Sequence[tuple[Needs, ...]],
    places: Mapping[str, int],
    now: int = 0,
) -> tuple[list[str], bytes]:
    """The script's keys and its argument: what `instance` settles, and what it wants, each in the
    first of its alternatives that has room. `places` are how many it holds, by key; `now` is by our
    own clock, in microseconds.
    """
    index: dict[str, int] = {}
    found: dict[str, Bound] = {}

    def place(bound: Bound) -> int:
        # By its key alone, and as it was asked for last: a limit may have been changed meanwhile,
        # and what is counted of it is kept once.
        found[bound.key] = bound
        return index.setdefault(bound.key, len(index) + 1)

    settlements = [
        # To the script an instant that is not above 0 is so long ago.
        (place(bound), units, taken if taken >= 0 else -taken - now)
        for bound, units, taken in settled
    ]
    reservations = [
        [[(place(bound), units) for bound, units in needs] for needs in alternatives]
        for alternatives in wanted
    ]
    limits = [
        spec if what != "places" else (PLACES, spec[1], places.get(key, 0), 0)
        for key, what, spec in found.values()
    ]
    lease = LEASE_SECONDS * MICROSECONDS
    told = _encode((instance, lease, limits, settlements, reservations))
    return list(found), told


def answered(told: bytes) -> list[Answered]:
    """What the script says of each reservation. Raises `Refused` for what it cannot have said."""
    try:
        at, answers = _decode(told)
    except (msgspec.MsgspecError, TypeError):
        raise Refused(STRANGE) from None
    return [
        Answered(
            taken - 1 if taken else None,
            at,
            () if taken == 1 else tuple(tuple(map(_seconds, waits)) for waits in by_alternative),
            tuple(left),
        )
        for taken, by_alternative, left in answers
    ]


def units_of(bound: Bound, note: Note) -> int:
    """What a bound counts of what is taken, or corrected, so."""
    return note[_COUNTS[bound.what]]


def given_back(needs: Needs, at: int) -> list[Settled]:
    """What settles a reservation of which nothing was sent."""
    return [Settled(bound, -units, at) for bound, units in needs]


def _rate(fleet: str, name: str, what: What, rate: Rate, ahead: float) -> Bound:
    span = max(1, round(rate.seconds * MICROSECONDS))
    key = f"{{pm:{fleet}}}:{name}:{what}/{rate.seconds:g}"
    if rate.resets is not None:
        # Instants of the calendar are whole seconds: the same ones to all instances.
        spec = (CALENDAR, rate.amount, span, round(rate.resets + ahead) * MICROSECONDS)
        return Bound(f"{key}/resets", what, spec)
    if rate.slice is None:
        spec = (WINDOW, rate.amount, max(1, span // CELLS), 0)
    else:
        key = f"{key}/slices"
        spec = (SLICES, rate.amount, span, round(rate.slice * MICROSECONDS))
    # The limit is no part of the key: who changes it goes on counting.
    return Bound(key, what, spec)


def _seconds(wait: int) -> float | None:
    return None if wait < 0 else wait / MICROSECONDS

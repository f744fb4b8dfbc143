"""How an attempt ended, whose fault it was, and what follows from it: one table, no branches
elsewhere.

Three things follow from an outcome: whether it is evidence about the target's health, whether
the target (or its whole provider) rests and for how long, and who is asked next. The driver
only names the outcome; it never decides what it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple, Self


class Phase(Enum):
    """How far an attempt had come when it ended."""

    CONNECT = "connect"
    """Nothing of it reached the provider."""
    HEAD = "head"
    """Sent; no status had come, or the status was the answer."""
    FIRST_TOKEN = "first_token"
    """The head had come, no content had."""
    BODY = "body"
    """Content had come, the end had not."""


class Scope(Enum):
    """What an outcome speaks of."""

    REQUEST = "request"
    TARGET = "target"
    PROVIDER = "provider"


class Health(Enum):
    """Whether an outcome is evidence about the target's health."""

    GOOD = "good"
    BAD = "bad"
    SILENT = "–"


class Rest(Enum):
    """Why, and so for how long, nothing is sent to a target after an outcome."""

    NONE = "–"
    RESET = "to the reset, at most 60 s"
    DOUBLING = "60 s doubling to 15 min"


class Next(Enum):
    """Who is asked next."""

    DONE = "–"
    OTHER = "another target"
    ANOTHER_OR_SAME = "another; the same only if alone"
    FITTING = "another that fits"
    CLIENT = "the client, at once"


@dataclass(frozen=True, slots=True)
class Effect:
    """What follows from an outcome."""

    health: Health
    rest: Rest
    next: Next


class Outcome(Enum):
    """How an attempt ended, with what follows: this is the whole table.

    A FAILED target rests only when its breaker says so; a caller's error and a client that left
    never count against anyone. SPILLED is a THROTTLED that was to be expected: capacity that is
    provisioned, or left over from others, is used up for now. It is a signal to go on, and no
    fault, so it costs the request nothing of what retries are paid from.
    """

    effect: Effect
    word: str
    """The value as a plain attribute: `Enum.value` is a descriptor, and slow."""
    good: bool
    bad: bool
    rests: bool
    """The effect as plain attributes: to name a member through its class is slow as well."""

    OK = "ok", Effect(Health.GOOD, Rest.NONE, Next.DONE)
    FAILED = "failed", Effect(Health.BAD, Rest.NONE, Next.OTHER)
    THROTTLED = "throttled", Effect(Health.SILENT, Rest.RESET, Next.ANOTHER_OR_SAME)
    SPILLED = "spilled", Effect(Health.SILENT, Rest.RESET, Next.ANOTHER_OR_SAME)
    DENIED = "denied", Effect(Health.SILENT, Rest.DOUBLING, Next.OTHER)
    UNFIT = "unfit", Effect(Health.SILENT, Rest.NONE, Next.FITTING)
    REJECTED = "rejected", Effect(Health.SILENT, Rest.NONE, Next.CLIENT)
    FILTERED = "filtered", Effect(Health.SILENT, Rest.NONE, Next.CLIENT)
    ABANDONED = "abandoned", Effect(Health.SILENT, Rest.NONE, Next.DONE)

    def __new__(cls, word: str, effect: Effect) -> Self:
        """The value is the word alone."""
        member = object.__new__(cls)
        member._value_ = word
        member.effect = effect
        member.word = word
        member.good = effect.health is Health.GOOD
        member.bad = effect.health is Health.BAD
        member.rests = effect.rest is not Rest.NONE
        return member


class SettledTwice(RuntimeError):
    """The driver settled an attempt that was already settled: a fault of the driver."""


class Report(NamedTuple):
    """What the driver says of an attempt when its last byte is through.

    `rest` is the wait in seconds that the provider asked for (None: it named none).
    `overloaded` marks a THROTTLED that is a sign of sickness too (status 529). Token counts are
    what the provider reported; with `estimated` they are what the driver counted, because no
    usage came. `detail` is for people: a status, a code, never a text of the request or the
    answer. `unclassified` is the status of an error that the driver knew no meaning of, and judged
    by default. `unread` are the seconds for which the driver did not read, since its own client
    took nothing: they are not the target's. `cached_tokens` are those of the input that the
    provider read from a cache, `stored_tokens` those that it wrote to one, `hour_tokens` of them
    for an hour; `service_tier` is the one in which it says that it served it. `withheld`:
    nothing of a streamed answer had reached anybody, so its course may ask others as if it had
    brought nothing.
    """

    outcome: Outcome
    phase: Phase = Phase.BODY
    scope: Scope = Scope.TARGET
    rest: float | None = None
    overloaded: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    estimated: bool = False
    detail: str = ""
    unclassified: int | None = None
    unread: float = 0.0
    cached_tokens: int = 0
    withheld: bool = False
    stored_tokens: int = 0
    hour_tokens: int = 0
    service_tier: str = ""

    @property
    def never_sent(self) -> bool:
        """Whether nothing of it ever reached the provider."""
        return self.phase is Phase.CONNECT and not self.outcome.good


AGAIN = frozenset({Outcome.THROTTLED, Outcome.SPILLED})
"""After these a target may be asked again for the same request, when its rest is over."""


def as_spilled(report: Report) -> Report:
    """What came of an attempt on a target whose capacity is provisioned: that it refused more than
    that is what is meant by it. What says that it is sick (`overloaded`) stays what it is.
    """
    if report.outcome is not Outcome.THROTTLED or report.overloaded:
        return report
    return report._replace(outcome=Outcome.SPILLED, scope=Scope.TARGET)


OK = Report(Outcome.OK)

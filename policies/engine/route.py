"""What the engine is configured with: routes of targets, and the facts about each target.

All of it is immutable and made once per configuration; what is learned lives elsewhere
(`standing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from policies.engine.limits.counting import AS_WRITTEN, Counting
from policies.engine.outcome import Report
from policies.least_latency import LeastLatency
from policies.policy import Policy


@dataclass(frozen=True, slots=True)
class Target:
    """A place to send to, as one route sees it. Weight 0 drains it; tiers count from 0. `ramps`:
    while it is new or comes back, it has its share by and by.
    """

    name: str
    weight: float = 1.0
    tier: int = 0
    ramps: bool = True

    def __post_init__(self) -> None:
        if not self.weight >= 0 or self.weight == float("inf"):
            raise ValueError(
                f"target {self.name}: weight {self.weight} must be 0 or a finite number above 0"
            )


@dataclass(frozen=True, slots=True)
class Retry:
    """How much may be spent on other attempts: at most `attempts` sends a request, and `budget`
    extra sends per request over the whole route (those that are free apart: see `budget`).
    `hedge` is the share of streamed requests that may be asked for twice when their first content
    is late; 0 never does.
    """

    attempts: int = 3
    budget: float = 0.2
    hedge: float = 0.0


class Climb(Enum):
    """What lets a request leave a tier for the next."""

    FAILURE = "failure"
    """It failed there, or everything there is ejected or denied."""
    THROTTLED = "throttled"
    """Everything there rests, is busy or is at its limit."""


ANY_CLIMB = frozenset(Climb)


@dataclass(frozen=True, slots=True)
class Route:
    """A model's targets and how to choose among them.

    Where they stand in tiers, `climb` says what lets a request leave one for the next, and
    `patience` for how many seconds, over the whole request, it first waits there for a pause, a
    limit or a place (at most half of the time left until its deadline).
    """

    targets: Sequence[Target]
    policy: Policy = field(default_factory=LeastLatency)
    retry: Retry = Retry()
    climb: frozenset[Climb] = ANY_CLIMB
    patience: float = 0.0

    def __post_init__(self) -> None:
        names = [target.name for target in self.targets]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"target {twice} is named twice in one route")
        if not self.patience >= 0:
            raise ValueError(f"patience {self.patience} must be 0 or more seconds")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `amount` in any `seconds`. A provider that counts in slices of so many seconds
    (Azure: a minute's requests, second by second) takes only a slice's share at once. One that
    starts anew at an instant of the calendar (Gemini: a day's requests, at midnight) says when it
    `resets` next; later resets follow `seconds` apart.
    """

    amount: int
    seconds: float
    slice: float | None = None
    resets: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What a target or a group of targets may be sent; every one of them binds. `tokens` are those
    of input and output together, as its provider counts them.
    """

    requests: Sequence[Rate] = ()
    tokens: Sequence[Rate] = ()
    concurrent: int | None = None
    input: Sequence[Rate] = ()
    output: Sequence[Rate] = ()

    def __bool__(self) -> bool:
        rates = self.requests or self.tokens or self.input or self.output
        return bool(rates or self.concurrent is not None)


AS_ASKED: Mapping[str, Price | None] = {}


class Price(NamedTuple):
    """Nano-dollars for each token read and written: $1 per million tokens is 1,000. Of the input,
    `cached` is for those that are read from a cache, `stored` for those that are written to one,
    `hour` for those that are kept there for an hour; None: that is unknown, and they cost what any
    do. `served` is what it costs where the provider says that it served it in a service tier other
    than the one that it was asked in, by its name (None: unknown).
    """

    input: int
    output: int
    cached: int | None = None
    stored: int | None = None
    hour: int | None = None
    served: Mapping[str, Price | None] = AS_ASKED

    def cost(self, report: Report) -> int | None:
        """Nano-dollars that an attempt has cost which ended so; None: nobody knows."""
        if report.never_sent:
            return 0
        read, written = report.input_tokens, report.output_tokens
        if read is None or written is None:
            return None
        price = self.served.get(report.service_tier, self) if self.served else self
        if price is None:
            return None
        of_caches = report.cached_tokens, report.stored_tokens, report.hour_tokens
        return price.of(read, written, *of_caches)

    def of(self, read: int, written: int, cached: int = 0, stored: int = 0, hour: int = 0) -> int:
        """Nano-dollars for so many tokens: of those that were read, `cached` came from a cache and
        `stored` went to one, `hour` of them for an hour.
        """
        cost = self.input * read + self.output * written
        cached = min(cached, read)
        if cached and self.cached is not None:
            cost += (self.cached - self.input) * cached
        stored = min(stored, read - cached)
        if stored and self.stored is not None:
            cost += (self.stored - self.input) * stored
            if self.hour is not None:
                cost += (self.hour - self.stored) * min(hour, stored)
        return cost


class PromptCache(NamedTuple):
    """How a provider keeps what prompts begin with: from `least` tokens on, for `life` seconds
    since it was last read.
    """

    least: int = 1_024
    life: float = 300.0


USUAL_CACHE = PromptCache()


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a target (or of a group) before anything is learned.

    `context` is the longest input in tokens; `price` is None where it is unknown; `groups` name
    what it shares a fate with, in the order in which they are suspected, its provider first
    (default: the text before the name's first slash), and facts under a group's own name give the
    limits that bind all of its targets together; `first_token` is the longest wait for the first
    content in seconds; `lacks` names abilities that it has not, as its driver calls them: who
    requires one is not sent there; `identity` is what makes it the same place after a reload: what
    was learned is kept while it is equal; `counting` is how its provider counts a request, against
    its own limits and those of its groups; `tokenizer` is the one it reads with, as the driver
    calls it, empty where none is known; `prompts` is how it caches what prompts begin with.
    `provisioned`: its capacity is paid for whether it is used or not, so that a 429 only says that
    it is used up for now.
    """

    limits: Limits = Limits()
    context: int | None = None
    price: Price | None = None
    groups: tuple[str, ...] = ()
    first_token: float = 120.0
    lacks: frozenset[str] = frozenset()
    identity: str = ""
    counting: Counting = AS_WRITTEN
    tokenizer: str = ""
    prompts: PromptCache = USUAL_CACHE
    provisioned: bool = False


NO_FACTS = Facts()

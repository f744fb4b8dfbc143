"""Requests as they come: when, from whom, how long, and how long an answer they will get.

Fitted to public traces of production inference (Azure LLM inference traces, November 2023): lengths
are lognormal, arrivals of conversations are nearly Poisson (coefficient of variation 1.1), those of
code completion come in bursts (13).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from policies.affinity.prefix import Prefix
from policies.policy import Band, Request


class Arrival(NamedTuple):
    """One request: seconds since the beginning, tokens in, tokens that its answer will have; who
    asks, in which band, and for which model ("": `chat`). One that is `like` a recorded request
    brings and requires what that did. `prefix` is how its prompt begins, where that is known.
    """

    at: float
    input_tokens: int
    output_tokens: int
    stream: bool = True
    tenant: str = ""
    band: Band = Band.STANDARD
    model: str = ""
    like: Request | None = None
    prefix: Prefix | None = None


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lognormal lengths in tokens: mean and deviation of the logarithms. A share `long` of the
    answers has `longest` tokens instead.
    """

    input_mu: float
    input_sigma: float
    output_mu: float
    output_sigma: float
    long: float = 0.0
    longest: int = 8000

    def draw(self, rng: Random) -> tuple[int, int]:
        """Tokens in and out of one request; at least one of each."""
        tokens = max(1, round(rng.lognormvariate(self.input_mu, self.input_sigma)))
        if self.long and rng.random() < self.long:
            return tokens, self.longest
        return tokens, max(1, round(rng.lognormvariate(self.output_mu, self.output_sigma)))


CONVERSATION = Lengths(6.633, 0.985, 5.019, 0.859)
CODE = Lengths(6.999, 1.360, 2.788, 0.847)
"""Fitted to 19,366 and 8,819 requests of the traces."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Those who ask alike: `rate` requests a second from `start` to `end` (seconds), for `tenant`
    in `band`. With `variation`, a coefficient of variation, they come in bursts.
    """

    rate: float
    start: float = 0.0
    end: float = float("inf")
    lengths: Lengths = CONVERSATION
    variation: float | None = None
    tenant: str = ""
    band: Band = Band.STANDARD

    def come(self, seconds: float, rng: Random) -> Iterator[Arrival]:
        """Its requests of the first `seconds`."""
        span = min(seconds, self.end) - self.start
        if self.variation is None:
            arrivals = poisson(self.rate, span, rng, self.lengths)
        else:
            arrivals = bursts(self.rate, span, rng, self.lengths, variation=self.variation)
        for arrival in arrivals:
            yield arrival._replace(at=arrival.at + self.start, tenant=self.tenant, band=self.band)


def poisson(
    rate: float,
    seconds: float,
    rng: Random,
    lengths: Lengths = CONVERSATION,
    *,
    stream: bool = True,
) -> Iterator[Arrival]:
    """`rate` requests a second, each independent of the others."""
    return _arrivals(lambda: rng.expovariate(rate), seconds, rng, lengths, stream=stream)


def bursts(
    rate: float,
    seconds: float,
    rng: Random,
    lengths: Lengths = CODE,
    *,
    variation: float = 13.0,
    stream: bool = True,
) -> Iterator[Arrival]:
    """The same rate in bursts: gamma gaps with this coefficient of variation."""
    shape = 1 / variation**2
    scale = 1 / (rate * shape)
    return _arrivals(lambda: rng.gammavariate(shape, scale), seconds, rng, lengths, stream=stream)


def _arrivals(
    gap: Callable[[], float], seconds: float, rng: Random, lengths: Lengths, *, stream: bool
) -> Iterator[Arrival]:
    at = gap()
    while at < seconds:
        yield Arrival(at, *lengths.draw(rng), stream)
        at += gap()

"""Prompts that begin alike, and caches that know them again.

A conversation comes back with all that it had before and a little more; many conversations begin
with the same instructions. What a cache could save of that is known here beforehand, so what a
policy makes of it can be judged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from policies.affinity.prefix import Prefix
from policies.simulate.arrivals import Arrival

BLOCK = 512
"""Tokens of a block."""


class PrefixCache:
    """Blocks of prompts, those last read, up to so many tokens; each is worth something only behind
    those that it followed.
    """

    __slots__ = ("_kept", "_most")

    def __init__(self, tokens: float) -> None:
        self._most = tokens / BLOCK
        self._kept: OrderedDict[int, None] = OrderedDict()

    def read(self, prefix: Prefix) -> int:
        """How many tokens of a prompt are there; from now on, all of it is."""
        known, found = True, 0
        for key in prefix.keys:
            known = known and key in self._kept
            found += known
        for key in reversed(prefix.keys):  # the last block is the first to be forgotten
            self._kept[key] = None
            self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return found * BLOCK

    def add(self, other: PrefixCache) -> None:
        """Keep what `other` keeps as well, as what was read longest ago."""
        for key in reversed([key for key in other._kept if key not in self._kept]):
            self._kept[key] = None
            self._kept.move_to_end(key, last=False)


@dataclass(frozen=True, slots=True)
class Conversations:
    """`rate` conversations begin each second, with one of so many `systems`, instructions of
    `system` tokens; a few long ones, most short. Each turn adds `turn` tokens on average, comes
    `pause` seconds after the one before, and is the last with a chance of 1 in `turns`.
    """

    rate: float
    turns: float = 6.0
    pause: float = 30.0
    systems: int = 20
    system: int = 1_536
    turn: int = 800
    answer: int = 150

    def come(self, seconds: float, rng: Random) -> list[Arrival]:
        """The requests of the first `seconds`."""
        arrivals: list[Arrival] = []
        at = rng.expovariate(self.rate)
        while at < seconds:
            arrivals += (turn for turn in self._turns(at, rng) if turn.at < seconds)
            at += rng.expovariate(self.rate)
        return sorted(arrivals, key=lambda arrival: arrival.at)

    def _turns(self, at: float, rng: Random) -> Iterator[Arrival]:
        shared, tokens = self._instructions(rng), self.system
        keys = list(shared)
        while True:
            tokens += 1 + round(rng.expovariate(1 / self.turn))
            keys += (rng.getrandbits(64) for _ in range(tokens // BLOCK - len(keys)))
            output = 1 + round(rng.expovariate(1 / self.answer))
            yield Arrival(at, tokens, output, prefix=Prefix(tuple(keys), BLOCK))
            if rng.random() < 1 / self.turns:
                return
            at += rng.expovariate(1 / self.pause)

    def _instructions(self, rng: Random) -> tuple[int, ...]:
        """Those of the most used are twice as likely as those of the second (Zipf)."""
        places = range(1, self.systems + 1)
        one = rng.choices(places, [1 / place for place in places])[0]
        return tuple(one << 16 | block for block in range(self.system // BLOCK))


def ideal(arrivals: Iterable[Arrival]) -> float:
    """The part of all tokens that one cache without bounds for all targets would have had."""
    cache = PrefixCache(float("inf"))
    found = read = 0
    for arrival in arrivals:
        read += arrival.input_tokens
        if arrival.prefix is not None:
            found += cache.read(arrival.prefix)
    return found / read if read else 0.0

"""How a prompt begins, and where one goes of which nothing is warm anywhere.

Providers read what they have read before from a cache, if a prompt begins with it. Two prompts
begin alike as far as their keys are equal; no text is needed to see that, and none is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from math import log
from typing import NamedTuple
from zlib import crc32

from policies.policy import Candidate

PREFIX = "prefix"
"""The feature: a `Prefix`, absent where a request has none."""
BOUND = 1.25
"""How many times its fair share of the requests a target may have before warmth draws no more there
(consistent hashing with bounded loads: Mirrokni, Thorup, Zadimoghaddam 2018).
"""
_LAST = (1 << 64) - 1


class Prefix(NamedTuple):
    """How a prompt begins. Each of `keys` (64 bits) stands for all of it from its beginning to the
    end of one more block of about `step` tokens. `open`: the last key stands for what follows as
    well, as much as there was of it; so does the one key of a conversation that has a name.
    """

    keys: tuple[int, ...]
    step: int = 512
    open: bool = False


class Mark(NamedTuple):
    """So many tokens of a prefix were read there then."""

    at: float
    tokens: int


def named(name: str) -> Prefix:
    """The prefix of a conversation that its client names."""
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return Prefix((int.from_bytes(digest),), 0, open=True)


def placed(key: int, among: Sequence[Candidate]) -> Candidate:
    """The one of `among`, which is not empty, to whom `key` belongs: by weighted rendezvous, so all
    who know the same names and weights agree, and when one goes, only what was there moves.
    """
    return max(among, key=lambda one: _height(key, one.name) * one.weight)


def _height(key: int, name: str) -> float:
    """1 / −ln of a number in (0, 1) that key and name give."""
    mixed = key ^ crc32(name.encode()) * 0x9E3779B97F4A7C15 & _LAST
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _LAST
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _LAST
    return -1.0 / log(((mixed ^ mixed >> 31) + 1) / (_LAST + 2))

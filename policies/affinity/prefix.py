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

from policies.policy import Candidate, Request

PREFIX = "prefix"
"""The feature: a `Prefix`, absent where a request has none."""
BOUND = 1.25
"""How many times its fair share of the requests a target may have before warmth draws no more there
(consistent hashing with bounded loads: Mirrokni, Thorup, Zadimoghaddam 2018).
"""
_LAST = (1 << 64) - 1
_PART = 1.0 / (float(1 << 64) * 1.0000001)
_ODD = 0x9E3779B97F4A7C15
"""2**64 over the golden ratio: a product's upper digits hang on all of what is multiplied."""


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


def prefix_of(request: Request) -> Prefix | None:
    """How the prompt of a request begins; None where nobody looked, or only said that it does."""
    found = request.features.get(PREFIX)
    return found if isinstance(found, Prefix) else None


def named(name: str) -> Prefix:
    """The prefix of a conversation that its client names."""
    digest = blake2b(name.encode("utf-8", "replace"), digest_size=8).digest()
    return Prefix((int.from_bytes(digest),), 0, open=True)


def placed(key: int, among: Sequence[Candidate]) -> Candidate:
    """The one of `among`, which is not empty, to whom `key` belongs: by weighted rendezvous, so all
    who know the same names and weights agree, and when one goes, only what was there moves.
    """
    chosen, highest = among[0], 0.0
    for one in among:
        mixed = (key ^ crc32(one.name.encode())) * _ODD & _LAST
        height = -one.weight / log((mixed + 1) * _PART)
        if height > highest:
            chosen, highest = one, height
    return chosen

"""Where a new beginning goes is the same for all who know the same targets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from policies.affinity.prefix import named, placed


@dataclass(frozen=True)
class Place:
    name: str
    weight: float = 1.0


KEYS = [Random(7).getrandbits(64) for _ in range(1)] + [
    named(str(number)).keys[0] for number in range(8_000)
]
EIGHT: Any = [Place(f"p{number}/m") for number in range(8)]


def test_beginnings_are_spread_by_weight() -> None:
    counts = Counter(placed(key, EIGHT).name for key in KEYS)
    assert all(count == pytest.approx(1_000, rel=0.12) for count in counts.values())
    two: Any = [Place("a/m", 3.0), Place("b/m")]
    assert sum(placed(key, two).name == "a/m" for key in KEYS) == pytest.approx(6_000, rel=0.05)


def test_the_order_of_targets_is_nothing_to_it() -> None:
    assert all(placed(key, EIGHT) == placed(key, EIGHT[::-1]) for key in KEYS[:500])


def test_when_one_goes_only_what_was_there_moves_and_to_everybody_else() -> None:
    rest = EIGHT[1:]
    moved: Counter[str] = Counter()
    for key in KEYS:
        before, after = placed(key, EIGHT).name, placed(key, rest).name
        assert before in {"p0/m", after}
        moved[after] += before == "p0/m"
    assert min(moved.values()) > 80


def test_a_named_conversation_is_one_key_that_stands_for_all_of_it() -> None:
    prefix = named("acme\nchat-1")
    assert prefix == named("acme\nchat-1") != named("acme\nchat-2")
    assert (len(prefix.keys), prefix.open) == (1, True)

"""What a cascade is worth by the quality of its judge: accuracy, and cost beside always the dear
model, on the public questions of `benchmarks/tiering.py` (the half that judges).

The judge is made up: it accepts so many of the right answers, and so many of the wrong ones, at a
part of what the cheap answer costs. The rule that switches the cascade off is the router's own, and
it learns as it goes.
Must not: ship a question.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

from benchmarks.tiering import Question, questions
from policies.cascading.worth import Tally, not_worth
from router.cascade.lane import LOOK

DEAR = 1_000_000
"""What a dear answer costs, in any money."""
CHEAP = (0.05, 0.2, 0.5, 0.9)
"""Parts of that which a cheap one costs."""
JUDGES = ((1.0, 1.0, 0.0), (0.95, 0.5, 0.2), (0.9, 0.3, 0.2), (0.9, 0.2, 0.2), (0.8, 0.1, 0.2),
    (1.0, 0.0, 0.2), (0.3, 0.3, 0.2))  # fmt: skip
"""Parts of the right and of the wrong answers that are accepted, and what that costs, as a part of
the cheap answer. The first is what checks without a judge see of such questions: nothing.
"""


class Played(NamedTuple):
    """`cost` is beside always the dear model, `first` the part that asked the cheap one first."""

    accuracy: float
    cost: float
    first: float


def play(some: Sequence[Question], cheap: float, judge: tuple[float, float, float]) -> Played:
    """All questions in a random order, as the router would ask them."""
    rng, tally = Random(7), Tally()
    right, wrong, part = judge
    weak, checks = round(cheap * DEAR), round(cheap * part * DEAR)
    good = spent = first = 0
    for one in rng.sample(some, len(some)):
        if not_worth([tally]) and rng.random() >= LOOK:
            good, spent = good + one.strong, spent + DEAR
            continue
        first += 1
        accepted = rng.random() < (right if one.weak else wrong)
        tally.add(failed=not accepted, cost=weak, checks=checks, above=[DEAR])
        good += one.weak if accepted else one.strong
        spent += weak + checks + (0 if accepted else DEAR)
    return Played(good / len(some), spent / len(some) / DEAR, first / len(some))


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table of all judges and prices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the questions")
    try:
        some = [one for one in questions(parser.parse_args(argv).data) if one.judges]
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 1
    weak = sum(one.weak for one in some) / len(some)
    strong = sum(one.strong for one in some) / len(some)
    models = f"the cheap model .{weak * 1000:.0f}, the dear one .{strong * 1000:.0f}"
    print(f"{len(some):,} questions; {models}")
    print("| accepts right, wrong | " + " | ".join(f"cheap at {one:.0%}" for one in CHEAP) + " |")
    print("|---" * (len(CHEAP) + 1) + "|")
    for judge in JUDGES:
        told = [play(some, cheap, judge) for cheap in CHEAP]
        cells = [f".{one.accuracy * 1000:.0f} at {one.cost:.0%} ({one.first:.0%})" for one in told]
        print(f"| {judge[0]:.0%}, {judge[1]:.0%} | " + " | ".join(cells) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

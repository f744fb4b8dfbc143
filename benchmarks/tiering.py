"""What `start: auto` is worth: accuracy against the share of requests that the strong model gets,
which is the cost (where the weak one costs r of it, a share s comes to r + s·(1 − r)).

Public questions, of which it is known whether a weak and a strong model answered them. They are
halved by a hash: one half is what the shipped rules were fitted to (`--fit` shows that again), the
other judges them, beside a random mixture, either model alone, and one who knew the outcomes.
Must not: ship a question. They are in a folder of the user's, as `routellm-*.csv.gz`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Sequence
from hashlib import sha256
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from benchmarks.starting import show_cpu
from policies import CostTiers, Request, Rule
from policies.starting.shipped import FITTED, SHIPPED
from router.dialects.openai.dialect import OPENAI

Array = np.ndarray[Any, np.dtype[np.float64]]
NEEDS = CostTiers(SHIPPED).needs
TEMPLATE = frozenset({"moral_scenarios"})
"""Subjects that are one sentence with gaps: 895 questions would teach that sentence's words. They
are left out of the fit, and judged with the others.
"""
SCALE = 3.0
"""Of a rule's gain in accuracy to its score: so that the surest of them, alone, changes no tier."""
STEP = 0.05
"""To which scores are rounded."""
DRAWS = 1000
"""Of the bootstrap."""


class Question(NamedTuple):
    """One, with what is known of it, and the outcomes: 1 right, 0 wrong."""

    source: str
    subject: str
    request: Request
    weak: int
    strong: int
    judges: bool


def questions(folder: Path) -> list[Question]:
    """All in a folder. Raises FileNotFoundError if there is none."""
    paths = sorted(folder.glob("routellm-*.csv.gz"))
    if not paths:
        raise FileNotFoundError(f"{folder}: no routellm-*.csv.gz")
    return [question for path in paths for question in _read(path)]


def _read(path: Path) -> list[Question]:
    source = path.name.removeprefix("routellm-").removesuffix(".csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        return [
            Question(
                source,
                row.get("subject", ""),
                asked(row["prompt"]),
                int(row["weak_correct"]),
                int(row["strong_correct"]),
                judges=sha256(row["prompt"].encode()).digest()[0] >= 128,
            )
            for row in csv.DictReader(lines)
        ]


def asked(prompt: str) -> Request:
    """The request of somebody who asks `prompt`, as the router reads it."""
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}]}
    call = OPENAI.parse(msgspec.json.encode(body))
    return Request("m", 60.0, call.input_tokens, features=OPENAI.features(call, NEEDS))


# What a way of choosing comes to.


class Curve(NamedTuple):
    """Accuracy by the share of calls to the strong model, from none to all."""

    shares: Array
    accuracy: Array

    @property
    def gained(self) -> float:
        """The area over the line of a random mixture, in points of accuracy."""
        line = self.accuracy[0] + self.shares * (self.accuracy[-1] - self.accuracy[0])
        return 100 * float(np.trapezoid(self.accuracy - line, self.shares))

    def at(self, share: float) -> float:
        """The accuracy at a share; between two, a mixture of both."""
        return float(np.interp(share, self.shares, self.accuracy))


def curve(scores: Array, weak: Array, strong: Array, times: Array) -> Curve:
    """Who is hardest goes to the strong model first; of equals, a random part. Each question counts
    so many `times`.
    """
    _, place = np.unique(-scores, return_inverse=True)
    size = np.bincount(place, times)
    gain = np.bincount(place, times * (strong - weak))
    total = times.sum()
    shares = np.concatenate([[0.0], np.cumsum(size) / total])
    return Curve(shares, (times @ weak + np.concatenate([[0.0], np.cumsum(gain)])) / total)


class Judged(NamedTuple):
    """What the rules come to on some questions."""

    number: int
    weak: float
    strong: float
    oracle: float
    oracle_share: float
    curve: Curve
    best: Curve
    gained: tuple[float, float]

    @property
    def recovered(self) -> float:
        """The area under the share of the gap between both models that is recovered: 0.5 for a
        random mixture.
        """
        return 0.5 + self.curve.gained / 100 / (self.strong - self.weak)


def judged(some: Sequence[Question], rules: tuple[Rule, ...], seed: int = 7) -> Judged:
    """`rules` on these questions, with the 95 % interval of the area that they gain."""
    policy = CostTiers(rules)
    weak = np.array([float(q.weak) for q in some])
    strong = np.array([float(q.strong) for q in some])
    scores = np.array([policy.score(q.request) for q in some])
    ones = np.ones(len(some))
    rng = np.random.default_rng(seed)
    drawn = [rng.multinomial(len(some), ones / len(some)).astype(float) for _ in range(DRAWS)]
    areas = [curve(scores, weak, strong, times).gained for times in drawn]
    low, high = np.quantile(areas, [0.025, 0.975])
    return Judged(
        len(some),
        float(weak.mean()),
        float(strong.mean()),
        float(np.maximum(weak, strong).mean()),
        float(((strong - weak) > 0).mean()),
        curve(scores, weak, strong, ones),
        curve(strong - weak, weak, strong, ones),
        (float(low), float(high)),
    )


def report(name: str, told: Judged) -> list[str]:
    """What is said of some questions."""
    low, high = told.gained
    known = f"weak {told.weak:.3f}, strong {told.strong:.3f}, oracle {told.oracle:.3f}"
    area = f"{told.curve.gained:+.2f} points of accuracy [{low:+.2f}, {high:+.2f}]"
    lines = [
        f"{name}, {told.number:,} questions: {known} at {told.oracle_share:.1%} strong calls",
        f"  area over a random mixture: {area}, the oracle's {told.best.gained:+.2f}",
        f"  of the gap recovered on average: {told.recovered:.3f} (random 0.500)",
        "  strong calls   " + "".join(f"{share:>8.0%}" for share in SHARES),
    ]
    for what, one in (("start: auto", told.curve), ("oracle", told.best)):
        lines.append(f"  {what:<15}" + "".join(f"{one.at(share):8.3f}" for share in SHARES))
    mixed = (told.weak + share * (told.strong - told.weak) for share in SHARES)
    lines.append("  random mixture " + "".join(f"{accuracy:8.3f}" for accuracy in mixed))
    return lines


SHARES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)


def thresholds(some: Sequence[Question]) -> list[str]:
    """What a route of two tiers gets for the number that it writes as `tiers_at`."""
    scores = np.array([CostTiers(SHIPPED).score(q.request) for q in some])
    lines = ["  tiers_at     strong calls     accuracy"]
    for at in np.unique(scores[scores > 0]):
        up = scores >= at
        right = [q.strong if above else q.weak for q, above in zip(some, up, strict=True)]
        lines.append(f"  {at:8.2f} {up.mean():16.1%} {np.mean(right):12.3f}")
    return lines


# How the scores came about.


def fitted(
    some: Sequence[Question], rules: Sequence[Rule] = FITTED
) -> list[tuple[Rule, float, float]]:
    """For each of the `rules`, by how much more the strong model gains where it holds, and the
    standard error of that: least squares over all rules at once.
    """
    some = [q for q in some if q.subject not in TEMPLATE]
    held = np.array([[1.0, *(rule.holds(q.request) for rule in rules)] for q in some])
    gain = np.array([float(q.strong - q.weak) for q in some])
    inverse = np.linalg.inv(held.T @ held)
    weights = inverse @ held.T @ gain
    noise = ((gain - held @ weights) ** 2).sum() / (len(some) - len(weights))
    errors = np.sqrt(np.diag(inverse) * noise)
    return list(zip(rules, map(float, weights[1:]), map(float, errors[1:]), strict=True))


def scored(weight: float) -> float:
    """A gain in accuracy as the score of a rule."""
    return round(round(weight * SCALE / STEP) * STEP, 2)


def show_fit(some: Sequence[Question]) -> None:
    print("gain where it holds   score   shipped   rule")
    for rule, weight, error in fitted(some):
        words = rule.words(Request("m", 0.0)).replace(" (not known)", "")
        told = f"{weight:+.3f} ± {error:.3f}"
        print(f"{told:>19} {scored(weight):+7.2f} {rule.score:+9.2f}   {words}")


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the shipped rules, fit them again, or say what they cost."""
    parser = argparse.ArgumentParser(description="what `start: auto` is worth")
    parser.add_argument("--data", type=Path, help="a folder of routellm-*.csv.gz")
    parser.add_argument("--cpu", action="store_true", help="what it costs, and nothing else")
    parser.add_argument("--fit", action="store_true", help="on the other half, fit the rules again")
    asked_for = parser.parse_args(argv)
    if asked_for.cpu:
        show_cpu(CostTiers(SHIPPED, tiers_at=(0.5,)))
        return 0
    if asked_for.data is None:
        parser.error("--data names a folder with the questions")
    try:
        every = questions(asked_for.data)
    except FileNotFoundError as error:
        print(error, file=sys.stderr)
        return 2
    if asked_for.fit:
        show_fit([q for q in every if not q.judges])
        return 0
    held_out = [q for q in every if q.judges]
    groups = {source: list(some) for source, some in groupby(held_out, lambda q: q.source)}
    without = [q for q in held_out if q.subject not in TEMPLATE]
    groups |= {"all": held_out, f"all but {', '.join(TEMPLATE)}": without}
    for name, some in groups.items():
        print("\n".join(report(name, judged(some, SHIPPED))), end="\n\n")
    print("all, by the number at which the second tier begins:")
    print("\n".join(thresholds(held_out)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

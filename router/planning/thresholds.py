"""What is too much: `cost>+10%`, `chat:errors>+1%`, `p99_first_token>1.5x`, read and judged.

`+10%` is relative to the old file's figure, but of one that is itself a share of requests it is
points; `1.5x` is a multiple of it. A threshold is broken where the new figure is beyond it and the
difference is more than chance.

Must not: guess what was meant. What cannot be read, or judged, is an error that names its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from router.config.problems import nearest, quoted
from router.planning.comparing import FIGURES, RATES, Comparison, Group
from router.planning.faults import BadInput
from router.planning.interval import Change

WRITTEN = "write it as cost>+10%, errors>+1%, p99_first_token>1.5x or chat:cost>+10%"
_WHOLE = re.compile(r"(?:(.*):)?([^:<>]*)([<>])(.*)", re.DOTALL)
_AMOUNT = re.compile(r"([+-]\d{1,9}(?:\.\d{1,9})?)%|(\d{1,9}(?:\.\d{1,9})?)x", re.ASCII)


class Threshold(NamedTuple):
    """A bound on a figure of a `model` (None: of all requests): what it must not be beyond, as a
    multiple of the old figure and something added to it.
    """

    text: str
    model: str | None
    figure: str
    sign: Literal["<", ">"]
    times: float
    plus: float

    def beyond(self, old: float, new: float) -> bool:
        """Whether `new` is beyond it, beside `old`."""
        bound = old * self.times + self.plus
        return new > bound if self.sign == ">" else new < bound


class Verdict(NamedTuple):
    """A threshold, the change that it is held against, and what became of it. One that is `kept`
    but not `surely` might be broken by chance the next time.
    """

    threshold: Threshold
    change: Change
    kept: bool
    surely: bool


def parse(text: str) -> Threshold:
    """A threshold as it is written. Raises `BadInput`."""
    match = _WHOLE.fullmatch(text)
    if match is None:
        raise _wrong(text, len(text), "it needs > or <, and something after it", WRITTEN)
    figure = match[2].strip()
    if figure not in FIGURES:
        raise _wrong(
            text, match.start(2), f"{quoted(figure)} is no figure", nearest(figure, FIGURES)
        )
    amount = _AMOUNT.fullmatch(match[4].strip())
    if amount is None:
        what = f"{quoted(match[4].strip())} is no change"
        raise _wrong(text, match.start(4), what, "write it as +10%, -5% or 1.5x")
    model = match[1].strip() if match[1] is not None else None
    sign: Literal["<", ">"] = ">" if match[3] == ">" else "<"
    if amount[2] is not None:
        return Threshold(text, model, figure, sign, float(amount[2]), 0.0)
    share = float(amount[1]) / 100
    if figure in RATES:
        return Threshold(text, model, figure, sign, 1.0, share)
    return Threshold(text, model, figure, sign, 1.0 + share, 0.0)


def check(thresholds: Iterable[Threshold], models: Iterable[str]) -> None:
    """Whether the models that they name are there. Raises `BadInput`."""
    known = set(models)
    for one in thresholds:
        if one.model is not None and one.model not in known:
            raise _wrong(one.text, 0, f"no model {quoted(one.model)}", nearest(one.model, known))


def judge(threshold: Threshold, comparison: Comparison) -> Verdict:
    """Whether it is kept. Raises `BadInput` where that cannot be told."""
    group = comparison.all
    if threshold.model is not None:
        found = comparison.models.get(threshold.model)
        if found is None:
            raise _wrong(threshold.text, 0, f"nobody asked for {threshold.model}", "give --model")
        group = found
    change = group.figures[threshold.figure]
    if change is None:
        raise _wrong(threshold.text, 0, *_unknown(threshold, group))
    broken = change.seen and threshold.beyond(change.old, change.new)
    ends = change.new - change.half, change.new + change.half
    might = any(threshold.beyond(change.old, end) for end in ends)
    return Verdict(threshold, change, not broken, broken or not might)


def _unknown(threshold: Threshold, group: Group) -> tuple[str, str]:
    if threshold.figure == "cost" and group.unpriced:
        names = ", ".join(group.unpriced)
        return f"no price is known of {names}", "write `price: {input: …, output: …}` there"
    return "too few of these requests are answered by both files", "give more, or look at errors"


def _wrong(text: str, place: int, what: str, remedy: str) -> BadInput:
    return BadInput(f"--fail-if {quoted(text)}, at character {place + 1}: {what}; {remedy}")

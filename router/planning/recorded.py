"""Requests, and what targets did with them, from the router's own records of decisions.

Why: what was asked yesterday is the best guess at what is asked tomorrow, and nobody knows better
how long a target takes than who waited for it.
Must not: believe a single measurement: what has few is left to be assumed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from statistics import StatisticsError, fmean, linear_regression
from typing import NamedTuple

from policies import Band, Request
from policies.simulate import Arrival
from router.planning.faults import BadInput
from router.telemetry.lines.line import Attempt, Line
from router.telemetry.lines.reading import Lines, written_beside

LEAST = 20
"""Answers of a target from which its waits are taken."""
UNKNOWN_LENGTH = 100
"""Tokens of an answer to a model that gave none."""
MOST_WAITS = 1000
"""Points that a target's waits are kept by."""


class Measured(NamedTuple):
    """What records say of a target: its waits for the first token in seconds, in order, seconds
    for each token after that, and the shares of its attempts that failed and that were throttled.
    """

    waits: tuple[float, ...]
    per_token: float
    errors: float
    throttled: float
    attempts: int


Answer = tuple[float | None, float, int]
"""Seconds to its first token, where it was streamed, and in all; its tokens."""


def read(path: Path, rng: Random) -> tuple[list[Arrival], list[str], Mapping[str, Measured]]:
    """The requests of a file of records, and of those beside it that were rotated; what is to be
    said of them; and what they say of targets. Raises `BadInput` and OSError.
    """
    lines = Lines(written_beside(path) or [path])
    arrivals, notes = [], []
    answers: dict[str, list[Answer]] = defaultdict(list)
    ends: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sampled = 0
    seen: set[tuple[str, str]] = set()
    for line in lines:
        if (attempt := line.attempt) is not None:
            _measure(line, attempt, answers, ends)
        if (line.instance, line.request) not in seen:
            seen.add((line.instance, line.request))
            sampled += line.share < 1.0
            arrivals.extend(_copies(line, rng))
    if lines.broken and not arrivals:
        raise BadInput(f"{path}: none of its lines is a record of a decision, and it is no .csv")
    arrivals = _supplied(arrivals)
    if lines.broken:
        notes.append(f"{lines.broken} lines that are no records were passed over")
    if sampled:
        notes.append("requests that were recorded for several are played as several")
    return (
        arrivals,
        notes,
        {name: measured(answers[name], ends[name]) for name in ends if len(answers[name]) >= LEAST},
    )


def _supplied(arrivals: list[Arrival]) -> list[Arrival]:
    """The same, with usual lengths for the answers that nobody got."""
    known: dict[str, list[int]] = defaultdict(list)
    for each in arrivals:
        if each.output_tokens >= 0:
            known[each.model].append(each.output_tokens)
    usual = {model: round(fmean(lengths)) for model, lengths in known.items()}
    return [
        each
        if each.output_tokens >= 0
        else each._replace(output_tokens=usual.get(each.model, UNKNOWN_LENGTH))
        for each in arrivals
    ]


def measured(answers: list[Answer], ends: Mapping[str, int]) -> Measured:
    """What so many answers, and the ends of all attempts, come to."""
    streamed = [(first, total, tokens) for first, total, tokens in answers if first is not None]
    if len(streamed) >= LEAST:
        written = sum(max(0, tokens - 1) for _, _, tokens in streamed)
        pace = sum(total - first for first, total, _ in streamed) / max(1, written)
        waits = [first for first, _, _ in streamed]
    else:
        pace = _pace(answers)
        waits = [max(0.0, total - pace * tokens) for _, total, tokens in answers]
    attempts = sum(ends.values())
    failed = ends.get("failed", 0) + ends.get("denied", 0)
    judged = failed + ends.get("ok", 0)
    return Measured(
        thinned(sorted(waits)),
        pace,
        failed / judged if judged else 0.0,
        (ends.get("throttled", 0) + ends.get("spilled", 0)) / attempts if attempts else 0.0,
        attempts,
    )


def thinned(waits: list[float]) -> tuple[float, ...]:
    """As many of them as are kept, evenly spaced, with the first and the last."""
    if len(waits) <= MOST_WAITS:
        return tuple(waits)
    step = (len(waits) - 1) / (MOST_WAITS - 1)
    return tuple(waits[round(place * step)] for place in range(MOST_WAITS))


def _pace(answers: Iterable[Answer]) -> float:
    """Seconds for a token, by the answers that came in one piece: the slope of a line."""
    totals = [(tokens, total) for first, total, tokens in answers if first is None]
    try:
        slope = linear_regression(*zip(*totals, strict=True)).slope if totals else 0.0
    except StatisticsError:  # all of one length
        return 0.0
    return max(0.0, slope)


def _measure(
    line: Line,
    attempt: Attempt,
    answers: dict[str, list[Answer]],
    ends: dict[str, dict[str, int]],
) -> None:
    ends[attempt.target][attempt.outcome] += 1
    if attempt.outcome == "ok" and (attempt.first_s is not None or not line.stream):
        told = attempt.first_s, attempt.total_s, attempt.output_tokens or 0
        answers[attempt.target].append(told)


def _copies(line: Line, rng: Random) -> list[Arrival]:
    """A request, as often as its record stands for; the copies come within the second after it."""
    share = min(1.0, max(line.share, 1e-3))
    count = int(1 / share) + (rng.random() < 1 / share % 1.0)
    arrival = Arrival(
        line.at,
        line.input_tokens if line.input_tokens is not None else line.expected_tokens,
        -1 if line.output_tokens is None or line.end != "ok" else line.output_tokens,
        line.stream,
        line.tenant,
        _band(line),
        line.model,
        _request(line),
    )
    return [arrival, *(arrival._replace(at=line.at + rng.random()) for _ in range(count - 1))]


def _band(line: Line) -> Band:
    return Band.__members__.get(line.band.upper(), Band.STANDARD)


def _request(line: Line) -> Request:
    """The request as the engine was asked; its deadline is not known before it comes again."""
    return Request(
        line.model,
        line.deadline_s,
        line.expected_tokens,
        line.most_tokens,
        line.stream,
        frozenset(line.only) if line.only is not None else None,
        features=line.features,
        tenant=line.tenant,
        band=_band(line),
        requires=frozenset(line.requires),
        acts=line.acts,
        counted=line.counted,
        barred={},  # the usual mapping, of nothing, cannot be sent to another process
    )

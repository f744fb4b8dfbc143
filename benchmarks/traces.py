"""Recorded traffic, read from its files: what happened somewhere, to be replayed in virtual
time.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TextIO

from policies.simulate import Arrival, Bound, Crowd, Fault, Scenario, Service
from policies.simulate.scenario import SICK

MOST = 10_000
"""Requests of a trace that are replayed."""
WAITS = {SICK: 0.2, "p1/m": 0.5, "p2/m": 0.6, "p3/m": 1.2}
"""Seconds to the first token of four providers of one model, as public measurements found them in
December 2023 (llmperf).
"""


@dataclass(frozen=True, slots=True)
class Replay(Scenario):
    """Recorded requests instead of drawn ones."""

    recorded: tuple[Arrival, ...] = ()

    def come(self, seed: int) -> Iterator[Arrival]:
        """The same for every seed: what the targets do with them is drawn."""
        return iter(self.recorded)


def replays(folder: Path) -> list[Scenario]:
    """The traces in a folder, files named *conv*.csv.gz and *code*.csv.gz, each before four unequal
    targets of which the fastest browns out. Raises FileNotFoundError if there is none.
    """
    paths = sorted({*folder.glob("*conv*.csv.gz"), *folder.glob("*code*.csv.gz")})
    if not paths:
        raise FileNotFoundError(f"{folder}: no *conv*.csv.gz and no *code*.csv.gz")
    return [
        replay(path.name.removesuffix(".csv.gz"), tuple(islice(trace(path), MOST)))
        for path in paths
    ]


def replay(name: str, recorded: tuple[Arrival, ...]) -> Scenario:
    """One trace, with a brown-out in the middle third of its time."""
    seconds = recorded[-1].at + 1.0
    start, end = seconds / 3, 2 * seconds / 3
    return Replay(
        name,
        (Fault(SICK, start, end, slower=10.0, pace=5.0),),
        (Crowd(len(recorded) / seconds),),
        seconds=seconds,
        start=start,
        end=end,
        services={name: Service(first_token=wait) for name, wait in WAITS.items()},
        bounds=(Bound("regret", most=0.15),),
        recorded=recorded,
    )


def trace(path: Path, *, stream: bool = True) -> Iterator[Arrival]:
    """A recorded trace: a CSV file, gzipped or not, with TIMESTAMP, ContextTokens and
    GeneratedTokens. Raises KeyError for a file with other columns.
    """
    begin = None
    with _opened(path) as lines:
        for row in csv.DictReader(lines):
            instant = datetime.fromisoformat(row["TIMESTAMP"])
            begin = instant if begin is None else begin
            tokens = max(1, int(row["ContextTokens"])), max(1, int(row["GeneratedTokens"]))
            # A difference, never an instant: whatever zone this runs in, it is the same trace.
            yield Arrival((instant - begin).total_seconds(), *tokens, stream)


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8")
    return path.open(encoding="utf-8")

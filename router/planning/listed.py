"""Requests from a table: arrival, tokens in, tokens out, and perhaps the model and the tenant.

Why: whoever has an access log, or a public trace, has these columns.
Must not: guess. A line that cannot be read is an error that names it.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path

from policies.simulate import Arrival
from router.config.problems import nearest, quoted
from router.planning.faults import BadInput

COLUMNS = ("arrival", "tokens_in", "tokens_out", "model", "tenant")
NEEDED = 3
MOST_TOKENS = 10**8


def is_list(path: Path) -> bool:
    """Whether it is one, by its name."""
    return path.name.removesuffix(".gz").endswith(".csv")


def read(path: Path) -> tuple[list[Arrival], list[str]]:
    """Its requests as they stand, and what is to be said of them. Raises `BadInput` and OSError."""
    try:
        with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as lines:
            return list(_read(str(path), lines)), []
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile, csv.Error) as error:
        raise BadInput(f"{path}: it is no table of text: {error}") from None


def _read(name: str, lines: Iterable[str]) -> Iterator[Arrival]:
    rows = csv.reader(lines)
    order = tuple(range(len(COLUMNS)))
    for number, row in enumerate(rows, 1):
        if not row or row == [""]:
            continue
        place = f"{name}:{number}"
        if number == 1 and _is_head(row):
            order = _order(row, place)
            continue
        if len(row) < NEEDED:
            raise BadInput(f"{place}: {len(row)} columns; write {','.join(COLUMNS[:NEEDED])}")
        cells = [row[at].strip() if 0 <= at < len(row) else "" for at in order]
        yield Arrival(
            _instant(cells[0], place),
            _tokens(cells[1], place, COLUMNS[1]),
            _tokens(cells[2], place, COLUMNS[2]),
            model=cells[3],
            tenant=cells[4],
        )


def _is_head(row: list[str]) -> bool:
    try:
        _instant(row[0].strip(), "")
    except BadInput:
        return True
    return False


def _order(head: list[str], place: str) -> tuple[int, ...]:
    """Where each column stands: by its name if the first line uses ours, else as they are listed
    in `COLUMNS`, whatever others call them.
    """
    names = [name.strip().lower() for name in head]
    if not set(COLUMNS) & set(names):
        if len(names) > len(COLUMNS):
            raise BadInput(f"{place}: {len(names)} columns; name them {','.join(COLUMNS)}")
        return tuple(range(len(COLUMNS)))
    for needed in COLUMNS[:NEEDED]:
        if needed not in names:
            raise BadInput(f"{place}: no column {needed}; {nearest(needed, names)}")
    return tuple(names.index(name) if name in names else -1 for name in COLUMNS)


def _instant(cell: str, place: str) -> float:
    """Seconds, from a number of them or a date with a time."""
    try:
        seconds = float(cell)
    except ValueError:
        try:
            when = datetime.fromisoformat(cell)
        except ValueError:
            remedy = "write seconds, or 2026-01-31T12:00:00"
            raise BadInput(f"{place}: arrival {quoted(cell)} is no instant; {remedy}") from None
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if not isfinite(seconds):
        raise BadInput(f"{place}: arrival {quoted(cell)} is no instant")
    return seconds


def _tokens(cell: str, place: str, column: str) -> int:
    try:
        tokens = int(cell)
    except ValueError:
        tokens = -1
    if not 0 <= tokens <= MOST_TOKENS:
        remedy = "write a whole number, 0 or more"
        raise BadInput(f"{place}: {column} {quoted(cell)} is no count of tokens; {remedy}")
    return tokens

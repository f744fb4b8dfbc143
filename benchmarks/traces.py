"""Recorded traffic, read from its files: what happened somewhere, to be replayed in virtual
time.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TextIO

from policies.simulate import Arrival


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

"""`plan`: an edit of the file, tried on traffic, told on the terminal, as JSON or as a page."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from router.building.choosing import BuildFault
from router.config import ConfigError, units
from router.planning.faults import BadInput
from router.planning.page import page
from router.planning.plan import Asked, Plan, plan
from router.planning.thresholds import Verdict, check, judge, parse
from router.planning.told import as_json


class Wanted(NamedTuple):
    """What is asked for, as it is written."""

    old: Path
    new: Path
    traffic: str
    requests: str | None
    rate: str
    models: tuple[str, ...]
    seed: int


def run(wanted: Wanted, fail_if: Sequence[str], html: Path | None, *, in_json: bool) -> int:
    """Print what comes of it; 0, 1 where a threshold is broken, 2 where something is wrong."""
    try:
        thresholds = [parse(text) for text in fail_if]
        made = plan(_asked(wanted), os.environ, lambda models: check(thresholds, models))
        verdicts = [judge(threshold, made.comparison) for threshold in thresholds]
        if html is not None:
            html.write_text(page(made, verdicts), encoding="utf-8")
    except (ConfigError, BuildFault, BadInput) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    _print(made, verdicts, in_json=in_json)
    return 0 if all(verdict.kept for verdict in verdicts) else 1


def _asked(wanted: Wanted) -> Asked:
    where, written = "--requests", wanted.requests
    try:
        most = None if written is None else units.positive(written)
        where, written = "--rate", wanted.rate
        rate = units.rate(written)
    except units.Unreadable as unreadable:
        raise BadInput(f"{where} {written} {unreadable.what}; {unreadable.remedy}") from None
    return Asked(
        wanted.old,
        wanted.new,
        wanted.traffic,
        most,
        rate.amount / rate.seconds,
        wanted.models,
        wanted.seed,
    )


def _print(made: Plan, verdicts: Sequence[Verdict], *, in_json: bool) -> None:
    if in_json:
        print(json.dumps(as_json(made, verdicts), indent=2))
        return
    from router.cli.tables import planned

    planned(made, verdicts)

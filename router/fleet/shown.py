"""What people are shown of a fleet: each instance with its revision and its age, and the numbers of
all.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router.fleet.fleet import Fleet
    from router.telemetry.prometheus import Metric

COUNTED = ("told", "heeded", "foreign", "malformed")


def shown(fleet: Fleet, now: float) -> dict[str, Any]:
    """The fleet as this instance knows it, as JSON knows it."""
    since, wall = fleet.drift.since, time.time()
    return {
        "name": fleet.name,
        "answers": fleet.answers,
        "listens": fleet.listens,
        "revisions": sorted(fleet.revisions),
        "differ_for_s": None if since is None else round(now - since, 1),
        "news": {what: fleet.counts[what] for what in COUNTED},
        "instances": [
            {
                "name": name,
                "this": name == fleet.me.name,
                "host": seen.said.host,
                "pid": seen.said.pid,
                "version": seen.said.version,
                "revision": seen.said.revision,
                "runs_for_s": round(max(0.0, wall - seen.said.since), 1),
                "heard_s_ago": round(now - seen.heard, 1),
            }
            for name, seen in fleet.instances
        ],
    }


def metrics(fleet: Fleet) -> list[Metric]:
    """Its numbers, for Prometheus."""
    news: list[tuple[dict[str, object], float]] = [
        ({"end": what}, fleet.counts[what]) for what in COUNTED
    ]
    return [
        ("fleet_instances", "gauge", "Instances known.", [({}, len(fleet.seen))]),
        ("fleet_revisions", "gauge", "Revisions they run.", [({}, len(fleet.revisions))]),
        ("fleet_news_total", "counter", "News told, and heard.", news),
    ]

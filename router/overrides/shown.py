"""What people are shown of operators' words."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from router.overrides.override import Override, moment
from router.overrides.overrides import Overrides
from router.telemetry.prometheus import Metric


def shown(overrides: Overrides) -> list[dict[str, Any]]:
    """Those that hold, as JSON knows them."""
    now = time.time()
    return [one_shown(one, overrides.idle(one), now) for one in overrides.holding()]


def one_shown(one: Override, idle: str | None, now: float) -> dict[str, Any]:
    """One of them. `idle` is why it changes nothing now."""
    return {
        "id": one.id,
        "kind": one.kind,
        "target": one.target,
        "model": one.model,
        "words": one.words,
        "since": moment(one.since),
        "until": moment(one.until),
        "for_s": round(max(0.0, one.until - now), 1),
        "by": one.by,
        "reason": one.reason,
        "idle": idle,
    }


def metrics(overrides: Overrides) -> list[Metric]:
    """How many are in force."""
    counts = Counter(one.kind for one in overrides.holding() if overrides.idle(one) is None)
    samples: list[tuple[dict[str, object], float]] = [
        ({"kind": kind}, counts[kind]) for kind in ("drain", "pin")
    ]
    return [("overrides", "gauge", "Operators' words in force.", samples)]

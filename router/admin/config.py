"""What the router knows of its file: what is in force since when, and why the newest is not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from router.overrides import shown as overrides
from router.telemetry.prometheus import Metric

if TYPE_CHECKING:
    from router.admin.state import State


def shown(state: State) -> dict[str, Any]:
    """The page, as JSON knows it. `changes` are what the last reload changed, in words."""
    config, now = state.config, state.clock()
    return {
        "revision": state.runtime.revision,
        "path": str(config.path),
        "files": [str(path) for path in config.files],
        "reload": config.server.reload,
        "loaded_s_ago": round(now - state.loaded, 1),
        "changes": state.changes,
        "tried_s_ago": round(now - state.tried, 1),
        "errors": state.errors,
        "overrides": overrides.shown(state.overrides),
        "notes": [str(note) for note in config.notes],
        "reloads": {end: state.counters.reloads[end] for end in ("ok", "refused")},
    }


def metrics(state: State) -> Iterable[Metric]:
    """How many mistakes keep the newest file from being in force."""
    samples: list[tuple[dict[str, object], float]] = [({}, len(state.errors))]
    yield "config_errors", "gauge", "Mistakes for which the newest file is not in force.", samples

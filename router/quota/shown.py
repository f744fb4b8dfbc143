"""What people are shown of the server of shared limits, as this instance finds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router.quota.together import Together
    from router.telemetry.prometheus import Metric


def shown(together: Together, now: float) -> dict[str, Any]:
    """Whether it is there, and what it is, as JSON knows it."""
    found, work = together.shared.found, together.shared.work
    return {
        "up": together.shared.up,
        "why": together.why,
        "for_s": round(now - together.since, 1),
        "outages": together.outages,
        "server": "" if found is None else found.name,
        "warnings": [] if found is None else list(found.warnings),
        "batches": work.batches,
        "reservations": work.reservations,
        "ms_a_batch": round(work.seconds / work.batches * 1000, 3) if work.batches else None,
    }


def metrics(together: Together) -> list[Metric]:
    """Its numbers, for Prometheus."""
    work = together.shared.work
    counters = {
        "shared_outages_total": ("Times that the server was lost.", together.outages),
        "shared_batches_total": ("Batches that it answered.", work.batches),
        "shared_reservations_total": ("Reservations in them.", work.reservations),
        "shared_batch_seconds_total": ("Seconds that they took.", work.seconds),
    }
    up: list[tuple[dict[str, object], float]] = [({}, int(together.shared.up))]
    return [
        ("shared_up", "gauge", "1 while limits are kept together.", up),
        *((name, "counter", text, [({}, count)]) for name, (text, count) in counters.items()),
    ]

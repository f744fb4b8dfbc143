"""What people are shown of the file that decisions are written to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from router.telemetry.prometheus import Metric

if TYPE_CHECKING:
    from router.telemetry.lines.writing import Writer


def shown(writer: Writer) -> dict[str, Any]:
    """How the file is, as JSON knows it; `problem` is empty while it can be written."""
    return {
        "file": str(writer.path),
        "written": writer.written,
        "dropped": writer.dropped,
        "waiting_bytes": writer.waiting,
        "problem": writer.problem,
    }


def metrics(writer: Writer) -> Iterable[Metric]:
    """Lines written and dropped, and whether they can be written."""
    yield "decision_lines_total", "counter", "Lines of decisions written.", [({}, writer.written)]
    yield (
        "decision_lines_dropped_total", "counter", "Lines of decisions that were not written.",
        [({}, writer.dropped)],
    )  # fmt: skip
    yield (
        "decision_file_up", "gauge", "Whether lines of decisions can be written.",
        [({}, float(not writer.problem))],
    )  # fmt: skip

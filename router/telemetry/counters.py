"""Counters and histograms, as plain numbers that whoever wants them reads: Prometheus, status.

Labels are names from the configuration, outcomes and statuses: nothing that a caller could
invent, so nothing here grows with traffic.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import Final

from policies import Outcome
from router.telemetry.journal import AttemptRecord, RefusalRecord, RequestRecord

BOUNDS: Final = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
"""Seconds: OpenTelemetry's advice for durations of generative-AI calls (semantic conventions
1.41).
"""

TARGETS_OWN: Final = frozenset({Outcome.FAILED, Outcome.THROTTLED, Outcome.DENIED})
"""Outcomes that say something of a target: what a request asks for in vain is not its failure."""


class Histogram:
    """Counts by upper bound, with their sum."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def record(self, seconds: float) -> None:
        """Count one duration."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds


class Counters:
    """A `Reader` of the journal; `prometheus` names what is counted. Copies are counted apart."""

    def __init__(self) -> None:
        self.requests: Counter[tuple[str, str, int, str]] = Counter()
        self.refusals: Counter[tuple[int, str]] = Counter()
        self.attempts: Counter[tuple[str, str, str]] = Counter()
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.cached: Counter[str] = Counter()
        self.shadows: Counter[tuple[str, str, str]] = Counter()
        self.shadow_tokens: Counter[tuple[str, str]] = Counter()
        self.rescued: Counter[str] = Counter()
        self._spilled: Counter[str] = Counter()  # attempts of requests that are under way
        self.degraded: Counter[tuple[str, str]] = Counter()
        self.client_seconds: dict[str, float] = {}
        self.resumed: Counter[tuple[str, str]] = Counter()
        self.unclassified: Counter[tuple[str, int]] = Counter()
        self.malformed: Counter[str] = Counter()
        self.policy_errors: Counter[str] = Counter()
        self.reloads: Counter[str] = Counter()
        self.last_failure: dict[str, AttemptRecord] = {}
        self.duration: dict[str, Histogram] = {}
        self.first_token: dict[str, Histogram] = {}

    def attempt(self, record: AttemptRecord) -> None:
        if record.shadow:
            self._shadowed(record)
            return
        report, target = record.report, record.target
        outcome = report.outcome
        phase = "" if outcome.good else report.phase.value
        self.attempts[target, outcome.word, phase] += 1
        if not outcome.good:
            if outcome in TARGETS_OWN:
                self.last_failure[target] = record
            elif outcome is Outcome.SPILLED:
                self._spilled[record.request_id] += 1
        if report.unclassified is not None:
            self.unclassified[target.partition("/")[0], report.unclassified] += 1
        if record.malformed:
            self.malformed[target] += record.malformed
        if read := report.input_tokens:
            self.tokens[target, "input"] += read
        if written := report.output_tokens:
            self.tokens[target, "output"] += written
        if cached := report.cached_tokens:
            self.cached[target] += cached
        if record.first is not None:
            if (seconds := self.first_token.get(target)) is None:
                seconds = self.first_token[target] = Histogram()
            seconds.record(record.first - record.started)

    def _shadowed(self, record: AttemptRecord) -> None:
        """A copy's attempt: it costs money, and says something of its target."""
        report, target = record.report, record.target
        self.shadows[record.model, target, report.outcome.word] += 1
        if report.outcome in TARGETS_OWN:
            self.last_failure[target] = record
        if report.unclassified is not None:
            self.unclassified[target.partition("/")[0], report.unclassified] += 1
        if read := report.input_tokens:
            self.shadow_tokens[target, "input"] += read
        if written := report.output_tokens:
            self.shadow_tokens[target, "output"] += written

    def request(self, record: RequestRecord) -> None:
        if record.shadow:
            return
        self.requests[record.tenant, record.model, record.status, record.end] += 1
        spilled = self._spilled.pop(record.request_id, 0) if self._spilled else 0
        if record.end == "ok" and record.attempts - spilled > 1:
            self.rescued[record.model] += 1
        if record.degraded and record.end in ("ok", "degraded"):
            self.degraded[record.model, record.degraded] += 1
        if record.client_seconds:
            so_far = self.client_seconds.get(record.model, 0.0)
            self.client_seconds[record.model] = so_far + record.client_seconds
        if record.resumed:
            self.resumed[record.model, record.end] += 1
        if (seconds := self.duration.get(record.model)) is None:
            seconds = self.duration[record.model] = Histogram()
        seconds.record(record.ended - record.started)

    def refused(self, record: RefusalRecord) -> None:
        self.refusals[record.status, record.code] += 1

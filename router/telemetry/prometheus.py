"""Everything counted, in Prometheus' text format 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from types import MappingProxyType

from policies import Measured, Tally, TargetSnapshot
from router.shadow.terms import ARM
from router.telemetry.counters import BOUNDS, Counters, Histogram

Samples = Iterable[tuple[dict[str, object], float]]

Limited = Mapping[tuple[str, str, str], int]
NOBODY: Limited = MappingProxyType({})

Metric = tuple[str, str, str, Samples]


def prometheus(
    counters: Counters,
    targets: Mapping[str, TargetSnapshot],
    running: int,
    dropped: int,
    limited: Limited = NOBODY,
    further: Iterable[Metric] = (),
) -> str:
    """The whole page. `limited` counts requests by tenant, by what was counted together and by what
    of that was used up; `further` are whatever metrics there are beside.
    """
    lines: list[str] = []
    for name, kind, text, samples in (
        *totals(counters),
        *tokens(counters),
        *copies(counters),
        *faults(counters, dropped),
        *estimates(targets),
        *gauges(targets, running),
        *limits(targets),
        *refused(limited),
        *further,
    ):
        lines += [f"# HELP pointsman_{name} {text}", f"# TYPE pointsman_{name} {kind}"]
        lines += [f"pointsman_{name}{_labels(labels)} {value:.12g}" for labels, value in samples]
    lines += histogram("request_seconds", "From first byte to last.", "model", counters.duration)
    lines += histogram(
        "first_token_seconds", "From sending to the first content.", "target", counters.first_token
    )
    return "\n".join(lines) + "\n"


def totals(counters: Counters) -> Iterable[Metric]:
    """Name, kind, help and samples of what requests and attempts came to."""
    yield (
        "requests_total", "counter", "Requests that have ended.",
        [
            ({"tenant": tenant, "model": model, "status": status, "end": end}, count)
            for (tenant, model, status, end), count in counters.requests.items()
        ],
    )  # fmt: skip
    yield (
        "attempts_total", "counter", "Attempts that have ended.",
        [
            ({"target": target, "outcome": outcome, "phase": phase}, count)
            for (target, outcome, phase), count in counters.attempts.items()
        ],
    )  # fmt: skip
    yield (
        "rescued_total", "counter", "Requests answered after an attempt that failed.",
        [({"model": model}, count) for model, count in counters.rescued.items()],
    )  # fmt: skip
    yield (
        "degraded_total", "counter", "Requests answered by a rung of their route's ladder.",
        [({"model": model, "by": by}, count) for (model, by), count in counters.degraded.items()],
    )  # fmt: skip
    yield (
        "client_seconds_total", "counter", "Seconds for which clients took too little.",
        [({"model": model}, seconds) for model, seconds in counters.client_seconds.items()],
    )  # fmt: skip
    yield (
        "resumed_total", "counter", "Requests whose broken answer others were asked to go on with.",
        [({"model": model, "end": end}, count) for (model, end), count in counters.resumed.items()],
    )  # fmt: skip


def tokens(counters: Counters) -> Iterable[Metric]:
    """The same of what was read and written."""
    yield (
        "tokens_total", "counter", "Tokens, as providers counted them or as estimated.",
        [
            ({"target": target, "kind": kind}, count)
            for (target, kind), count in counters.tokens.items()
        ],
    )  # fmt: skip
    yield (
        "cached_tokens_total", "counter", "Those of the input that providers read from a cache.",
        [({"target": target}, count) for target, count in counters.cached.items()],
    )  # fmt: skip


def copies(counters: Counters) -> Iterable[Metric]:
    """The same of what shadows were asked, which is nowhere else."""
    yield (
        "shadow_attempts_total", "counter", "Attempts at copies that have ended.",
        [
            ({"model": model.removesuffix(ARM), "target": target, "outcome": outcome}, count)
            for (model, target, outcome), count in counters.shadows.items()
        ],
    )  # fmt: skip
    yield (
        "shadow_tokens_total", "counter", "Tokens of copies.",
        [
            ({"target": target, "kind": kind}, count)
            for (target, kind), count in counters.shadow_tokens.items()
        ],
    )  # fmt: skip


def faults(counters: Counters, dropped: int) -> Iterable[Metric]:
    """The same of what went wrong inside, or was refused."""
    yield (
        "refused_total", "counter", "Requests refused at the door.",
        [
            ({"status": status, "code": code}, count)
            for (status, code), count in counters.refusals.items()
        ],
    )  # fmt: skip
    yield (
        "unclassified_total", "counter", "Errors of providers that no table knows.",
        [
            ({"provider": provider, "status": status}, count)
            for (provider, status), count in counters.unclassified.items()
        ],
    )  # fmt: skip
    yield (
        "malformed_events_total", "counter", "Events of streams that were not of their dialect.",
        [({"target": target}, count) for target, count in counters.malformed.items()],
    )  # fmt: skip
    yield (
        "policy_errors_total", "counter", "Choices for which a policy failed.",
        [({"policy": policy}, count) for policy, count in counters.policy_errors.items()],
    )  # fmt: skip
    yield (
        "reloads_total", "counter", "Reloads, as they ended.",
        [({"end": end}, count) for end, count in counters.reloads.items()],
    )  # fmt: skip
    yield "log_lines_dropped_total", "counter", "Log lines that nobody took.", [({}, dropped)]


def estimates(targets: Mapping[str, TargetSnapshot]) -> Iterable[Metric]:
    """The same of what was expected of tokens before they were counted."""
    tallies: list[tuple[dict[str, object], Tally]] = [
        ({"target": name, "kind": kind}, tally)
        for name, target in targets.items()
        for kind, tally in (("input", target.inputs), ("output", target.answers))
    ]
    yield (
        "tokens_expected_total", "counter", "Tokens that were expected of what providers counted.",
        [(labels, tally.expected) for labels, tally in tallies],
    )  # fmt: skip
    yield (
        "tokens_counted_total", "counter", "Tokens that providers counted of these.",
        [(labels, tally.counted) for labels, tally in tallies],
    )  # fmt: skip
    yield (
        "token_estimate_error_total", "counter", "Tokens by which each was wrong, either way.",
        [(labels, tally.off) for labels, tally in tallies],
    )  # fmt: skip


def refused(limited: Limited) -> Iterable[Metric]:
    """The same of what was refused by a tenant's own limits."""
    yield (
        "tenant_limited_total", "counter", "Requests refused by a limit of their tenant's.",
        [
            ({"tenant": tenant, "scope": scope, "limit": counts}, count)
            for (tenant, scope, counts), count in limited.items()
        ],
    )  # fmt: skip


def gauges(targets: Mapping[str, TargetSnapshot], running: int) -> Iterable[Metric]:
    """Name, kind, help and samples of everything that goes up and down."""
    yield "requests_running", "gauge", "Requests under way.", [({}, running)]
    yield (
        "target_in_flight", "gauge", "Attempts open.",
        [({"target": name}, target.in_flight) for name, target in targets.items()],
    )  # fmt: skip
    yield (
        "target_state", "gauge", "1 for the state in which a target is.",
        [({"target": name, "state": target.state}, 1) for name, target in targets.items()],
    )  # fmt: skip
    yield (
        "token_estimate_factor", "gauge", "Tokens of inputs that are counted for one estimated.",
        [({"target": name}, target.factor) for name, target in targets.items()],
    )  # fmt: skip
    yield (
        "target_health", "gauge", "Health, S = A * L * R.",
        [({"target": name}, target.factors.score) for name, target in targets.items()],
    )  # fmt: skip


def limits(targets: Mapping[str, TargetSnapshot]) -> Iterable[Metric]:
    """The same of what providers say of their limits."""
    levels = [(name, level) for name, target in targets.items() for level in target.said]
    told: list[tuple[dict[str, object], Measured]] = [
        ({"target": name, "dimension": level.name}, level) for name, level in levels
    ]
    yield (
        "quota_left", "gauge", "Left of a limit, as its provider says, less what was sent since.",
        [(labels, level.left) for labels, level in told if level.left < inf],
    )  # fmt: skip
    yield (
        "quota_limit", "gauge", "The limit, as its provider says.",
        [(labels, level.limit) for labels, level in told if level.limit is not None],
    )  # fmt: skip
    yield (
        "quota_used_by_others", "gauge", "Used of a limit by others than this instance.",
        [(labels, level.foreign) for labels, level in told],
    )  # fmt: skip
    yield (
        "quota_limit_in_file", "gauge", "The file's limit, where its provider's is another.",
        [(labels, level.written) for labels, level in told if level.written is not None],
    )  # fmt: skip
    yield (
        "provisioned_used_ratio", "gauge", "Of provisioned capacity, as its provider last said.",
        [({"target": name}, one.used) for name, one in targets.items() if one.used is not None],
    )  # fmt: skip
    yield (
        "nonsense_headers_total", "counter", "Headers of limits that could not be.",
        [({"target": name}, one.nonsense) for name, one in targets.items() if one.nonsense],
    )  # fmt: skip


def histogram(
    name: str, text: str, label: str, histograms: Mapping[str, Histogram]
) -> Iterable[str]:
    """The lines of one histogram over all values of its label."""
    yield f"# HELP pointsman_{name} {text}"
    yield f"# TYPE pointsman_{name} histogram"
    for key, one in histograms.items():
        total = 0
        for bound, count in zip((*BOUNDS, "+Inf"), one.counts, strict=True):
            total += count
            yield f"pointsman_{name}_bucket{_labels({label: key, 'le': bound})} {total}"
        yield f"pointsman_{name}_sum{_labels({label: key})} {one.sum:.6f}"
        yield f"pointsman_{name}_count{_labels({label: key})} {total}"


def _labels(labels: Mapping[str, object]) -> str:
    if not labels:
        return ""
    escaped = (
        (name, str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n"))
        for name, value in labels.items()
    )
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped) + "}"

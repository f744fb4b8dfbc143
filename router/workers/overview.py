"""What several workers say of themselves, as one: their status, and their decisions.

Must not: hide a difference. Where workers do not agree, the worst is shown, and what each says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from router.cascade import shown
from router.shadow.report import together

Status = dict[str, Any]

LEFT = ("requests_left", "tokens_left", "input_left", "output_left", "places_left")
"""Of a target: what its limits still let through. The least of what workers say binds first."""


def status(told: Mapping[int, Status]) -> Status:
    """The status of all, by worker; there is one at least. Of what is not named here the first
    speaks for all.
    """
    each = list(told.values())
    first = each[0]
    return {
        **first,
        "ready": all(one["ready"] for one in each),
        "running": sum(one["running"] for one in each),
        "log_lines_dropped": sum(one["log_lines_dropped"] for one in each),
        "config": {**first["config"], "errors": _errors(told, [one["config"] for one in each])},
        "decisions": _written([one["decisions"] for one in each]),
        "kept": max((one["kept"] for one in each), key=lambda kept: kept["why_not"] is not None),
        "fleet": _fleet([one["fleet"] for one in each]),
        "shared": _shared([one["shared"] for one in each]),
        "cascades": cascades(each),
        "targets": {name: _target(name, told) for name in _names(one["targets"] for one in each)},
        "tenants": {name: _tenant(name, each) for name in _names(one["tenants"] for one in each)},
        "requests": _counted(one["requests"] for one in each),
        "attempts": _counted(one["attempts"] for one in each),
    }


def config(told: Mapping[int, Status]) -> Status:
    """What all know of their file: what is wrong with it is what any of them says."""
    each = list(told.values())
    return {**each[0], "errors": _errors(told, each)}


def decisions(told: Mapping[int, Status], limit: int) -> Status:
    """The newest decisions of all, each with its worker. What an engine decides follows from its
    own seed: `engines` has them by worker.
    """
    found = [
        {**decision, "worker": number}
        for number, one in told.items()
        for decision in one["decisions"]
    ]
    found.sort(key=_began, reverse=True)
    return {
        "engines": {str(number): one["engine"] for number, one in told.items()},
        **{name: sum(one[name] for one in told.values()) for name in _SUMMED},
        "decisions": found[:limit],
    }


def shadows(told: Iterable[Status]) -> dict[str, Status]:
    """What all copies came to, by model: what several workers saw is one sample."""
    pages: dict[str, list[Status]] = {}
    for one in told:
        for model, page in one["shadows"].items():
            pages.setdefault(model, []).append(page)
    return {model: together(several) for model, several in pages.items()}


def cascades(each: Iterable[Status]) -> dict[str, Status]:
    """What checked answers came to, by model."""
    pages: dict[str, list[Status]] = {}
    for one in each:
        for model, page in one["cascades"].items():
            pages.setdefault(model, []).append(page)
    return {model: shown.together(several) for model, several in pages.items()}


_SUMMED = ("requests", "recorded", "kept")


def _began(decision: Mapping[str, Any]) -> float:
    """When a decision was begun: on one machine all processes read one clock."""
    steps = decision["steps"]
    return float(steps[0]["at"]) if steps else 0.0


def _errors(told: Mapping[int, Status], each: Iterable[Status]) -> list[str]:
    """What is wrong with the file by what `each` says, and with who runs which revision."""
    found = dict.fromkeys(error for one in each for error in one["errors"])
    revisions = {number: one["revision"] for number, one in told.items()}
    if len(set(revisions.values())) > 1:
        they = ", ".join(f"{number}: {revision}" for number, revision in revisions.items())
        found[f"the workers run different revisions ({they}): reload, or restart"] = None
    return list(found)


def _shared(each: list[Status | None]) -> Status | None:
    """How the server of shared limits is to whom it is worst."""
    found = [one for one in each if one is not None]
    return min(found, key=lambda one: (one["up"], -one["outages"]), default=None)


def _written(each: list[Status | None]) -> Status | None:
    """What all have written to their file; a problem that any of them has is one."""
    found = [one for one in each if one is not None]
    if not found:
        return None
    counted = {
        key: sum(one[key] for one in found) for key in ("written", "dropped", "waiting_bytes")
    }
    problems = (one["problem"] for one in found if one["problem"])
    return {**found[0], **counted, "problem": next(problems, "")}


def _names(tables: Iterable[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for table in tables for name in table))


def _target(name: str, told: Mapping[int, Status]) -> Status:
    rows = {n: one["targets"][name] for n, one in told.items() if name in one["targets"]}
    each = list(rows.values())
    worst: Status = min(each, key=lambda row: (row["state"] == "healthy", row["health"]))
    failures = [row["last_failure"] for row in each if row["last_failure"] is not None]
    left = {
        key: min((row[key] for row in each if row[key] is not None), default=None) for key in LEFT
    }
    found = {
        **worst,
        **left,
        "in_flight": sum(row["in_flight"] for row in each),
        "last_failure": min(failures, key=lambda one: one["s_ago"], default=None),
    }
    states = {str(number): row["state"] for number, row in rows.items()}
    if len(set(states.values())) > 1:
        found["workers"] = states
    return found


def _fleet(each: list[Status | None]) -> Status | None:
    """The fleet as the one knows it who is the worst off, with the news of all."""
    found = [one for one in each if one is not None]
    if not found:
        return None
    worst = min(found, key=lambda one: (one["answers"], one["listens"]))
    news = {name: sum(one["news"][name] for one in found) for name in worst["news"]}
    return {**worst, "news": news}


def _tenant(name: str, each: list[Status]) -> Status:
    """Of its limits the least that is left; a user may be known to several."""
    rows = [one["tenants"][name] for one in each if name in one["tenants"]]
    users = [row["users"] for row in rows if row["users"] is not None]
    return {
        "limits": {
            scope: _levels([row["limits"][scope] for row in rows if scope in row["limits"]])
            for scope in _names(row["limits"] for row in rows)
        },
        "users": max(users, default=None),
        "refused": _counted(row["refused"] for row in rows),
    }


def _levels(each: list[list[Status]]) -> list[Status]:
    """The levels of one scope, which all workers name in one order unless one lags at a reload."""
    return [
        {
            **min(same, key=lambda level: level["left"]),
            "in_flight": sum(level["in_flight"] for level in same),
        }
        for same in zip(*each, strict=False)
    ]


def _counted(tables: Iterable[list[Status]]) -> list[Status]:
    """Rows that are alike but for their count, as one."""
    found: dict[frozenset[tuple[str, object]], Status] = {}
    for row in (row for table in tables for row in table):
        key = frozenset(item for item in row.items() if item[0] != "count")
        count = found[key]["count"] if key in found else 0
        found[key] = {**row, "count": count + row["count"]}
    return list(found.values())

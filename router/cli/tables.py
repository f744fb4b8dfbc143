"""Tables for the terminal."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table


def explained(source: str, told: dict[str, Any]) -> None:
    """Print an explanation."""
    table = Table(
        title=f"{told['model']} by {told['policy']}, as {source} sees it", title_justify="left"
    )
    for column in (
        "target",
        "tier",
        "weight",
        "odds",
        "health",
        "A",
        "L",
        "R",
        "predicted",
        "in flight",
        "refused",
    ):
        table.add_column(column, justify="left" if column in ("target", "refused") else "right")
    for target in told["targets"]:
        table.add_row(
            target["target"],
            str(target["tier"]),
            f"{target['weight']:g}",
            f"{target['odds']:.0%}",
            *(f"{target[factor]:.2f}" for factor in ("health", "availability", "latency", "ramp")),
            "unseen" if target["predicted_s"] is None else f"{target['predicted_s']:.2f} s",
            str(target["in_flight"]),
            target["refused"] or "",
        )
    Console().print(table)


def overview(told: dict[str, Any], *, clear: bool) -> None:
    """Print a status."""
    console = Console()
    if clear:
        console.clear()
    ready = "ready" if told["ready"] else "[red]not ready[/]"
    console.print(
        f"{ready}, up {told['uptime_s']:.0f} s, {told['running']} running, "
        f"revision {told['revision']}"
    )
    for line in told["config"]["errors"]:
        console.print(f"[red]{line}[/]")
    models = Table(title="models", title_justify="left")
    for column in ("model", "policy", "targets"):
        models.add_column(column)
    for name, model in told["models"].items():
        tiers = " | ".join(
            ", ".join(f"{target} {weight:g}" for target, weight in tier.items())
            for tier in model["tiers"]
        )
        models.add_row(
            name, model["policy"], f"[dim]off: {model['off']}[/]" if model["off"] else tiers
        )
    console.print(models)
    targets = Table(title="targets", title_justify="left")
    for column in (
        "target",
        "state",
        "health",
        "first token",
        "per token",
        "in flight",
        "answered",
        "not",
    ):
        targets.add_column(column, justify="left" if column in ("target", "state") else "right")
    counts = _counts(told)
    for name, target in told["targets"].items():
        good, bad = counts.get(name, (0, 0))
        state = target["state"] if not target["cause"] else f"{target['state']} ({target['cause']})"
        targets.add_row(
            name,
            state,
            f"{target['health']:.2f}",
            _seconds(target["first_token_s"]),
            _seconds(target["per_token_s"]),
            str(target["in_flight"]),
            str(good),
            str(bad),
        )
    console.print(targets)


def _counts(told: dict[str, Any]) -> dict[str, tuple[int, int]]:
    counts: dict[str, tuple[int, int]] = {}
    for row in told["attempts"]:
        good, bad = counts.get(row["target"], (0, 0))
        ok = row["outcome"] == "ok"
        counts[row["target"]] = (good + row["count"] * ok, bad + row["count"] * (not ok))
    return counts


def _seconds(number: float | None) -> str:
    return "–" if number is None else f"{number * 1000:.0f} ms"

"""How shifts stand, in lines for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def moved(told: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """Of a status, a line for each, and whether it is bad news."""
    if told["shifts"] and told["frozen"]:
        yield f"shifts are frozen: {told['frozen']}", True
    for model, one in told["shifts"].items():
        yield f"{model} shifts to {_to(one)}, {_share(one)}: {one['words']}", one["state"] == "back"
        if one["write"]:
            yield f"  write into models.{model}: {one['write']}", False


def lines(model: str, one: dict[str, Any]) -> list[str]:
    """One with what both arms did and what the guards say, where either did anything."""
    found = [f"{model} → {_to(one)}: {_share(one)} of the requests, {one['words']}"]
    if one["write"]:
        return [*found, f"  write into models.{model}: {one['write']}"]
    if not any(arm["requests"] for arm in one.get("step", {}).values()):
        return found  # of nothing, no guard says anything
    found += [f"  {arm}: {what}" for arm, what in one["did"].items()]
    return found + [f"  {guard['words']}" for guard in one["guards"]]


def _to(one: dict[str, Any]) -> str:
    return ", ".join(f"{target} {weight:g}" for target, weight in one["to"].items())


def _share(one: dict[str, Any]) -> str:
    return f"{100 * one['share']:.3g} %"

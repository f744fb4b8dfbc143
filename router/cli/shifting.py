"""`shifts` and `shift pause|resume|abort`: what a running router says of its shifts, on the
terminal.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from router.cli.operating import Told, exchange

PATH = "/shifts"


def show(path: Path, admin: str | None, *, as_json: bool) -> int:
    """Show all."""

    def printed(told: Told) -> None:
        if told["frozen"]:
            print(f"frozen, each stays where it is: {told['frozen']}")
        for model, one in told["shifts"].items():
            print("\n".join(lines(model, one)))
        if not told["shifts"]:
            print("no model of the file has a shift")

    return exchange(path, admin, ("GET", PATH, None), printed, as_json=as_json)


def order(path: Path, what: str, model: str, admin: str | None, *, as_json: bool) -> int:
    """Do that to the shift of a model."""

    def printed(told: Told) -> None:
        print("\n".join(lines(model, told)))

    place = f"{PATH}/{quote(model, safe='')}"
    body = msgspec.json.encode({"do": what})
    return exchange(path, admin, ("POST", place, body), printed, as_json=as_json)


def lines(model: str, one: dict[str, Any]) -> list[str]:
    """A shift for people: a line, and below it what both arms did and what the guards say."""
    to = ", ".join(f"{target} {weight:g}" for target, weight in one["to"].items())
    found = [f"{model} → {to}: {100 * one['share']:.3g} % of the requests, {one['words']}"]
    if one["write"]:
        return [*found, f"  write into models.{model}: {one['write']}"]
    found += [f"  {arm}: {what}" for arm, what in one.get("did", {}).items()]
    return found + [f"  {guard['words']}" for guard in one.get("guards", ())]

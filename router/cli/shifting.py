"""`shifts` and `shift pause|resume|abort`: what a running router says of its shifts, on the
terminal.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from policies.shifting import Progress, State
from policies.shifting import share as share_of
from router.cli.asking import ask, find
from router.cli.moved import lines
from router.cli.operating import Told, exchange
from router.config import Config
from router.kept.file import documents
from router.shifts.document import document_of, progress
from router.shifts.moving import Moving, moving_of
from router.shifts.words import percent

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


def standing(path: Path, config: Config) -> list[str]:
    """How the shifts of a file stand, a line for each: by the router that runs on it, else by what
    is kept beside it.
    """
    moving = moving_of(config)
    if not moving:
        return []
    try:
        told = ask(find(path, None), PATH)["shifts"]
    except (OSError, KeyError):
        told = {}
    server, kept = config.server, {}
    if config.shared.redis is None and server.state:
        kept = documents(config.path.parent / server.state)[0]
    return [
        _standing(one, told.get(one.model), progress(kept.get(document_of(one.name))))
        for one in moving
    ]


def _standing(one: Moving, told: Mapping[str, Any] | None, kept: Progress | None) -> str:
    if told is not None and told["revision"] == one.revision:
        share, done = told["share"], told["write"] is not None
        words = told["words"]
    elif kept is not None:
        share, done, words = share_of(kept), kept.state is State.DONE, kept.state.value
    else:
        why = "no router that has this file answers here, and nothing is kept beside it"
        return f"model {one.model}: how far its shift has come is not known: {why}"
    if done:
        return f"model {one.model}: its shift is done; write instead of it: {one.line}"
    return f"model {one.model}: its shift is at {percent(share)}, {words}"

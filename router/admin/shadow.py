"""The pages about shadows: all of them, and one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from router.admin.pages import JSON, Places
from router.admin.state import State
from router.config.problems import nearest, quoted
from router.front.exchange import Inbound, Refused, Responder
from router.shadow.report import page_of

PATH = "/shadow"
BELOW = "/shadow/"


def places(state: State) -> Places:
    """The pages, for a process that has `state`."""

    async def page(inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, JSON, answer(pages_of(state), inbound.path))

    return {("GET", PATH): page, ("GET", BELOW): page}


def pages_of(state: State) -> dict[str, dict[str, Any]]:
    """A page for every shadow that is in force, by its model."""
    if state.shadows is None:
        return {}
    now, lanes = state.clock(), state.shadows.lanes(state.runtime.shadows)
    return {lane.terms.model: page_of(lane, now) for lane in lanes}


def answer(pages: Mapping[str, Any], path: str) -> bytes:
    """What is at `path`: all pages, or that of one model. Raises `Refused`."""
    if path == PATH:
        return msgspec.json.encode({"shadows": pages})
    name = unquote(path.removeprefix(BELOW))
    if name not in pages:
        none = "no model has one that is switched on: write `shadow: {to: …}` under one"
        hint = nearest(name, pages) if pages else none
        raise Refused(404, "no_such_shadow", f"{quoted(name)} has no shadow; {hint}")
    return msgspec.json.encode(pages[name])

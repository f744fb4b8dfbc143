"""The admin listener's pages about shifts: how they stand, and what an operator wishes of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import msgspec

from router.config.problems import nearest, quoted
from router.front.exchange import Inbound, Refused, Responder
from router.kept.contract import Kept
from router.redis.down import Down
from router.shifts.shifting import Shifting, Unknown
from router.shifts.shown import one_shown, shown

JSON = {"content-type": "application/json"}
BELOW = "/shifts/"
NONE = "no model of the file has one: write `shift: {to: …}` under one"
VERBS = ("pause", "resume", "abort")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class ShiftPages:
    """Answers for `shifting`, which `kept` keeps. `event` logs."""

    def __init__(self, shifting: Shifting, kept: Kept, event: Callable[..., None]) -> None:
        self._shifting, self._kept, self._event = shifting, kept, event
        self.places = {("GET", BELOW[:-1]): self._all, ("POST", BELOW): self._order}

    async def _all(self, inbound: Inbound, responder: Responder) -> None:
        told = {**shown(self._shifting), **self._where()}
        await responder.send(200, JSON, msgspec.json.encode(told))

    async def _order(self, inbound: Inbound, responder: Responder) -> None:
        model = unquote(inbound.path.removeprefix(BELOW))
        what = _asked(await inbound.body())
        try:
            await self._shifting.order(model, what)
            moving = self._shifting.of(model)
        except Unknown:
            known = [one.model for one in self._shifting.moving.values()]
            hint = (
                nearest(model, known)
                if known
                else "no model of the file has one: write `shift: {to: …}` under one"
            )
            raise Refused(404, "no_such_shift", f"{quoted(model)} has no shift; {hint}") from None
        except ValueError as error:
            raise Refused(409, "not_now", str(error)) from None
        except Down as error:
            raise Refused(
                503,
                "shared_server_away",
                f"all instances are told through the shared server, and it is away: {error}; every "
                "shift stays where it is; say it again once `pointsman status` shows it as back",
            ) from None
        by = inbound.peer or "unknown"
        self._event("an operator changes a shift:", model=model, do=what, at=by)
        told = {**one_shown(self._shifting, moving), **self._where()}
        await responder.send(200, JSON, msgspec.json.encode(told))

    def _where(self) -> dict[str, Any]:
        return {"kept": {"where": self._kept.where, "why_not": self._kept.why or None}}


def _asked(body: bytes) -> str:
    """What is to be done. Raises `Refused`."""
    try:
        asked = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        asked = {}
    what = asked.get("do")
    if what not in VERBS or len(asked) != 1:
        raise Refused(400, "invalid_order", 'send {"do": "pause"}, "resume" or "abort" as JSON')
    return str(what)

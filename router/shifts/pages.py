"""The admin listener's pages about shifts: how they stand, and what an operator wishes of one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from router.config.problems import nearest, quoted
from router.front.exchange import Inbound, Refused, Responder
from router.redis.down import Down
from router.shifts.shifting import Shifting, Unknown
from router.shifts.shown import shown

JSON = {"content-type": "application/json"}
BELOW = "/shifts/"
VERBS = ("pause", "resume", "abort")
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class Pages:
    """Of the shifts of one instance."""

    def __init__(self, shifting: Shifting) -> None:
        self._shifting = shifting

    @property
    def places(self) -> Mapping[tuple[str, str], Callable[[Inbound, Responder], Awaitable[None]]]:
        """By method and path."""
        return {("GET", BELOW[:-1]): self._all, ("POST", BELOW): self._order}

    async def _all(self, inbound: Inbound, responder: Responder) -> None:
        await responder.send(200, JSON, msgspec.json.encode(shown(self._shifting)))

    async def _order(self, inbound: Inbound, responder: Responder) -> None:
        model = unquote(inbound.path.removeprefix(BELOW))
        what = _asked(await inbound.body())
        try:
            await self._shifting.order(model, what)
        except Unknown:
            known = [one.model for one in self._shifting.moving.values()]
            hint = nearest(model, known) if known else "no model of the file has one"
            raise Refused(404, "no_such_shift", f"{quoted(model)} has no shift; {hint}") from None
        except ValueError as error:
            raise Refused(409, "not_now", str(error)) from None
        except Down as down:
            why = f"the server that keeps it for all is away: {down}"
            raise Refused(503, "shared_away", why) from None
        await responder.send(200, JSON, msgspec.json.encode(shown(self._shifting)["shifts"][model]))


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

"""The admin listener's pages about operators' words: all that hold, one more, one less.

Each change is a line in the log, with who says to have asked for it, from where, and why.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from router.front.exchange import Inbound, Refused, Responder
from router.kept.contract import Kept, TooLarge
from router.overrides import asked
from router.overrides.override import Override
from router.overrides.overrides import Overrides, Unknown
from router.overrides.shown import one_shown, shown
from router.redis.down import Down

JSON = {"content-type": "application/json"}
PATH = "/overrides"


class OverridePages:
    """Answers for `overrides`, which `kept` keeps. `event` logs."""

    def __init__(self, overrides: Overrides, kept: Kept, event: Callable[..., None]) -> None:
        self._overrides, self._kept, self._event = overrides, kept, event
        self.places = {
            ("GET", PATH): self._list,
            ("POST", PATH): self._say,
            ("DELETE", PATH): self._lift,
            ("DELETE", f"{PATH}/"): self._lift,
        }

    async def _list(self, inbound: Inbound, responder: Responder) -> None:
        await _send(responder, 200, {"overrides": shown(self._overrides), **self._where()})

    async def _say(self, inbound: Inbound, responder: Responder) -> None:
        try:
            wish = asked.decoded(await inbound.body())
            one, replaced = await self._overrides.say(wish)
        except asked.Refused as error:
            raise Refused(400, "invalid_override", str(error)) from None
        except (Down, TooLarge) as error:
            raise _away(error) from None
        self._audit("an operator says,", one, inbound, one.by)
        told = {
            **one_shown(one, self._overrides.idle(one), time.time()),
            "replaces": [other.id for other in replaced],
            **self._where(),
        }
        await _send(responder, 201, told)

    async def _lift(self, inbound: Inbound, responder: Responder) -> None:
        id_ = inbound.path.removeprefix(f"{PATH}/") if inbound.path != PATH else None
        by = _by(inbound.query)
        try:
            lifted = await self._overrides.lift(id_)
        except Unknown:
            what = "no override with this id holds: `pointsman overrides` or GET /overrides has all"
            raise Refused(404, "no_such_override", what) from None
        except (Down, TooLarge) as error:
            raise _away(error) from None
        now = time.time()
        for one in lifted:
            self._audit("an operator lifts,", one, inbound, by)
        told = {"lifted": [one_shown(one, None, now) for one in lifted], **self._where()}
        await _send(responder, 200, told)

    def _audit(self, what: str, one: Override, inbound: Inbound, by: str) -> None:
        # A worker is asked by its parent, who has no address.
        at = {"at": inbound.peer} if inbound.peer else {}
        self._event(
            f"{what} {one.words}:",
            id=one.id,
            by=by or "unknown",
            **at,
            reason=one.reason or "none given",
        )

    def _where(self) -> dict[str, Any]:
        return {"kept": {"where": self._kept.where, "why_not": self._kept.why or None}}


def _by(query: str) -> str:
    """Who lifts. Raises `Refused`."""
    given = dict(parse_qsl(query, keep_blank_values=True))
    by = given.pop("by", "")
    if given:
        raise Refused(400, "invalid_query", "/overrides knows ?by= alone")
    if len(by) > asked.LONGEST_TEXT or not by.isprintable():
        raise Refused(400, "invalid_query", f"by is up to {asked.LONGEST_TEXT} visible characters")
    return by


def _away(error: Exception) -> Refused:
    if isinstance(error, TooLarge):
        return Refused(507, "too_much_kept", f"nothing was changed: {error}")
    return Refused(
        503,
        "shared_server_away",
        f"all instances are told through the shared server, and it is away: {error}; what was said "
        "before holds; say it again once `pointsman status` shows it as back",
    )


async def _send(responder: Responder, status: int, told: dict[str, Any]) -> None:
    await responder.send(status, JSON, msgspec.json.encode(told))

"""The operators' words that hold, in one process: put in force when they are said, wherever in the
fleet that was, and taken back when their time is over.

They are kept as one document, so they outlive a restart, and all instances have the same. Nothing
is learned anew for them: they are one layer of the configuration.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from secrets import token_hex

from router.config import Config, words
from router.force import Force
from router.kept.contract import Document, Kept
from router.overrides import override
from router.overrides.asked import Asked, Refused
from router.overrides.override import MOST, NAME, Override

AGAIN = 30.0
"""Seconds after which it is looked again whose time is over: clocks may be set."""

FORCED = 'to do it all the same, add --force (in JSON "force": true)'
"""How, on the command line and to the admin listener."""


class Unknown(KeyError):
    """No such word holds."""


class Overrides:
    """Those that `kept` keeps, laid over what `force` puts in force. `event` logs."""

    def __init__(self, kept: Kept, force: Callable[[], Force], event: Callable[..., None]) -> None:
        self._kept, self._force, self._event = kept, force, event
        self._told: dict[str, Override] = {}
        self._timer: asyncio.TimerHandle | None = None
        kept.on_change(NAME, lambda _: self._look())

    def layer(self, config: Config) -> Config:
        """See `router.force.Layer`."""
        return override.overridden(config, self.holding(), time.time())

    def holding(self) -> tuple[Override, ...]:
        """Those whose time is not over."""
        return override.read(self._kept.read(NAME), time.time())

    def idle(self, one: Override) -> str | None:
        """Why it changes nothing now; None: it holds."""
        return override.idle(self._force().config, one)

    async def say(self, asked: Asked) -> tuple[Override, tuple[Override, ...]]:
        """Put it in force; gives it, and those that it replaces. Raises `Refused`, and what
        `Kept.change` raises.
        """
        now, id_ = time.time(), token_hex(4)
        one = asked.override(id_, now)
        if (fault := override.fault(self._force().config, one)) is not None:
            raise Refused(fault)
        replaced: tuple[Override, ...] = ()

        def with_it(document: Document | None) -> Document | None:
            nonlocal replaced
            before = override.read(document, now)
            replaced = tuple(other for other in before if other.says_of == one.says_of)
            after = [*(other for other in before if other not in replaced), one]
            if len(after) > MOST:
                raise Refused(f"{MOST} hold already: lift one first, `pointsman overrides` has all")
            if not asked.force:
                self._spare(before, after, now)
            return override.written(after)

        await self._kept.change(NAME, with_it)
        return one, replaced

    async def lift(self, id_: str | None) -> tuple[Override, ...]:
        """End that one, or (None) all; gives them. Raises `Unknown`, and as `Kept.change` does."""
        now, lifted = time.time(), tuple[Override, ...]()

        def without(document: Document | None) -> Document | None:
            nonlocal lifted
            before = override.read(document, now)
            lifted = tuple(one for one in before if id_ in (None, one.id))
            return override.written(one for one in before if one not in lifted)

        await self._kept.change(NAME, without)
        if id_ is not None and not lifted:
            raise Unknown(id_)
        return lifted

    async def start(self) -> None:
        """Begin to see whose time is over."""
        self._look()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _spare(self, before: tuple[Override, ...], after: list[Override], now: float) -> None:
        """Raise `Refused` where a model would have no target for it."""
        below = self._force().under(self.layer)
        had = override.left_with_nothing(below, before, now)
        lost = [n for n in override.left_with_nothing(below, after, now) if n not in had]
        if not lost:
            return
        said = [one for one in before if any(override.touches(below, one, name) for name in lost)]
        ways = [f"`pointsman lift {one.id}` first ({one.words})" for one in said]
        ways = [", ".join(ways)] if ways else []
        if not ways and after[-1].model is None and self._elsewhere(below, after[-1], lost):
            ways = ['name a model that has others (--model, in JSON "model")']
        raise Refused(
            f"it takes the last target of {', '.join(lost)}, whose requests would fail; "
            f"{'; '.join([*ways, FORCED])}"
        )

    @staticmethod
    def _elsewhere(config: Config, one: Override, lost: Iterable[str]) -> bool:
        """Whether other models than those that it leaves with nothing have its target."""
        return any(override.touches(config, one, n) for n in config.models.keys() - {*lost})

    def _look(self) -> None:
        """Put in force what has changed, if anything has."""
        now, force = time.time(), self._force()
        holding = {one.id: one for one in self.holding()}
        if holding != self._told:
            before = force.config
            force.again()
            self._log(holding, now)
            if changes := words(before, force.config):
                self._event("operators' words are in force:", changes="; ".join(changes))
            self._told = holding
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if holding:
            left = min(one.until - now for one in holding.values())
            # A little later, since a timer may fire a little too early.
            again = min(max(left, 0.0) + 0.01, AGAIN)
            self._timer = asyncio.get_running_loop().call_later(again, self._look)

    def _log(self, holding: dict[str, Override], now: float) -> None:
        for id_, one in holding.items():
            if id_ not in self._told:
                self._event(
                    f"an operator's word holds, {one.words}:",
                    id=id_,
                    until=override.moment(one.until),
                    by=one.by or "unknown",
                    reason=one.reason or "none given",
                    idle=self.idle(one) or "no",
                )
        for id_, one in self._told.items():
            if id_ not in holding:
                why = "its time is over" if one.until <= now else "lifted or replaced"
                self._event(f"an operator's word is over, {one.words}:", id=id_, why=why)

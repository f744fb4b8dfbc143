"""Requests that no client sent: a copy of one, a judge's question. They are served as any other,
but nobody gets the answer, no limit of a client is touched, and the journal knows what they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sized
from typing import NamedTuple

from policies import Request
from policies.engine.refusal import Refusal
from router.bell import Bell
from router.caller import Caller
from router.course import Way
from router.dialects.contract import Call
from router.passage import Passage
from router.quota.sharing import Sharing
from router.reply import Reply
from router.runtime import Runtime
from router.shadow.one_try import OneTry
from router.shadow.sinks import Heard, Nobody
from router.telemetry.decisions import Decisions
from router.telemetry.journal import Reader
from router.upstream.fetch import Fetcher


class Asked(NamedTuple):
    """What is asked, in whose name, and as the engine sees it."""

    call: Call
    caller: Caller
    request: Request


class Aside:
    """Has them served, with what a pipeline has; `journal` is told of them as of what they are."""

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        journal: Reader,
        loop: asyncio.AbstractEventLoop,
        fetcher: Fetcher,
        decisions: Decisions | None,
    ) -> None:
        self.runtime, self.journal, self.loop = runtime, journal, loop
        self._fetcher, self._decisions = fetcher, decisions

    async def ask(
        self,
        asked: Asked,
        runtime: Runtime,
        journal: Reader,
        heard: Heard,
        others: Sized,
        *,
        waits: bool = False,
    ) -> Refusal | None:
        """Have `asked` answered, as far as it can be, for `heard`. Without `waits` it has one try,
        and takes no place that it would have to wait for: then the answer is why there was none.
        """
        call, caller, request = asked
        now, bell, decisions, record = self.loop.time(), Bell(self.loop), self._decisions, None
        if decisions is not None:
            record = decisions.sample(caller.request_id, now, revision=runtime.revision)
        course = runtime.engine.start(request, now, bell.wake, record)
        once = None if waits else OneTry(course)
        way: Way = course if once is None else once
        if runtime.fleet is not None:
            way = Sharing(way, runtime.fleet, bell)
        reply = Reply(caller, Nobody(heard), self.loop.time, now)
        passage = Passage(call, reply, runtime, way, bell, self._fetcher, journal)
        try:
            await passage.drive(others)
        finally:
            passage.close()
            bell.close()
        return None if once is None else once.refused

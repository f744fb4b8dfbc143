"""Asks a dear tier what it would have said where a cheap one's answer was accepted, and compares.

Why: checks say what an answer looks like; only this says how often what passed them was wrong. It
begins when its request is over and the client has its answer, takes no place that it would have to
wait for, touches no limit of the client's, and keeps nothing of the two answers but whether the one
should have been accepted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from policies import Band
from router.aside import Aside, Asked
from router.cascade.checking import Bill
from router.cascade.climbing import Trial
from router.cascade.compare import WAYS
from router.cascade.lane import Lane
from router.dialects.common.outside import decoded, object_of
from router.shadow.copies import MOST_BODY, copied, copier
from router.shadow.judged import Judged, Said
from router.shadow.judging import Judging, NoScore
from router.shadow.said import prompt_of, said_of
from router.shadow.sinks import Heard, Memory

PATIENCE = 120.0
"""Seconds for which a dear answer is waited for."""
MOST = 8
"""Audits at once, over all routes."""
NAMED = ".audit"
"""What follows a request's id in that of its audit."""


class Auditing:
    """Has accepted answers compared; `on_error` is told of a fault of ours."""

    def __init__(self, aside: Aside, on_error: Callable[[BaseException], None]) -> None:
        self._aside, self._on_error, self._loop = aside, on_error, aside.loop
        self._judging, self._memory = Judging(aside.loop), Memory()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = False

    def begin(self, trial: Trial) -> None:
        """A request is over: compare its answer, if it is one of those that are."""
        lane = trial.lane
        if trial.accepted is None or self._stopped or not trial.counts:
            return
        if not lane.is_audited(look=trial.look):
            return
        held = len(trial.call.body) + len(trial.body)
        if len(self._tasks) >= MOST or held > MOST_BODY or not self._memory.take(held):
            lane.hold("room")
            return
        task = self._loop.create_task(self._audit(trial, trial.body, trial.at_most))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(task, lane, held))

    def stop(self) -> None:
        """Drop every audit, and make no more."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """The same, and wait until they are dropped."""
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _ended(self, task: asyncio.Task[None], lane: Lane, held: int) -> None:
        self._tasks.discard(task)
        self._memory.free(held)
        if task.cancelled():
            lane.hold("draining")
        elif (error := task.exception()) is not None:
            self._on_error(error)

    async def _audit(self, trial: Trial, body: bytes, need: int | None) -> None:
        """Ask, within what audits may cost, and compare; one may cost `need` nano-dollars (None:
        nobody knows).
        """
        lane, now = trial.lane, self._loop.time()
        terms, purse = trial.terms, lane.audits
        if need is None and purse.bounded:
            lane.hold("no price")
            return
        reserved = purse.take(need or 0, now)
        if reserved is None:
            lane.hold("spend")
            return
        bill, heard = Bill(self._aside.journal, terms), Heard(self._memory)
        try:
            await self._asked(trial, bill, heard)
            answer = heard.read()
        finally:
            heard.drop()
            lane.account.audits += bill.cost
            purse.settle(reserved, bill.cost, self._loop.time())
        cheap = await said_of(trial.call, body)
        dear = await said_of(trial.call, answer) if answer is not None else None
        if cheap is None or dear is None:
            lane.hold("unanswered")
            return
        wrong = await self._wrong(trial, cheap, dear)
        if wrong is None:
            lane.hold("not comparable")
        elif trial.counts:
            lane.compared(trial.tier, wrong=wrong)
            lane.twice(trial.tier, trial.written, terms.last, bill.written)

    async def _asked(self, trial: Trial, bill: Bill, heard: Heard) -> None:
        runtime, terms = self._aside.runtime(), trial.terms
        request = trial.request._replace(
            only=terms.dearest_from(terms.last),
            band=Band.SHEDDABLE,
            deadline=self._loop.time() + PATIENCE,
            barred=runtime.barred(trial.caller, terms.model),
        )
        call = copied(trial.call, terms.model, NAMED)
        asked = Asked(call, copier(trial.caller, NAMED), request)
        await self._aside.ask(asked, runtime, bill, heard, self._tasks)

    async def _wrong(self, trial: Trial, cheap: Said, dear: Said) -> bool | None:
        """Whether the cheap answer should not have been accepted; None: that says nothing."""
        terms = trial.terms
        if terms.compare is None:
            way = terms.audit.by if terms.audit is not None else "exact"
            return WAYS[way](prompt_of(trial.call), cheap, dear)
        judged = Judged(terms.model, object_of(decoded(trial.call.body)), dear, cheap)
        try:
            return await self._judging.score(terms.compare, judged) < 0
        except NoScore as error:
            trial.lane.trouble = f"audit: {error}"
            return None

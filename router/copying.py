"""Copies of requests: asked of a shadow once production has answered, and compared with it.

A copy is its own course, on one target, in the lowest band, with one try. It begins when its
request is over, so no answer waits for it; it never waits for a place; and nobody waits for it: at
the drain it is dropped. Nobody gets its answer. Of the two answers only the numbers are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from policies import Band, Outcome, Request
from policies.policy import NO_FEATURES
from router.aside import Aside, Asked
from router.caller import Caller
from router.dialects.common.outside import decoded, object_of
from router.dialects.contract import Call
from router.pipeline import required
from router.runtime import Runtime
from router.shadow.copies import copied, copier
from router.shadow.judged import Judged, Said
from router.shadow.judging import Judging, NoScore
from router.shadow.one_try import ITS_OWN
from router.shadow.overheard import Overheard
from router.shadow.pairs import Pair, Side
from router.shadow.purse import Reserved
from router.shadow.said import prompt_of, said_of
from router.shadow.shadows import Shadows
from router.shadow.sides import control_of, of_attempt, with_words
from router.shadow.sinks import Heard
from router.shadow.terms import Terms
from router.shadow.twin import Twin
from router.sink import Sink
from router.telemetry.decisions import Decisions
from router.telemetry.journal import Journal, Reader
from router.upstream.fetch import Fetcher

LEAST_PATIENCE = 30.0
TIMES = 4
"""A copy is given up after so many times as long as production took, and not before these seconds:
who waits longer for an answer has no use for it.
"""


class Copying:
    """Makes the copies for `shadows`. The rest is what a pipeline has; `on_error` is told of a
    fault of ours.
    """

    def __init__(
        self,
        shadows: Shadows,
        runtime: Callable[[], Runtime],
        journal: Journal,
        loop: asyncio.AbstractEventLoop,
        fetcher: Fetcher,
        decisions: Decisions | None,
        on_error: Callable[[BaseException], None],
    ) -> None:
        self.shadows = shadows
        self._runtime, self._journal, self._loop = runtime, journal, loop
        self._aside, self._on_error = Aside(runtime, journal, loop, fetcher, decisions), on_error
        self._judging = Judging(loop)
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def running(self) -> int:
        """Copies under way."""
        return len(self._tasks)

    def overhear(
        self,
        call: Call,
        caller: Caller,
        request: Request,
        runtime: Runtime,
        sink: Sink,
        journal: Reader,
    ) -> tuple[Sink, Reader]:
        """The sink and the journal of a request, overheard if it is to be copied. One that is
        confined to some targets is not copied to others, nor to one that it may not be sent to.
        """
        terms, acts = runtime.shadows[call.model], request.acts
        if request.only is not None or terms.shadow.to in request.barred:
            return sink, journal
        twin = self.shadows.sample(terms, call, caller, acts=acts, then=self._soon)
        return (sink, journal) if twin is None else (twin.beside(sink), twin.reading(journal))

    def stop(self) -> None:
        """Drop every copy, and make no more."""
        self.shadows.stopped = True
        for task in self._tasks:
            task.cancel()

    async def close(self) -> None:
        """The same, and wait until they are dropped."""
        self.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _soon(self, twin: Twin) -> None:
        """Not at once: whatever goes wrong with a copy must not be its request's."""
        self._loop.call_soon(self._begin, twin)

    def _begin(self, twin: Twin) -> None:
        """The request is over: copy it, if it is worth it and there is room."""
        terms, now = twin.lane.terms, self._loop.time()
        why = twin.against() or twin.lane.shut(now)
        if not why and self.shadows.stopped:
            why = "draining"
        if not why and self.shadows.crowded(self._runtime().engine, terms, now):
            why = "production"
        reserved = None
        if not why:
            written = twin.end.output_tokens if twin.end is not None else None
            reserved = twin.lane.reserve(twin.call, written, now)
        if reserved is None:
            twin.lane.hold(why or "spend")
            twin.drop()
            return
        copy = _Copy(twin, terms, reserved, Overheard(self._journal), Heard(self.shadows.memory))
        task = self._loop.create_task(self._compare(copy))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._ended(task, copy))

    def _ended(self, task: asyncio.Task[None], copy: _Copy) -> None:
        """Settle and let go of all that was taken for a copy, however it ended."""
        self._tasks.discard(task)
        lane = copy.twin.lane
        lane.settle(
            copy.reserved, copy.overheard.spent(copy.terms, copy.reserved.need), self._loop.time()
        )
        copy.heard.drop()
        copy.twin.drop()
        if task.cancelled():
            lane.hold("draining")
        elif (error := task.exception()) is not None:
            self._on_error(error)

    async def _compare(self, copy: _Copy) -> None:
        """One copy, from its course to what the pair has come to."""
        lane, terms = copy.twin.lane, copy.terms
        control = control_of(copy.twin, terms)
        shadow = await self._ask(copy, control)
        if terms.compared != lane.terms.compared:
            return
        if shadow is None:
            lane.hold("room")
            return
        lane.evidence.add(await self._compared(copy, control, shadow))

    async def _ask(self, copy: _Copy, control: Side) -> Side | None:
        """What the shadow came to; None: there was no room for the copy."""
        runtime, now = self._runtime(), self._loop.time()
        twin, terms, overheard = copy.twin, copy.terms, copy.overheard
        call, caller = copied(twin.call, terms.arm), copier(twin.caller)
        patience = max(LEAST_PATIENCE, TIMES * (control.total or 0.0))
        request = requested(call, caller, runtime, terms, now + min(patience, terms.deadline))
        request = request._replace(barred=runtime.barred(twin.caller, terms.model))
        asked = Asked(call, caller, request)
        refused = await self._aside.ask(asked, runtime, overheard, copy.heard, self._tasks)
        if (first := overheard.first) is not None:
            ended = first.report.outcome
            ours = ended is Outcome.ABANDONED and first.ended < request.deadline
            ours = ours or ended is Outcome.SPILLED
            return None if ours else of_attempt(first, terms)
        word = ITS_OWN.get(refused) if refused is not None else None
        return None if word is None else Side(word, terms.shadow.to)

    async def _compared(self, copy: _Copy, control: Side, shadow: Side) -> Pair:
        """Both, with what their texts tell. They are read only here, and kept no longer."""
        twin, terms, call = copy.twin, copy.terms, copy.twin.call
        one = await _said(call, twin.heard) if control.answered else None
        other = await _said(call, copy.heard) if shadow.answered else None
        prompt = None
        if one is not None and other is not None and _asks(twin.caller, call):
            prompt = prompt_of(call)
        control, shadow = with_words(control, one, prompt), with_words(shadow, other, prompt)
        if terms.judge is None or one is None or other is None:
            return Pair(control, shadow)
        judged = Judged(terms.model, object_of(decoded(call.body)), one, other)
        try:
            return Pair(control, shadow, await self._judging.score(terms.judge, judged))
        except NoScore as error:
            twin.lane.evidence.errors += 1
            twin.lane.trouble = str(error)
            return Pair(control, shadow)


class _Copy(NamedTuple):
    """One copy, and all that was taken for it."""

    twin: Twin
    terms: Terms
    reserved: Reserved
    overheard: Overheard
    heard: Heard


def requested(
    call: Call, caller: Caller, runtime: Runtime, terms: Terms, deadline: float
) -> Request:
    """The copy as the engine sees it."""
    lacking = runtime.lacking(call.operation, terms.shadow.to)
    return Request(
        terms.arm,
        deadline,
        call.input_tokens,
        call.output_tokens,
        call.stream,
        features=NO_FEATURES,
        tenant=caller.tenant.name,
        band=Band.SHEDDABLE,
        requires=required(call, caller.dialect, lacking) if lacking else frozenset(),
        counted=call.counted,
    )


async def _said(call: Call, heard: Heard) -> Said | None:
    answer = heard.read()
    return None if answer is None else await said_of(call, answer)


def _asks(caller: Caller, call: Call) -> bool:
    """Whether the call asks for a form, or brings tools: only then is it read."""
    names = caller.dialect.FEATURES & {"schema", "tools"}
    return any(caller.dialect.features(call, names).values())

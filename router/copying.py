"""Copies of requests: asked of a shadow once production has answered, and compared with it.

A copy is its own course, on one target, in the lowest band, with one try. It begins when its
request is over, so no answer waits for it; it never waits for a place; and nobody waits for it: at
the drain it is dropped. Nobody gets its answer. Of the two answers only the numbers are kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from policies import Band, Cause, Course, Fail, Outcome, Request, Send, Stop, Wait
from policies.engine.refusal import Refusal
from policies.policy import NO_FEATURES
from router.bell import Bell
from router.caller import Caller
from router.course import Way
from router.dialects.common.outside import decoded, object_of
from router.dialects.contract import Call
from router.passage import Passage
from router.pipeline import required
from router.quota.sharing import Sharing
from router.reply import Reply
from router.runtime import Runtime
from router.shadow.copies import copied, copier
from router.shadow.judged import Judged, Said
from router.shadow.judging import Judging, NoScore
from router.shadow.lane import Reserved
from router.shadow.pairs import Pair, Side
from router.shadow.said import prompt_of, said_of
from router.shadow.shadows import Shadows
from router.shadow.sides import control_of, of_attempt, with_words
from router.shadow.sinks import Heard, Nobody
from router.shadow.terms import Terms
from router.shadow.twin import Twin
from router.sink import Sink
from router.telemetry.decisions import Decisions
from router.telemetry.journal import AttemptRecord, Journal, Reader, RefusalRecord, RequestRecord
from router.upstream.fetch import Fetcher

LEAST_PATIENCE = 30.0
TIMES = 4
"""A copy is given up after so many times as long as production took, and not before these seconds:
who waits longer for an answer has no use for it.
"""
ITS_OWN = {
    Refusal.EJECTED: "ejected",
    Refusal.DENIED: "denied",
    Refusal.UNFIT: "unfit",
    Refusal.CONTEXT: "unfit",
    Refusal.UNABLE: "unfit",
}
"""Why a shadow is not sent to that would be so in production as well: the word for its outcome."""


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
        self._fetcher, self._decisions, self._on_error = fetcher, decisions, on_error
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
        confined to some targets is not copied to others.
        """
        if request.only is not None:
            return sink, journal
        terms, acts = runtime.shadows[call.model], request.acts
        twin = self.shadows.sample(terms, call, caller, acts=acts, then=self._begin)
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

    def _begin(self, twin: Twin) -> None:
        """The request is over: copy it, if it is worth it and there is room."""
        terms, now = twin.lane.terms, self._loop.time()
        why = "unanswered" if twin.says_nothing() else twin.lane.shut(now)
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
        task = self._loop.create_task(self._copy(twin, terms, reserved))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._on_error(error)

    async def _copy(self, twin: Twin, terms: Terms, reserved: Reserved) -> None:
        """One copy, from its course to what the pair has come to."""
        lane, control = twin.lane, control_of(twin, terms)
        overheard, heard = _Overheard(self._journal), Heard(self.shadows.memory)
        try:
            shadow = await self._ask(twin, terms, control, overheard, heard)
            if terms is not lane.terms and terms.compared != lane.terms.compared:
                return
            if shadow is None:
                lane.hold("room")
                return
            lane.evidence.add(await self._compared(twin, terms, control, shadow, heard))
        except asyncio.CancelledError:
            lane.hold("draining")
            raise
        finally:
            lane.settle(reserved, overheard.spent(terms), self._loop.time())
            heard.drop()
            twin.drop()

    async def _ask(
        self, twin: Twin, terms: Terms, control: Side, overheard: _Overheard, heard: Heard
    ) -> Side | None:
        """What the shadow came to; None: there was no room for the copy."""
        runtime, now = self._runtime(), self._loop.time()
        call, caller = copied(twin.call, terms.arm), copier(twin.caller)
        bell = Bell(self._loop)
        decisions = self._decisions
        record = decisions.sample(caller.request_id, now) if decisions is not None else None
        patience = max(LEAST_PATIENCE, TIMES * (control.total or 0.0))
        request = requested(call, caller, runtime, terms, now + min(patience, terms.deadline))
        once = Once(runtime.engine.start(request, now, bell.wake, record))
        way: Way = once
        if runtime.fleet is not None:
            way = Sharing(way, runtime.fleet, bell)
        reply = Reply(caller, Nobody(heard), self._loop.time, now)
        passage = Passage(call, reply, runtime, way, bell, self._fetcher, overheard)
        try:
            await passage.drive(self._tasks)
        finally:
            passage.close()
            bell.close()
        if (first := overheard.first) is not None:
            ours = first.report.outcome is Outcome.ABANDONED and first.ended < request.deadline
            return None if ours else of_attempt(first, terms)
        word = ITS_OWN.get(once.refused) if once.refused is not None else None
        return None if word is None else Side(word, terms.shadow.to)

    async def _compared(
        self, twin: Twin, terms: Terms, control: Side, shadow: Side, heard: Heard
    ) -> Pair:
        """Both, with what their texts tell. They are read only here, and kept no longer."""
        call = twin.call
        one = await _said(call, twin.heard) if control.answered else None
        other = await _said(call, heard) if shadow.answered else None
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


class Once:
    """A course that is asked for one place, now: where there is none, that is its end. `refused`
    is why.
    """

    __slots__ = ("_course", "refused")

    def __init__(self, course: Course) -> None:
        self._course = course
        self.refused: Refusal | None = None

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """See `Course.next`."""
        action = self._course.next(now)
        if isinstance(action, Wait) and action.cause is not Cause.ANSWER:
            action = Fail(Cause.WAIT, self._course.refusals(now), None)
        if isinstance(action, Fail) and self.refused is None and action.refusals:
            self.refused = next(iter(action.refusals.values())).refusal
        return action

    def go_on(self, among: object, now: float) -> None:
        """Never asked for: a copy that breaks off has failed."""

    def close(self, now: float) -> None:
        """See `Course.close`."""
        self._course.close(now)


class _Overheard:
    """The journal of a copy: it is told of it as of any other, but marked as what it is. `first` is
    its attempt, if one was made. See `Reader`.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.first: AttemptRecord | None = None

    def attempt(self, record: AttemptRecord) -> None:
        """See `Reader.attempt`."""
        record = msgspec.structs.replace(record, shadow=True)
        self._journal.attempt(record)
        self.first = record

    def request(self, record: RequestRecord) -> None:
        """See `Reader.request`."""
        self._journal.request(msgspec.structs.replace(record, shadow=True))

    def refused(self, record: RefusalRecord) -> None:
        """See `Reader.refused`."""
        self._journal.refused(record)

    def spent(self, terms: Terms) -> int:
        """Nano-dollars that it has cost, as far as that is known."""
        if self.first is None:
            return 0
        report, target = self.first.report, self.first.target
        return terms.cost(target, report.input_tokens, report.output_tokens or 0) or 0


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

"""One request on its way: does what its course says, and reports what happens.

The three points of a stream are here. *Head point*: status and headers go to the client, at the
first content or after 15 s without any. *Commit point*: the first content reaches the client;
before it every failure is rescued in silence, after it others may go on where the route says so.
*End*: the dialect's semantic terminator; anything else is an error that the client can see.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Sized

from policies import Attempt, Cause, Fail, Outcome, Report, Send, Stop, Wait
from router.answer import Answer
from router.asking import asked, unsent
from router.bell import Bell
from router.course import Way
from router.dialects.contract import Call, ClientError, Wanting
from router.failures import DRAINING, client_error, own_words, useful
from router.fetching import Files
from router.headers import downward
from router.records import of_attempt, of_request
from router.reply import JSON, Reply
from router.resumption import resumption_of
from router.runtime import Runtime
from router.sink import ClientGone, SlowClient
from router.stage import FEW, give_way
from router.telemetry.journal import Reader
from router.told import closing, told
from router.upstream.fetch import Fetcher


class Passage:
    """Drives one course into one reply."""

    __slots__ = (
        "_answers", "_attempts", "_bell", "_call", "_cause", "_clock", "_course", "_draining",
        "_end", "_fetcher", "_files", "_first", "_journal", "_last", "_met_an_end", "_others",
        "_over", "_reply", "_resumption", "_runtime", "_started", "_telling", "_until", "_waited",
        "_winner",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        reply: Reply,
        runtime: Runtime,
        course: Way,
        bell: Bell,
        fetcher: Fetcher,
        journal: Reader,
    ) -> None:
        self._call, self._reply, self._runtime, self._course = call, reply, runtime, course
        self._bell, self._journal, self._fetcher = bell, journal, fetcher
        self._clock, self._started = reply.clock, reply.clock()
        self._files: Files | None = None
        self._answers: list[Answer] = []
        self._winner: Answer | None = None
        self._last: Answer | None = None
        self._telling: Answer | None = None
        self._first: float | None = None
        self._draining = self._over = self._met_an_end = False
        self._attempts, self._until, self._waited, self._end, self._cause = 0, 0.0, 0.0, "fault", ""
        self._resumption = resumption_of(call, runtime) if runtime.resume else None

    async def drive(self, others: Sized) -> bool:
        """Go on until the client has its answer (true), or an honest error, beside `others`."""
        self._others = others
        bell, reply, stream = self._bell, self._reply, self._call.stream
        try:
            if len(others) > FEW:
                await give_way()
            while not self._over:
                now = self._clock()
                for answer in self._answers.copy():
                    if self._look(answer, now):
                        await self._pass_on(answer, now)
                if stream and now >= reply.quiet_until and not self._over:
                    await reply.keep_alive(self._told(None))
                if self._over:
                    break
                if self._draining:
                    await self._refuse(DRAINING, "drained")
                elif (now >= self._until or bell.woken) and (fail := self._ask(now)) is not None:
                    await self._fail(fail, now)
                elif now < self._until and not bell.woken:
                    await bell.wait(self._earliest())
        except SlowClient:
            self._end = "slow"
            raise
        except (ClientGone, CancelledError):
            self._end = "gone"
            raise
        return self._end == "ok"

    def drain(self) -> None:
        """End soon, with an error that says so."""
        self._draining = True
        self._bell.wake()

    def close(self) -> None:
        """Settle whatever is open; the request is over, however it went."""
        now = self._clock()
        for answer in self._answers.copy():
            self._settle(answer, answer.abandon(), now)
        self._course.close(now)
        if self._files is not None:
            self._files.close()
        self._bell.clear()
        self._record(now)

    def _ask(self, now: float) -> Fail | None:
        """Ask the course what is to be done, and do it, unless it is over. What it says holds until
        it wakes the bell, or is told of something.
        """
        self._bell.woken = False
        action = self._course.next(now)
        if isinstance(action, Wait):
            self._until = action.until
        elif isinstance(action, Send):
            self._send(action, now)
        elif isinstance(action, Stop):
            self._stop(action.attempt, action.outcome, now)
        else:
            return action
        return None

    def _earliest(self) -> float:
        """When something is to be done, whether anything comes or not."""
        until = self._until
        for answer in self._answers:
            if answer.due < until:
                until = answer.due
        if self._call.stream and self._reply.quiet_until < until:
            return self._reply.quiet_until
        return until

    def _send(self, send: Send, now: float) -> None:
        upstream, call = self._runtime.upstreams[send.target], self._call
        if self._resumption is not None:
            upstream = self._resumption.kept(upstream, send.attempt)
        try:
            answer = asked(send, upstream, call, self._reply.caller, self._runtime, self._bell)
        except Wanting as wanting:
            if (why := self._fetch(wanting.urls, send)) is None:
                return
            answer = unsent(send, upstream, call, why)
        self._answers.append(answer)
        if answer.report is not None:
            self._settle(answer, answer.report, now)
            return
        send.attempt.sent(now)
        self._attempts += 1
        self._until = send.attempt.until if len(self._answers) == 1 else 0.0

    def _fetch(self, urls: tuple[str, ...], send: Send) -> str | None:
        """Give the attempt back until what it needs is there; why not, if it cannot be had."""
        self._files = self._files or Files(self._call, self._fetcher, self._bell)
        self._until = send.limits.deadline  # the bell says when they are there
        return self._files.want(urls, send)

    def _stop(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        for answer in self._answers.copy():
            if answer.attempt is attempt:
                self._settle(answer, answer.abandon(outcome), now)

    def _look(self, answer: Answer, now: float) -> bool:
        """Take what has come of one attempt; whether the client gets it."""
        report = answer.look(now)
        if report is None:
            if self._winner is None and answer.content:
                self._win(answer, now)
            return self._winner is answer
        if answer.stale and not (self._met_an_end or answer.attempt.acts):
            self._met_an_end = True
            self._give_back(answer, now)
            return False
        whole = report.outcome.good
        if whole and self._winner is None:
            self._win(answer, now)
        if self._winner is answer and (unread := self._reply.waited - self._waited):
            report = report._replace(unread=unread)
        self._settle(answer, report, now)
        if self._winner is not answer:
            return False
        self._over = whole
        if not whole and self._resumption and (able := self._resumption.broke(answer)):
            self._course.go_on(able, now)  # with the answer that the client was getting
            self._winner = None
        return True

    def _win(self, answer: Answer, now: float) -> None:
        """From here on the client's answer is this one."""
        self._winner = answer
        if self._first is None:
            self._first = now
        if self._call.stream:
            answer.attempt.first_token(now)
            self._until, self._waited = 0.0, self._reply.waited

    async def _pass_on(self, answer: Answer, now: float) -> None:
        reply = self._reply
        if not self._call.stream:
            if len(self._others) > FEW:
                await give_way()
            await reply.whole(*self._head(answer), answer.body)
            self._end = "ok"
            return
        data = answer.passing()
        if self._over:
            data += answer.closing(self._note(answer, now))
        if data:
            await reply.stream(data, {} if reply.streaming else self._head(answer)[1])
            answer.resume(self._clock())
            self._bell.relay = self._relay
        if self._over:
            await reply.end()
            self._end = "ok"

    def _relay(self) -> bool:
        """Pass on what has come of the answer that the client gets, without waking who waits here;
        whether that was all there was to do.
        """
        answer = self._winner
        if answer is None or self._answers != [answer]:
            return False
        now = self._clock()
        if answer.advance(now) is not None:
            return False
        if data := answer.passing():
            if not self._reply.put(data):
                answer.keep(data)
                return False
            answer.resume(now)
        return answer.due >= self._bell.armed_for

    async def _fail(self, fail: Fail, now: float) -> None:
        refusal = self._reply.refusal
        self._cause = "" if refusal is not None else fail.cause.name.lower()
        if (text := self._reply.instead) is not None:
            await self._reply.text(self._call, text, self._told(None), self._note(None, now))
            self._over, self._end = True, "degraded"
            return
        telling = self._winner or self._telling
        if fail.cause is Cause.ACTED:
            telling = None if self._answers else self._last
        report = telling.report if telling is not None else None
        if self._resumption is not None:
            report = self._resumption.broken or report
        error = refusal or client_error(fail, report, now)
        if telling is not None and not self._reply.streaming and (own := own_words(fail, telling)):
            headers = {**self._head(telling)[1], **JSON, **error.headers()}
            await self._reply.whole(own.status, headers, own.body)
            self._over, self._end = True, "error"
            return
        await self._refuse(error, "error" if self._first is None else "interrupted")

    async def _refuse(self, error: ClientError, end: str) -> None:
        self._cause = self._cause or error.code
        await self._reply.error(error, self._told(self._last))
        self._over, self._end = True, end

    def _head(self, answer: Answer) -> tuple[int, dict[str, str]]:
        """Status and headers for a client that gets what this answer brought."""
        head = answer.exchange.head
        if head is None:
            return 200, self._told(answer)
        return head.status, downward(head.headers) | self._told(answer)

    def _told(self, answer: Answer | None) -> dict[str, str]:
        name, attempts = self._reply.caller.request_id, self._attempts
        return told(name, attempts, answer, self._started, self._first)

    def _note(self, answer: Answer | None, now: float) -> bytes:
        times, degraded = (self._started, self._first, now), self._reply.degraded
        return closing(answer, self._attempts, times, self._resumption, degraded)

    def _give_back(self, answer: Answer, now: float) -> None:
        """Its connection had been closed while idle: nobody failed, and it is sent anew."""
        self._answers.remove(answer)
        self._until = 0.0
        self._attempts -= 1
        answer.attempt.give_back(now)

    def _settle(self, answer: Answer, report: Report, now: float) -> None:
        self._answers.remove(answer)
        self._last, self._until = answer, 0.0
        attempt, telling, own = answer.attempt, self._telling, self._call.model
        if telling is None or useful(report, attempt.model, own) >= useful(telling.report):
            self._telling = answer
        attempt.settle(report, now)
        self._journal.attempt(of_attempt(self._reply.caller, answer, attempt.report or report, now))

    def _record(self, now: float) -> None:
        answered, times = self._winner or self._last, (self._started, self._first, now)
        end, cause, attempts, resumption = self._end, self._cause, self._attempts, self._resumption
        self._journal.request(
            of_request(self._call, self._reply, answered, end, cause, attempts, times, resumption)
        )

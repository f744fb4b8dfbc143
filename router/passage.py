"""One request on its way: does what its course says, and reports what happens.

The three points of a stream are here. *Head point*: status and headers go to the client, at the
first content or after 15 s without any. *Commit point*: the first content reaches the client;
before it every failure is rescued in silence, after it others may go on where the route says so.
*End*: the dialect's semantic terminator; anything else is an error that the client can see, never
an answer that only looks whole.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sized

from policies import Attempt, Cause, Course, Fail, Outcome, Report, Send, Stop, Wait
from router.answer import Answer, asked
from router.caller import Caller
from router.dialects.contract import Call, ClientError
from router.failures import DRAINING, client_error, own_words, useful
from router.fetching import Files
from router.headers import downward
from router.ladder import Descent
from router.records import Ending, of_attempt, of_request
from router.reply import JSON, Reply
from router.resumption import Resumption, resumption_of
from router.runtime import Runtime
from router.sink import ClientGone, SlowClient
from router.stage import give_way
from router.telemetry.journal import Journal
from router.told import closing, told


class Passage:
    """Drives one course into one reply."""

    __slots__ = (
        "_answers", "_attempts", "_bell", "_call", "_caller", "_cause", "_clock", "_course",
        "_draining", "_end", "_files", "_first", "_journal", "_last", "_met_an_end", "_others",
        "_over", "_reply", "_resumption", "_runtime", "_started", "_telling", "_until", "_winner",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        caller: Caller,
        reply: Reply,
        runtime: Runtime,
        course: Course | Descent,
        files: Files,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._call, self._caller = call, caller
        self._reply = reply
        self._runtime = runtime
        self._course = course
        self._files, self._bell = files, files.bell
        self._journal = journal
        self._clock, self._started = clock, clock()
        self._answers: list[Answer] = []
        self._winner: Answer | None = None
        self._last: Answer | None = None
        self._telling: Answer | None = None
        self._first: float | None = None
        self._draining = self._over = self._met_an_end = False
        self._attempts, self._until = 0, 0.0
        self._end, self._cause = "fault", ""
        self._resumption = resumption_of(call, runtime) if runtime.resume else None

    async def drive(self, others: Sized) -> bool:
        """Go on until the client has its answer (true), or an honest error, beside `others`."""
        self._others = others
        bell, reply, stream = self._bell, self._reply, self._call.stream
        try:
            await give_way(others)
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
                elif now < self._until and not bell.woken:
                    await bell.wait(self._earliest())
                elif (fail := self._ask(now)) is not None:
                    await self._fail(fail, now)
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
        strict, files = send.attempt.model in self._runtime.strict, self._files
        answer = asked(send, upstream, call, self._caller.headers, self._bell, files, strict=strict)
        if answer is None:
            self._until = send.limits.deadline  # the bell says when its files are there
            return
        self._answers.append(answer)
        if answer.report is not None:
            self._settle(answer, answer.report, now)
            return
        send.attempt.sent(now)
        self._attempts += 1
        self._until = send.attempt.until if len(self._answers) == 1 else 0.0

    def _stop(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        for answer in self._answers.copy():
            if answer.attempt is attempt:
                self._settle(answer, answer.abandon(outcome), now)

    def _look(self, answer: Answer, now: float) -> bool:
        """Take what has come of one attempt; whether the client gets it."""
        report = answer.advance(now)
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
        if self._winner is answer and self._reply.waited:
            report = report._replace(unread=self._reply.waited)
        self._settle(answer, report, now)
        if self._winner is not answer:
            return False
        self._over = whole
        if not whole and self._resumption is not None:
            self._resume(self._resumption, answer, now)
        return True

    def _resume(self, resumption: Resumption, broken: Answer, now: float) -> None:
        """Have somebody else go on with the answer that the client was getting, if anybody can."""
        if able := resumption.broke(broken):
            self._course.go_on(able, now)
            self._winner = None

    def _win(self, answer: Answer, now: float) -> None:
        """From here on the client's answer is this one."""
        self._winner = answer
        if self._first is None:
            self._first = now
        if self._call.stream:
            answer.attempt.first_token(now)
            self._until = 0.0

    async def _pass_on(self, answer: Answer, now: float) -> None:
        reply = self._reply
        if not self._call.stream:
            await give_way(self._others)
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
        self._cause = fail.cause.name.lower()
        if isinstance(self._course, Descent) and (text := self._course.text) is not None:
            await self._reply.text(self._call, text, self._told(None), self._note(None, now))
            self._over, self._end = True, "degraded"
            return
        telling = self._winner or self._telling
        if fail.cause is Cause.ACTED:
            telling = None if self._answers else self._last
        report = telling.report if telling is not None else None
        if self._resumption is not None:
            report = self._resumption.broken or report
        error = client_error(fail, report, now)
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
        return head.status, {**downward(head.headers), **self._told(answer)}

    def _told(self, answer: Answer | None) -> dict[str, str]:
        return told(self._caller.request_id, self._attempts, answer, self._started, self._first)

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
        self._until = 0.0
        self._last = answer
        attempt, own = answer.attempt, answer.attempt.model == self._call.model
        if self._telling is None or useful(report, asked=own) >= useful(self._telling.report):
            self._telling = answer
        attempt.settle(report, now)
        record = of_attempt(self._caller, answer, report, now)
        self._journal.attempt(record)

    def _record(self, now: float) -> None:
        answered = self._winner or self._last
        status, attempts, times = self._reply.status, self._attempts, (self._started, self._first)
        low, waited = self._reply.degraded, self._reply.waited
        ending = Ending(status, self._end, self._cause, attempts, *times, now, low, waited)
        self._journal.request(
            of_request(self._call, self._caller, answered, ending, self._resumption)
        )

"""One request on its way: does what its course says, and reports what happens.

The three points of a stream are here. *Head point*: status and headers go to the client, at the
first content or after 15 s without any. *Commit point*: the first content reaches the client;
before it every failure is rescued in silence. *End*: the dialect's semantic terminator; anything
else is an error that the client can see, never an answer that only looks whole.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Sized

from policies import Attempt, Course, Fail, Outcome, Report, Send, Stop, Wait
from router.answer import Answer
from router.bell import Bell
from router.caller import Caller
from router.dialects.contract import Call, ClientError
from router.failures import client_error, own_words, useful
from router.headers import downward
from router.reply import JSON, Reply
from router.runtime import Runtime
from router.sink import ClientGone, SlowClient
from router.stage import give_way
from router.telemetry.journal import AttemptRecord, Journal, RequestRecord
from router.told import closing, told

DRAINING = ClientError(
    503, "server_error", "draining", "the router is shutting down", retry_after=1.0
)


class Passage:
    """Drives one course into one reply."""

    __slots__ = (
        "_answers", "_attempts", "_bell", "_call", "_caller", "_cause", "_clock", "_course",
        "_draining", "_end", "_first", "_journal", "_last", "_met_an_end", "_others", "_over",
        "_reply", "_runtime", "_started", "_telling", "_until", "_winner",
    )  # fmt: skip

    def __init__(
        self,
        call: Call,
        caller: Caller,
        reply: Reply,
        runtime: Runtime,
        course: Course,
        bell: Bell,
        journal: Journal,
        clock: Callable[[], float],
    ) -> None:
        self._call = call
        self._caller = caller
        self._reply = reply
        self._runtime = runtime
        self._course = course
        self._bell = bell
        self._journal = journal
        self._clock = clock
        self._started = clock()
        self._answers: list[Answer] = []
        self._attempts = 0
        self._winner: Answer | None = None
        self._last: Answer | None = None
        self._telling: Answer | None = None
        self._first: float | None = None
        self._draining = False
        self._over = False
        self._until = 0.0
        self._met_an_end = False
        self._end = "fault"
        self._cause = ""

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
        upstream = self._runtime.upstreams[send.target]
        dialect, call = upstream.dialect, self._call
        body = dialect.body(call, upstream.model, ask_usage=upstream.ask_usage)
        exchange = upstream.transport.open(
            upstream, dialect.path(call), self._caller.headers, body, self._bell
        )
        send.attempt.sent(now)
        self._attempts += 1
        self._until = 0.0 if self._answers else send.attempt.until
        self._answers.append(Answer(send.attempt, upstream, exchange, self._call, send.limits))

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
        if answer.stale and not self._met_an_end:
            self._met_an_end = True
            self._give_back(answer, now)
            return False
        whole = report.outcome.good
        if whole and self._winner is None:
            self._win(answer, now)
        self._settle(answer, report, now)
        if self._winner is not answer:
            return False
        self._over = whole
        return True

    def _win(self, answer: Answer, now: float) -> None:
        """From here on the client's answer is this one."""
        self._winner = answer
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
            data += closing(answer, self._attempts, self._started, self._first, now)
            data += self._caller.dialect.end()
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
        telling = self._winner or self._telling
        error = client_error(fail, telling.report if telling is not None else None, now)
        if telling is not None and not self._reply.streaming and (own := own_words(fail, telling)):
            headers = {**self._head(telling)[1], **JSON, **error.headers()}
            await self._reply.whole(own.status, headers, own.body)
            self._over, self._end = True, "error"
            return
        await self._refuse(error, "error" if self._winner is None else "interrupted")

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
        if self._telling is None or useful(report) >= useful(self._telling.report):
            self._telling = answer
        attempt = answer.attempt
        attempt.settle(report, now)
        self._journal.attempt(
            AttemptRecord(
                self._caller.request_id,
                self._call.model,
                attempt.target,
                attempt.number,
                report,
                started=attempt.was_sent,
                first=attempt.first,
                ended=now,
            )
        )

    def _record(self, now: float) -> None:
        answered = self._winner or self._last
        report = (answered.report if answered is not None else None) or Report(Outcome.ABANDONED)
        self._journal.request(
            RequestRecord(
                request_id=self._caller.request_id,
                tenant=self._caller.tenant.name,
                model=self._call.model,
                stream=self._call.stream,
                status=self._reply.status,
                end=self._end,
                cause=self._cause,
                target=answered.upstream.target if answered is not None else "",
                attempts=self._attempts,
                started=self._started,
                first=self._first,
                ended=now,
                input_tokens=report.input_tokens,
                output_tokens=report.output_tokens,
                estimated=report.estimated,
            )
        )

"""One request on its way: does what its course says, and reports what happens.

The three points of a stream are here. *Head point*: status and headers go to the client, at the
first content or after 15 s without any. *Commit point*: the first content reaches the client;
before it every failure is rescued in silence. *End*: the dialect's semantic terminator; anything
else is an error that the client can see, never an answer that only looks whole.
"""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable

import msgspec

from policies import Attempt, Course, Fail, Outcome, Report, Send, Stop, Wait
from router.answer import Answer
from router.bell import Bell
from router.caller import Caller
from router.dialects.contract import Call, ClientError
from router.dialects.sse import comment
from router.failures import client_error, own_words, useful
from router.headers import downward
from router.reply import JSON, Reply
from router.runtime import Runtime
from router.sink import ClientGone, SlowClient
from router.telemetry.journal import AttemptRecord, Journal, RequestRecord

DRAINING = ClientError(
    503, "server_error", "draining", "the router is shutting down", retry_after=1.0
)


class Passage:
    """Drives one course into one reply."""

    __slots__ = (
        "_answers", "_attempts", "_bell", "_call", "_caller", "_cause", "_clock", "_course",
        "_draining", "_end", "_first", "_journal", "_last", "_met_an_end", "_over", "_reply",
        "_runtime", "_started", "_telling", "_winner",
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
        self._met_an_end = False
        self._end = "fault"
        self._cause = ""

    async def drive(self) -> bool:
        """Go on until the client has its answer (true), or an honest error."""
        try:
            while not self._over:
                now = self._clock()
                for answer in self._answers.copy():
                    await self._look(answer, now)
                if not self._over:
                    await self._step(now)
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
        self._bell.ring()

    def close(self) -> None:
        """Settle whatever is open; the request is over, however it went."""
        now = self._clock()
        for answer in self._answers.copy():
            self._settle(answer, answer.abandon(), now)
        self._course.close(now)
        self._bell.close()
        self._record(now)

    async def _step(self, now: float) -> None:
        """Do the one thing that is to be done next."""
        if self._draining:
            await self._refuse(DRAINING, "drained")
            return
        match self._course.next(now):
            case Wait(until, _):
                await self._wait(until)
            case Send() as send:
                self._send(send, now)
            case Stop(attempt, outcome):
                self._stop(attempt, outcome, now)
            case Fail() as fail:
                await self._fail(fail, now)

    def _send(self, send: Send, now: float) -> None:
        upstream = self._runtime.upstreams[send.target]
        dialect, call = upstream.dialect, self._call
        body = dialect.body(call, upstream.model, ask_usage=upstream.ask_usage)
        exchange = upstream.transport.open(
            upstream, dialect.path(call), self._caller.headers, body, self._bell
        )
        send.attempt.sent(now)
        self._attempts += 1
        self._answers.append(Answer(send.attempt, upstream, exchange, self._call, send.limits))

    def _stop(self, attempt: Attempt, outcome: Outcome, now: float) -> None:
        for answer in self._answers.copy():
            if answer.attempt is attempt:
                self._settle(answer, answer.abandon(outcome), now)

    async def _look(self, answer: Answer, now: float) -> None:
        """Take what has come of one attempt, and pass on what may be passed."""
        report = answer.advance(now)
        if answer.stale and not self._met_an_end:
            self._met_an_end = True
            self._give_back(answer, now)
            return
        whole = report is not None and report.outcome.good
        if self._winner is None and (whole or (answer.content and report is None)):
            self._winner = answer
            self._first = now
            if self._call.stream:
                answer.attempt.first_token(now)
        if report is not None:
            self._settle(answer, report, now)
        if self._winner is not answer:
            return
        self._over = whole
        if self._call.stream:
            await self._pass_on(answer, now)
        elif whole:
            status, headers = self._head(answer)
            await self._reply.whole(status, headers, answer.body)
        if whole:
            self._end = "ok"

    async def _pass_on(self, answer: Answer, now: float) -> None:
        data = answer.passing()
        if self._over:
            data += self._closing(answer, now)
        if data:
            headers = self._head(answer)[1] if not self._reply.streaming else {}
            await self._reply.stream(data, headers)
            answer.resume(self._clock())
        if self._over:
            await self._reply.end()

    async def _wait(self, until: float) -> None:
        for answer in self._answers:
            until = min(until, answer.due)
        if not self._call.stream:
            await self._bell.wait(until)
            return
        await self._bell.wait(min(until, self._reply.quiet_until))
        if self._clock() >= self._reply.quiet_until:
            await self._reply.keep_alive(self._told(None))

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
        """What is known of the request's way when the head goes out."""
        told = {
            "x-request-id": self._caller.request_id,
            "x-router-attempts": str(self._attempts),
        }
        if answer is not None:
            told["x-router-target"] = answer.upstream.target
            if self._first is not None:
                before = (answer.attempt.was_sent - self._started) * 1000
                waited = (self._first - answer.attempt.was_sent) * 1000
                told["server-timing"] = f"before;dur={before:.1f}, upstream;dur={waited:.1f}"
        return told

    def _closing(self, answer: Answer, now: float) -> bytes:
        """The closing comment, and what ends the stream."""
        report = answer.report or Report(Outcome.OK)
        first = now if self._first is None else self._first
        told = {
            "target": answer.upstream.target,
            "attempts": self._attempts,
            "first_token_ms": round((first - self._started) * 1000),
            "total_ms": round((now - self._started) * 1000),
            "input_tokens": report.input_tokens,
            "output_tokens": report.output_tokens,
            "estimated": report.estimated,
        }
        text = "pointsman " + msgspec.json.encode(told).decode()
        return comment(text) + self._caller.dialect.end()

    def _give_back(self, answer: Answer, now: float) -> None:
        """Its connection had been closed while idle: nobody failed, and it is sent anew."""
        self._answers.remove(answer)
        self._attempts -= 1
        answer.attempt.give_back(now)

    def _settle(self, answer: Answer, report: Report, now: float) -> None:
        self._answers.remove(answer)
        self._last = answer
        if self._telling is None or useful(report) >= useful(self._telling.report):
            self._telling = answer
        attempt = answer.attempt
        attempt.settle(report, now)
        self._journal.attempt(
            AttemptRecord(
                request_id=self._caller.request_id,
                model=self._call.model,
                target=attempt.target,
                number=attempt.number,
                report=report,
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

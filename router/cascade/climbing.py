"""A request whose answers are checked before its client gets one, and that climbs where they fail.

It is the same request all along: one deadline, one record, one reply, and whatever it takes is
settled once. An answer that was not good enough was paid for, and is said to have been: to the
client in a header, in the record, and in the log. Where no better one comes, the client gets it.
"""

from __future__ import annotations

from asyncio import Timeout, timeout
from collections.abc import Awaitable, Callable
from typing import Any, Final

from policies import Fail, Report
from policies.policy import Request
from router.answer import Answer
from router.caller import Caller
from router.cascade.checking import Checked, Checking
from router.cascade.lane import Lane
from router.cascade.reckoning import reckon, twice
from router.dialects.contract import Call, ClientError
from router.passage import Passage
from router.shadow.lane import MISJUDGED, likely_most
from router.shadow.said import READ_BY

CASCADE: Final = "x-router-cascade"


class Trial:
    """What a request with a cascade comes to. `failed` are its answers that were not good enough,
    with the check that each failed first; `best` is the one of them that passed most, or the one
    that the client gets; `accepted` is one that was whole, and passed, and `body` is what it was.
    `first` was checked first, with its tier; of `beginnings` that alone was, with what each failed.
    `heads` is what all requests may hold back of streams.
    """

    def __init__(
        self, lane: Lane, checking: Checking, call: Call, caller: Caller, request: Request,
        skipped: frozenset[int], *, look: bool,
    ) -> None:  # fmt: skip
        self.lane, self.call, self.caller, self.look = lane, call, caller, look
        self.request, self.terms, self.heads = request, lane.terms, checking.heads
        self.failed: list[tuple[str, str]] = []
        self.best: Answer | None = None
        self.accepted: Answer | None = None
        self.body = b""
        self.spent = self.checks = 0
        self.unpriced = False
        self.first: tuple[int, Answer] | None = None
        self.beginnings: list[tuple[int, Answer, str]] = []
        self._passed = -1
        self._checking, self._until, self._skipped = checking, request.deadline, skipped

    def checks_beginnings(self, answer: Answer) -> bool:
        """Whether the beginning of a streamed `answer` is looked at before the client gets it."""
        terms = self.terms
        tier = terms.tiers.get(answer.upstream.target, terms.last)
        return tier < terms.last and answer.attempt.model == terms.model

    async def begun(self, answer: Answer, data: bytes) -> int | None:
        """The tier that is to be asked, since a streamed `answer` begins with `data`; None: nobody
        is, and the client gets all of it.
        """
        target = answer.upstream.target
        tier = self.terms.tiers[target]
        failed = await self._checking.begun(self.terms, self.call, self.caller, data)
        self.first = self.first or (tier, answer)
        self.beginnings.append((tier, answer, failed))
        if not failed:
            self.best = answer
            return None
        self.failed.append((target, failed))
        return self.terms.onward(tier, self._skipped)

    async def next_tier(self, answer: Answer, body: bytes) -> int | None:
        """The tier that is to be asked, since a whole `answer`, which is `body`, is not good
        enough; None: nobody is, and the client gets `best`.
        """
        terms, target = self.terms, answer.upstream.target
        tier = terms.tiers.get(target) if answer.attempt.model == terms.model else None
        if tier is None or (tier >= terms.last and not self.failed):
            self.best = answer
            return None
        report = answer.report
        assert report is not None  # noqa: S101 - it is whole
        told = await self._checked(answer, body, tier, report)
        if self.first is None:
            self.first = tier, answer
        else:
            twice(self, tier, report)
        if not told.failed or told.passed >= self._passed:
            self.best, self._passed = answer, told.passed
        if not told.failed:
            if tier < terms.last:
                self.accepted, self.body = answer, body
            return None
        self.failed.append((target, told.failed))
        return None if tier >= terms.last else terms.onward(tier, self._skipped)

    def cut(self, answer: Answer) -> None:
        """A drain has cut off its check, so nobody said that it is good enough."""
        self.failed.append((answer.upstream.target, "draining"))
        self.best = self.best or answer

    async def _checked(self, answer: Answer, body: bytes, tier: int, report: Report) -> Checked:
        lane, last = self.lane, tier >= self.terms.last
        told = await self._checking.check(
            lane, self.call, self.caller, body, self._until, free=last
        )
        if not last:
            self.checks += told.cost
            read, written = report.input_tokens, report.output_tokens
            spent = self.terms.cost(answer.upstream.target, read, written)
            if self.counts:
                lane.add(tier, told.failed, read, written, spent, told.cost)
        return told

    def pay(self, target: str, report: Report) -> None:
        """An attempt has come to this."""
        cost = self.terms.cost(target, report.input_tokens or 0, report.output_tokens or 0)
        self.spent += cost or 0
        self.unpriced = self.unpriced or cost is None

    @property
    def counts(self) -> bool:
        """Whether what it comes to says something of the cascade as it is now in force."""
        return self.lane.terms.measured == self.terms.measured

    @property
    def tier(self) -> int:
        """The tier whose answer was accepted."""
        target = self.accepted.upstream.target if self.accepted is not None else ""
        return self.terms.tiers.get(target, 0)

    @property
    def written(self) -> int | None:
        """The tokens of that answer."""
        report = self.accepted.report if self.accepted is not None else None
        return None if report is None else report.output_tokens

    @property
    def at_most(self) -> int | None:
        """What the last tier's answer may cost, by the dearest of its targets; None: nobody knows.
        Its tokens may be others, and more.
        """
        report = self.accepted.report if self.accepted is not None else None
        if report is None or report.input_tokens is None:
            return None
        bound, likely = self.call.output_tokens, likely_most(report.output_tokens)
        written, read = min(bound or likely, likely), report.input_tokens * MISJUDGED
        targets = self.terms.dearest_from(self.terms.last)
        costs = [self.terms.cost(name, read, written) for name in targets]
        known = [cost for cost in costs if cost is not None]
        return max(known, default=0) if len(known) == len(costs) else None

    @property
    def words(self) -> str:
        """What the client is told."""
        failed = ", ".join(f"{target}={check}" for target, check in self.failed)
        if not self.failed:
            return "accepted" if self.accepted is not None else "begun" * bool(self.beginnings)
        given = self.best.upstream.target if self.best is not None else ""
        return f"{'best' if given in dict(self.failed) else 'climbed'}; {failed}"


class Climbing(Passage):
    """See `Passage`. `then` is told of the trial once the request is over."""

    __slots__ = ("_came", "_patience", "_then", "_trial")

    def __init__(self, trial: Trial, then: Callable[[Trial], None], *given: Any) -> None:
        call, reply, runtime, course, bell, fetcher, journal = given
        super().__init__(call, reply, runtime, course, bell, fetcher, journal)
        self._trial, self._then = trial, then
        self._came: float | None = None
        self._patience: Timeout | None = None

    def drain(self) -> None:
        """See `Passage.drain`. A check under way is not waited for any longer."""
        super().drain()
        if self._patience is not None:
            self._patience.reschedule(self._clock())

    def _look(self, answer: Answer, now: float) -> bool:
        # A climb settles all that is open, also what is about to be looked at.
        return answer in self._answers and super()._look(answer, now)

    def _ask(self, now: float) -> Fail | None:
        # Whoever checked an answer may have taken long.
        return super()._ask(max(now, self._clock()))

    async def _pass_on(self, answer: Answer, now: float) -> None:
        for other in self._answers.copy():
            if other is not answer:
                self._settle(other, other.abandon(), now)
        came, tier = self._first, await self._next_tier(answer)
        if self._trial.best is answer:
            self._came = came
        self._reply.climbed = tuple(self._trial.failed)
        if tier is None:
            await self._give(self._trial.best or answer)
            return
        self._winner, self._first = None, None
        self._over, self._until, now = False, 0.0, self._clock()
        self._course.climb(tier, now)

    async def _next_tier(self, answer: Answer) -> int | None:
        try:
            async with timeout(0.0 if self._draining else None) as self._patience:
                return await self._judged(answer)
        except TimeoutError:
            self._trial.cut(answer)
            return None
        finally:
            self._patience = None

    def _judged(self, answer: Answer) -> Awaitable[int | None]:
        """See `Trial.next_tier`."""
        return self._trial.next_tier(answer, answer.body)

    def _spare(self) -> Answer | None:
        """The answer that the client gets where no better one comes."""
        return self._trial.best

    async def _give(self, answer: Answer) -> None:
        self._winner, self._first, self._over = answer, self._came, True
        await super()._pass_on(answer, self._clock())

    async def _fail(self, fail: Fail, now: float) -> None:
        if (best := self._spare()) is None:
            await super()._fail(fail, now)
        else:
            await self._give(best)

    async def _refuse(self, error: ClientError, end: str) -> None:
        if (best := self._spare()) is None:
            await super()._refuse(error, end)
        else:
            await self._give(best)

    def _head(self, answer: Answer) -> tuple[int, dict[str, str]]:
        status, headers = super()._head(answer)
        words = self._trial.words
        return status, ({**headers, CASCADE: words} if words else headers)

    def _settle(self, answer: Answer, report: Report, now: float) -> None:
        super()._settle(answer, report, now)
        self._trial.pay(answer.upstream.target, report)

    def close(self) -> None:
        """See `Passage.close`."""
        super().close()
        reckon(self._trial)
        self._then(self._trial)


def is_checked(call: Call, request: Request, head: int = 0) -> bool:
    """Whether an answer to such a call is checked: one in one piece, or of which a `head` is held
    back, in words, for what may be asked twice.
    """
    return (
        bool(head or not call.stream)
        and not request.acts
        and call.operation in READ_BY
        and call.choices == 1
        and not (call.bound or call.traces or call.stays)
    )

"""One request's way through targets: sends, waits, fails. Sans-I/O; driven, by whomever.

The driver asks `next` what to do, does it, and reports what happened on the attempt; then it
asks again. Everything that makes a retry safe lives here and nowhere else: who was tried, how
many attempts are left, what the retry budget pays for, the deadline, the place in the queue,
and the point after which nothing may be sent again because the client has seen content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Final

from policies.engine.actions import Fail, Send, Stop, TimeLimits, Wait
from policies.engine.attempt import Attempt
from policies.engine.deciding import extra, tiers
from policies.engine.deciding.eligibility import those_able
from policies.engine.deciding.extra import FAST, is_free, keep_to, likeliest, on_the_spot
from policies.engine.deciding.probing import back, to_look_at, to_probe
from policies.engine.deciding.rescue import expect, late
from policies.engine.limits.bill import cost
from policies.engine.outcome import Next, Outcome, Phase, Report
from policies.engine.pool import Pool
from policies.engine.refusal import FOR_GOOD, NEVER, PASSING, Cause, Refusal, Refused
from policies.engine.standing import Member
from policies.engine.waiting.prediction import too_late
from policies.engine.waiting.queue import LONGEST_WAIT, NOTHING
from policies.policy import Request

if TYPE_CHECKING:
    from policies.engine.engine import Engine

CLOSED: Final = Fail(Cause.OVER, MappingProxyType({}), None)


class Course:
    """One request on its way, among `members` of its pool. Not made by hand: `Engine.start`."""

    __slots__ = (
        "_able", "_committed", "_end", "_last", "_waits_until", "_wake", "ascent", "attempts",
        "engine", "forgiven", "goes_on", "last_member", "opened", "pool", "quick", "reach",
        "request", "retried_on_the_spot", "tokens", "tried",
    )  # fmt: skip

    place: ClassVar[type[Attempt]] = Attempt

    def __init__(
        self,
        engine: Engine,
        pool: Pool,
        request: Request,
        tokens: int,
        members: Sequence[Member],
        wake: Callable[[], None] | None,
    ) -> None:
        self.request = request
        self.engine = engine
        self.pool = pool
        self.tokens = tokens
        self._wake = wake
        self.attempts = self.forgiven = 0
        self.opened: list[Attempt] = []
        self.reach = members
        self.ascent = tiers.ascent(pool, request, tokens, members) if pool.holds else None
        self._able: Sequence[Member] = ()
        self.tried: dict[str, Outcome] = {}
        self._last: Report | None = None
        self.last_member: Member | None = None
        self.quick = False
        self.retried_on_the_spot = self.goes_on = self._committed = False
        self._waits_until: float | None = None
        self._end: Fail | None = None

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        """What to do now. After an OK there is nothing more to ask; after a `Fail` the answer
        stays.
        """
        if self._end is not None:
            return self._end
        if self.opened:
            return self._while_open(now)
        asked = self.tried or not self.pool.route.retry.attempts
        if (asked or now >= self.request.deadline) and (cause := self._over(now)) is not None:
            return self.fail(cause, now)
        return self._send_or_wait(now)

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        """The answer broke off after its first content, and `among` these somebody may go on with
        it: they are asked as after any failure, but that the retry budget always pays for it.
        """
        self._committed = False
        keep_to(self, among)

    def climb(self, tier: int, now: float) -> None:
        """What came is not good enough: ask from `tier` on, as if nobody was asked."""
        self._last = None
        tiers.confine(self, tier)

    def close(self, now: float) -> None:
        """Give up what is still open or waited for. Idempotent; always called in the driver's
        `finally`.
        """
        if self.pool.queue.waiting:
            self.pool.queue.leave(self)
        if self.opened:
            for attempt in list(self.opened):
                phase = Phase.HEAD if attempt.first is None else Phase.BODY
                attempt.settle(Report(Outcome.ABANDONED, phase), now)
        self._end = self._end or CLOSED

    def wake(self) -> None:
        """Something changed that this course waits for."""
        if self._wake is not None:
            self._wake()

    def settled(self, attempt: Attempt, member: Member, report: Report, now: float) -> None:
        """The attempt ended (told by the attempt itself)."""
        outcome = report.outcome
        self.opened.remove(attempt)
        self._last = report
        self.last_member = member
        if outcome.bad:
            # What ends at its limit, or is left as overdue, met silence, however short its time.
            self.quick = now - attempt.started <= FAST and now < min(attempt.head, attempt.overdue)
        if report.withheld:
            extra.forget_losers(self)
        elif attempt.first is not None and self.request.stream:
            self._committed = True
        self.tried[member.name] = outcome
        self.engine.judged(self.pool, self.request, attempt, member, report, now)

    def given_back(self, attempt: Attempt, now: float) -> None:
        """The attempt was given back unsent (told by the attempt itself)."""
        self.opened.remove(attempt)
        self.attempts -= 1
        self.engine.freed()

    def switched(self) -> None:
        """The attempt left its place for the runner-up's (told by the attempt itself)."""
        self.engine.freed()

    def runner_up(self, member: Member, now: float) -> Member | None:
        """Who would be chosen at `now` if `member` could not serve; None: nobody."""
        others = [other for other in self._able if other is not member]
        if not others:
            return None
        return self.engine.chosen(self.pool, self.request, others, now, remembered=False)

    def refusals(self, now: float) -> dict[str, Refused]:
        """Why each target cannot serve now; those that can are absent."""
        return tiers.all_refusals(self, now)

    def _while_open(self, now: float) -> Send | Stop | Wait:
        first, deadline = self.opened[0], self.request.deadline
        told = self._last is not None and self._last.outcome.effect.next is Next.CLIENT
        if (told and first.first is None) or self._committed or now >= deadline:
            return Stop(first, Outcome.ABANDONED)
        if len(self.opened) > 1:
            won = [attempt for attempt in self.opened if attempt.first is not None]
            for attempt in self.opened:
                if won and attempt is not won[0]:
                    return Stop(attempt, Outcome.ABANDONED)
        elif first.first is None and (
            now >= first.look_at or first.epoch != first.standing.breaker.epoch
        ):
            action = late(self, first, now)
            if action is not None:
                return action
        if now < first.look_at < deadline:
            deadline = first.look_at
        return Wait(deadline, Cause.ANSWER)

    def _over(self, now: float) -> Cause | None:
        after = self._last.outcome.effect.next if self._last is not None else None
        if after is Next.CLIENT:
            return Cause.CALLER
        if self.request.acts and not self._committed and extra.may_have_begun(self._last):
            return Cause.ACTED
        if now >= self.request.deadline:
            return Cause.DEADLINE
        if after is Next.DONE:
            return Cause.OVER
        if self._committed:
            return Cause.INTERRUPTED
        if extra.counted(self) >= self.pool.route.retry.attempts:
            return Cause.ATTEMPTS
        return None

    def _send_or_wait(self, now: float) -> Send | Wait | Fail:
        pool, request, tried = self.pool, self.request, self.tried
        promised = pool.queue.promised(self) if pool.queue.waiting else NOTHING
        if self.ascent is not None:
            last = self.attempts > 0 and extra.counted(self) + 1 >= pool.route.retry.attempts
            self.reach = self.ascent.reach(tried, promised, now, last=last)
        able = those_able(pool, self.reach, request, self.tokens, tried, now)
        curious = pool.curiosity.is_due(now)
        if able is self.reach and able and not (promised or curious or pool.purse):
            self._able = able  # as usual: nothing was tried, and nothing speaks against anybody
            return self.send(self.engine.chosen(pool, request, able, now), now)
        if promised:
            able = [member for member in able if member.name not in promised]
        if tried:
            if (again := on_the_spot(self, able, now)) is not None:
                self._able = able
                return self.send(again, now)
            able = [member for member in able if member.name not in tried] or able
            able = likeliest(self, able)
        if pool.purse is not None:
            able = tiers.affordable(self, able, now)
        steered = to_probe(self, able, promised, now) if len(able) < len(self.reach) else None
        if steered is None and not able:
            return self._none_can(promised, now)
        if curious and steered is None:
            steered = to_look_at(self, able, now)
        self._able = able = back(able, now, self.engine.rng)
        member = steered or self.engine.chosen(pool, request, able, now)
        if self.attempts and not is_free(self, member, now) and not pool.budget.withdraw(now):
            able = [member for member in able if is_free(self, member, now)]
            if not able:
                return self.fail(Cause.BUDGET, now)
            member = self.engine.chosen(pool, request, able, now)
        return self.send(member, now, steered=steered is not None)

    def send_beside(self, able: Sequence[Member], now: float) -> Send:
        """Take a second place, on one of those who are asked beside the open attempt."""
        self._able = able
        return self.send(self.engine.chosen(self.pool, self.request, able, now), now)

    def send(self, member: Member, now: float, *, steered: bool = False) -> Send:
        """Take a place on `member`."""
        pool, request = self.pool, self.request
        self.attempts += 1
        attempt = self.place(self, member, now)
        self.opened.append(attempt)
        if pool.purse is not None and tiers.climbs_for_failure(self, [member], now):
            pool.purse.spend(cost(member, request))
        expect(self, attempt, now, steered=steered)
        if pool.queue.waiting:
            attempt.charge = pool.queue.served(self)
        return Send(attempt, member.name, TimeLimits(attempt.head, request.deadline))

    def _none_can(self, promised: AbstractSet[str], now: float) -> Send | Wait | Fail:
        refusals = self.refusals(now)
        ends = [refused.until for refused in refusals.values() if refused.refusal in PASSING]
        # A place ends when somebody leaves it: who stands behind others waits for that as well.
        busy = any(refused.refusal is Refusal.BUSY for refused in refusals.values())
        place = busy or len(refusals) < len(self.pool.members)
        if self._waits_until is None:
            # From the first wait on, over all of them: a caller waits once, whatever it waits for.
            self._waits_until = min(self.request.deadline, now + LONGEST_WAIT)
        patient = self.ascent.patient if self.ascent is not None else None
        give_up = self._waits_until if patient is None else patient
        rest = min(ends, default=NEVER) <= give_up
        if now >= give_up or not (place or rest):
            return self.fail(Cause.NO_TARGET, now, refusals)
        wanted = frozenset(
            member.name
            for member in self.pool.members
            if member.name not in refusals or refusals[member.name].refusal not in FOR_GOOD
        )
        self.quick = False  # who has waited is on the spot no longer
        pool, line = self.pool, self.pool.queue.waiting.get(self)
        if line is not None and line.wanted != wanted:
            pool.queue.leave(self)
            line = None
        start = None
        if line is None:
            start = too_late(pool, self.request, wanted, refusals, give_up, now)
        if start is not None or not pool.queue.join(self, wanted, now):
            if self.ascent is not None and patient is not None:
                self.ascent.hurry(now)
                return self._send_or_wait(now)
            return self.fail(
                Cause.QUEUE_FULL if start is None else Cause.WAIT, now, refusals, start
            )
        for name, refused in refusals.items():
            if name not in promised and now < refused.until < give_up:
                give_up = refused.until
        return Wait(give_up, Cause.REST if rest else Cause.PLACE)

    def fail(
        self,
        cause: Cause,
        now: float,
        refusals: Mapping[str, Refused] | None = None,
        retry_at: float | None = None,
    ) -> Fail:
        """End it without an answer; say when the same request, sent anew, would find somebody
        (`retry_at`, where that is known already). Whoever has a part of the answer is told that it
        broke off, and not why nobody went on with it.
        """
        if self.goes_on and cause is not Cause.DEADLINE:
            cause = Cause.INTERRUPTED
        refusals = self.refusals(now) if refusals is None else refusals
        retry_at = tiers.comes_back(self, refusals, now) if retry_at is None else retry_at
        self._end = Fail(cause, refusals, retry_at)
        self.pool.queue.leave(self)
        return self._end

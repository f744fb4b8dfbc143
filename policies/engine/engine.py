"""The engine: owns what was learned about every target, and starts the course of each request.

One event loop, one owner, synchronous verbs: no locks. Time and chance are arguments, so the
same engine runs in the service, in a simulator and in a notebook, and gives the same decisions
for the same history.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from random import Random
from typing import Any

from policies.engine.attempt import Attempt
from policies.engine.configuring import Holdings, configured, confine
from policies.engine.course import Course
from policies.engine.deciding.tiers import anyone, offered, ordinary
from policies.engine.learning.breaker import State
from policies.engine.learning.estimates import Length
from policies.engine.limits.headroom import Measured, Measurement
from policies.engine.limits.needs import at_most
from policies.engine.news import News, Tell, heed, of_health, of_rest
from policies.engine.outcome import Report
from policies.engine.pool import Pool, learning
from policies.engine.refusal import Cause
from policies.engine.resting import had_spilled
from policies.engine.route import Facts, Route
from policies.engine.showing.explaining import Explained, explain
from policies.engine.showing.record import Record
from policies.engine.showing.recorded import RecordedCourse
from policies.engine.showing.views import TargetSnapshot, snapshot
from policies.engine.standing import SILENT, Member, Standing
from policies.engine.waiting.queue import Queue
from policies.policy import Request

PolicyError = Callable[[str, Exception], None]
Part = Callable[[str, int], int]


class Engine:
    """Chooses targets for requests, and learns from how they end.

    `routes` by model name; `facts` by target name, or by group name for limits that bind a
    group together; `on_policy_error` is told of a policy that raised or chose nobody (the
    request is served without it); `on_news` of what this engine noticed by itself, for its peers.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        *,
        rng: Random,
        now: float,
        facts: Mapping[str, Facts] | None = None,
        on_policy_error: PolicyError | None = None,
        on_news: Tell | None = None,
    ) -> None:
        self.rng = rng
        self._on_news = on_news
        self._on_policy_error = on_policy_error
        self._part: Part | None = None
        self._held = Holdings({}, {}, {})
        self._crowded: dict[Queue, None] = {}
        self._configure(routes, facts or {}, now, running=False)

    def start(
        self,
        request: Request,
        now: float,
        wake: Callable[[], None] | None = None,
        record: Record | None = None,
    ) -> Course:
        """The course of one request. `wake` is called when `next` would say something new
        before the instant it named; it must only schedule. `record` is filled with what the
        course is asked and says; without one nothing is paid for it.
        """
        pool = self._pools.get(request.model)
        known = pool is not None
        if pool is None:
            length = Length()
            pool = Pool(Route([]), (), length, Queue({}, length), now)
        pool.budget.requests += 1
        pool.curiosity.deposit(now)
        asked = pool.starts or request.policy is not None
        members = self._offered(pool, request) if asked else pool.members
        tokens = at_most(pool, request)
        if record is None:
            course = Course(self, pool, request, tokens, members, wake)
        else:
            course = RecordedCourse(self, pool, request, tokens, members, wake)
            course.keep(record, now)
        if pool.purse is not None:
            pool.purse.deposit(ordinary(course), now)
        if not known:
            course.fail(Cause.UNKNOWN_MODEL, now)
        return course

    def replace(
        self, routes: Mapping[str, Route], facts: Mapping[str, Facts] | None, now: float
    ) -> None:
        """A new configuration in one step. What was learned is kept for targets whose facts
        have the same `identity`, and a route's memory while its policy is equal; courses under
        way finish on the routes they started with; targets that are new begin with a ramp.
        """
        self._configure(routes, facts or {}, now, running=True)
        self.freed()

    def observe(
        self, target: str, told: Measurement, sent: float, now: float
    ) -> Sequence[Measured]:
        """What a provider says is left of its limits, in the head of an answer that has come to a
        request that was `sent` then. Returns those of which this answer makes it certain that the
        limits of the file are others: worth a warning, once.
        """
        standing = self._standings.get(target)
        if standing is None:
            return ()
        apart = standing.observe(told, sent, now)
        self.freed()
        return apart

    def confine(self, part: Part | None, now: float) -> None:
        """Until further notice only a part of every limit of a target, or of a group, is this
        engine's: `part` says how much of it, by the name of what it binds; of 0 nothing is sent.
        None: all of it again. What was used stays used.
        """
        self._part = part
        confine(self._held, part, now)
        self.freed()

    def used(self, now: float) -> dict[str, float]:
        """By the name of what they bind, the share of limits that is used by this engine: of each
        target's and each group's, of that of which most is.
        """
        return {name: quota.used(now) for name, quota in self._held.quotas()}

    def spent(self, now: float) -> dict[str, list[list[tuple[int, int]]]]:
        """By the name of what they bind, what this engine used of limits: see `Quota.spent`."""
        return {name: quota.spent(now) for name, quota in self._held.quotas()}

    def advise(self, name: str, news: News, now: float, until: float = 0.0) -> None:
        """What a peer has noticed of a target, or of a provider, and until when that holds."""
        standing = self._standings.get(name)
        if news is News.RESTING or news is News.DENIED:
            if (pause := self._held.pause(name)) is not None:
                provisioned = standing is not None and standing.facts.provisioned
                heed(pause, news, until, now, provisioned=provisioned)
        elif standing is not None:
            epoch = standing.breaker.epoch
            standing.breaker.advised(now, well=news is News.WELL)
            if standing.breaker.epoch != epoch:
                self._tell_groups(standing, now)
            self.freed()

    def explain(self, request: Request, now: float) -> Explained:
        """Every target with its refusal, or with its factors and its odds: the same code,
        nothing taken.
        """
        pool = self._pools.get(request.model)
        if pool is None:
            return Explained(request.model, "", ())
        return explain(pool, request, now, self.failed)

    def snapshot(self, now: float) -> dict[str, TargetSnapshot]:
        """Every target as it stands."""
        return {name: snapshot(standing, now) for name, standing in self._standings.items()}

    def had_spilled(self, target: str, at: float) -> bool:
        """Whether a target's provisioned capacity was used up at that instant, not long ago."""
        standing = self._standings.get(target)
        return standing is not None and had_spilled(standing, at)

    @property
    def in_flight(self) -> int:
        """Attempts open now, over all targets of the running configuration."""
        return sum(standing.in_flight for standing in self._standings.values())

    def chosen(
        self,
        pool: Pool,
        request: Request,
        able: Sequence[Member],
        now: float,
        *,
        remembered: bool = True,
    ) -> Member:
        """The policy's choice among those who can serve; one that fails to choose is served
        around. Not `remembered`: without a trace in the policy's memory.
        """
        policy, memory = pool.own if request.policy is None else pool.policy(request)
        try:
            if not remembered:
                memory = deepcopy(memory)
            candidate = policy.choose(request, able, memory, now, self.rng)
        except Exception as error:  # noqa: BLE001 - a door: a user's policy must not fail a request
            self.failed(policy, error)
            return anyone(able, self.rng)
        if isinstance(candidate, Member) and candidate in able:
            return candidate
        self.failed(policy, LookupError("it chose none of the candidates"))
        return anyone(able, self.rng)

    def judged(
        self, pool: Pool, request: Request, attempt: Attempt, member: Member, report: Report,
        now: float,
    ) -> None:  # fmt: skip
        """Evidence of an attempt that has ended (told by its course)."""
        standing = member.standing
        outcome = report.outcome
        epoch = standing.breaker.epoch
        sick = not outcome.good and (outcome.bad or report.overloaded)
        others = pool.others_failing(member, now) if sick else None
        standing.judge(report, attempt, now, others, self.rng)
        if standing.unanswered >= SILENT and standing.is_silent(now):
            self.fell_silent(standing, now)
        elif standing.breaker.epoch != epoch:
            self._noticed(standing, now)
        if self._on_news is not None and outcome.rests:
            told = of_rest(standing, report, now)
            if told is not None:
                self._on_news(*told)
        if outcome.good and (written := report.output_tokens):
            pool.length.answered(written)
        if outcome.good and not report.estimated:
            member.counted(request, report)
        if pool.learn is not None or request.policy is not None:
            sent = attempt.was_sent
            first = attempt.first - sent if attempt.first is not None else None
            self._teach(pool, request, (member, report, now - sent, first), now)
        if self._crowded:
            self.freed()

    def _offered(self, pool: Pool, request: Request) -> Sequence[Member]:
        """Whom the policy lets this request begin with; all, if it fails to say."""
        try:
            return offered(pool, request)
        except Exception as error:  # noqa: BLE001 - a door: as for `choose`
            self.failed(pool.policy(request)[0], error)
            return pool.members

    def _teach(self, pool: Pool, request: Request, told: tuple[Any, ...], now: float) -> None:
        """Tell the policy that decided the request, if it wants to know."""
        policy, memory = pool.policy(request)
        learn = pool.learn if request.policy is None else learning(policy)
        if learn is None:
            return
        try:
            learn(request, *told, memory, now)
        except Exception as error:  # noqa: BLE001 - a door: as for `choose`
            self.failed(policy, error)

    def probe_began(self, attempt: Attempt, standing: Standing, now: float) -> None:
        """A probe's first content has come: its target is back, whatever the rest of it is."""
        breaker = standing.breaker
        if breaker.epoch == attempt.epoch:
            breaker.answered(attempt.epoch, now, probe=True)
            attempt.epoch, attempt.probe = breaker.epoch, False
            self._noticed(standing, now)
            self.freed()

    def fell_silent(self, standing: Standing, now: float) -> None:
        """Nothing comes from it any more (told by a course whose attempt waits there)."""
        standing.fell_silent(now, self.rng)
        self._noticed(standing, now)
        self.freed()

    def _noticed(self, standing: Standing, now: float) -> None:
        """Its breaker has opened or closed, for what was seen here."""
        self._tell_groups(standing, now)
        if self._on_news is not None:
            self._on_news(*of_health(standing, now))

    def _tell_groups(self, standing: Standing, now: float) -> None:
        """Its breaker has opened or closed. No group is blamed for what one before it explains."""
        for group in standing.groups:
            if standing.breaker.state is not State.EJECTED:
                group.recovered(now)
            elif group.tripped(standing, now, self.rng):
                break

    def freed(self) -> None:
        """A place may have come free: the heads of all queues look again."""
        for queue in list(self._crowded):
            queue.wake()

    def _configure(
        self, routes: Mapping[str, Route], facts: Mapping[str, Facts], now: float, *, running: bool
    ) -> None:
        self._held = configured(self._held, routes, facts, self._crowded, now, ramp=running)
        self._standings, self._pools = self._held.standings, self._held.pools
        if self._part is not None:
            confine(self._held, self._part, now)

    def failed(self, code: object, error: Exception) -> None:
        """A user's policy, or what a driver asks for one, has failed, and is served around."""
        if self._on_policy_error is not None:
            self._on_policy_error(type(code).__name__, error)

"""One request's course with all of its attempts, and what must never be done with them."""

from __future__ import annotations

from policies import Attempt, Fail, Outcome, Phase, Refusal, Report, Request, Send, Stop, Wait
from tests.policies.driver import World

WHIMS = ("go", "give back", "rest", "switch")
"""What may be done with a send."""


class Caller:
    """One request, driven as the service drives it, by somebody who knows what must not be done."""

    def __init__(self, world: World, request: Request, rung: list[Caller], whims: list[str]):
        """`rung` gets whoever is woken; `whims` are what is done with the next sends."""
        self.world = world
        self.request = request
        self.opened: dict[Attempt, Send] = {}
        self.action: Wait | Fail | None = None
        self.ended: dict[str, Outcome] = {}
        self.silent: set[str] = set()
        self.sends = 0
        self.again = 0
        self.content = False
        self.over = False
        self._rung = rung
        self._whims = whims
        self.course = world.engine.start(request, world.now, self._ring)

    def _ring(self) -> None:
        if self not in self._rung:
            self._rung.append(self)

    @property
    def due(self) -> bool:
        return isinstance(self.action, Wait) and self.action.until <= self.world.now

    @property
    def times(self) -> list[float]:
        """The instants at which it is to do something."""
        heads = [send.limits.head for attempt, send in self.opened.items() if attempt.first is None]
        return heads + ([self.action.until] if isinstance(self.action, Wait) else [])

    def look(self) -> None:
        """Do what the course says until it has nothing more to say."""
        if self in self._rung:
            self._rung.remove(self)
        now = self.world.now
        for attempt, send in list(self.opened.items()):
            if attempt.first is None and send.limits.head <= now < self.request.deadline:
                self.silent.add(attempt.target)
                self.settle(attempt, Report(Outcome.FAILED, Phase.FIRST_TOKEN))
        while not self.over:
            before = self.course.refusals(now)
            match self.course.next(now):
                case Send() as send:
                    self._send(send, {one: why.refusal for one, why in before.items()})
                case Stop(attempt, outcome):
                    assert attempt in self.opened, "only what is open is stopped"
                    if outcome is Outcome.FAILED:
                        self.silent.add(attempt.target)
                    phase = Phase.HEAD if attempt.first is None else Phase.BODY
                    self.settle(attempt, Report(outcome, phase))
                case Wait() as wait:
                    assert now < wait.until <= self.request.deadline
                    assert len(self.opened) < 2 or not self.content, "the other one is stopped"
                    self.action = wait
                    return
                case Fail() as fail:
                    assert not self.opened
                    assert fail.retry_at is None or fail.retry_at >= now
                    assert self.course.next(now + 1.0) == fail, "it is final"
                    self.action = fail
                    self.close()

    def _send(self, send: Send, refused: dict[str, Refusal]) -> None:
        now, attempt, target = self.world.now, send.attempt, send.target
        elsewhere = [other.target for other in self.opened]
        assert now < self.request.deadline
        assert now < send.limits.head <= send.limits.deadline == self.request.deadline
        assert not self.content, "whoever has content gets nothing from elsewhere"
        assert len(elsewhere) < 2
        assert target not in elsewhere
        assert target not in self.silent, "never again after silence"
        assert {target, attempt.runner_up}.isdisjoint(self.request.barred), "whatever else there is"
        self._passes_the_gates(send, refused)
        self.sends += 1
        spilled = list(self.ended.values()).count(Outcome.SPILLED)
        assert self.sends - spilled <= self.course.pool.route.retry.attempts
        self.opened[attempt] = send
        second = attempt.runner_up
        assert second is None or second not in [target, *elsewhere, *self.silent]
        match self._whims.pop(0) if self._whims else "go":
            case "give back" | "rest" as whim:
                del self.opened[attempt]
                self.sends -= 1
                attempt.give_back(now, now + 2.0 if whim == "rest" else None)
                return
            case "switch" if second and second not in self.course.refusals(now):
                attempt.switch(now)
                assert attempt.target == second
        attempt.sent(now)

    def _passes_the_gates(self, send: Send, refused: dict[str, Refusal]) -> None:
        """Who is sent to could serve; or is looked at; or failed it quickly and stands alone."""
        target = send.target
        tiers = {member.name: member.tier for member in self.course.pool.members}
        peers = {name for name, tier in tiers.items() if tier == tiers[target]} - {target}
        fresh = {name for name in peers if name not in refused and name not in self.ended}
        fresh -= self.course.pool.queue.promised(self.course)
        if target in self.ended:
            assert not fresh, "no target twice while another of its tier can serve"
            if self.ended[target] not in (Outcome.THROTTLED, Outcome.SPILLED):
                assert self.ended[target] is Outcome.FAILED
                assert refused[target] is Refusal.TRIED
                self.again += 1
                assert self.again == 1
        elif target in refused:
            # Beyond its reach before it looked; or ejected, and looked at or overflowed to.
            assert refused[target] in (Refusal.TIER, Refusal.EJECTED)

    def settle(self, attempt: Attempt, report: Report) -> None:
        del self.opened[attempt]
        if report.withheld:
            lost = [name for name, end in self.ended.items() if end is Outcome.ABANDONED]
            for name in lost:
                del self.ended[name]
        self.ended[attempt.target] = report.outcome
        attempt.settle(report, self.world.now)
        if report.outcome is Outcome.OK:
            self.close()

    def close(self) -> None:
        self.over = True
        self.course.close(self.world.now)
        self.opened.clear()

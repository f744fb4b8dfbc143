"""Several requests at once, each driven as the service drives it: looked at when it is told to
look, and when the instant that it was given has come.
"""

from __future__ import annotations

from random import Random
from typing import Any

from policies import Course, Fail, Report, Request, Send, Stop, Wait
from policies.engine.waiting.queue import Queue
from tests.policies.driver import ANSWERED, World


class Caller:
    """One request, and what it was last told."""

    def __init__(self, world: World, request: Request, rung: list[Caller]) -> None:
        """`rung` gets whoever is woken, in that order, as an event loop would."""
        self._world = world
        self._rung = rung
        self.send: Send | None = None
        self.action: Send | Stop | Wait | Fail | None = None
        self.course: Course = world.engine.start(request, world.now, self._ring)

    def _ring(self) -> None:
        if not self.woken:
            self._rung.append(self)

    @property
    def woken(self) -> bool:
        return self in self._rung

    @property
    def waits(self) -> bool:
        """Whether it has nothing open, and is to be looked at again."""
        return self.send is None and isinstance(self.action, Wait)

    @property
    def due(self) -> bool:
        """Whether the instant that it was given has come."""
        return isinstance(self.action, Wait) and self.action.until <= self._world.now

    @property
    def able(self) -> set[str]:
        """The targets that could serve it now, and that nobody older waits for."""
        course = self.course
        members = {member.name for member in course.pool.members}
        refused = course.refusals(self._world.now).keys()
        return members - refused - course.pool.queue.promised(course)

    def look(self) -> Send | Stop | Wait | Fail:
        if self.woken:
            self._rung.remove(self)
        self.action = self.course.next(self._world.now)
        if isinstance(self.action, Send):
            self.send = self.action
        return self.action

    def settle(self, report: Report = ANSWERED) -> None:
        """End what is open."""
        assert self.send is not None
        send, self.send, self.action = self.send, None, None
        send.attempt.settle(report, self._world.now)

    def close(self) -> None:
        self.send = self.action = None
        self.course.close(self._world.now)


class Crowd:
    """The requests of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.callers: list[Caller] = []
        self.rung: list[Caller] = []

    def come(self, model: str = "m", **asked: Any) -> Caller:
        """One more, that looks at once."""
        request = self.world.request(**asked)._replace(model=model)
        caller = Caller(self.world, request, self.rung)
        self.callers.append(caller)
        caller.look()
        return caller

    @property
    def untils(self) -> list[float]:
        """The instants at which somebody is to look again."""
        return [caller.action.until for caller in self.callers if isinstance(caller.action, Wait)]

    def look(self) -> None:
        """Whoever was woken, or whose time has come, looks again, until nobody has to."""
        while due := self.rung[:1] or [caller for caller in self.callers if caller.due]:
            due[0].look()

    def sleep(self, seconds: float) -> None:
        """Let time pass, from one instant at which somebody looks to the next."""
        end = self.world.now + seconds
        while True:
            self.look()
            self.world.now = min([end, *self.untils])
            if self.world.now >= end:
                return

    def close(self) -> None:
        for caller in self.callers:
            caller.close()
        self.world.close()


def crowd(*targets: str, **options: Any) -> Crowd:
    return Crowd(World(*targets, **options))


def waiting(here: Crowd) -> Queue:
    """Those who wait on its route."""
    return here.world.engine._pools["m"].queue


class Never(Random):
    """No luck in any draw, and so no overflow to the ejected."""

    def random(self) -> float:
        return 0.0

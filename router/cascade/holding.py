"""A stream that is held back until it is whole, or so much of it is there that its beginning can be
judged; where that fails, the client never sees it, and the next tier is asked.

Why: once the first content has gone out nothing can be taken back. So what a cheap tier streams
commits to nothing while it is held: whoever breaks off then is rescued in silence. The last tier is
never held, and nothing is any more once something has gone out.
Must not: hold more than the route says, and what one read brings; or, all together, more than this
process may.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final, NamedTuple

from policies import Report
from router.answer import Answer
from router.cascade.climbing import Climbing
from router.cascade.meanwhile import meanwhile
from router.dialects.sse import comment
from router.told import closing

HERE: Final = comment("here")
"""Where the last note stands in a stream that is whole, before it is known."""
CROWDED: Final = "streams went out before their head was full: too many are held"


class Whole(NamedTuple):
    """A stream as its client gets it, without the note in its midst, and when it was whole."""

    before: bytes
    after: bytes
    came: float


class Holding(Climbing):
    """See `Passage`."""

    __slots__ = ("_committed", "_head_so_far", "_held", "_size", "_whole")

    def __init__(self, *given: Any) -> None:
        trial, then, call, reply, runtime, course, bell, fetcher, journal = given
        super().__init__(trial, then, call, reply, runtime, course, bell, fetcher, journal)
        self._committed = False
        self._held: Answer | None = None
        self._head_so_far = bytearray()
        self._whole: dict[Answer, Whole] = {}
        self._size = 0

    def _win(self, answer: Answer, now: float) -> None:
        """The first to bring content is held; it is the client's once it is judged."""
        if self._held is None:
            if self._committed or not self._trial.checks_beginnings(answer):
                super()._win(answer, now)
                return
            self._held = answer
            answer.attempt.first_token(now)
            self._until, self._waited = 0.0, self._reply.waited
        if answer is not self._held:
            return
        self._head_so_far += answer.passing()
        full = len(self._head_so_far) >= self._trial.terms.head
        if answer.report is None and not (full or self._has_room()):
            full, self._trial.lane.trouble = True, CROWDED
        if answer.report is not None or full:
            answer.keep(bytes(self._head_so_far))
            self._head_so_far.clear()
            self._winner = answer

    async def _pass_on(self, answer: Answer, now: float) -> None:
        if self._committed:
            await super(Climbing, self)._pass_on(answer, now)
        elif self._trial.checks_beginnings(answer):
            await super()._pass_on(answer, now)
        else:
            self._trial.best = answer
            await self._give(answer)

    async def _next_tier(self, answer: Answer) -> int | None:
        if self._over:
            tier = await super()._next_tier(answer)
            self._whole = {one: its for one, its in self._whole.items() if one is self._trial.best}
            self._has_room()
            return tier
        data = answer.passing()
        answer.keep(data)
        tier = await self._trial.begun(answer, data)
        if tier is not None:
            self._settle(answer, answer.abandon(), self._clock())
        return tier

    async def _judged(self, answer: Answer) -> int | None:
        """Have a whole answer judged. Whoever is asked may take long, and the client is told that
        somebody is there.
        """
        before, _, after = answer.closing(HERE).rpartition(HERE)
        whole = Whole(answer.passing() + before, after, self._clock())
        self._whole[answer] = whole
        self._has_room()
        asking = self._trial.next_tier(answer, whole.before + whole.after)
        return await meanwhile(asking, self._quiet, self._keep_alive)

    def _quiet(self) -> float:
        return self._reply.quiet_until - self._clock()

    def _keep_alive(self) -> Awaitable[None]:
        return self._reply.keep_alive(self._told(None))

    async def _give(self, answer: Answer) -> None:
        self._committed, self._held, self._winner = True, None, answer
        whole, now = self._whole.get(answer), self._clock()
        self._let_go()
        if whole is None:
            self._first = now if self._first is None else self._first
            await super(Climbing, self)._pass_on(answer, now)
            return
        # What its target took is told by when it came; what its client waited, by now.
        self._over, self._first = True, whole.came
        headers = {} if self._reply.streaming else self._head(answer)[1]
        self._first = now
        await self._reply.stream(whole.before + self._note(answer, now) + whole.after, headers)
        await self._reply.end()
        self._end = "ok"

    def _spare(self) -> Answer | None:
        return None if self._committed else super()._spare()

    def close(self) -> None:
        """See `Passage.close`."""
        super().close()
        self._let_go()

    def _let_go(self) -> None:
        self._whole.clear()
        self._head_so_far.clear()
        self._has_room()

    def _has_room(self) -> bool:
        """Whether there is room for all that this request holds now, beside what others do."""
        held = len(self._head_so_far)
        held += sum(len(one.before) + len(one.after) for one in self._whole.values())
        if held <= self._size:
            self._trial.heads.free(self._size - held)
        elif not self._trial.heads.take(held - self._size):
            return False
        self._size = held
        return True

    def _note(self, answer: Answer | None, now: float) -> bytes:
        times, degraded = (self._started, self._first, now), self._reply.degraded
        words, resumption = self._trial.words if answer is not None else "", self._resumption
        return closing(answer, self._attempts, times, resumption, degraded, words)

    def _settle(self, answer: Answer, report: Report, now: float) -> None:
        if answer is not self._held:
            super()._settle(answer, report, now)
            return
        self._held = None
        self._head_so_far.clear()
        super()._settle(answer, report._replace(withheld=True), now)

"""Whatever becomes of requests, what the server counts in the end is what was used.

Schedules are drawn: requests begin, are late and hedged, switch, break off and go on, are given
back, answered, left; meanwhile the server answers, loses what it was asked or only its answers,
and forgets.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from random import Random

import msgspec
import pytest

from policies import (
    Attempt,
    Course,
    Engine,
    Facts,
    Fail,
    LeastLatency,
    Limits,
    Outcome,
    Phase,
    Rate,
    Report,
    Request,
    Route,
    Send,
    Stop,
    Target,
    Wait,
)  # fmt: skip
from policies.engine.limits.windows import MICROSECONDS
from router.bell import Bell
from router.quota.bounds import Needs, Settled, bounds_of
from router.quota.contract import Pong
from router.quota.shared import Shared
from router.quota.sharing import Fleetwide, Sharing
from router.redis.down import Down

LIMITS = Limits((Rate(10**6, 60.0),), (Rate(10**9, 60.0),), concurrent=10**6)
TARGETS = ("a/m", "b/m", "c/m")
BOUNDS = {name: bounds_of("t", name, LIMITS) for name in TARGETS}
OWN = bounds_of("t", "tenant:x", LIMITS)
REPORTS = (
    Report(Outcome.OK, input_tokens=3, output_tokens=2),
    Report(Outcome.OK, input_tokens=300, output_tokens=200),
    Report(Outcome.FAILED, Phase.CONNECT),
    Report(Outcome.FAILED, Phase.HEAD),
    Report(Outcome.FAILED, Phase.BODY, input_tokens=7, output_tokens=1),
    Report(Outcome.FILTERED, Phase.HEAD),
)


class Counting:
    """A server that counts what it is told, and refuses now and then."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.counted: Counter[str] = Counter()
        self.fails = self.hides = False
        self.epoch = 0

    async def run(self, keys: list[str], argument: bytes) -> bytes:
        for _ in range(self.rng.randrange(3)):
            await asyncio.sleep(0)
        if self.fails:
            raise Down("it was not done")
        _, _, limits, settlements, reservations = msgspec.msgpack.decode(argument)
        for key, limit in zip(keys, limits, strict=True):
            if limit[0] == 3:
                self.counted[key] = limit[2]
        for index, units, _ in settlements:
            if limits[index - 1][0] != 3:
                self.counted[keys[index - 1]] += units
        answers = [self._answer(keys, wanted) for wanted in reservations]
        if self.hides:
            raise Down("it was done, and nobody heard")
        return msgspec.msgpack.encode((10**9, answers))

    def _answer(self, keys: list[str], wanted: list[list[list[int]]]) -> object:
        room = self.rng.choices((1, len(wanted), 0), (6, 2, 1))[0]
        waits = [
            [0 if room == place else 1000 for _ in needs] for place, needs in enumerate(wanted, 1)
        ]
        if not room:
            return 0, waits, [1 for _ in wanted[0]]
        for index, units in wanted[room - 1]:
            self.counted[keys[index - 1]] += units
        return room, waits[:room], [1 for _ in wanted[room - 1]]

    def on_lost(self, told: Callable[[Down], None]) -> None: ...

    async def ping(self) -> Pong:
        if self.fails or self.hides:
            raise Down("still away")
        return Pong(str(self.epoch))


class Hold:
    """A tenant's part: a request, and as many tokens as it came to."""

    def __init__(self) -> None:
        self.needs: Needs = tuple((bound, 50 if bound.what == "tokens" else 1) for bound in OWN)
        self.had: list[tuple[Needs, int]] = []
        self.error = False
        self.sent = False

    def granted(self, needs: Needs, at: int, left: object) -> None:
        assert not self.had
        self.had.append((needs, at))

    def refused(self, needs: Needs, waits: object, left: object, now: float) -> None:
        self.error = True

    def shut(self, now: float) -> bool:
        return False

    def settled(self) -> list[Settled]:
        if not self.had:
            return []
        needs, at = self.had.pop()
        if not self.sent:
            return [Settled(bound, -units, at) for bound, units in needs]
        return [Settled(bound, 0, at) for bound, _ in needs if bound.what == "places"]


class Hedged:
    """A course that is late when the schedule says so."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.late = False

    def next(self, now: float) -> Send | Stop | Wait | Fail:
        course = self.course
        if self.late and len(course.opened) == 1 and course.opened[0].first is None:
            self.late = False
            others = [m for m in course.pool.members if m.name != course.opened[0].target]
            return course.send_beside(others, now)
        return course.next(now)

    def go_on(self, among: AbstractSet[str], now: float) -> None:
        self.course.go_on(among, now)

    def climb(self, tier: int, now: float) -> None:
        self.course.climb(tier, now)

    def close(self, now: float) -> None:
        self.course.close(now)


class World:
    """One instance, its requests, and what they really used."""

    def __init__(self, seed: int, outages: bool) -> None:
        self.rng = Random(seed)
        self.outages = outages
        self.loop = asyncio.get_running_loop()
        self.server = Counting(self.rng)
        self.shared = Shared(self.server, "me", self)
        route = Route([Target(name) for name in TARGETS], LeastLatency())
        facts = {name: Facts(limits=LIMITS) for name in TARGETS}
        now = self.loop.time()
        self.engine = Engine({"m": route}, rng=Random(seed), now=now, facts=facts)
        self.open: list[tuple[Sharing, Hedged, Hold, Bell]] = []
        self.used: Counter[str] = Counter()

    def away(self, why: str) -> None:
        pass

    def still_away(self, why: str, *, lasting: bool) -> None: ...

    def back(self, *, forgot: bool) -> Iterable[Settled]:
        return self._spent() if forgot else ()

    def _spent(self) -> Iterator[Settled]:
        now = self.loop.time()
        for name, limits in self.engine.spent(now).items():
            for bound, cells in zip(BOUNDS[name], limits, strict=False):
                for ago, units in cells:
                    yield Settled(bound, units, ago - int(now * MICROSECONDS))

    def begin(self) -> None:
        bell = Bell(self.loop)
        now = self.loop.time()
        request = Request("m", now + self.rng.choice((5.0, 0.0005)), 5, 40, stream=True)
        hedged = Hedged(self.engine.start(request, now, bell.wake))
        hold = Hold()
        fleet = Fleetwide("t", self.shared, BOUNDS, {}, {})
        tenant = hold if self.rng.random() < 0.5 and not self.outages else None
        self.open.append((Sharing(hedged, fleet, bell, tenant), hedged, hold, bell))

    def step(self) -> None:
        rng, now = self.rng, self.loop.time()
        one = rng.choice(self.open)
        sharing, hedged, hold, _ = one
        hedged.late = rng.random() < 0.3
        action = sharing.next(now)
        if isinstance(action, Send):
            hold.sent = True
            if rng.random() < 0.2:
                action.attempt.give_back(now)
                sharing._settle_ended()
                hold.sent = any(attempt.open for attempt in hedged.course.opened)
            else:
                action.attempt.sent(now)
        elif isinstance(action, Stop):
            self._end(action.attempt, sharing, Report(action.outcome, Phase.BODY), now)
        elif isinstance(action, Fail) or rng.random() < 0.05:
            self._close(one)
            return
        for attempt in list(hedged.course.opened):
            pending = sharing._asked is not None and sharing._asked[0].attempt is attempt
            if not pending and attempt.open:
                self._happens(attempt, sharing, now)

    def _happens(self, attempt: Attempt, sharing: Sharing, now: float) -> None:
        draw = self.rng.random()
        if draw < 0.2:
            attempt.first_token(now)
        elif draw < 0.5:
            begun = attempt.first is not None
            report = self.rng.choice(REPORTS)
            self._end(attempt, sharing, report, now)
            if begun and not report.outcome.good and self.rng.random() < 0.5:
                sharing.go_on({self.rng.choice(TARGETS)}, now)

    def _end(self, attempt: Attempt, sharing: Sharing, report: Report, now: float) -> None:
        attempt.settle(report, now)
        sharing._settle_ended()  # whoever drives it asks it at once what is next
        self._count(attempt)

    def _count(self, attempt: Attempt) -> None:
        taken, more = attempt.reserved, attempt.settlement(attempt.started)
        requests, tokens, _ = BOUNDS[attempt.target]
        self.used[requests.key] += taken[2] + more[2]
        self.used[tokens.key] += taken[3] + more[3]

    def _close(self, one: tuple[Sharing, Hedged, Hold, Bell]) -> None:
        sharing, hedged, hold, bell = one
        now = self.loop.time()
        pending = sharing._asked[0].attempt if sharing._asked is not None else None
        opened = [attempt for attempt in hedged.course.opened if attempt is not pending]
        sharing.close(now)
        for attempt in opened:
            self._count(attempt)
        if hold.sent and sharing._hold is not None and sharing._own == ():
            self.used[OWN[0].key] += 1
            self.used[OWN[1].key] += 50
        bell.close()
        self.open.remove(one)

    def turn(self) -> None:
        server, draw = self.server, self.rng.random()
        if self.outages and draw < 0.03:
            server.fails = True
        elif self.outages and draw < 0.05:
            server.hides = True
        elif draw < 0.2:
            if (server.fails or server.hides) and self.rng.random() < 0.3 and not self.shared.up:
                server.counted.clear()
                server.epoch += 1
            server.fails = server.hides = False

    def _is_still(self) -> bool:
        shared = self.shared
        busy = shared._pump is not None and not shared._pump.done()
        return shared.up and not (busy or shared._settled or shared._waiting)

    async def run(self) -> None:
        await self.shared.start()
        for _ in range(self.rng.randrange(5, 120)):
            self.turn()
            if self.rng.random() < 0.3 or not self.open:
                self.begin()
            self.step()
            for _ in range(self.rng.randrange(4)):
                await asyncio.sleep(0)
        for one in list(self.open):
            self._close(one)
        self.server.fails = self.server.hides = False
        while not self._is_still():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.001)
        await self.shared.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.quota.shared.LOOK_AGAIN", 0.0005)
    monkeypatch.setattr("router.quota.shared.LONGEST", 0.001)


def ended(seed: int, *, outages: bool) -> World:
    async def go() -> World:
        world = World(seed, outages)
        await world.run()
        return world

    world = asyncio.run(go())
    assert not world.shared._places
    assert not world.shared._owed
    assert world.engine.in_flight == 0
    assert not any(world.server.counted[key] for key in world.server.counted if "places" in key)
    return world


def rates(counted: Counter[str]) -> dict[str, int]:
    return {key: units for key, units in counted.items() if "places" not in key and units}


def test_what_is_counted_in_the_end_is_what_was_used() -> None:
    for seed in range(200):
        world = ended(seed, outages=False)
        assert rates(world.server.counted) == rates(world.used), seed


def test_after_outages_no_less_is_counted_than_was_used() -> None:
    for seed in range(200):
        world = ended(seed, outages=True)
        counted, used = rates(world.server.counted), rates(world.used)
        for what in ("requests", "tokens"):
            # Of all targets: one that switched while the server forgot is told of the first.
            assert in_all(counted, what) >= in_all(used, what), seed


def in_all(counted: dict[str, int], what: str) -> int:
    return sum(units for key, units in counted.items() if f":{what}/" in key)

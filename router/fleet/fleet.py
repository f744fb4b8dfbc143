"""What instances of a fleet tell each other, beside everything else: who is there, once a second,
and what was noticed, at once.

No request waits for any of it, and without the server every instance goes on by what it knows. Each
has two connections of its own: one that speaks, and one that only listens, to a stream of the last
news; so whoever was away reads what it missed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, Protocol, cast

import msgspec

from policies import Facts, News
from router.fleet import words
from router.fleet.parts import Part, part_of
from router.fleet.presence import BEAT, GONE, SCRIPT, UNIT, Drift, Said, Seen, in_order, read
from router.lasting import lasting
from router.redis.down import Down, Refused

PATIENCE = 0.2
"""Seconds for an answer, for which nobody waits."""
AGAIN = 0.25
"""Seconds until a server that did not answer is asked again."""
BLOCK = 2.0
"""Seconds for which a listener asks: if it hears nothing and no end of that, the server is gone."""
MOST_NEWS = 1000
"""Of the last that are kept for who was away."""
KEPT = 900
"""Seconds for which rests are any news: no refusal of a peer's is believed for longer."""
FRESH = 5.0
"""Seconds for which news of health are any."""
LITTLE = 0.1
"""Seconds by which a rest must be longer than what was told of it to be told again."""
MISSES = {"speaks": "is not known to others", "listens": "does not hear what others notice"}
RESTS = (News.RESTING, News.DENIED)


class Line(Protocol):
    """A connection to the server, kept up by itself. See `router.redis.link.Link`."""

    @property
    def up(self) -> bool: ...
    async def ready(self) -> None: ...
    async def ask(self, *words: bytes | str | int, patience: float) -> object: ...
    async def close(self) -> None: ...


class Engine(Protocol):
    """Whose news are told, and who is advised. See `policies.Engine`."""

    def advise(self, name: str, news: News, now: float, until: float) -> None: ...
    def used(self, now: float) -> dict[str, float]: ...


class Me(NamedTuple):
    """An instance: its name in the fleet, and what people know it by."""

    name: str
    host: str
    pid: int
    version: str
    since: float


class Running(NamedTuple):
    """What it runs: the revision of its configuration, and the identities of its places."""

    engine: Engine
    revision: str
    places: Mapping[str, bytes]


class Fleet:
    """One instance's place in the fleet of this name. `speaks` and `listens` are connections that
    are not used for anything else; `event` logs. `changed` is called when others have come or gone;
    so many instances are `expected` until the first word of any is heard.
    `why` is empty of what works: what it says, what it hears, the limits of all, which others keep.
    """

    def __init__(
        self, name: str, me: Me, speaks: Line, listens: Line, event: Callable[..., None]
    ) -> None:
        self.name, self.me = name, me
        self.seen: dict[str, Seen] = {}
        self.drift = Drift()
        self.counts: Counter[str] = Counter()
        self.changed: Callable[[], None] = lambda: None
        self.expected = 1
        self.answers = self.listens = False
        self.why = {"speaks": "", "listens": ""}
        self._speaks, self._listens, self._event = speaks, listens, event
        self._keys = [f"{{pm:{name}}}:{what}" for what in ("instances", "said", "news")]
        self._running: Running | None = None
        self._order: list[str] = []
        self._news: dict[tuple[str, News], tuple[float, float]] = {}
        self._told: dict[tuple[str, News], float] = {}
        self._some = asyncio.Event()
        self._back = 0.0
        self._tasks: list[asyncio.Task[None]] = []
        self._now = asyncio.get_running_loop().time

    def runs(self, engine: Engine, revision: str, facts: Mapping[str, Facts]) -> None:
        """From now on this instance runs that."""
        places = {name: words.digest(its.identity) for name, its in facts.items() if its.identity}
        self._running = Running(engine, revision, places)

    def start(self) -> None:
        """Begin. `runs` was called before."""
        self._tasks = [lasting(self._speak), lasting(self._listen)]

    async def close(self) -> None:
        """Leave."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        with suppress(Down):  # it is gone for the others soon, in any case
            await self._ask_script("")
        await self._speaks.close()
        await self._listens.close()

    def notice(self, name: str, news: News, until: float) -> None:
        """The engine noticed something by itself, which holds until then."""
        now = self._now()
        if news in RESTS and until <= max(now, self._told.get((name, news), 0.0)) + LITTLE:
            return
        self._told[name, news] = until
        self._news[name, news] = now, until
        self._some.set()

    def part(self, name: str, limit: int) -> int:
        """How much of a limit of the target, group or tenant of that name is this instance's, when
        nobody counts for all: by what it and the others used last, as far as it is known. Who knows
        of nobody yet takes an even part.
        """
        order = self._order
        if not order:
            return Part(0, 1, self.expected).of(limit)
        if self.me.name not in self.seen:
            order = [*order, self.me.name]
        used = [self.seen[one].said.used if one in self.seen else {} for one in order]
        demands = [its.get(name, 0) for its in used]
        return part_of(order.index(self.me.name), demands).of(limit)

    @property
    def instances(self) -> list[tuple[str, Seen]]:
        """Those that are known, by rank."""
        return [(name, self.seen[name]) for name in self._order]

    @property
    def revisions(self) -> set[str]:
        """Those that instances run."""
        return {seen.said.revision for seen in self.seen.values()}

    async def _speak(self) -> None:
        while True:
            try:
                await self._speaks.ready()
                while True:
                    await self._beat()
                    await self._tell(self._now() + BEAT)
            except Down as down:
                self.answers = False
                self._miss("speaks", self._speaks, down)
            await asyncio.sleep(AGAIN)

    def _miss(self, what: str, line: Line, down: Down) -> None:
        """The server is away, which is said by whoever asks it for limits; or it refuses what is
        asked here, which is said once.
        """
        if isinstance(down, Refused) and line.up and str(down) != self.why[what]:
            self._event(f"this instance {MISSES[what]}:", why=str(down))
        self.why[what] = str(down)

    async def _beat(self) -> None:
        try:
            beat = read(await self._ask_script(self._said()), self._now())
        except msgspec.ValidationError:
            raise Down("its answer is none of the script's") from None
        now, seen = self._now(), beat.seen
        self.counts["malformed"] += beat.malformed
        if not self.answers:
            self.answers, self._back = True, now
        if now - self._back < GONE:
            # One that was restarted empty hears of all the others only in a while.
            seen = {**self.seen, **seen}
        before, self.seen, self._order = self._order, seen, in_order(seen)
        if self._order != before:
            self.changed()
        drifted = self.drift.look(self.revisions, now)
        if drifted is not None:
            self._event(
                "instances run different revisions of the configuration:"
                if drifted
                else "all instances run one revision of the configuration again:",
                revisions=", ".join(sorted(self.revisions)),
            )

    def _said(self) -> bytes:
        me, running = self.me, cast("Running", self._running)
        used = {
            name: round(share * UNIT)
            for name, share in running.engine.used(self._now()).items()
            if share > 0
        }
        said = Said(me.host, me.pid, me.version, running.revision, me.since, used)
        return msgspec.json.encode(said)

    async def _ask_script(self, said: bytes | str) -> object:
        gone = round(GONE * 1000)
        return await self._speaks.ask(
            "EVAL", SCRIPT, 3, *self._keys, self.me.name, said, gone, KEPT, patience=PATIENCE
        )

    async def _tell(self, until: float) -> None:
        """Tell what is noticed until then."""
        while (now := self._now()) < until:
            self._some.clear()
            while self._news:
                key = name, news = next(iter(self._news))
                noticed, ends = self._news.pop(key)
                if not self._holds(news, now - noticed, ends - now):
                    continue
                try:
                    await self._say(name, news, max(0.0, ends - now))
                except Down:
                    self._news.setdefault(key, (noticed, ends))
                    raise
            try:
                async with asyncio.timeout_at(until):
                    await self._some.wait()
            except TimeoutError:
                return

    async def _say(self, name: str, news: News, left: float) -> None:
        place = cast("Running", self._running).places.get(name, b"")
        word = words.encode(words.Word(self.me.name, name, news, left, place))
        await self._speaks.ask(
            "XADD", self._keys[2], "MAXLEN", "~", MOST_NEWS, "*", "w", word, patience=PATIENCE
        )
        self.counts["told"] += 1

    async def _listen(self) -> None:
        while True:
            try:
                await self._listens.ready()
                last = await self._catch_up()
                self.listens = True
                while True:
                    last = await self._hear(last)
            except Down as down:
                self.listens = False
                self._miss("listens", self._listens, down)
            await asyncio.sleep(AGAIN)

    async def _catch_up(self) -> bytes:
        """Read what was missed; the name of the last of it."""
        key, ask = self._keys[2], self._listens.ask
        seconds, micros = cast("list[bytes]", await ask("TIME", patience=PATIENCE))
        told = await ask("XREVRANGE", key, "+", "-", "COUNT", MOST_NEWS, patience=PATIENCE)
        items, now = words.items(told), int(seconds) + int(micros) / 1e6
        for at, word in reversed(items):
            self._heed(word, max(0.0, now - words.instant(at)))
        return items[0][0] if items else b"0"

    async def _hear(self, last: bytes) -> bytes:
        """Read what comes after `last`; the name of the last of it."""
        waits = ("COUNT", MOST_NEWS, "BLOCK", round(BLOCK * 1000))
        asked = ("XREAD", *waits, "STREAMS", self._keys[2], last)
        told = await self._listens.ask(*asked, patience=BLOCK + PATIENCE)
        items = words.items(told[0][1]) if isinstance(told, list) and told else []
        for _, word in items:
            self._heed(word, 0.0)
        return items[-1][0] if items else last

    def _heed(self, told: bytes, age: float) -> None:
        """Pass on what another instance said so long ago, if it is any news to us."""
        word, running, now = words.decode(told), cast("Running", self._running), self._now()
        if word is None:
            self.counts["malformed"] += 1
        elif word.who == self.me.name:
            return
        elif not word.place or running.places.get(word.name) != word.place:
            self.counts["foreign"] += 1
        elif self._holds(word.news, age, word.left - age):
            self.counts["heeded"] += 1
            running.engine.advise(word.name, word.news, now, now + word.left - age)

    @staticmethod
    def _holds(news: News, age: float, left: float) -> bool:
        return left > 0 and age < KEPT if news in RESTS else age < FRESH

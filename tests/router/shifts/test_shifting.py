"""How shifts go on: alone, and in a fleet over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any

import pytest

from policies.shifting import Evidence, Progress, Spread, State, Terms, abort, begin, share
from policies.shifting.guarding import Arms
from policies.shifting.spread import LEAST
from policies.shifting.spread import MOST as MOST_BIN
from router.config import Config, load
from router.kept.contract import How, Kept
from router.kept.file import File
from router.kept.fleet import Fleet as KeptByAll
from router.overrides.override import Override, overridden
from router.redis.address import address_of
from router.redis.link import Link
from router.shifts.document import FORGOTTEN, document_of, written
from router.shifts.evidence import Gathering, told
from router.shifts.moving import Moving, moved
from router.shifts.peers import Alone, Fleet, Met, Peers
from router.shifts.shifting import Shifting, Unknown
from router.shifts.shown import one_shown
from tests.router.clock import in_virtual_time
from tests.router.quota.servers import Process, process
from tests.router.shifts.scene import PRICES, TERMS, Traffic, moving

MOVING = moving()


class One:
    """An instance with its log, and how often something was put in force."""

    def __init__(self, kept: Kept, peers: Peers, beat: float = 1.0) -> None:
        self.log: list[tuple[str, dict[str, Any]]] = []
        self.forced = 0
        self.standings: dict[str, Any] = {}
        self.kept = kept
        self.shifting = Shifting(
            kept,
            peers,
            lambda text, **details: self.log.append((text, details)),
            self.force,
            lambda: self.standings,
            beat,
        )
        self.traffic = Traffic(self.shifting.gathering)

    def force(self) -> None:
        self.forced += 1

    @property
    def lines(self) -> list[str]:
        return [text for text, _ in self.log]

    @property
    def share(self) -> float:
        its = self.shifting.progress(MOVING.name)
        return 0.0 if its is None else share(its)

    @property
    def state(self) -> State | None:
        its = self.shifting.progress(MOVING.name)
        return None if its is None else its.state

    async def run(self, seconds: int, a_second: int = 20) -> None:
        for _ in range(seconds):
            self.traffic.send(a_second, self.share)
            await asyncio.sleep(1.0)


@asynccontextmanager
async def alone(kept: Kept | None = None, one: Moving = MOVING) -> AsyncIterator[One]:
    clock = asyncio.get_running_loop().time
    instance = One(kept or File(None, lambda *_, **__: None), Alone(clock))
    await instance.kept.start()
    instance.shifting.take([one], PRICES)
    await instance.shifting.start()
    try:
        yield instance
    finally:
        await instance.shifting.close()


@in_virtual_time
async def test_a_good_canary_gets_everything_step_by_step() -> None:
    async with alone() as one:
        seen = []
        for _ in range(400):
            await one.run(1, 50)
            if one.share not in seen:
                seen.append(one.share)
        assert seen == [0.05, 0.25, 1.0]
        assert one.state is State.DONE
        assert one.lines == ["a shift begins:", "traffic shifts:", DONE]
        assert one.log[-1][1]["write"] == "targets: {b/m: 1}"
        step = one.log[1][1]
        assert step["share"] == "5 % → 25 %"
        assert step["canary"].startswith(tuple("123456789"))
        assert "0 failed (0 %), first token p95" in step["control"]
        assert one.forced == 3


DONE = "a shift is done, write this into the file instead of `targets` and `shift`:"
BACK = "TRAFFIC IS TAKEN BACK, the canary is worse than the control:"


@in_virtual_time
async def test_while_operators_have_drained_where_it_goes_no_step_is_taken(tmp_path: Path) -> None:
    text = """\
version: 1
providers: {a: {dialect: simulated, models: [m]}, b: {dialect: simulated, models: [m]}}
models: {chat: {targets: [a/m], shift: {to: [b/m]}}}
"""
    path = tmp_path / "providers.yaml"
    path.write_text(text)
    free = load(path, {})
    word = Override("1", "drain", "b/m", None, 0.0, 10.0, "anna", "")
    drained = overridden(free, [word], 1.0)

    def in_force(config: Config) -> Config:
        return moved(config, lambda _: one.shifting.progress(MOVING.name))

    async with alone() as one:
        one.shifting.in_force = lambda: in_force(free)
        while one.share < 0.25:
            await one.run(1, 50)
        one.shifting.in_force = lambda: in_force(drained)
        await one.run(300, 50)
        assert (one.share, one.state) == (0.25, State.RUNNING)
        one.shifting.in_force = lambda: in_force(free)
        while one.share < 1.0:
            await one.run(1, 50)
        assert one.state is State.DONE


@in_virtual_time
async def test_a_canary_that_fails_is_back_at_nothing_and_bad_until_it_has_cooled_down() -> None:
    async with alone() as one:
        one.traffic.failing = 0.3
        while one.state is not State.BACK:
            await one.run(1, 50)
        assert one.traffic.exposed < 100
        text, details = one.log[-1]
        assert text == BACK
        assert details["share"] == "5 % → 0 %"
        assert "sure that it is more than" in details["why"]
        assert "failed" in details["canary"]
        assert details["then"] == "again in 10m"
        exposed = one.traffic.exposed
        await one.run(590)
        assert one.traffic.exposed == exposed
        one.traffic.failing = 0.0
        await one.run(15)
        assert one.share == 0.05
        assert one.lines[-1] == "a shift begins anew:"


@in_virtual_time
async def test_a_restart_goes_on_where_it_was() -> None:
    kept = File(None, lambda *_, **__: None)
    async with alone(kept) as one:
        while one.share < 0.25:
            await one.run(1, 50)
        await one.run(11, 50)
    async with alone(kept) as again:
        assert again.share == 0.25
        assert again.log == [("a shift goes on:", {"model": "chat", "share": "25 %", "to": "b/m"})]
        await again.run(200, 50)
        assert again.state is State.DONE


@in_virtual_time
async def test_a_bad_revision_stays_bad_over_a_restart_and_another_one_begins() -> None:
    kept = File(None, lambda *_, **__: None)
    async with alone(kept) as one:
        one.traffic.failing = 0.9
        while one.state is not State.BACK:
            await one.run(1, 50)
    async with alone(kept) as again:
        await again.run(5)
        assert (again.state, again.share) == (State.BACK, 0.0)
        other = moving(to={"c/m": 1.0})
        again.shifting.take([other], PRICES)
        await again.run(2)
        its = again.shifting.progress(other.name)
        assert its is not None
        assert its.state is State.RUNNING
        again.shifting.take([MOVING], PRICES)
        await again.run(2)
        assert again.state is State.BACK


@in_virtual_time
async def test_operators_pause_abort_and_resume() -> None:
    async with alone() as one:
        await one.run(2)
        await one.shifting.order("chat", "pause")
        await one.run(100, 50)
        assert (one.state, one.share) == (State.PAUSED, 0.05)
        await one.shifting.order("chat", "resume")
        while one.share < 0.25:
            await one.run(1, 50)
        await one.shifting.order("chat", "abort")
        await one.run(3)
        assert (one.state, one.share) == (State.ABORTED, 0.0)
        with pytest.raises(ValueError, match="nothing to pause"):
            await one.shifting.order("chat", "pause")
        with pytest.raises(Unknown):
            await one.shifting.order("other", "pause")
        await one.shifting.order("chat", "resume")
        assert one.share == 0.05
        assert [text for text in one.lines if "shift" in text] == one.lines
        assert len(one.lines) == 6


@in_virtual_time
async def test_a_paused_shift_is_taken_back_all_the_same() -> None:
    async with alone() as one:
        await one.run(2)
        await one.shifting.order("chat", "pause")
        one.traffic.failing = 0.5
        await one.run(60, 50)
        assert one.state is State.BACK


class Standing:
    def __init__(self, state: str, until: float = 0.0) -> None:
        self.state, self.until = state, until


@in_virtual_time
async def test_the_ejection_of_a_target_that_only_the_canary_has_takes_it_back() -> None:
    async with alone() as one:
        one.standings = {"a/m": Standing("ejected"), "b/m": Standing("healthy")}
        await one.run(3)
        assert one.share == 0.05
        one.standings["b/m"] = Standing("ejected", asyncio.get_running_loop().time() + 5)
        await one.run(2)
        assert one.state is State.BACK
        assert one.log[-1][1]["why"] == "ejected: b/m"


@in_virtual_time
async def test_when_it_tries_again_it_is_not_held_against_it_that_nobody_has_looked_since() -> None:
    async with alone() as one:
        one.standings = {"a/m": Standing("healthy")}
        await one.run(3)
        one.standings["b/m"] = Standing("ejected", asyncio.get_running_loop().time() + 5)
        await one.run(2)
        assert one.state is State.BACK
        await one.run(round(TERMS.cool_down) + 2)
        assert (one.state, one.share) == (State.RUNNING, 0.05)
        one.standings["b/m"] = Standing("probing")
        await one.run(2)
        assert (one.state, one.share) == (State.RUNNING, 0.05)


@in_virtual_time
async def test_an_outage_of_the_control_promotes_nobody() -> None:
    async with alone() as one:
        one.standings = {"a/m": Standing("ejected"), "b/m": Standing("healthy")}
        await one.run(300, 50)
        assert (one.state, one.share) == (State.HOLDING, 0.05)


@in_virtual_time
async def test_a_shift_that_is_no_longer_in_the_file_is_not_driven() -> None:
    async with alone() as one:
        await one.run(2)
        one.shifting.take([], PRICES)
        await one.run(100, 50)
        assert one.shifting.moving == {}
        assert one.lines == ["a shift begins:"]


def as_kept(held: Progress) -> How:
    return lambda _: written(held, 0.0)


def full(seed: int) -> Evidence:
    """What an arm has seen whose durations and costs are as various as can be."""
    bins = {index: 10_000 + (seed * 7919 + index) % 90_000 for index in range(LEAST, MOST_BIN + 1)}
    spread = Spread(MappingProxyType(bins))
    return Evidence(spread.count, 1000, spread, spread, 10**15)


@in_virtual_time
async def test_any_number_of_shifts_with_full_histograms_can_be_aborted() -> None:
    kept = File(None, lambda *_, **__: None)
    many = [moving(f"chat{number}") for number in range(60)]
    for number, each in enumerate(many):
        arms = Arms(full(number), full(number + 1))
        held = replace(begin(each.terms, each.revision, 0.0), counted=arms, began=arms)
        await kept.change(document_of(each.name), as_kept(held))
    one = One(kept, Alone(asyncio.get_running_loop().time))
    one.shifting.take(many, PRICES)
    for each in many:
        await one.shifting.order(each.model, "abort")
        its = one.shifting.progress(each.name)
        assert its is not None
        assert its.state is State.ABORTED


@in_virtual_time
async def test_a_shift_that_has_not_begun_can_be_aborted() -> None:
    one = One(File(None, lambda *_, **__: None), Alone())
    one.shifting.take([MOVING], PRICES)
    with pytest.raises(ValueError, match="has not begun"):
        await one.shifting.order("chat", "pause")
    await one.shifting.order("chat", "abort")
    assert one.state is State.ABORTED


@in_virtual_time
async def test_what_is_kept_and_cannot_be_read_rests_as_it_is_and_is_reported() -> None:
    kept = File(None, lambda *_, **__: None)
    later = {"version": 7, "share": [0.25]}
    await kept.change(document_of(MOVING.name), lambda _: later)
    async with alone(kept) as one:
        await one.run(60, 50)
        assert kept.read(document_of(MOVING.name)) == later
        assert (one.share, one.traffic.exposed) == (0.0, 0)
        [(text, details)] = one.log
        assert "cannot be read" in text
        assert "`pointsman shift resume chat` begins anew" in details["then"]
        told = one_shown(one.shifting, MOVING)
        assert (told["state"], told["share"]) == ("unreadable", 0.0)
        with pytest.raises(ValueError, match="cannot be read"):
            await one.shifting.order("chat", "pause")
        await one.shifting.order("chat", "resume")
        await one.run(3)
        assert (one.state, one.share) == (State.RUNNING, 0.05)
        await kept.change(document_of(MOVING.name), lambda _: later)
        assert one.share == 0.0
        await one.shifting.order("chat", "abort")
        assert one.state is State.ABORTED


class Interrupted(Alone):
    """While it is met, somebody keeps what cannot be read here."""

    def __init__(self, kept: Kept, later: Mapping[str, Any]) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self._kept, self._later = kept, later

    async def meet(self, said: Mapping[str, bytes]) -> Met:
        met = await super().meet(said)
        await self._kept.change(document_of(MOVING.name), lambda _: self._later)
        return met


@in_virtual_time
async def test_what_a_later_release_keeps_while_all_meet_is_not_written_over() -> None:
    kept, later = File(None, lambda *_, **__: None), {"version": 7}
    one = One(kept, Interrupted(kept, later))
    one.shifting.take([MOVING], PRICES)
    await one.shifting.start()
    await one.run(3)
    assert kept.read(document_of(MOVING.name)) == later
    await one.shifting.close()


@in_virtual_time
async def test_what_the_file_still_has_is_never_forgotten_and_the_rest_in_time() -> None:
    kept = File(None, lambda *_, **__: None)
    gone = moving("gone")
    for each in (MOVING, gone):
        held = abort(begin(each.terms, each.revision, 0.0), 0.0)
        await kept.change(document_of(each.name), as_kept(held))
    await asyncio.sleep(FORGOTTEN + 10.0)
    async with alone(kept) as one:
        one.shifting.take([MOVING, moving("other")], PRICES)
        await one.run(3)
        assert one.state is State.ABORTED
        assert kept.read(document_of(gone.name)) is None


class Heard(Alone):
    """Hears what is said."""

    def __init__(self) -> None:
        super().__init__(asyncio.get_running_loop().time)
        self.heard: list[str] = []

    async def meet(self, said: Mapping[str, bytes]) -> Met:
        self.heard += said
        return await super().meet(said)


@in_virtual_time
async def test_of_what_is_over_nothing_is_said_or_summed() -> None:
    peers = Heard()
    one = One(File(None, lambda *_, **__: None), peers)
    one.shifting.take([MOVING], PRICES)
    await one.shifting.start()
    await one.run(3)
    await one.shifting.order("chat", "abort")
    peers.heard.clear()
    await one.run(30)
    assert peers.heard == []
    assert not one.shifting.frozen
    await one.shifting.order("chat", "resume")
    await one.run(3)
    assert peers.heard
    await one.shifting.close()


@in_virtual_time
async def test_before_it_is_tried_again_all_have_said_what_they_saw_meanwhile() -> None:
    peers = Heard()
    one = One(File(None, lambda *_, **__: None), peers)
    one.shifting.take([MOVING], PRICES)
    await one.shifting.start()
    one.traffic.failing = 1.0
    while one.state is not State.BACK:
        await one.run(1, 50)
    peers.heard.clear()
    await one.run(590)
    assert peers.heard == []
    while not peers.heard:
        await one.run(1)
    assert one.share == 0.0
    await one.run(12)
    assert one.share == 0.05
    await one.shifting.close()


class Crowd(Alone):
    """So many have said something already that nobody else counts."""

    async def meet(self, said: Mapping[str, bytes]) -> Met:
        met = await super().meet(said)
        shifts = {name: seen._replace(counts=False) for name, seen in met.shifts.items()}
        return met._replace(shifts=shifts)


@in_virtual_time
async def test_an_instance_whose_word_does_not_count_says_so() -> None:
    one = One(File(None, lambda *_, **__: None), Crowd(asyncio.get_running_loop().time))
    one.shifting.take([MOVING], PRICES)
    await one.shifting.start()
    await one.run(5)
    assert one_shown(one.shifting, MOVING)["uncounted"]
    assert sum("does not count" in line for line in one.lines) == 1
    await one.shifting.close()


async def test_requests_come_between_while_many_words_are_summed() -> None:
    words = [told(Arms(full(1), full(2)))] * 40
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await asyncio.sleep(0)
    arms = await Gathering().sum(words)
    assert arms.control.requests == 40 * full(1).requests
    assert turns >= 5
    beside.cancel()


# In a fleet, with a server.


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with process(tmp_path_factory.mktemp("valkey")) as one:
        yield one


FAST = moving(terms=Terms(steps=(0.1, 0.5, 1.0), interval=0.7, least=20, cool_down=600.0))
LEASE = 0.5


@asynccontextmanager
async def instance(server: Process, fleet: str, name: str) -> AsyncIterator[One]:
    def link() -> Link:
        return Link(address_of(server.url), fleet)

    log: list[str] = []
    kept = KeptByAll(link(), fleet, lambda text, **_: log.append(text))
    peers = Fleet(link(), fleet, name, LEASE)
    peers.settling = 0.3
    one = One(kept, peers, beat=0.05)
    await kept.start()
    one.shifting.take([FAST], PRICES)
    await one.shifting.start()
    try:
        yield one
    finally:
        await one.shifting.close()
        await kept.close()


async def until(true: Callable[[], bool], *send: One, within: float = 8.0) -> None:
    async with asyncio.timeout(within):
        while not true():
            for one in send:
                one.traffic.send(40, one.share)
            await asyncio.sleep(0.01)


async def test_one_leads_and_all_follow_within_a_second(server: Process) -> None:
    fleet = token_hex(4)
    async with instance(server, fleet, "one") as one, instance(server, fleet, "two") as two:
        await until(lambda: one.share > 0.1 and two.share > 0.1, one, two)
        assert one.share == two.share
        await until(lambda: one.state is State.DONE, one, two)
        await until(lambda: two.state is State.DONE, within=1.5)
        assert {each.lines[-1] for each in (one, two)} == {DONE}


async def test_what_an_instance_that_does_not_lead_has_seen_takes_it_back(server: Process) -> None:
    fleet = token_hex(4)
    async with instance(server, fleet, "one") as one, instance(server, fleet, "two") as two:
        await until(lambda: one.share == two.share == 0.1)
        assert one.shifting.leaders == {FAST.name: "one"}
        two.traffic.failing = 0.5
        await until(lambda: one.state is State.BACK, two)
        assert one.traffic.exposed == 0
        assert one.lines[-1] == BACK
        await until(lambda: two.state is State.BACK, within=1.5)


async def test_when_the_leader_is_gone_another_goes_on_from_there(server: Process) -> None:
    fleet = token_hex(4)
    async with instance(server, fleet, "two") as two:
        async with instance(server, fleet, "one") as one:
            await until(lambda: bool(one.shifting.leaders and two.shifting.leaders))
            first = one.shifting.leaders[FAST.name]
            [leads, other] = [one, two] if first == "one" else [two, one]
            await until(lambda: other.share == 0.5, one, two)
            assert leads.shifting._task is not None
            leads.shifting._task.cancel()  # as if it were killed: it gives up nothing
            leads.shifting._peers.leave = _nothing  # type: ignore[method-assign]
            await until(lambda: other.state is State.DONE, other)
            assert other.shifting.leaders != {FAST.name: first}


async def _nothing(names: object) -> None:
    pass


async def test_a_leader_that_leaves_is_followed_at_once(server: Process) -> None:
    fleet = token_hex(4)
    async with instance(server, fleet, "two") as two:
        async with instance(server, fleet, "one"):
            await until(lambda: bool(two.shifting.leaders))
        await until(lambda: two.shifting.leaders == {FAST.name: "two"}, within=0.4)


async def test_without_the_server_a_shift_is_frozen_and_goes_on_where_it_was(
    tmp_path: Path,
) -> None:
    with process(tmp_path) as server:
        async with instance(server, "f", "one") as one, instance(server, "f", "two") as two:
            await until(lambda: one.share == two.share == 0.5, one, two)
            server.kill()
            await until(lambda: bool(one.shifting.why and two.shifting.why), one, two)
            for _ in range(10):
                one.traffic.send(50, one.share)
                await asyncio.sleep(0.02)
            assert (one.share, two.share) == (0.5, 0.5)
            assert one.lines[-1] == "shifts are frozen, each stays where it is:"
            server.start()
            await until(lambda: one.state is State.DONE and two.state is State.DONE, one, two)
            assert "shifts go on:" in one.lines
            done = one.shifting.progress(FAST.name)
            assert done is not None
            assert done.counted.canary.requests <= one.traffic.exposed + two.traffic.exposed


async def test_any_instance_is_told_what_an_operator_wishes(server: Process) -> None:
    fleet = token_hex(4)
    async with instance(server, fleet, "one") as one, instance(server, fleet, "two") as two:
        await until(lambda: one.share == two.share == 0.1)
        await two.shifting.order("chat", "pause")
        await until(lambda: one.state is State.PAUSED, within=1.5)
        for _ in range(10):
            one.traffic.send(50, one.share)
            await asyncio.sleep(0.05)
        assert (one.state, one.share) == (State.PAUSED, 0.1)
        await one.shifting.order("chat", "abort")
        await until(lambda: two.state is State.ABORTED, within=1.5)


async def test_what_a_server_forgot_is_waited_for_and_counts_once(tmp_path: Path) -> None:
    with process(tmp_path) as server:
        async with instance(server, "f", "one") as one, instance(server, "f", "two") as two:
            await until(lambda: one.share == two.share == 0.1)
            await one.shifting.order("chat", "pause")
            for _ in range(5):
                for each in (one, two):
                    each.traffic.send(100, each.share)
                await asyncio.sleep(0.1)
            exposed = one.traffic.exposed + two.traffic.exposed
            leads = one if one.shifting.leaders[FAST.name] == "one" else two

            def counted(who: One) -> int:
                its = who.shifting.progress(FAST.name)
                return 0 if its is None else its.counted.canary.requests

            await until(lambda: counted(leads) == exposed)
            server.kill()
            await until(lambda: bool(one.shifting.why and two.shifting.why))
            server.start()
            await until(lambda: not (one.shifting.why or two.shifting.why))
            await asyncio.sleep(0.3)
            began = [who.shifting.progress(FAST.name) for who in (one, two)]
            assert all(its is not None and its.began.canary.requests == 0 for its in began)
            for each in (one, two):
                each.traffic.send(100, each.share)
            exposed = one.traffic.exposed + two.traffic.exposed
            await until(lambda: max(counted(one), counted(two)) == exposed)

"""A shadow's time is bounded, and so is what is said of it, in a time that jumps."""

import asyncio
import json
from dataclasses import replace
from random import Random

import msgspec
import pytest

from policies import Outcome, Price, Report, Retry, Route, Target
from router.caller import Caller
from router.config import Rate, Shadow
from router.copying import LEAST_PATIENCE, TIMES, Copying
from router.dialects.openai.dialect import OPENAI
from router.pipeline import Pipeline
from router.shadow.lane import Lane
from router.shadow.pairs import Side
from router.shadow.shadows import Shadows
from router.shadow.sides import control_of
from router.shadow.sinks import Memory
from router.shadow.terms import Terms
from router.shadow.twin import Twin
from router.telemetry.journal import AttemptRecord, Journal, RequestRecord
from router.upstream.fetch import Fetcher
from tests.router.clock import in_virtual_time
from tests.router.scene import ALL, MESSAGES, InOrder, Scene, failed
from tests.router.scripted import EVENTS, GOOD, Client, Script, answer, refusal, text

ENDS = Outcome.OK, Outcome.FAILED
PRICES = {"a/m": Price(1, 2), "b/m": Price(1, 2)}


def terms(**more):
    shadow = Shadow("b/m", share=1.0, rate=Rate(600, 60.0), **more)
    return Terms("chat", shadow, None, 600.0, PRICES, None, (), "one")


class Shadowed(Scene):
    """A scene in which all of `chat` is copied to `b/m`."""

    def __init__(self, production: list[Script], shadow: list[Script]) -> None:
        super().__init__({"a/m": production, "b/m": shadow})
        loop, its = asyncio.get_running_loop(), terms()
        arm = Route([Target("b/m")], InOrder(), Retry(attempts=1, budget=0.0))
        chat = Route([Target("a/m")], InOrder())
        self.engine.replace({**self.routes, "chat": chat, its.arm: arm}, None, loop.time())
        self.runtime = replace(self.runtime, shadows={"chat": its})
        journal = Journal([self.kept], failed)
        self.faults: list[BaseException] = []
        self.copying = Copying(
            Shadows(Random(1), loop.time),
            lambda: self.runtime,
            journal,
            loop,
            Fetcher(),
            None,
            self.faults.append,
        )
        overhear = self.copying.overhear
        self.pipeline = Pipeline(lambda: self.runtime, journal, loop, overhear=overhear)
        self.lane = self.copying.shadows.lane(its)

    async def once(self, **fields: object) -> Client:
        """Its answer; the copy may be under way then."""
        body = json.dumps({"model": "chat", "messages": MESSAGES, **fields}).encode()
        sink = Client()
        await self.pipeline.run(OPENAI.parse(body), Caller("req_1", ALL, OPENAI, {}), sink)
        return sink

    async def compared(self) -> float:
        """The seconds until nothing is under way."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(0)
        while self.copying.running:  # noqa: ASYNC110 - what ends it is not to be told of this
            await asyncio.sleep(0.01)
        assert self.faults == []
        self.nothing_is_left()
        return loop.time() - began


@in_virtual_time
async def test_an_answer_is_given_before_its_copy_begins() -> None:
    scene = Shadowed([GOOD], [GOOD])
    await scene.once(stream=True)
    assert scene.asked == ["a/m"]
    await scene.compared()
    assert scene.asked == ["a/m", "b/m"]
    assert [record.shadow for record in scene.kept.requests] == [False, True]
    assert [record.shadow for record in scene.kept.attempts] == [False, True]
    [copy] = [record for record in scene.kept.attempts if record.shadow]
    assert (copy.request_id, copy.model) == ("req_1.shadow", "chat→shadow")


@in_virtual_time
async def test_a_copy_is_given_up_once_nobody_would_have_waited() -> None:
    scene = Shadowed([answer()], [[EVENTS, text("one"), 900.0]])
    await scene.once(stream=False)
    assert await scene.compared() == pytest.approx(LEAST_PATIENCE, abs=0.1)
    assert scene.lane.evidence.shadow.outcomes == {"late": 1}
    assert scene.lane.evidence.failed.shadow == 1


@in_virtual_time
async def test_it_has_longer_where_production_takes_long() -> None:
    slow: Script = [20.0, *answer()]
    scene = Shadowed([slow], [[900.0]])
    await scene.once(stream=False)
    assert await scene.compared() == pytest.approx(TIMES * 20.1, abs=1.0)


@in_virtual_time
async def test_what_was_put_aside_for_a_copy_is_given_back_when_it_is_over() -> None:
    scene = Shadowed([answer()], [answer()])
    await scene.once()
    now = asyncio.get_running_loop().time()
    await asyncio.sleep(0)
    before = scene.lane.left(now)
    await scene.compared()
    assert before is not None
    assert before < 5_000_000_000 - 1000
    cost = 7 + 2 * 3
    assert scene.lane.left(now + 1) == 5_000_000_000 - cost
    assert scene.lane.evidence.spent == cost
    assert scene.lane.running == 0


@in_virtual_time
async def test_no_copy_is_begun_after_the_drain_has() -> None:
    scene = Shadowed([answer(), answer()], [[900.0]])
    await scene.once()
    await asyncio.sleep(0)
    scene.copying.stop()
    await scene.once()
    await scene.compared()
    assert scene.lane.evidence.held == {"draining": 1}
    assert scene.lane.evidence.pairs == 0
    assert scene.asked in (["a/m", "a/m"], ["a/m", "b/m", "a/m"])


def twin_of(outcome: Outcome, **more: object) -> Twin:
    """A request of which the first attempt ended so."""
    call = OPENAI.parse(b'{"model": "chat", "messages": [], "stream": true}')
    lane = Lane(terms(), lambda: 1, 0.0)
    found = Twin(lane, call, Caller("r", ALL, OPENAI, {}), Memory(), lambda _: None)
    report = Report(outcome, input_tokens=10, output_tokens=5)
    found.first = AttemptRecord("r", "chat", "a/m", 1, report, 1.0, 1.5, 3.0)
    fields = {"stream": True, "status": 200, "end": "ok", "cause": "", "target": "c/m"}
    numbers = {"started": 1.0, "first": 2.5, "ended": 4.0, "attempts": 2, "estimated": False}
    tokens = {"input_tokens": 10, "output_tokens": 7}
    given = {**fields, **numbers, **tokens, **more}
    found.end = RequestRecord("r", "all", "chat", **given)  # type: ignore[arg-type]
    return found


def test_production_is_what_its_first_attempt_came_to() -> None:
    told = control_of(twin_of(Outcome.OK), terms())
    assert told == Side("ok", "a/m", 0.5, 2.0, 5, 20)
    rescued = control_of(twin_of(Outcome.FAILED), terms())
    assert (rescued.outcome, rescued.total) == ("failed", None)


def test_one_that_was_left_for_a_faster_is_what_the_client_got() -> None:
    told = control_of(twin_of(Outcome.ABANDONED), terms())
    assert told == Side("ok", "c/m", 1.5, 3.0, 7, None)


def test_what_was_spilled_is_what_it_came_to_after_that() -> None:
    found = twin_of(Outcome.SPILLED)
    reader = found.reading(Journal([], failed))
    ok, failure = (Report(one, input_tokens=1, output_tokens=2) for one in ENDS)
    reader.attempt(AttemptRecord("r", "chat", "c/m", 2, ok, 3.0, 3.5, 4.0))
    reader.attempt(AttemptRecord("r", "chat", "d/m", 3, failure, 3.0, 3.5, 4.0))
    assert control_of(found, terms()) == Side("ok", "c/m", 0.5, 1.0, 2, None)


@in_virtual_time
async def test_a_copy_for_which_there_was_no_capacity_is_held_for_want_of_room() -> None:
    refused = refusal(429, code="resource_unavailable")
    scene = Shadowed([answer()], [refused])
    await scene.once()
    await scene.compared()
    assert scene.lane.evidence.held == {"room": 1}
    assert scene.lane.evidence.pairs == 0


def test_the_time_of_a_slow_client_is_not_production_s() -> None:
    told = control_of(twin_of(Outcome.OK, client_seconds=2.0), terms())
    assert (told.first, told.total) == (0.5, None)


@pytest.mark.parametrize(
    ("outcome", "end", "against"),
    [
        (Outcome.OK, "ok", ""),
        (Outcome.FAILED, "ok", ""),
        (Outcome.FAILED, "error", ""),
        (Outcome.OK, "gone", "unanswered"),
        (Outcome.OK, "drained", "unanswered"),
        (Outcome.REJECTED, "error", "unanswered"),
        (Outcome.FILTERED, "error", "unanswered"),
        (Outcome.ABANDONED, "ok", ""),
        (Outcome.ABANDONED, "error", "unanswered"),
    ],
)
def test_some_ends_say_nothing_of_who_was_asked(outcome, end, against) -> None:
    assert twin_of(outcome, end=end).against() == against


def test_the_shadow_s_own_answers_are_not_compared_with_themselves() -> None:
    twin = twin_of(Outcome.OK)
    assert twin.first is not None
    twin.first = msgspec.structs.replace(twin.first, target="b/m")
    assert twin.against() == "same"


@in_virtual_time
async def test_a_copy_of_which_nobody_knows_the_tokens_costs_what_was_reserved() -> None:
    for script, known in ((answer(usage=None), False), (answer(), True)):
        scene = Shadowed([answer()], [script])
        await scene.once(max_tokens=100)
        await scene.compared()
        spent = scene.lane.evidence.spent
        [copy] = [one.report for one in scene.kept.attempts if one.shadow]
        assert (copy.output_tokens is not None) == known
        assert spent == PRICES["b/m"].cost(copy) if known else spent >= 100 * 2


@in_virtual_time
async def test_both_sides_cost_what_was_read_from_caches() -> None:
    counted = {"prompt_tokens": 70, "completion_tokens": 3, "total_tokens": 73}
    warm = answer(usage={**counted, "prompt_tokens_details": {"cached_tokens": 60}})
    scene = Shadowed([warm], [warm])
    prices = dict.fromkeys(PRICES, Price(10, 20, 1))
    scene.runtime = replace(scene.runtime, shadows={"chat": replace(terms(), prices=prices)})
    await scene.once()
    await scene.compared()
    cost = scene.lane.evidence.cost
    assert (cost.x, cost.y) == (10 * 10 + 60 + 3 * 20,) * 2

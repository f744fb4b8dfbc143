"""One attempt's answer: the time it has, the bytes it keeps, and the report of its end."""

import asyncio
from random import Random
from typing import Any

import pytest

from policies import Attempt, Engine, Outcome, Phase, Report, Request, Route, Scope, Send, Target
from policies import TimeLimits as Limits
from router.answer import AFTER_THE_END, Answer
from router.bell import Bell
from router.dialects.openai.dialect import OPENAI, SPOKEN
from router.upstream.transport import Head, NoCredential, Timeouts, Upstream
from tests.router.clock import in_virtual_time, now
from tests.router.scripted import (
    CUT,
    END,
    EVENTS,
    FINISH,
    REFUSED,
    RESET,
    ROLE,
    USAGE,
    Script,
    Scripted,
    ScriptedExchange,
    answer,
    body_of,
    refusal,
    text,
)

JSON = Head(200, {"content-type": "application/json"})
LIMITS = Limits(head=5, deadline=50)


def an_attempt() -> Attempt:
    engine = Engine({"m": Route([Target("a/m")])}, rng=Random(1), now=0)
    action = engine.start(Request("m", 50, stream=True), 0).next(0)
    assert isinstance(action, Send)
    action.attempt.give_back(0)  # an answer only carries it
    return action.attempt


class Reading:
    """An answer, read by whoever waits for its bell and looks no earlier than it must."""

    def __init__(self, script: Script, limits: Limits = LIMITS, **fields: Any) -> None:
        self.bell = Bell(asyncio.get_running_loop())
        self.exchange = ScriptedExchange(script, self.bell)
        upstream = Upstream(
            "a/m", "m", SPOKEN, Scripted({}), Timeouts(between_tokens=20), ask_usage=True
        )
        call = OPENAI.parse(b'{"model":"m","messages":[],"stream":true}')
        if not fields.get("stream"):
            call = OPENAI.parse(b'{"model":"m","messages":[]}')
        self.answer = Answer(an_attempt(), upstream, self.exchange, call, limits)
        self.passed: list[bytes] = []

    async def report(self) -> Report | None:
        """The report; None if there is none when the deadline comes."""
        while (report := self.answer.advance(now())) is None and now() < 50:
            self._note()
            await self.bell.wait(min(self.answer.due, 50))
        self._note()
        self.bell.close()
        return report

    def _note(self) -> None:
        if passing := self.answer.passing():
            self.passed.append(passing)


@pytest.mark.parametrize(
    ("script", "phase", "seconds"),
    [
        ([0.1, REFUSED], Phase.CONNECT, 0.1),
        ([0.1, RESET], Phase.HEAD, 0.1),
        ([0.1, END], Phase.HEAD, 0.1),
        ([], Phase.HEAD, 5),
        ([0.1, EVENTS], Phase.FIRST_TOKEN, 5),
        ([0.1, EVENTS, ROLE, 2, ROLE], Phase.FIRST_TOKEN, 5),
        ([0.1, EVENTS, CUT], Phase.FIRST_TOKEN, 0.1),
        ([0.1, EVENTS, ROLE, END], Phase.FIRST_TOKEN, 0.1),
        ([0.1, EVENTS, text("a")], Phase.BODY, 20.1),
        ([0.1, EVENTS, text("a"), 19, ROLE, 2, CUT], Phase.BODY, 21.1),
        ([0.1, EVENTS, text("a"), END], Phase.BODY, 0.1),
        ([0.1, Head(500, {}), b"{"], Phase.FIRST_TOKEN, 5),
    ],
)
@in_virtual_time
async def test_a_stream_that_fails_says_how_far_it_had_come(
    script: Script, phase: Phase, seconds: float
) -> None:
    reading = Reading(script, stream=True)
    report = await reading.report()
    assert report is not None
    assert (report.outcome, report.phase) == (Outcome.FAILED, phase)
    assert report.detail
    assert now() == pytest.approx(seconds)
    assert reading.exchange.aborted


@in_virtual_time
async def test_an_account_without_a_credential_is_denied_and_nothing_was_spent() -> None:
    reading = Reading([0.1, NoCredential("no credential: no role")], stream=True)
    report = await reading.report()
    assert report == Report(
        Outcome.DENIED, Phase.CONNECT, Scope.PROVIDER, detail="no credential: no role"
    )


@pytest.mark.parametrize(
    ("script", "phase", "seconds"),
    [
        ([], Phase.HEAD, 5),
        ([6, JSON], Phase.HEAD, 5),
        ([0.1, JSON, b"{", 20, CUT], Phase.FIRST_TOKEN, 20.1),
        ([0.1, JSON, 20, b"{}", END], Phase.BODY, 20.1),
    ],
)
@in_virtual_time
async def test_a_whole_answer_must_have_only_its_head_in_time(
    script: Script, phase: Phase, seconds: float
) -> None:
    report = await Reading(script).report()
    assert report is not None
    assert (report.outcome, report.phase) == (Outcome.FAILED, phase)
    assert now() == pytest.approx(seconds)


@pytest.mark.parametrize("stream", [True, False])
@in_virtual_time
async def test_the_requests_own_deadline_is_no_failure_of_the_target(stream: bool) -> None:
    reading = Reading([], Limits(head=50, deadline=50), stream=stream)
    assert await reading.report() is None
    assert now() == pytest.approx(50)
    assert reading.answer.abandon().outcome is Outcome.ABANDONED


@in_virtual_time
async def test_every_byte_is_passed_once() -> None:
    script: Script = [0.1, EVENTS, ROLE, 0.1, text("a"), 0.1, text("b")[:9], 0.1, text("b")[9:]]
    reading = Reading([*script, FINISH, 0.5, USAGE, END], stream=True)
    report = await reading.report()
    assert reading.passed == [ROLE, text("a"), text("b") + FINISH]
    assert report == Report(Outcome.OK, input_tokens=7, output_tokens=3)


@in_virtual_time
async def test_the_end_waits_a_second_for_what_may_follow() -> None:
    reading = Reading([4.5, EVENTS, text("a"), FINISH], stream=True)
    report = await reading.report()
    assert report is not None
    assert report.outcome is Outcome.OK
    assert now() == pytest.approx(4.5 + AFTER_THE_END)


@in_virtual_time
async def test_a_refusal_is_kept_in_its_own_words() -> None:
    reading = Reading(refusal(400, "bad_thing"), stream=True)
    report = await reading.report()
    assert report is not None
    assert report.outcome is Outcome.REJECTED
    assert reading.answer.body == body_of(refusal(400, "bad_thing"))
    assert reading.passed == []


@pytest.mark.parametrize(("head", "most"), [(JSON, 900), (Head(500, {}), 700)])
@in_virtual_time
async def test_what_is_kept_of_an_answer_is_bounded(
    head: Head, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.answer.MOST_WHOLE", 900)
    monkeypatch.setattr("router.answer.MOST_REFUSAL", 700)
    reading = Reading([0.1, head, bytes(most), 0.1, b"x", 0.1, b"x"])
    report = await reading.report()
    assert report is not None
    assert (report.outcome, report.detail) == (
        Outcome.FAILED,
        f"an answer longer than {most} bytes",
    )
    assert now() == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("script", "phase", "output"),
    [
        ([], Phase.HEAD, 0),
        ([0.1, EVENTS, ROLE], Phase.FIRST_TOKEN, 0),
        ([0.1, EVENTS, text("a"), text("b")], Phase.BODY, 2),
        ([0.1, EVENTS, text("a"), USAGE], Phase.BODY, 3),
    ],
)
@in_virtual_time
async def test_an_answer_given_up_settles_at_what_was_seen(
    script: Script, phase: Phase, output: int
) -> None:
    reading = Reading(script, stream=True)
    await asyncio.sleep(1)
    assert reading.answer.advance(now()) is None
    report = reading.answer.abandon()
    assert (report.outcome, report.phase, report.output_tokens) == (
        Outcome.ABANDONED,
        phase,
        output,
    )
    assert report.estimated == (output != 3)
    assert reading.answer.report is report
    assert reading.exchange.aborted
    assert reading.answer.abandon(Outcome.FAILED).outcome is Outcome.FAILED


@in_virtual_time
async def test_a_whole_answer_is_given_at_its_end() -> None:
    reading = Reading(answer())
    report = await reading.report()
    assert report == Report(Outcome.OK, input_tokens=7, output_tokens=3)
    assert reading.answer.body == body_of(answer())
    assert not reading.answer.content

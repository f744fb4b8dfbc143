"""What becomes of a request stands in its lines."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import pytest

from policies import Facts, LeastLatency, Price
from policies.engine.showing.sending import Kind
from router.ladder import Ladder, Rung
from router.telemetry.decisions import Decision, Decisions, Origin
from router.telemetry.journal import RequestRecord
from router.telemetry.lines.line import Line, json_schema
from router.telemetry.lines.making import lines_of
from tests.router.clock import in_virtual_time
from tests.router.scene import Scene
from tests.router.scripted import (
    CUT,
    EVENTS,
    GOOD,
    REFUSED,
    ROLE,
    Script,
    answer,
    refusal,
    text,
)

WALL = 1_795_000_000.0
ILL: Script = refusal(500, "server_error")
PRICED = {"p/a": Facts(price=Price(3, 5)), "p/b": Facts(price=Price(30, 50))}


class Written:
    """Decisions that are all written, and their lines."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        origin = Origin("5f0c", 7, 0.0)
        self.decisions = Decisions(origin, 0, write=self.write)

    def write(self, decision: Decision, end: RequestRecord) -> None:
        self.lines += lines_of(decision, end, "5f0c", WALL)


def asked(scripts: Mapping[str, Iterable[Script]], fields: Any = None, **scene: Any) -> list[Line]:
    """The lines of one request."""
    written = Written()

    @in_virtual_time
    async def ask() -> None:
        place = Scene(scripts, decisions=written.decisions, **scene)
        object.__setattr__(place.runtime, "recorded", {"chat": 1.0})
        await place.ask(**(fields or {}))

    ask()
    for line in written.lines:
        assert msgspec.json.decode(msgspec.json.encode(line), type=Line) == line
    return written.lines


def test_a_stream_that_was_answered_is_one_line_with_its_times_and_its_money() -> None:
    [line] = asked({"p/a": [GOOD], "p/b": []}, {"stream": True}, facts=PRICED)
    assert (line.model, line.tenant, line.stream, line.operation) == ("chat", "all", True, "chat")
    assert (line.end, line.status, line.target, line.attempts) == ("ok", 200, "p/a", 1)
    assert line.at == pytest.approx(WALL - line.total_s, abs=1e-3)
    assert (line.instance, line.revision, line.share) == ("5f0c", "1", 1.0)
    assert (line.input_tokens, line.output_tokens, line.estimated) == (7, 3, False)
    assert line.first_s == pytest.approx(0.2, abs=0.01)
    attempt = line.attempt
    assert attempt is not None
    assert (attempt.number, attempt.target, attempt.kind, attempt.outcome) == (
        1,
        "p/a",
        "first",
        "ok",
    )
    assert attempt.first_s == line.first_s
    assert attempt.total_s == pytest.approx(0.4, abs=0.05)
    assert attempt.money == 7 * 3 + 3 * 5
    assert [one.target for one in attempt.candidates] == ["p/a", "p/b"]
    dear = attempt.candidates[1].money
    assert dear is not None
    assert dear > line.expected_tokens * 30


def test_each_attempt_has_a_line_and_each_line_all_of_the_request() -> None:
    first, second = asked({"p/a": [ILL], "p/b": [answer()]}, facts=PRICED)
    assert (first.attempts, second.attempts) == (2, 2)
    assert first.attempt is not None
    assert second.attempt is not None
    same = ("request", "at", "end", "target", "total_s", "output_tokens")
    assert [getattr(first, name) for name in same] == [getattr(second, name) for name in same]
    assert (first.attempt.number, first.attempt.outcome, first.attempt.phase) == (
        1,
        "failed",
        "head",
    )
    assert first.attempt.money is None  # what a provider bills for an error, it does not say
    assert (second.attempt.number, second.attempt.kind) == (2, "next")
    assert second.attempt.after_s >= first.attempt.total_s
    assert second.attempt.candidates[0].refused == "tried"


def test_what_never_reached_a_provider_cost_nothing_whatever_its_price() -> None:
    first, second = asked({"p/a": [[REFUSED]], "p/b": [answer()]})
    assert first.attempt is not None
    assert second.attempt is not None
    assert (first.attempt.phase, first.attempt.money) == ("connect", 0)
    assert second.attempt.money is None  # no price is known


def test_what_was_cut_off_costs_what_is_estimated_and_says_so() -> None:
    broken: Script = [0.1, EVENTS, ROLE, 0.1, text("Hello there, this is a text"), 0.1, CUT]
    [line] = asked({"p/a": [broken]}, {"stream": True}, facts=PRICED)
    assert line.attempt is not None
    assert (line.end, line.attempt.outcome, line.attempt.estimated) == (
        "interrupted",
        "failed",
        True,
    )
    assert line.attempt.output_tokens is not None
    assert line.attempt.money is not None
    assert line.attempt.money > 5 * line.attempt.output_tokens


def test_where_nobody_was_asked_one_line_says_why_of_each_target() -> None:
    facts = {"p/a": Facts(context=1), "p/b": Facts(context=1)}
    words = [{"role": "user", "content": "Many words. " * 50}]
    [line] = asked({"p/a": [], "p/b": []}, {"messages": words}, facts=facts)
    assert (line.attempt, line.attempts, line.target) == (None, 0, "")
    assert (line.end, line.cause) == ("error", "no_target")
    assert line.refused == {"p/a": "context", "p/b": "context"}


def test_a_model_that_was_fallen_back_on_is_named() -> None:
    rung = Rung("q/c", frozenset({"q/c"}))
    scripts = {"p/a": [ILL], "q/c": [answer()]}
    first, second = asked(scripts, ladder=Ladder((rung,), None), attempts=1)
    assert first.attempt is not None
    assert second.attempt is not None
    assert (first.model, first.attempt.model) == ("chat", "")
    assert (second.model, second.attempt.model) == ("chat", "q/c")
    assert (second.attempt.number, second.attempt.kind) == (2, "first")
    assert second.degraded == "model=q/c"


def test_propensities_and_costs_are_the_policy_s() -> None:
    [line] = asked({"p/a": [answer()], "p/b": [answer()]}, policy=LeastLatency())
    assert line.attempt is not None
    assert (line.attempt.policy, line.attempt.propensity) == ("LeastLatency", 0.5)
    assert [one.cost for one in line.attempt.candidates] == [None, None]  # none was seen yet


def test_a_line_holds_no_text_of_the_request_or_the_answer() -> None:
    words = [{"role": "user", "content": "my prompt"}]
    fields = {"messages": words, "user": "my user", "metadata": {"my": "note"}}
    [line] = asked({"p/a": [answer("the answer")]}, fields)
    told = msgspec.json.encode(line)
    for secret in (b"my prompt", b"my user", b"note", b"the answer"):
        assert secret not in told


def test_every_kind_of_send_stands_in_the_published_schema() -> None:
    told = json_schema()["$defs"]["Attempt"]["properties"]["kind"]["description"]
    assert all(f"{kind.value}: " in told for kind in Kind)

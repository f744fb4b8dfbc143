"""How the engine looks at an ejected target again, through whole courses."""

import pytest

from policies import (
    Cause,
    Fail,
    News,
    Outcome,
    Phase,
    Refusal,
    Report,
    Retry,
    Route,
    Send,
    Target,
)
from tests.policies.driver import (
    ABANDONED,
    ANSWERED,
    FAILED,
    FILTERED,
    OVERLOADED,
    REJECTED,
    THROTTLED,
    UNFIT,
    World,
    limited,
)


def sick(*targets: str | Target, due: bool = True, **options: object) -> World:
    """A world whose first target is ejected, and its rest over if `due`."""
    world = World(*targets, **options)  # type: ignore[arg-type]
    first = world.members[0].name
    world.eject(first)
    if due:
        world.now = world.until(first)
    return world


def test_an_ejected_target_gets_nothing_until_its_rest_is_over() -> None:
    world = sick("a/m", "b/m", due=False)
    over = world.until("a/m")
    while world.now + 0.2 < over:
        assert world.ask().targets == ["b/m"]


def test_then_one_request_is_steered_to_it_and_rescued_if_it_fails() -> None:
    world = sick("a/m", "b/m")
    world.will("a/m", FAILED)
    told = world.ask()
    assert told.targets == ["a/m", "b/m"]
    assert told.fail is None
    assert world.state("a/m") == "ejected"
    assert world.until("a/m") > world.now + 7.0
    assert world.ask().targets == ["b/m"]


def test_while_it_is_probed_others_go_elsewhere() -> None:
    world = sick("a/m", "b/m")
    probe = world.send()
    assert (probe.target, probe.attempt.probe) == ("a/m", True)
    assert [world.send().target for _ in range(5)] == ["b/m"] * 5
    world.settle(probe)
    assert world.state("a/m") == "recovering"
    assert "a/m" in [world.send().target for _ in range(50)]
    world.close()


def test_an_answered_probe_brings_it_back() -> None:
    world = sick("a/m", "b/m")
    assert world.ask().targets == ["a/m"]
    assert world.state("a/m") == "recovering"


@pytest.mark.parametrize(
    "report", [ABANDONED, THROTTLED._replace(rest=0.0), Report(Outcome.DENIED, Phase.HEAD)]
)
def test_a_probe_that_was_not_answered_is_no_evidence(report: Report) -> None:
    world = sick("a/m", "b/m")
    until = world.until("a/m")
    probe = world.send()
    world.settle(probe, report)
    breaker = world.members[0].standing.breaker
    assert (breaker.state.value, breaker.until) == ("ejected", until)
    assert breaker.wants_probe(world.now)
    world.close()


def test_a_probe_that_is_closed_with_its_course_is_no_evidence() -> None:
    world = sick("a/m", "b/m")
    world.send()
    world.close()
    assert world.send().attempt.probe
    world.close()


def test_a_probe_that_was_given_back_is_no_evidence() -> None:
    world = sick("a/m", "b/m")
    world.send().attempt.give_back(world.now)
    again = world.send()
    assert (again.target, again.attempt.probe) == ("a/m", True)
    world.close()


@pytest.mark.parametrize("report", [REJECTED, FILTERED, UNFIT])
def test_a_probe_whose_request_was_refused_has_been_read(report: Report) -> None:
    world = sick("a/m", "b/m")
    world.settle(world.send(), report)
    assert world.state("a/m") == "recovering"
    world.close()


def test_a_probe_that_finds_it_overloaded_has_failed() -> None:
    world = sick("a/m", "b/m")
    world.settle(world.send(), OVERLOADED)
    assert world.members[0].standing.breaker.until > world.now + 7.0
    world.close()


def test_a_failover_is_no_probe() -> None:
    """Who has already lost one attempt is not sent where the next may be lost too."""
    world = sick("a/m", "b/m", "c/m", due=False)
    course = world.start()
    send = course.next(world.now)
    assert isinstance(send, Send)
    assert send.target == "b/m"
    world.now = world.until("a/m") + 1
    world.settle(send, FAILED)
    again = course.next(world.now)
    assert isinstance(again, Send)
    assert again.target == "c/m"
    world.close()


def test_a_drained_or_excluded_target_is_not_probed() -> None:
    world = sick("a/m", "b/m")
    assert world.ask(only=frozenset({"b/m"})).targets == ["b/m"]
    world.engine.replace(
        {"m": Route([Target("a/m", 0), Target("b/m")], world.route.policy)}, None, world.now
    )
    assert world.ask().targets == ["b/m"]


def test_a_probe_passes_the_same_gates() -> None:
    world = World("a/m", "b/m", facts={"a/m": limited(requests=5, seconds=600.0)})
    world.eject("a/m")  # by its fifth request, which is its last for some minutes
    world.now = world.until("a/m") + 1
    assert world.state("a/m") == "ejected"
    assert world.ask().targets == ["b/m"]
    told = world.ask(only=frozenset({"a/m"}))
    assert told.targets == []


class TestOverflow:
    """When nobody else has room, the least bad of the ejected is asked, throttled."""

    def test_alone_it_is_asked_again_before_its_rest_is_over_but_seldom(self) -> None:
        world = sick("a/m", due=False)
        world.will("a/m", FAILED)
        tried = sum(bool(world.ask().targets) for _ in range(100))
        assert 1 <= tried <= 40

    def test_who_is_held_back_is_told_when_to_come_back(self) -> None:
        world = sick("a/m", due=False)
        until = world.until("a/m")
        fails = [told.fail for told in (world.ask() for _ in range(20)) if not told.targets]
        assert fails
        assert {fail.cause for fail in fails if fail} == {Cause.NO_TARGET}
        assert {fail.refusals["a/m"].refusal for fail in fails if fail} == {Refusal.EJECTED}
        assert {fail.retry_at for fail in fails if fail} == {until}

    def test_while_a_probe_is_under_way_nobody_is_told_an_instant_that_is_past(self) -> None:
        world = sick("a/m")
        world.send()
        world.now += 10
        ends = [world.start().next(world.now) for _ in range(30)]
        fails = [end for end in ends if isinstance(end, Fail)]
        assert fails
        assert all(fail.retry_at is None or fail.retry_at > world.now for fail in fails)
        world.close()

    def test_the_least_bad_is_asked(self) -> None:
        world = World("a/m", "b/m")
        world.eject("a/m")
        world.now += 3.0
        world.eject("b/m")
        first = next(told.targets[0] for told in (world.ask() for _ in range(100)) if told.targets)
        assert first == "a/m"

    def test_a_place_elsewhere_is_better(self) -> None:
        world = sick("a/m", "b/m", due=False)
        assert world.ask().targets == ["b/m"]

    def test_what_overflows_passes_the_same_gates(self) -> None:
        world = World("a/m", facts={"a/m": limited(requests=5, seconds=600.0)})
        world.eject("a/m")
        assert not any(world.ask().targets for _ in range(50))

    def test_a_tried_one_is_not_asked_again(self) -> None:
        world = World("a/m", "b/m", retry=Retry(attempts=9))
        world.will("a/m", FAILED)
        world.will("b/m", FAILED)
        for _ in range(40):
            told = world.ask()
            assert len(told.targets) <= 3  # each once, and the last one once more on the spot

    def test_an_answer_brings_a_lone_target_back(self) -> None:
        world = sick("a/m", due=False)
        world.will("a/m", ANSWERED)
        while not world.ask().targets:
            pass
        assert world.state("a/m") == "recovering"


def test_good_news_of_a_peer_ends_the_ejection() -> None:
    world = sick("a/m", "b/m", due=False)
    world.engine.advise("a/m", News.WELL, world.now)
    assert world.state("a/m") == "recovering"
    assert ["a/m"] in [world.ask().targets for _ in range(50)]


def test_a_request_that_began_before_does_not_end_it() -> None:
    world = World("a/m", "b/m")
    old = world.send()
    world.eject("a/m")
    world.settle(old)
    assert world.state("a/m") == "ejected"
    world.close()


def test_requests_that_fail_after_it_was_ejected_do_not_lengthen_it() -> None:
    world = World("a/m", "b/m")
    sends = [world.send() for _ in range(20)]
    for send in sends:
        world.settle(send, FAILED)
    assert world.until("a/m") <= world.now + 6.0
    world.close()

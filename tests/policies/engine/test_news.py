"""What an engine tells its peers, and what it makes of what they tell."""

from __future__ import annotations

from random import Random

import pytest

from policies import Engine, News, Outcome, Phase, Report, Retry, Scope
from tests.policies.driver import ANSWERED, DENIED, FAILED, OVERLOADED, THROTTLED, World

Said = tuple[str, News, float]


def telling(*targets: str) -> tuple[World, list[Said]]:
    """A world whose engine tells a list."""
    world = World(*targets, retry=Retry(attempts=1))
    told: list[Said] = []
    world.engine = Engine(
        {"m": world.route},
        rng=Random(7),
        now=world.now,
        on_news=lambda name, news, until: told.append((name, news, until)),
    )
    return world, told


def end(world: World, target: str, report: Report) -> None:
    world.settle(world.send(only=frozenset({target})), report)


def test_an_ejection_is_told_once_and_so_is_the_recovery() -> None:
    world, told = telling("a/m", "b/m")
    world.eject("a/m")
    [(name, news, until)] = told
    assert (name, news) == ("a/m", News.SICK)
    assert until == world.until("a/m")
    world.now = until
    send = world.send(only=frozenset({"a/m"}))
    assert send.attempt.probe
    send.attempt.sent(world.now)
    send.attempt.first_token(world.now + 0.1)
    assert told[1:] == [("a/m", News.WELL, world.now + 0.1)]  # before the answer is whole
    world.settle(send)
    assert len(told) == 2


def test_whoever_shares_a_fate_only_is_not_told_of() -> None:
    world, told = telling("a/1", "a/2", "a/3", "b/m")
    for _ in range(5):
        end(world, "a/1", FAILED)
        end(world, "a/2", FAILED)
    assert world.state("a/3") == "ejected"
    assert [name for name, _, _ in told] == ["a/1", "a/2"]


@pytest.mark.parametrize("report", [THROTTLED, OVERLOADED], ids=["throttled", "overloaded"])
def test_a_rest_that_was_named_is_told_with_its_end(report: Report) -> None:
    world, told = telling("a/m")
    end(world, "a/m", report)
    assert report.rest is not None
    assert told == [("a/m", News.RESTING, world.now + report.rest)]


@pytest.mark.parametrize("rest", [None, -1.0, 0.0, 86_400.0])
def test_a_rest_that_was_guessed_is_our_own_affair(rest: float | None) -> None:
    world, told = telling("a/m")
    end(world, "a/m", Report(Outcome.THROTTLED, Phase.HEAD, rest=rest))
    assert told == []


def test_a_rest_of_the_account_is_told_in_the_providers_name() -> None:
    world, told = telling("a/m")
    end(world, "a/m", Report(Outcome.THROTTLED, Phase.HEAD, Scope.PROVIDER, rest=100.0))
    assert told == [("a", News.RESTING, world.now + 60.0)]


def test_a_denial_is_told_with_the_end_that_we_keep_to() -> None:
    world, told = telling("a/m")
    end(world, "a/m", DENIED)
    assert told == [("a", News.DENIED, world.now + 60.0)]


def test_a_peers_rest_is_honoured_as_far_as_a_providers_own_word() -> None:
    world = World("a/m", "b/m")
    world.engine.advise("a/m", News.RESTING, world.now, world.now + 30.0)
    assert world.send().target == "b/m"
    assert world.until("a/m") == world.now + 30.0
    world.engine.advise("a/m", News.RESTING, world.now, world.now + 1e9)
    assert world.until("a/m") == world.now + 60.0
    world.now += 60.0
    assert world.send().target == "a/m"
    world.close()


def test_a_peers_rest_of_a_provider_binds_all_of_its_targets() -> None:
    world = World("a/1", "a/2", "b/m")
    world.engine.advise("a", News.RESTING, world.now, world.now + 30.0)
    assert world.send().target == "b/m"
    world.close()


def test_after_a_peers_denial_one_is_the_trial() -> None:
    world = World("a/m", "b/m")
    world.engine.advise("a", News.DENIED, world.now, world.now + 60.0)
    assert world.send().target == "b/m"
    world.now += 60.0
    trial = world.send()
    assert [trial.target, world.send().target] == ["a/m", "b/m"]
    world.settle(trial, ANSWERED)
    assert [world.send().target for _ in range(2)] == ["a/m", "a/m"]
    world.close()


def test_a_denial_that_is_over_or_without_end_is_bounded() -> None:
    world = World("a/m", "b/m")
    world.engine.advise("a", News.DENIED, world.now, world.now - 1.0)
    assert world.send().target == "a/m"
    world.engine.advise("a", News.DENIED, world.now, float("inf"))
    assert world.until("a/m") == world.now + 900.0
    world.close()


@pytest.mark.parametrize("news", list(News))
def test_news_of_peers_are_not_told_again_and_eject_nobody(news: News) -> None:
    world, told = telling("a/m", "b/m")
    world.engine.advise("a/m", news, world.now, world.now + 5.0)
    world.engine.advise("nobody", news, world.now, world.now + 5.0)
    assert told == []
    assert world.state("a/m") != "ejected"


def test_a_probe_asks_for_its_target_or_for_the_whole_group_that_is_sick() -> None:
    alone = World("a/m", "b/m")
    assert alone.send().attempt.probe_name is None
    alone.eject("a/m")
    alone.now = alone.until("a/m")
    assert alone.send().attempt.probe_name == "a/m"
    both = World("a/1", "a/2", "b/m")
    for _ in range(5):
        end(both, "a/1", FAILED)
        end(both, "a/2", FAILED)
    both.now = max(both.until("a/1"), both.until("a/2"))
    assert both.send().attempt.probe_name == "a"
    for world in (alone, both):
        world.close()

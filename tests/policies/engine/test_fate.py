"""Targets of one group share a fate; after a denial one asks for all."""

from policies import Facts, News, Outcome, Phase, Refusal, Report, Scope
from policies.engine.group import LONGEST_NAMED
from policies.engine.learning.breaker import Why
from tests.policies.driver import ANSWERED, DENIED, FAILED, World


def why(world: World, place: int) -> Why | None:
    trip = world.members[place].standing.breaker.last_trip
    return trip.why if trip is not None else None


def test_two_that_are_ejected_within_seconds_take_the_rest_of_their_group_along() -> None:
    world = World("a/1", "a/2", "a/3", "b/1")
    world.eject("a/1")
    assert world.state("a/3") == "healthy"
    world.now += 9.0
    world.eject("a/2")
    assert (world.state("a/3"), why(world, 2)) == ("ejected", Why.FATE)
    assert world.state("b/1") == "healthy"
    world.close()


def test_a_failover_avoids_who_failed_last_whatever_older_requests_bring() -> None:
    world = World("a/m", "b/m", "c/m")
    old = world.send(only=frozenset({"b/m"}), stream=True)
    old.attempt.first_token(world.now)
    world.now += 1.0
    world.settle(world.send(only=frozenset({"b/m"})), FAILED)
    world.settle(old, ANSWERED)
    world.will("a/m", FAILED)
    assert world.ask().targets == ["a/m", "c/m"]
    newer = world.send(only=frozenset({"b/m"}), stream=True)
    newer.attempt.first_token(world.now)
    assert world.ask().targets == ["a/m", "b/m"]
    world.close()


def test_further_apart_it_is_chance() -> None:
    world = World("a/1", "a/2", "a/3")
    world.eject("a/1")
    world.now += 11.0
    world.eject("a/2")
    assert world.state("a/3") == "healthy"
    world.close()


def test_one_that_has_answered_since_says_that_the_group_lives() -> None:
    world = World("a/1", "a/2", "a/3")
    world.eject("a/1")
    world.now += 1.0
    world.settle(world.send(only=frozenset({"a/3"})), ANSWERED)
    world.eject("a/2")
    assert world.state("a/3") == "healthy"
    world.close()


def test_a_group_may_be_a_model_at_several_providers() -> None:
    both = {name: Facts(groups=(name[0], "model:x")) for name in ("a/x", "b/x", "c/x")}
    world = World("a/x", "b/x", "c/x", "a/y", facts=both)
    world.eject("a/x")
    world.eject("b/x")
    assert (world.state("c/x"), world.state("a/y")) == ("ejected", "healthy")
    world.close()


REGIONS = {
    name: Facts(groups=(name[:3], f"region:{name[:2]}", "company", "model:m"))
    for name in ("us1/m", "us2/m", "us3/m", "eu1/m", "eu2/m")
}


def test_what_a_narrow_group_explains_is_not_held_against_a_wider_one() -> None:
    world = World(*REGIONS, facts=REGIONS)
    world.eject("us1/m")
    world.eject("us2/m")
    assert (world.state("us3/m"), why(world, 2)) == ("ejected", Why.FATE)
    trip = world.members[2].standing.breaker.last_trip
    assert trip is not None
    assert trip.group == "region:us"
    assert (world.state("eu1/m"), world.state("eu2/m")) == ("healthy", "healthy")
    world.close()


def test_what_fails_in_two_regions_is_the_company() -> None:
    world = World(*REGIONS, facts=REGIONS)
    world.eject("us1/m")
    world.eject("us2/m")
    world.eject("eu1/m")
    trip = world.members[4].standing.breaker.last_trip
    assert trip is not None
    assert (trip.why, trip.group) == (Why.FATE, "company")
    world.close()


def test_an_account_that_is_sick_says_nothing_of_its_company() -> None:
    groups = {name: Facts(groups=(name[0], "company")) for name in ("a/1", "a/2", "b/1")}
    world = World(*groups, facts=groups)
    world.eject("a/1")
    world.eject("a/2")
    assert world.state("b/1") == "healthy"
    world.close()


def test_a_region_that_is_back_brings_back_what_was_ejected_with_it() -> None:
    world = World(*REGIONS, facts=REGIONS)
    world.eject("us1/m")
    world.eject("us2/m")
    world.now = max(world.until(f"us{number}/m") for number in (1, 2, 3))
    probe = next(send for send in (world.send() for _ in range(9)) if send.attempt.probe)
    world.settle(probe, ANSWERED)
    assert world.state("us3/m") == "recovering"
    world.close()


def test_one_probe_asks_for_the_whole_group_and_brings_it_back() -> None:
    world = World("a/1", "a/2", "a/3", "b/1")
    world.eject("a/1")
    world.eject("a/2")
    world.now = max(world.until(f"a/{number}") for number in (1, 2, 3))
    sends = [world.send() for _ in range(4)]
    assert [send.attempt.probe for send in sends] == [True, False, False, False]
    world.settle(sends[0], ANSWERED)
    assert world.state("a/3") == "recovering"
    assert world.send().attempt.probe  # the other that was ejected for reasons of its own
    world.close()


def test_a_probe_that_fails_lets_the_whole_group_rest() -> None:
    world = World("a/1", "a/2", "a/3", "b/1")
    world.eject("a/1")
    world.eject("a/2")
    world.now = max(world.until(f"a/{number}") for number in (1, 2, 3))
    probe = world.send()
    world.settle(probe, FAILED)
    ends = {world.until(f"a/{number}") for number in (1, 2, 3)}
    assert min(ends) >= world.until(probe.target) > world.now + 3.0
    world.close()


def test_a_peers_good_news_of_one_asks_the_others_next() -> None:
    world = World("a/1", "a/2", "a/3", "b/1")
    world.eject("a/1")
    world.eject("a/2")
    world.engine.advise("a/1", News.WELL, world.now)
    assert world.state("a/1") == "recovering"
    assert world.state("a/3") == "recovering"
    world.close()


class TestTrials:
    def test_after_a_denial_one_request_asks_and_the_others_wait_for_it(self) -> None:
        world = World("a/1", "a/2", "b/1")
        world.settle(world.send(), DENIED)
        world.now += 60.1
        trial = world.send()
        assert trial.target == "a/1"
        assert [world.send().target for _ in range(3)] == ["b/1"] * 3
        refused = world.start(only=frozenset({"a/2"}))
        refused.next(world.now)
        assert refused.refusals(world.now)["a/2"].refusal is Refusal.DENIED
        world.settle(trial, ANSWERED)
        assert world.send().target == "a/1"
        assert world.send(only=frozenset({"a/2"})).target == "a/2"
        world.close()

    def test_a_trial_that_is_denied_begins_the_next_rest(self) -> None:
        world = World("a/1", "b/1")
        world.settle(world.send(), DENIED)
        world.now += 60.1
        world.settle(world.send(), DENIED)
        world.now += 119.0
        assert world.send().target == "b/1"
        world.now += 1.1
        assert world.send().target == "a/1"
        world.close()

    def test_a_trial_whose_client_left_leaves_the_next_to_ask(self) -> None:
        world = World("a/1", "b/1")
        world.settle(world.send(), DENIED)
        world.now += 60.1
        world.close()
        course = world.start()
        course.next(world.now)
        course.close(world.now)
        assert world.send().target == "a/1"
        world.close()

    def test_a_denial_that_names_an_end_is_believed_for_a_day_at_most(self) -> None:
        world = World("a/1", "b/1")
        year = Report(Outcome.DENIED, Phase.HEAD, Scope.PROVIDER, rest=365 * 86_400.0)
        world.settle(world.send(), year)
        assert world.until("a/1") == world.now + LONGEST_NAMED
        world.close()

"""What holds for the requests of one model: their time, their ladder, their limits, their door."""

from random import Random

from policies import (
    Engine,
    Facts,
    LeastLatency,
    Limits,
    Outcome,
    Rate,
    Report,
    Request,
    Route,
    Target,
)
from policies.simulate import Arrival, Fault, Rung, Service, Terms, World
from policies.simulate.terms import Held, Shut

LOST = Fault("a/m", 0.0, errors=1.0)
SECOND = Service(first_token=1.0, spread=0.0, per_token=0.0)


def world(
    *faults: Fault, terms: dict[str, Terms] | None = None, facts: dict[str, Facts] | None = None
) -> World:
    """Two models, each with a target of its own."""
    routes = {"one": Route([Target("a/m")]), "two": Route([Target("b/m")], LeastLatency())}
    engine = Engine(routes, rng=Random(1), now=0.0, facts=facts)
    return World(engine, {"a/m": SECOND, "b/m": SECOND}, Random(1), faults, terms=terms or {})


def of(model: str, at: float = 0.0, tenant: str = "") -> Arrival:
    return Arrival(at, 10, 10, model=model, tenant=tenant)


def test_each_request_goes_to_the_model_that_it_asks_for() -> None:
    ran = world().run([of("one"), of("two"), of("nobody's")])
    assert [each.target for each in ran.answered] == [None, "a/m", "b/m"]
    assert {each.model: each.target for each in ran.sent} == {"one": "a/m", "two": "b/m"}


def test_a_model_s_requests_have_its_time_and_the_others_the_usual() -> None:
    ran = world(terms={"one": Terms(0.5)}).run([of("one"), of("two")])
    assert [(each.arrival.model, each.target) for each in ran.answered] == [
        ("one", None), ("two", "b/m"),
    ]  # fmt: skip
    assert ran.answered[0].total == 0.5


def test_what_fails_on_its_model_is_answered_by_the_next_of_its_ladder() -> None:
    ladder = Terms(60.0, (Rung("two", frozenset({"b/m"})),))
    [answered] = world(LOST, terms={"one": ladder}).run([of("one")]).answered
    assert (answered.target, answered.cause) == ("b/m", None)
    assert answered.courses == 1


def test_nobody_is_asked_twice_on_the_way_down() -> None:
    ladder = Terms(60.0, (Rung("one", frozenset({"a/m"})), Rung("two", frozenset({"b/m"}))))
    ran = world(LOST, terms={"one": ladder}).run([of("one")])
    assert [each.target for each in ran.sent][-1] == "b/m"
    assert ran.answered[0].target == "b/m"


def test_whoever_finds_a_target_at_its_limit_is_noted_where_that_is_asked_for() -> None:
    facts = {"a/m": Facts(Limits([Rate(1, 60.0)]))}
    come = [of("one", 0.0), of("one", 5.0), of("two", 5.0)]
    noted = world(facts=facts, terms={"one": Terms(9.0, (), notes_limits=True)}).run(come)
    assert {each.at: each.limited for each in noted.answered if each.arrival.model == "one"} == {
        0.0: False, 5.0: True,
    }  # fmt: skip
    assert not any(each.limited for each in world(facts=facts).run(come).answered)


class Place:
    """What one request holds."""

    def __init__(self, told: list[object]) -> None:
        self._told = told

    def spent(self, report: Report) -> None:
        self._told.append(report.outcome)

    def settle(self, now: float) -> None:
        self._told.append(now)


def test_a_door_lets_in_hears_what_was_spent_and_when_it_is_over() -> None:
    told: list[object] = []

    def door(request: Request, now: float) -> Held | None:
        if request.tenant == "a":
            raise Shut
        return Place(told) if request.tenant == "b" else None

    ran = world()
    ran.door = door
    ran.run([of("one", 0.0, "a"), of("one", 0.0, "b"), of("one", 0.0, "c")])
    assert told == [Outcome.OK, 1.0]
    first, *others = ran.answered
    assert (first.target, first.limited, first.sends) == (None, True, 0)
    assert all(each.target == "a/m" for each in others)


def test_waits_that_were_measured_are_drawn_between_them_and_begin_with_the_first_token() -> None:
    service = Service(waits=(1.0, 2.0), per_token=0.1)
    drawn = [service.wait(Random(seed)) for seed in range(400)]
    assert min(drawn) < 1.1
    assert max(drawn) > 1.9
    assert all(1.0 <= each <= 2.0 for each in drawn)
    assert Service(waits=(3.0,)).wait(Random(1)) == 3.0
    assert service.expected_first_token(0) == 1.5


def test_a_target_with_a_seed_does_the_same_whatever_others_are_sent() -> None:
    routes = {"one": Route([Target("a/m")]), "two": Route([Target("b/m")])}
    services = {name: Service().seeded(name) for name in ("a/m", "b/m")}

    def waits(come: list[Arrival]) -> list[float | None]:
        engine = Engine(routes, rng=Random(1), now=0.0)
        ran = World(engine, services, Random(1)).run(come)
        return [each.first for each in ran.answered if each.arrival.model == "two"]

    twos = [of("two", second) for second in (1.0, 2.0, 3.0)]
    assert waits(twos) == waits([of("one", 0.5), *twos])

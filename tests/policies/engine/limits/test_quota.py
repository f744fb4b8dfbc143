import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import (
    Attempt,
    Facts,
    Limits,
    Outcome,
    Phase,
    Rate,
    Refusal,
    Report,
    SettledTwice,
    Wait,
)
from policies.engine.limits import notes
from policies.engine.limits.counting import Need
from policies.engine.limits.notes import refund
from policies.engine.limits.quota import MOST_NOTES, Quota
from policies.engine.limits.windows import Note
from tests.policies.driver import ANSWERED, FAILED, UNREACHABLE, World, limited


def need(tokens: int) -> Need:
    return tokens, tokens // 2, tokens - tokens // 2


def reservation(tokens: int, now: float) -> Note:
    return notes.reservation(need(tokens), now)


def correction(reserved: Note, used: int, now: float) -> Note:
    since, _, _, tokens, read, written = reserved
    all_, of_input, of_output = need(used)
    at = round(now * 1e6)
    return since, at, 0, all_ - tokens, of_input - read, of_output - written


def room(world: World, target: str = "a/m") -> tuple[float, float, float]:
    """Requests, tokens and places left."""
    shown = world.engine.snapshot(world.now)[target]
    return shown.requests_left, shown.tokens_left, shown.places_left


def test_nothing_bounds_a_target_without_limits() -> None:
    assert room(World("a/m")) == (float("inf"),) * 3


def test_a_request_takes_one_request_its_tokens_and_a_place() -> None:
    world = World("a/m", facts={"a/m": limited(10, 1000, 4)})
    send = world.send(input_tokens=100, output_tokens=50)
    assert room(world) == (9, 850, 3)
    world.settle(send)
    assert room(world)[2] == 4


@pytest.mark.parametrize(
    ("facts", "first", "second"),
    [
        (limited(1, 1000, 4), 10, 10),
        (limited(10, 100, 4), 60, 60),
        (limited(10, 1000, 1), 10, 10),
    ],
    ids=["requests", "tokens", "places"],
)
def test_a_request_that_one_dimension_refuses_takes_nothing_of_the_others(
    facts: Facts, first: int, second: int
) -> None:
    world = World("a/m", facts={"a/m": facts})
    send = world.send(input_tokens=first, output_tokens=0)
    before = room(world)
    waiting = world.start(input_tokens=second, output_tokens=0, within=5.0)
    assert not hasattr(waiting.next(world.now), "attempt")
    assert room(world) == before
    world.settle(send, Report(Outcome.OK))
    world.close()


def test_the_refusal_says_when_there_will_be_room() -> None:
    world = World("a/m", facts={"a/m": limited(requests=1, seconds=6.0)})
    world.settle(world.send())
    wait = world.start().next(world.now)
    assert isinstance(wait, Wait)
    assert 6.0 < wait.until - world.now <= 6.1001
    world.close()
    world.now = wait.until
    world.settle(world.send())


def test_tokens_are_settled_to_what_was_used() -> None:
    world = World("a/m", facts={"a/m": limited(tokens=1000)})
    send = world.send(input_tokens=100, output_tokens=800)
    assert room(world)[1] == 100
    world.settle(send, Report(Outcome.OK, input_tokens=90, output_tokens=10))
    assert room(world)[1] == 900


def test_an_answer_longer_than_reserved_is_a_debt() -> None:
    world = World("a/m", facts={"a/m": limited(tokens=1000)})
    world.settle(
        world.send(input_tokens=100, output_tokens=100), Report(Outcome.OK, output_tokens=5000)
    )
    assert room(world)[1] == -4000
    assert world.ask(within=5.0).fail is not None


def test_without_usage_the_estimate_stays() -> None:
    world = World("a/m", facts={"a/m": limited(tokens=1000)})
    world.settle(world.send(input_tokens=100, output_tokens=100), Report(Outcome.OK))
    assert room(world)[1] == 800


def test_without_a_bound_on_the_answer_a_guess_is_reserved() -> None:
    world = World("a/m", facts={"a/m": limited(tokens=1000)})
    send = world.send(input_tokens=100)
    assert room(world)[1] == 1000 - 100 - 256
    world.settle(send)


@pytest.mark.parametrize(
    ("report", "left"),
    [
        (UNREACHABLE, (10, 1000, 4)),
        (Report(Outcome.ABANDONED, Phase.CONNECT), (10, 1000, 4)),
        (FAILED, (9, 850, 4)),
        (Report(Outcome.ABANDONED, Phase.FIRST_TOKEN), (9, 850, 4)),
        (Report(Outcome.OK, Phase.CONNECT), (9, 850, 4)),
    ],
)
def test_only_what_never_reached_the_provider_is_refunded(
    report: Report, left: tuple[int, int, int]
) -> None:
    world = World("a/m", facts={"a/m": limited(10, 1000, 4)})
    world.settle(world.send(input_tokens=100, output_tokens=50), report)
    assert room(world) == left


def test_what_is_given_back_is_as_if_never_taken() -> None:
    world = World("a/m", facts={"a/m": limited(10, 1000, 4)})
    send = world.send(input_tokens=100, output_tokens=50)
    world.now += 20
    send.attempt.give_back(world.now)
    assert room(world) == (10, 1000, 4)


def test_giving_back_until_an_instant_keeps_the_target_alone_until_then() -> None:
    world = World("a/m", "b/m")
    world.send().attempt.give_back(world.now, world.now + 5)
    told = world.ask()
    assert told.targets == ["b/m"]
    assert world.state("a/m") == "limited"
    world.now += 5
    assert world.ask().targets == ["a/m"]


@pytest.mark.parametrize("first", ["settle", "give_back"])
@pytest.mark.parametrize("second", ["settle", "give_back"])
def test_settling_twice_is_a_fault_of_the_driver(first: str, second: str) -> None:
    world = World("a/m", facts={"a/m": limited(10, 1000, 4)})

    def end(attempt: Attempt, how: str) -> None:
        if how == "settle":
            attempt.settle(ANSWERED, world.now)
        else:
            attempt.give_back(world.now)

    attempt = world.send().attempt
    end(attempt, first)
    left = room(world)
    with pytest.raises(SettledTwice, match="a/m"):
        end(attempt, second)
    assert room(world) == left


def test_a_groups_limits_bind_all_of_its_targets_together() -> None:
    world = World(
        "openai/big", "openai/small", "other/m", facts={"openai": limited(requests=3, concurrent=2)}
    )
    sends = [world.send() for _ in range(3)]
    assert [send.target for send in sends] == ["openai/big", "openai/big", "other/m"]
    told = world.ask(only=frozenset({"openai/small"}), within=1.0)
    assert told.fail is not None
    assert told.fail.refusals["openai/small"].refusal is Refusal.BUSY
    world.settle(sends[0])
    world.settle(world.send(only=frozenset({"openai/small"})))
    world.settle(sends[1])
    told = world.ask(only=frozenset({"openai/small"}), within=1.0)
    assert told.fail is not None
    assert told.fail.refusals["openai/small"].refusal is Refusal.LIMITED
    world.close()


def test_a_target_may_be_in_groups_that_its_name_does_not_show() -> None:
    facts = {
        "a/m": Facts(groups=("a", "shared")),
        "b/m": Facts(groups=("b", "shared")),
        "shared": limited(concurrent=1),
    }
    world = World("a/m", "b/m", facts=facts)
    world.send()
    told = world.ask(within=1.0)
    assert told.fail is not None
    assert {refused.refusal for refused in told.fail.refusals.values()} == {Refusal.BUSY}
    world.close()


def test_every_one_of_several_limits_binds() -> None:
    limits = Limits([Rate(5, 1.0), Rate(8, 60.0)])
    world = World("a/m", facts={"a/m": Facts(limits)})
    sent = 0
    for _ in range(100):
        sent += world.ask(within=0.15).fail is None
        world.now += 0.1
    assert sent == 8


takes = st.lists(
    st.tuples(st.floats(0, 20), st.integers(0, 60), st.integers(0, 90), st.booleans()), max_size=40
)


@given(takes)
def test_whatever_was_taken_and_settled_the_sums_are_right(
    takes: list[tuple[float, int, int, bool]],
) -> None:
    quota = Quota(Limits([Rate(8, 6.0)], [Rate(100, 6.0)], 3))
    open_: list[Note] = []
    now = 0.0
    for elapsed, reserved, used, back in takes:
        now += elapsed
        if quota.refused(need(reserved), now) is None:
            before = quota.in_flight
            open_.append(reservation(reserved, now))
            quota.take(open_[-1])
            assert quota.in_flight == before + 1 <= 3
        elif open_:
            taken = open_.pop(0)
            quota.settle(refund(taken, now) if back else correction(taken, used, now))
    for taken in open_:
        quota.settle(refund(taken, now))
    assert quota.in_flight == 0
    assert quota.room(now + 20)[:3] == (8, 100, 3)


@given(takes)
def test_what_is_known_without_a_look_is_never_more_than_there_is(
    takes: list[tuple[float, int, int, bool]],
) -> None:
    limits = Limits([Rate(8, 6.0), Rate(20, 60.0)], [Rate(100, 6.0), Rate(300, 60.0)], 3)
    watched, looked = Quota(limits), Quota(limits)
    open_: list[Note] = []
    now = 0.0
    for elapsed, reserved, used, back in takes:
        now += elapsed
        left = looked.room(now)
        assert watched.spare_requests <= left[0]
        assert watched.spare_tokens <= left[1]
        if watched.refused(need(reserved), now) is None:
            open_.append(reservation(reserved, now))
            for quota in (watched, looked):
                quota.take(open_[-1])
        elif open_:
            taken = open_.pop(0)
            for quota in (watched, looked):
                quota.settle(refund(taken, now) if back else correction(taken, used, now))


def test_a_rate_in_slices_takes_a_slice_s_share_at_once() -> None:
    world = World("a/m", facts={"a/m": Facts(Limits([Rate(120, 60.0, 1.0)]))})
    world.settle(world.send())
    world.settle(world.send())
    assert room(world)[0] == 0
    wait = world.start().next(world.now)
    assert isinstance(wait, Wait)
    assert wait.until == pytest.approx(world.now + 0.5)
    world.close()


def test_rates_with_and_without_slices_bind_together() -> None:
    limits = Limits([Rate(120, 60.0, 1.0), Rate(5, 60.0)])
    world = World("a/m", facts={"a/m": Facts(limits)})
    sent = 0
    for _ in range(50):
        sent += len(world.ask(within=0.15).sends)
        world.now += 0.2
    assert sent == 5


def test_a_clock_that_steps_back_gives_nothing_back() -> None:
    quota = Quota(Limits([Rate(2, 6.0)]))
    quota.take(reservation(0, 100.0))
    quota.take(reservation(0, 50.0))
    assert quota.refused(need(0), 60.0) is not None
    assert quota.refused(need(0), 107.0) is None


@given(takes, st.lists(st.floats(0, 15), max_size=40))
def test_whatever_its_steps_it_leaves_no_more_than_one_that_stands_still(
    takes: list[tuple[float, int, int, bool]], steps: list[float]
) -> None:
    limits = Limits([Rate(8, 6.0)], [Rate(100, 6.0)])
    stepping, steady = Quota(limits), Quota(limits)
    open_: list[tuple[Note, Note]] = [(reservation(0, 100.0), reservation(0, 100.0))]
    for quota in (stepping, steady):
        quota.take(open_[0][0])
    now = latest = 100.0
    for (elapsed, reserved, used, back), step in zip(takes, steps, strict=False):
        now += elapsed - step
        still = max(latest, now)
        if steady.refused(need(reserved), still) is None:
            latest = still
            open_.append((reservation(reserved, now), reservation(reserved, still)))
            stepping.take(open_[-1][0])
            steady.take(open_[-1][1])
        elif open_:
            latest = still
            one, other = open_.pop(0)
            stepping.settle(refund(one, now) if back else correction(one, used, now))
            steady.settle(refund(other, still) if back else correction(other, used, still))
        left, bound = stepping.room(latest), steady.room(latest)
        assert left[0] <= bound[0]
        assert left[1] <= bound[1]


@given(st.floats(0, 2e9), st.floats(1e-3, 50))
def test_at_the_instant_that_it_names_there_is_room(now: float, later: float) -> None:
    quota = Quota(Limits([Rate(1, 6.0)]))
    quota.take(reservation(0, now))
    refused = quota.refused(need(0), now + min(later, 5.9))
    assert refused is not None
    assert refused.until > now + min(later, 5.9)
    assert quota.refused(need(0), refused.until) is None


@pytest.mark.parametrize("limits", [Limits(concurrent=9), Limits([Rate(9000, 60.0)])])
@pytest.mark.parametrize("used", [0, 7])
def test_what_is_noted_is_bounded(limits: Limits, used: int) -> None:
    quota = Quota(limits)
    for now in range(1000):
        taken = reservation(7, now)
        quota.take(taken)
        quota.settle(correction(taken, used, now))
        assert len(quota._notes) <= MOST_NOTES

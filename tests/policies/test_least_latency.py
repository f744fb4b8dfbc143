from collections import Counter
from heapq import heappop, heappush
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import (
    LeastLatency,
    Outcome,
    Phase,
    Policy,
    Report,
    Request,
    Send,
    Target,
    WeighedLatency,
)
from tests.policies.driver import (
    ABANDONED,
    DENIED,
    FAILED,
    FILTERED,
    OVERLOADED,
    REJECTED,
    THROTTLED,
    UNFIT,
    World,
)

ONE_PIECE = Request("m", 1e9)


def world(*targets: str | Target, seed: int = 7) -> World:
    return World(*targets, policy=LeastLatency(), seed=seed)


def costs(here: World, request: Request = ONE_PIECE) -> list[float]:
    return LeastLatency().costs(request, here.members, here.now)


def answer(here: World, target: str, first: float, per_token: float, tokens: int) -> None:
    """Let `target` stream an answer."""
    send = here.send(only=frozenset({target}), stream=True)
    here.now += first
    send.attempt.first_token(here.now)
    here.now += per_token * (tokens - 1)
    here.settle(send, Report(Outcome.OK, output_tokens=tokens))


def test_an_unseen_target_costs_what_the_median_of_its_peers_costs() -> None:
    here = world("a/m", "b/m", "c/m", "new/m")
    here.now += 1
    for target, seconds in (("a/m", 0.001), ("b/m", 0.002), ("c/m", 0.008)):
        here.teach(target, seconds)
    *_, unseen = costs(here)
    assert unseen == pytest.approx(0.002, rel=0.05)  # it has drifted for a second
    here.now += 300
    assert costs(here)[-1] == pytest.approx(0.001, rel=0.05)


def test_an_unseen_target_does_not_take_every_pick() -> None:
    here = world("a/m", "b/m", "new/m")
    here.teach("a/m", 1.0)
    here.teach("b/m", 1.0)
    sent: Counter[str] = Counter()
    for _ in range(300):  # nothing comes back from the new one
        send = here.send()
        sent[send.target] += 1
        if send.target != "new/m":
            here.settle(send, Report(Outcome.OK))
    assert 1 <= sent["new/m"] <= 100
    here.close()


def test_an_unseen_target_gets_its_look_even_beside_a_faster_one() -> None:
    here = world("fast/m", "slow/m", "new/m")
    here.teach("fast/m", 0.1)
    here.teach("slow/m", 10.0)
    here.teach("fast/m", 0.1)
    for _ in range(200):
        send = here.send()
        if send.target == "new/m":
            break
        here.now += 1.0
        here.settle(send, Report(Outcome.OK))
    else:
        pytest.fail("the new target was never asked")
    here.close()


@pytest.mark.parametrize(
    "report",
    [FAILED, THROTTLED, OVERLOADED, DENIED, UNFIT, REJECTED, FILTERED, ABANDONED],
    ids=lambda report: report.outcome.name,
)
def test_an_attempt_that_brings_no_answer_never_lowers_a_latency(report: Report) -> None:
    here = world("a/m")
    here.teach("a/m", 2.0)
    (before,) = (member.predicted(ONE_PIECE) for member in here.members)
    send = here.send()
    here.now += 0.001
    here.settle(send, report)
    (after,) = (member.predicted(ONE_PIECE) for member in here.members)
    assert after == before


def test_a_wait_that_was_abandoned_says_that_it_takes_no_less() -> None:
    here = world("a/m")
    here.teach("a/m", 1.0)
    for seconds, expected in ((0.5, 1.0), (1.5, 1.5)):
        send = here.send()
        here.now += seconds
        here.settle(send, ABANDONED)
        assert here.members[0].predicted(ONE_PIECE) == pytest.approx(expected)


def test_a_connection_that_was_abandoned_says_nothing() -> None:
    here = world("a/m")
    here.teach("a/m", 1.0)
    send = here.send()
    here.now += 5.0
    here.settle(send, Report(Outcome.ABANDONED, Phase.CONNECT))
    assert here.members[0].predicted(ONE_PIECE) == pytest.approx(1.0)


@pytest.mark.parametrize("stream", [True, False])
def test_long_answers_do_not_look_slow(stream: bool) -> None:
    here = world("short/m", "long/m")
    for _ in range(20):
        answer(here, "short/m", 0.3, 0.01, 50)
        answer(here, "long/m", 0.3, 0.01, 2000)
    request = Request("m", 1e9, stream=stream)
    short, long = (member.predicted(request) for member in here.members)
    assert short is not None
    assert short == pytest.approx(long, rel=0.02)


def test_how_long_a_routes_answers_are_is_learned_from_all_of_its_targets() -> None:
    here = world("a/m", "b/m")
    answer(here, "a/m", 0.0, 0.01, 200)
    before = here.members[0].predicted(ONE_PIECE)
    for _ in range(200):
        answer(here, "b/m", 0.0, 0.01, 2000)
    after = here.members[0].predicted(ONE_PIECE)
    assert before == pytest.approx(2.0, rel=0.1)
    assert after == pytest.approx(20.0, rel=0.1)


@pytest.mark.parametrize(("tokens", "chosen"), [(2, "prompt/m"), (1000, "quick/m")])
def test_the_best_target_depends_on_how_long_the_answer_may_be(tokens: int, chosen: str) -> None:
    here = world("prompt/m", "quick/m")
    for _ in range(3):
        answer(here, "prompt/m", 0.1, 0.05, 500)  # starts at once, writes slowly
        answer(here, "quick/m", 1.0, 0.005, 500)
    send = here.send(output_tokens=tokens)
    assert send.target == chosen
    here.close()


def test_a_streamed_answer_counts_its_first_token_more_than_its_length() -> None:
    here = world("prompt/m", "quick/m")
    for _ in range(3):
        answer(here, "prompt/m", 0.1, 0.012, 200)
        answer(here, "quick/m", 1.0, 0.005, 200)
    whole, streamed = (
        costs(here, Request("m", 1e9, stream=stream, output_tokens=200)) for stream in (False, True)
    )
    assert whole[0] > whole[1]
    assert streamed[0] < streamed[1]


@pytest.mark.parametrize("seed", [1, 2])
def test_equal_targets_share_equally_when_a_few_answers_are_very_long(seed: int) -> None:
    """Lengths as people see them: log-normal, and one in fifty of 8,000 tokens."""
    names = [f"p{index}/m" for index in range(4)]
    here, chance = world(*names, seed=seed), Random(seed)
    under_way: list[tuple[float, int, Send, int]] = []
    counts: Counter[str] = Counter()
    for number in range(3000):
        here.now += chance.expovariate(1.0)
        while under_way and under_way[0][0] <= here.now:
            at, _, send, tokens = heappop(under_way)
            send.attempt.settle(Report(Outcome.OK, output_tokens=tokens), at)
        send = here.send(stream=True)
        counts[send.target] += 1
        tokens = 8000 if chance.random() < 0.02 else max(1, int(chance.lognormvariate(4.5, 1.5)))
        first = 0.3 * chance.lognormvariate(0, 0.3)
        send.attempt.first_token(here.now + first)
        heappush(under_way, (here.now + first + 0.01 * tokens, number, send, tokens))
    assert max(counts.values()) <= 1.2 * 3000 / len(names)
    here.close()


def test_ties_are_drawn_and_the_slower_gets_a_little_less() -> None:
    here = world("a/m", "b/m")
    here.teach("a/m", 1.00)
    here.teach("b/m", 1.08)
    counts: Counter[str] = Counter()
    for _ in range(2000):
        send = here.send()
        counts[send.target] += 1
        send.attempt.give_back(here.now)
    assert 1000 < counts["a/m"] < 1150


def test_a_difference_above_ten_percent_is_no_tie() -> None:
    here = world("a/m", "b/m")
    here.teach("a/m", 1.0)
    here.teach("b/m", 1.3)
    for _ in range(50):
        send = here.send()
        assert send.target == "a/m"
        send.attempt.give_back(here.now)


def test_a_burst_is_spread_by_what_is_in_flight() -> None:
    names = [f"p{index}/m" for index in range(4)]
    here = world(*names)
    for name in names:
        here.teach(name, 1.0)
    counts = Counter(here.send().target for _ in range(80))
    assert all(17 <= counts[name] <= 23 for name in names)
    here.close()


def test_a_burst_is_spread_by_weight() -> None:
    here = world(Target("a/m", 3), Target("b/m", 1))
    here.teach("a/m", 1.0)
    here.teach("b/m", 1.0)
    counts = Counter(here.send().target for _ in range(80))
    assert 56 <= counts["a/m"] <= 64
    here.close()


@given(st.floats(0, 3600), st.floats(0, 3600), st.floats(1.2, 1000))
def test_an_idle_estimate_drifts_to_the_best_of_the_pool_and_never_below(
    one: float, other: float, times: float
) -> None:
    here = world("fast/m", "slow/m")
    here.teach("slow/m", times)
    here.teach("fast/m", 1.0)
    drifted = []
    for seconds in sorted((one, other)):
        fast, slow = LeastLatency().costs(ONE_PIECE, here.members, here.now + seconds)
        assert fast == pytest.approx(1.0)
        assert slow >= fast
        drifted.append(slow)
    assert drifted[0] >= drifted[1]


@pytest.mark.parametrize(("times", "seconds"), [(2, 69), (10, 135), (100, 207)])
def test_an_idle_target_is_a_tie_again_after_a_time_that_grows_with_the_logarithm(
    times: int, seconds: int
) -> None:
    """An r times slower one after 30·ln(10·(r − 1)) seconds."""
    here = world("fast/m", "slow/m")
    here.teach("slow/m", times)
    here.teach("fast/m", 1.0)
    fast, slow = LeastLatency().costs(ONE_PIECE, here.members, here.now + 0.9 * seconds)
    assert slow > 1.1 * fast
    fast, slow = LeastLatency().costs(ONE_PIECE, here.members, here.now + seconds + 1)
    assert slow <= 1.1 * fast


def test_with_a_request_a_minute_the_fast_target_still_gets_most_of_them() -> None:
    here = world("fast/m", "one/m", "two/m", "three/m")
    for name in ("one/m", "two/m", "three/m"):
        here.teach(name, 10.0)
    here.teach("fast/m", 1.0)
    counts: Counter[str] = Counter()
    for _ in range(200):
        here.now += 60
        send = here.send()
        counts[send.target] += 1
        here.now += 1.0 if send.target == "fast/m" else 10.0
        here.settle(send)
    assert counts["fast/m"] >= 60
    here.close()


def test_a_target_that_comes_back_may_rise_to_what_is_usual_in_its_pool() -> None:
    here = world("busy/m", "back/m")
    for name, usual in (("busy/m", 40.0), ("back/m", 1.0)):
        here.teach(name, 1.0)
        latency = next(m for m in here.members if m.name == name).standing.latency
        latency.usual_in_flight = usual
    counts = Counter(here.send().target for _ in range(40))
    assert 15 <= counts["back/m"] <= 25
    here.close()


def test_recent_failures_make_a_target_dearer_until_they_fade() -> None:
    here = world("a/m", "b/m")
    here.teach("a/m", 1.0)
    here.teach("b/m", 1.0)
    for _ in range(3):
        here.settle(here.send(only=frozenset({"a/m"})), FAILED)
    sick, well = costs(here)
    assert sick > 1.5 * well
    here.now += 300.0
    sick, well = costs(here)
    assert sick < 1.1 * well


def test_an_answer_in_one_piece_with_usage_is_measured_per_token() -> None:
    here = world("a/m")
    for _ in range(3):
        send = here.send()
        here.now += 4.0
        here.settle(send, Report(Outcome.OK, output_tokens=400))
    assert here.members[0].predicted(Request("m", 1e9, output_tokens=100)) == pytest.approx(1.0)


@pytest.mark.parametrize("policy", [LeastLatency(), WeighedLatency(price=0.3)])
def test_a_weight_is_told_as_what_it_is_a_factor_and_no_share(policy: Policy) -> None:
    here = World(Target("a/m", weight=90), Target("b/m", weight=10), policy=policy, seed=7)
    here.teach("a/m", 0.2)
    here.teach("b/m", 0.1)
    heavy, light = here.engine.explain(here.request(), here.now).targets
    assert heavy.odds == 1.0
    assert "counts as 9 times as fast, by its weight" in heavy.words
    assert "weight" not in light.words

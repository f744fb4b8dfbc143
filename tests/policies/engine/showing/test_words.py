"""The wording, sentence by sentence. Whoever changes one changes it here too."""

from math import inf

import pytest

from policies import (
    Cause,
    Factors,
    Facts,
    Limits,
    Outcome,
    Phase,
    Rate,
    Refusal,
    Refused,
    Report,
    Request,
    Target,
)
from policies.engine.learning.breaker import State, Trip, Why
from policies.engine.showing import words
from policies.engine.showing.bounds import Bound, Full
from policies.engine.showing.views import View
from tests.policies.driver import DENIED, FAILED, OVERLOADED, THROTTLED, World

NOW = 1000.0
WELL = View(
    target="a/m",
    tier=0,
    weight=1.0,
    refused=None,
    factors=Factors(1.0, 1.0, 1.0),
    predicted=1.9,
    start=0.4,
    per_token=0.0075,
    stream=False,
    load=1.3,
    in_flight=4,
    state=State.HEALTHY,
    trip=None,
    since=0.0,
    until=0.0,
    failures=(0, 50),
    denials=0,
    full=None,
)
SHARE = Trip(NOW - 12, Why.SHARE, 9, 31, 0.01)


@pytest.mark.parametrize(
    ("trip", "told"),
    [
        (SHARE, "9 of the last 31 failed, its peers 1 %"),
        (Trip(NOW, Why.SHARE, 4, 4), "4 of the last 4 failed"),
        (Trip(NOW, Why.ROW, 5, 5, 0.0), "5 failures in a row, its peers 0 %"),
        (Trip(NOW, Why.SILENCE, 3), "3 requests past their time without a first token"),
        (Trip(NOW, Why.FATE, group="openai"), "others of openai are ejected"),
        (Trip(NOW, Why.PROBE), "the last look at it failed"),
    ],
)
def test_why_a_target_was_ejected(trip: Trip, told: str) -> None:
    assert words.of_trip(trip) == told


EJECTED = {"state": State.EJECTED, "trip": SHARE, "refused": Refused(Refusal.EJECTED, NOW + 4)}
CASES = {
    "ejected": (
        {**EJECTED, "until": NOW + 4},
        "ejected 12 s ago: 9 of the last 31 failed, its peers 1 %; next look in 4 s",
    ),
    "ejected long enough": (
        {**EJECTED, "until": NOW - 4},
        "ejected 12 s ago: 9 of the last 31 failed, its peers 1 %; next look is due",
    ),
    "looked at": (
        {**EJECTED, "state": State.PROBING},
        "ejected 12 s ago: 9 of the last 31 failed, its peers 1 %; a look is under way",
    ),
    "resting": (
        {"refused": Refused(Refusal.RESTING, NOW + 17)},
        "rests for 17 s: its provider asked for it (429 or 529)",
    ),
    "denied": (
        {"refused": Refused(Refusal.DENIED, NOW + 240), "denials": 3},
        "denied 3 times: its credential, model or bill; asked again in 4 min",
    ),
    "denied once": (
        {"refused": Refused(Refusal.DENIED, NOW + 60), "denials": 1},
        "denied once: its credential, model or bill; asked again in 60 s",
    ),
    "busy": (
        {"refused": Refused(Refusal.BUSY), "full": Full(64, 64)},
        "busy: 64 of 64 in flight",
    ),
    "busy together": (
        {"refused": Refused(Refusal.BUSY), "full": Full(64, 64, "openai")},
        "busy: 64 of 64 in flight over all of openai",
    ),
    "busy as learned": (
        {"refused": Refused(Refusal.BUSY, NOW + 8), "full": Full(3, 3, learned=True)},
        "busy: 3 of 3 in flight, which is what it bore when it was last overloaded",
    ),
    "limited": (
        {
            "refused": Refused(Refusal.LIMITED, NOW + 8),
            "bound": Bound("requests", 500, 60.0, 0, 1),
        },
        "limited: room for this request in 8 s; it has 0 of 500 requests/min left",
    ),
    "limited together": (
        {
            "refused": Refused(Refusal.LIMITED, NOW + 8),
            "bound": Bound("input_tokens", 10_000, 10.0, -20, 1_200, "openai"),
        },
        (
            "limited: room for this request in 8 s; all of openai together has 0 of 10,000 input "
            "tokens in 10 s left, and the request needs about 1,200"
        ),
    ),
    "drained": ({"refused": Refused(Refusal.DRAINED)}, "its weight is 0"),
    "excluded": ({"refused": Refused(Refusal.EXCLUDED)}, "the request asked for another target"),
    "tried": ({"refused": Refused(Refusal.TRIED)}, "it has already failed this request"),
    "unfit": ({"refused": Refused(Refusal.UNFIT)}, "it cannot take this request"),
    "too long": (
        {"refused": Refused(Refusal.CONTEXT)},
        "the request is longer than its context",
    ),
    "well": (
        {},
        (
            "would take 1.9 s: 0.4 s to the first token + 200 tokens at 7.5 ms; load 1.3; "
            "gets 62 % of such requests"
        ),
    ),
    "well and streamed": (
        {"stream": True, "predicted": 0.775, "load": 1.0},
        (
            "would take 0.8 s: 0.4 s to the first token + 50 tokens at 7.5 ms, "
            "a stream's counting in part; gets 62 % of such requests"
        ),
    ),
    "start alone": (
        {"predicted": 0.4, "per_token": None, "load": 1.0},
        "would take 0.4 s; gets 62 % of such requests",
    ),
    "unseen": (
        {"predicted": None, "start": None, "per_token": None, "load": 1.0},
        "not measured yet; gets 62 % of such requests",
    ),
    "recovering": (
        {
            "state": State.RECOVERING,
            "trip": SHARE,
            "since": NOW - 20,
            "factors": Factors(0.83, 1.0, 1 / 3),
            "failures": (3, 31),
            "load": 1.0,
        },
        (
            "recovering for 20 s, at 33 % of its share; would take 1.9 s: 0.4 s to the first token "
            "+ 200 tokens at 7.5 ms; 3 of the last 31 failed, which leaves it 83 % usable; "
            "gets 62 % of such requests"
        ),
    ),
    "new": (
        {
            "state": State.RECOVERING,
            "since": NOW - 6,
            "factors": Factors(1.0, 1.0, 0.1),
            "predicted": None,
            "load": 1.0,
        },
        ("new for 6 s, at 10 % of its share; not measured yet; gets 62 % of such requests"),
    ),
    "slower than usual": (
        {"factors": Factors(1.0, 0.5, 1.0), "predicted": 4.0, "per_token": None, "load": 1.0},
        "would take 4 s; its first token takes 4 times what is usual; gets 62 % of such requests",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_keeps_a_target_or_what_it_costs(case: str) -> None:
    differs, told = CASES[case]
    assert words.of_view(WELL._replace(**differs), NOW, 0.62) == told  # type: ignore[arg-type]


def test_every_refusal_has_words() -> None:
    for refusal in Refusal:
        for until in (inf, NOW + 5):
            assert words.of_refusal(Refused(refusal, until), WELL, NOW)


REQUEST = Request("chat", NOW + 60, 900, 200, stream=True)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            words.of_request(REQUEST, NOW),
            "asked for chat with about 900 tokens, 200 at most to write, streamed; 60 s to answer",
        ),
        (
            words.of_request(Request("chat", NOW + 1, 1, only=frozenset({"a/m"})), NOW),
            "asked for chat with about 1 token, of a/m alone; 1 s to answer",
        ),
        (
            words.of_choice(
                "a/m",
                "LeastLatency",
                [WELL, WELL._replace(target="b/m", refused=Refused(Refusal.DRAINED))],
                NOW,
                probe=False,
            ),
            (
                "LeastLatency chose a/m: would take 1.9 s: 0.4 s to the first token + 200 tokens "
                "at 7.5 ms; load 1.3; not b/m (its weight is 0)"
            ),
        ),
        (
            words.of_choice("a/m", "Priority", [WELL], NOW, probe=True),
            "Priority chose a/m, to see whether it is well again",
        ),
        (words.of_wait(Cause.ANSWER, NOW + 60, NOW), "waits for the answer; looks again in 60 s"),
        (
            words.of_wait(Cause.PLACE, NOW + 10, NOW),
            "waiting in the queue for a place, 10 s at most",
        ),
        (
            words.of_failure(
                Cause.NO_TARGET, {"a/m": Refused(Refusal.BUSY, NOW + 3)}, NOW + 3, NOW
            ),
            (
                "no target can serve the request (a/m: as many requests as allowed are in flight); "
                "another try may help in 3 s"
            ),
        ),
        (words.of_failure(Cause.DEADLINE, {}, None, NOW), "the deadline has passed"),
        (
            words.of_report("a/m", Report(Outcome.FAILED, Phase.HEAD, detail="500 oops"), 0.1),
            "a/m failed (before an answer began) after 0.1 s: 500 oops",
        ),
        (
            words.of_report("a/m", Report(Outcome.THROTTLED, Phase.HEAD, rest=30.0), 0.1),
            "a/m throttled it (before an answer began) after 0.1 s, and asked for a rest of 30 s",
        ),
        (
            words.of_report("a/m", Report(Outcome.OK, output_tokens=3, estimated=True), 2.0),
            "a/m answered after 2 s, about 3 tokens written",
        ),
    ],
)
def test_what_a_course_was_asked_and_said(told: str, expected: str) -> None:
    assert told == expected


class TestOfAnEngine:
    """The same words where the numbers are an engine's own."""

    def told(self, world: World, target: str = "a/m") -> str:
        explained = world.engine.explain(world.request(input_tokens=100), world.now)
        return next(each.words for each in explained.targets if each.target == target)

    def test_an_ejection_names_its_evidence_and_its_peers(self) -> None:
        world = World("a/m", "b/m", policy=None)
        for _ in range(3):
            world.settle(world.send(only=frozenset({"b/m"})))
        world.eject("a/m")
        world.now += 2
        assert self.told(world) == (
            "ejected 2 s ago: 5 failures in a row, its peers 0 %; next look in 2.6 s"
        )
        assert world.engine.snapshot(world.now)["a/m"].cause == self.told(world)
        assert self.told(world, "b/m").endswith("; gets all such requests")
        world.close()

    @pytest.mark.parametrize(
        ("report", "told"),
        [
            (THROTTLED, "rests for 30 s: its provider asked for it (429 or 529)"),
            (OVERLOADED, "rests for 2 s: its provider asked for it (429 or 529)"),
            (DENIED, "denied once: its credential, model or bill; asked again in 60 s"),
        ],
    )
    def test_a_pause(self, report: Report, told: str) -> None:
        world = World("a/m", "b/m")
        world.settle(world.send(), report)
        assert self.told(world) == world.engine.snapshot(world.now)["a/m"].cause == told
        world.close()

    def test_a_place_and_a_limit(self) -> None:
        facts = {
            "a/m": Facts(Limits(concurrent=2)),
            "b/m": Facts(Limits(tokens=[Rate(500, 60.0)])),
            "c": Facts(Limits(concurrent=1)),
        }
        world = World("a/m", "b/m", "c/m", facts=facts)
        sends = [world.send(input_tokens=100) for _ in range(4)]
        assert [send.target for send in sends] == ["a/m", "a/m", "b/m", "c/m"]
        assert self.told(world) == "busy: 2 of 2 in flight"
        assert self.told(world, "b/m") == (
            "limited: room for this request in 61 s; it has 144 of 500 tokens/min left, and the "
            "request needs about 356"
        )
        assert self.told(world, "c/m") == "busy: 1 of 1 in flight over all of c"
        world.close()

    def test_what_a_request_would_take_and_how_it_is_loaded(self) -> None:
        world = World(Target("a/m", 2.0))
        for number in range(3):
            send = world.send()
            world.now += 1.0 + number
            world.settle(send, Report(Outcome.OK, output_tokens=100 + 100 * number))
        for _ in range(3):
            world.send()
        assert self.told(world) == (
            "would take 2 s: 200 tokens at 10 ms; load 4; gets all such requests"
        )
        world.settle(world.send(), FAILED)
        assert "1 of the last 4 failed, which leaves it" in self.told(world)
        world.close()

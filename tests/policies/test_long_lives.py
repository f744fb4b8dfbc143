"""What `test_courses` claims, in worlds that have a long history."""

from __future__ import annotations

from random import Random

import pytest

from policies import (
    Band,
    Climb,
    Headroom,
    Measurement,
    News,
    Outcome,
    Phase,
    Report,
    Route,
    Scope,
)
from tests.policies.caller import WHIMS
from tests.policies.test_courses import NAMES, POLICIES, Machine, route


class Life:
    """A long life in one world, drawn from a seed: what needs a history comes up more often."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.machine = Machine()
        self.machine.begin(self.route(), seed, self.rng.random() < 0.7)
        self.policy = None if seed % 2 else POLICIES[seed % 4]

    def route(self) -> Route:
        draw = self.rng.choice
        climb = frozenset(one for one in Climb if draw([True, True, False]))
        tiers = [draw([0, 0, 1, 2]) for _ in NAMES] if draw([True, False]) else [0] * 5
        return route(
            [draw([1, 1, 1, 2, 0]) for _ in NAMES], tiers, draw(range(4)), draw([2, 3, 3, 4]),
            draw([True, False]), climb, draw([0.0, 0.0, 3.0]),
        )  # fmt: skip

    def report(self) -> Report:
        draw = self.rng.choice
        often = [Outcome.OK] * 6 + [Outcome.FAILED] * 4 + [Outcome.THROTTLED]
        return Report(
            draw(often + list(Outcome)), draw([Phase.CONNECT, Phase.HEAD, Phase.FIRST_TOKEN]),
            draw(list(Scope)), draw([None, -1.0, 0.5, 3.0, 20.0]), draw([True, False, False]),
            draw([None, 100]), draw([None, 0, 400]),
        )  # fmt: skip

    def step(self) -> None:
        draw, machine = self.rng.choice, self.machine
        match self.rng.randrange(16):
            case 0 | 1 | 2 | 3:
                machine.come(
                    draw([1, 2, 4]), draw([None, None, None, frozenset(NAMES[:3])]),
                    draw([0, 100, 900]), draw([None, 100, 900]), draw([True, True, False]),
                    draw([60.0, 60.0, 20.0, 3.0]), draw(list(Band)), draw(["", "a", "b"]),
                    draw([None, None, self.policy]),
                    draw([frozenset()] * 3 + [frozenset(NAMES[:1])]),
                )  # fmt: skip
            case 4 | 5 | 6:
                machine.sleep(draw([0.1, 0.5, 1.0, 1.0, 2.0, 5.0, 5.0, 20.0, 60.0]))
            case 7 | 8 if machine.open:
                machine.content(self.rng.randrange(50))
            case 9 | 10 | 11 | 12 if machine.open:
                machine.settle(
                    self.rng.randrange(50), self.report(), draw([True, False]), draw([1, 2, 3])
                )
            case 13:
                machine.take_a_whim([draw(WHIMS) for _ in range(4)])
            case 14 if machine.callers:
                machine.leave(self.rng.randrange(50))
            case 15:
                name, news = draw(NAMES), draw(list(News))
                machine.advise(name, news)
                left, limit = draw([-1, 0, 3]), draw([None, 4, 20])
                said = Headroom("requests", left, limit, draw([None, 0.0, 5.0, 59.0]))
                machine.observe(name, Measurement((said,)), draw([0.0, 1.0]))
                if self.rng.random() < 0.2:
                    machine.reload(self.route())

    def live(self, steps: int) -> None:
        for _ in range(steps):
            self.step()
            self.machine.nothing_is_below_zero()
            self.machine.what_waits_is_what_is_open_without_content()
            self.machine.whoever_waits_is_told_in_time()
            self.machine.callers[:] = [one for one in self.machine.callers if not one.over]
        self.machine.teardown()


@pytest.mark.parametrize("seed", range(24))
def test_a_long_life_keeps_all_of_it(seed: int) -> None:
    Life(seed).live(400)

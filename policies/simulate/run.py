"""A scenario that has been run, as figures are read from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from policies.engine.outcome import Outcome
from policies.simulate.ended import Answered
from policies.simulate.scenario import Scenario
from policies.simulate.service import NEVER
from policies.simulate.world import World

STEP = 5.0
"""Seconds over which a share is counted; longer where fewer than a dozen requests come."""
LEAST_REQUESTS = 12
BILLED = frozenset({Outcome.OK, Outcome.ABANDONED})


class Run:
    """A scenario that has been run: everything, and what belongs to the trouble (to the whole run
    where there is none).
    """

    def __init__(self, scenario: Scenario, world: World) -> None:
        self.scenario = scenario
        self.world = world
        troubled = scenario.start < NEVER
        self.begin, self.end = (
            (scenario.start, scenario.end) if troubled else (0.0, scenario.seconds)
        )
        self.sick = scenario.sick if troubled else None
        self.step = max(STEP, LEAST_REQUESTS / scenario.rate)
        self.asked = [each for each in world.answered if self.begin <= each.at < self.end]
        self.sent = [each for each in world.sent if self.begin <= each.at < self.end]

    def waited(self, each: Answered) -> float:
        """Its wait for the first token; the whole deadline where there was no answer."""
        return self.scenario.deadline if each.first is None else each.first

    def good(self, each: Answered) -> bool:
        """Whether it was answered in time."""
        return each.first is not None and each.first <= self.scenario.slo

    def share(self, begin: float, end: float) -> float | None:
        """The sick target's part of what was sent from `begin` to `end`."""
        sent = [each.target for each in self.world.sent if begin <= each.at < end]
        return sum(target == self.sick for target in sent) / len(sent) if sent else None

    def cost(self, begin: float, end: float) -> float | None:
        """Nano-dollars for each request that came from `begin` to `end`; None where no price is
        known, or nobody came. A failure costs nothing.
        """
        prices = {name: facts.price for name, facts in self.scenario.facts.items()}
        asked = sum(begin <= each.at < end for each in self.world.answered)
        if not asked or not any(prices.values()):
            return None
        spent = 0
        for each in self.world.sent:
            price = prices.get(each.target)
            if price is not None and begin <= each.at < end and each.outcome in BILLED:
                spent += price.of(each.input_tokens, each.output_tokens, each.cached_tokens)
        return spent / asked

    def shares(self) -> dict[str, float]:
        """Each target's part of what was sent."""
        counts = Counter(each.target for each in self.sent)
        return {
            target.name: counts[target.name] / max(1, len(self.sent))
            for target in self.scenario.targets
        }

    def steps(self, begin: float, end: float) -> dict[int, Counter[str]]:
        """Sends by target in each step from `begin` on."""
        steps: dict[int, Counter[str]] = {}
        for each in self.world.sent:
            if begin <= each.at < end:
                step = int((each.at - begin) / self.step)
                steps.setdefault(step, Counter())[each.target] += 1
        return steps

    def until(self, begin: float, end: float, true: Callable[[float], bool]) -> float | None:
        """Seconds from `begin` to the first step in which the sick target's share is as it should
        be; None without a sick target.
        """
        if self.sick is None:
            return None
        steps = self.steps(begin, end)
        for step in sorted(steps):
            if true(steps[step][self.sick] / steps[step].total()):
                return step * self.step
        return end - begin

"""What nobody could beat who knew every request beforehand: the largest goodput that limits and
places leave room for, as a linear program.

Time is cut into seconds. Whoever comes in one second may begin in it or in one of the next, as long
as the answer still begins in time. In any sixty of them no more begin than the limits allow, and by
Little's law those that are under way take no more places than there are. Fractions of requests are
allowed and lengths are averages, so the value is at least that of any policy, up to chance in the
lengths.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil
from statistics import fmean
from typing import Any, NamedTuple

from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from policies.simulate import Arrival, Scenario
from policies.simulate.service import NEVER

MINUTE = 60
LONGEST = 120
"""Seconds of an answer that are looked at."""


class Kind(NamedTuple):
    """Targets that are alike: how many there are, what each takes in a minute (None: no limit), the
    second at which its minutes begin (None: any sixty seconds count), and its places in each second
    (NEVER: no bound).
    """

    targets: int
    per_minute: int | None
    resets: int | None
    places: tuple[float, ...]


def most(scenario: Scenario, arrivals: Sequence[Arrival]) -> float:
    """The largest share of the requests of the trouble (of all, where there is none; of one
    tenant's, where the scenario names one) that could be answered in time.
    """
    asked = [counted(scenario, arrival) for arrival in arrivals]
    if not any(asked):
        return 1.0
    seconds = int(scenario.seconds)
    wanted = Counter(int(one.at) for one, counts in zip(arrivals, asked, strict=True) if counts)
    delays = ceil(scenario.slo) + 1
    kinds = kinds_of(scenario)
    program = Program(seconds, delays, len(kinds))
    for second in range(seconds):
        program.at_most(program.coming(second), wanted[second])
    occupied = occupancy(scenario, arrivals)
    for number, kind in enumerate(kinds):
        if kind.per_minute is not None:
            step = 1 if kind.resets is None else MINUTE
            for begin in range((kind.resets or 0) - MINUTE, seconds + delays, step):
                begun = {
                    column: 1.0
                    for passed in range(max(0, begin), begin + MINUTE)
                    for column in program.begun(passed, number)
                }
                program.at_most(begun, kind.targets * kind.per_minute)
        for second, places in enumerate(kind.places + kind.places[-1:] * delays):
            if places < NEVER:
                busy = {
                    column: occupied[second - passed]
                    for passed in range(max(0, second - len(occupied) + 1), second + 1)
                    for column in program.begun(passed, number)
                }
                program.at_most(busy, kind.targets * places)
    return program.largest() / sum(asked)


class Program:
    """Who begins when: a column for each second of coming, delay in whole seconds, and kind of
    target.
    """

    def __init__(self, seconds: int, delays: int, kinds: int) -> None:
        self._seconds = seconds
        self._delays = delays
        self._kinds = kinds
        self._rows: list[dict[int, float]] = []
        self._limits: list[float] = []

    def coming(self, second: int) -> dict[int, float]:
        """The columns of those who come in `second`."""
        width = self._delays * self._kinds
        return dict.fromkeys(range(second * width, (second + 1) * width), 1.0)

    def begun(self, second: int, kind: int) -> list[int]:
        """The columns of those who begin in `second` on targets of a kind."""
        return [
            ((second - delay) * self._delays + delay) * self._kinds + kind
            for delay in range(self._delays)
            if 0 <= second - delay < self._seconds
        ]

    def at_most(self, row: dict[int, float], limit: float) -> None:
        """A sum that must not exceed a limit."""
        self._rows.append(row)
        self._limits.append(limit)

    def largest(self) -> float:
        """The most that can begin. Raises RuntimeError if there is no solution."""
        width = self._seconds * self._delays * self._kinds
        matrix = vstack(
            [
                coo_array((list(row.values()), ([0] * len(row), list(row))), shape=(1, width))
                for row in self._rows
            ],
            format="csr",
        )
        solved: Any = linprog([-1.0] * width, A_ub=matrix, b_ub=self._limits, method="highs")
        if solved.status != 0:
            raise RuntimeError(f"no bound: {solved.message}")
        return float(-solved.fun)


def counted(scenario: Scenario, arrival: Arrival) -> bool:
    """Whether its answer is what the scenario is judged by."""
    if scenario.start < NEVER and not scenario.start <= arrival.at < scenario.end:
        return False
    return scenario.tenant is None or arrival.tenant == scenario.tenant


def kinds_of(scenario: Scenario) -> list[Kind]:
    """The targets, those that are alike together."""
    alike: Counter[tuple[int | None, int | None, tuple[float, ...]]] = Counter()
    for name, service in scenario.pool().items():
        lost = [fault for fault in scenario.faults if fault.target == name]
        places = [NEVER if service.capacity is None else float(service.capacity)] * int(
            scenario.seconds
        )
        for second in range(len(places)):
            for fault in lost:
                if fault.capacity is not None and fault.holds(second):
                    places[second] = float(fault.capacity)
        alike[service.per_minute, service.resets, tuple(places)] += 1
    return [Kind(count, *alike_in) for alike_in, count in alike.items()]


def occupancy(scenario: Scenario, arrivals: Sequence[Arrival]) -> list[float]:
    """The part of each second, counted from the one in which it begins, that a request is under way
    on average, if it begins in the middle of that second.
    """
    taken = [
        0.5 + scenario.service.first_token + scenario.service.per_token * arrival.output_tokens
        for arrival in arrivals
    ]
    return [
        fmean(
            min(1.0, max(0.0, end - max(0.5, second))) if second else min(0.5, end - 0.5)
            for end in taken
        )
        for second in range(LONGEST)
    ]

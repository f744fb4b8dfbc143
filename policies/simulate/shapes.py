"""Traffic by name: how requests come where nobody has recorded them.

Each shape gives `count` requests, at `rate` a second on average; what they are follows from the
chance that is handed in. Lengths are those of public traces of production inference (`arrivals`);
how agents work is this file's own assumption.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from math import inf
from random import Random

from policies.simulate.arrivals import Arrival, Lengths, bursts, poisson

HOURS = (
    0.2, 0.15, 0.1, 0.1, 0.1, 0.2, 0.4, 0.9, 1.7, 2.3, 2.4, 2.3,
    1.7, 2.0, 2.3, 2.2, 2.0, 1.5, 0.9, 0.6, 0.5, 0.4, 0.3, 0.25,
)  # fmt: skip
"""Requests in each hour of a working day, by the mean of them all."""
CALLS = 12
"""Calls to a model that one task of an agent takes, on average."""
PAUSE = 2.1, 0.8
"""Mean and deviation of the logarithm of the seconds between two of them: 8 s at the median."""
FIRST_INPUT = 3000
"""Tokens that a task begins with: instructions, and tools."""
GROWTH = 900
"""Tokens that each call adds to the next, on average: what was said, and what tools answered."""
CALL = Lengths(0.0, 0.0, 4.4, 0.9)
"""What a call gives: 80 tokens at the median."""


def steady(rate: float, count: int, rng: Random) -> Iterator[Arrival]:
    """Conversations that begin independently of each other, all the time alike."""
    return islice(poisson(rate, inf, rng), count)


def office_hours(rate: float, count: int, rng: Random) -> Iterator[Arrival]:
    """The conversations of a working day, in as much time as so many take at this rate: from a
    tenth of the mean at night to two and a half times that in the morning.
    """
    day = count / rate
    most = max(HOURS)
    mean = sum(HOURS) / len(HOURS)
    coming = poisson(rate * most / mean, inf, rng)
    held = (each for each in coming if rng.random() * most < HOURS[int(each.at / day * 24) % 24])
    return islice(held, count)


def bursty(rate: float, count: int, rng: Random) -> Iterator[Arrival]:
    """Completions of code: many at once, then none."""
    return islice(bursts(rate, inf, rng), count)


def agents(rate: float, count: int, rng: Random) -> Iterator[Arrival]:
    """Tasks that call a model again and again, each time with all that was said before. What is
    still to come of them at the end comes at the beginning, when others would be under way.
    """
    seconds = count / rate
    tasks: list[Arrival] = []
    while len(tasks) < count:
        begin = rng.uniform(0.0, seconds)
        tasks.extend(call._replace(at=call.at % seconds) for call in _task(begin, rng))
    del tasks[count:]
    tasks.sort(key=lambda arrival: arrival.at)
    return iter(tasks)


def _task(at: float, rng: Random) -> Iterator[Arrival]:
    read = FIRST_INPUT
    while True:
        yield Arrival(at, read, CALL.draw(rng)[1])
        if rng.random() < 1 / CALLS:
            return
        at += rng.lognormvariate(*PAUSE)
        read += max(1, round(rng.expovariate(1 / GROWTH)))


Shape = Callable[[float, int, Random], Iterator[Arrival]]
SHAPES: Mapping[str, Shape] = {
    "steady": steady,
    "office-hours": office_hours,
    "bursty": bursty,
    "agents": agents,
}
"""All of them, by the name that a user gives them."""

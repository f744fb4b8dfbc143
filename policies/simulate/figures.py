"""What one run comes to, as figures: each a function of the run.

A figure is None where it has no meaning. What never happened counts as the time in which it could
have, so that a policy which never comes back does not look like one that was not asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import fmean

from policies.engine.outcome import Outcome
from policies.simulate.fairness import widest
from policies.simulate.run import LEAST_REQUESTS, Run

GRACE = 15.0
"""Seconds in which a sick target may be found out."""
SETTLED = 90.0
WARM = 60.0
"""Seconds from the beginning on that limits need to fill."""
WHOLE = 0.99
ALONE = 4.0
"""Seconds: a target to which nobody sends for so long is left alone on purpose."""


def p99(values: list[float]) -> float:
    """Their 99th percentile."""
    return sorted(values)[int(0.99 * len(values))]


def wait(run: Run) -> float | None:
    """Mean wait for the first token in seconds, failures at the deadline."""
    return fmean([run.waited(each) for each in run.asked]) if run.asked else None


def tail(run: Run) -> float | None:
    """The 99th percentile of the wait among answers."""
    good = [each.first for each in run.asked if each.first is not None]
    return p99(good) if good else None


def longest(run: Run) -> float | None:
    """The longest that anyone waited, for content or for an error."""
    return max(
        (each.total if each.first is None else each.first for each in run.asked), default=None
    )


def answered(run: Run) -> float | None:
    """Share of the requests that got an answer, at the first attempt of their client or later."""
    return fmean(each.target is not None for each in run.asked) if run.asked else None


def goodput(run: Run) -> float | None:
    """Share of the requests whose answer began in time."""
    return fmean(run.good(each) for each in run.asked) if run.asked else None


def tenant(run: Run) -> float | None:
    """The same, of one tenant's requests."""
    named = [each for each in run.asked if each.arrival.tenant == run.scenario.tenant]
    return fmean(run.good(each) for each in named) if named else None


def gap(run: Run) -> float | None:
    """The widest gap between two tenants that wait at once, over what it may be."""
    return widest([each for each in run.world.sent if each.outcome is Outcome.OK], run.asked)


def sends(run: Run) -> float | None:
    """Sends per request that came to an engine."""
    courses = sum(each.courses for each in run.asked)
    return sum(each.sends for each in run.asked) / courses if courses else None


def waste(run: Run) -> float | None:
    """Sends that gave no answer, per request."""
    if not run.asked:
        return None
    used = sum(each.target is not None for each in run.asked)
    return (sum(each.sends for each in run.asked) - used) / len(run.asked)


def spend(run: Run) -> float | None:
    """What a request costs, over what one cost before the trouble."""
    before = run.cost(0.0, run.begin)
    during = run.cost(run.begin, run.end)
    return during / before if before and during is not None else None


def sick(run: Run) -> float | None:
    """The sick target's share while it is sick."""
    return run.share(run.begin, run.end) if run.sick else None


def late(run: Run) -> float | None:
    """The same, once there was time to find out."""
    return run.share(run.begin + GRACE, run.end) if run.sick else None


def looks(run: Run) -> float | None:
    """What is then sent to it in a minute."""
    if run.sick is None:
        return None
    begin = run.begin + GRACE
    count = sum(each.target == run.sick and each.at >= begin for each in run.sent)
    return count * 60.0 / (run.end - begin)


def noticed(run: Run) -> float | None:
    """Seconds until its share is under a quarter of the fair one."""
    fair = run.scenario.fair
    return run.until(run.begin, run.end, lambda share: share < fair / 4)


def back(run: Run) -> float | None:
    """Seconds from the end of the trouble until its share is half of the fair one."""
    fair = run.scenario.fair
    return run.until(run.end, run.scenario.seconds, lambda share: share >= fair / 2)


def exposed(run: Run) -> float | None:
    """Requests that it gets before it is left alone for the first time."""
    if run.sick is None:
        return None
    instants = sorted(each.at for each in run.sent if each.target == run.sick)
    pause = max(ALONE, 10 / (run.scenario.rate * run.scenario.fair))
    for count, (before, after) in enumerate(pairwise([*instants, run.end]), 1):
        if after - before >= pause:
            return float(count)
    return float(len(instants))


def whole(run: Run) -> float | None:
    """Seconds from the end of the trouble until 99 % of the requests of every step are answered in
    time.
    """
    steps: dict[int, list[bool]] = {}
    for each in run.world.answered:
        if each.at >= run.end:
            steps.setdefault(int((each.at - run.end) / run.step), []).append(run.good(each))
    failing = [step for step, good in steps.items() if fmean(good) < WHOLE]
    return (max(failing) + 1) * run.step if failing else 0.0


def herd(run: Run) -> float | None:
    """The largest share of any target in any step without a fault, over the fair one, where all
    are equal.
    """
    scenario = run.scenario
    if not scenario.equal:
        return None
    first = scenario.start if scenario.added else 0.0
    largest = 0.0
    for step, counts in run.steps(first, scenario.seconds).items():
        begin = first + step * run.step
        troubled = any(
            fault.start < begin + run.step and begin < fault.end for fault in scenario.faults
        )
        if not troubled and counts.total() >= LEAST_REQUESTS:
            largest = max(largest, max(counts.values()) / counts.total())
    return largest / scenario.fair


def uneven(run: Run) -> float | None:
    """The largest share of any target over the whole time, over the fair one."""
    return max(run.shares().values()) / run.scenario.fair


def refused(run: Run) -> float | None:
    """Share of the sends that are throttled, once limits have filled."""
    sent = [each.outcome for each in run.world.sent if each.at >= WARM]
    return sent.count(Outcome.THROTTLED) / len(sent) if sent else None


def parked(run: Run) -> float | None:
    """The longest time in which one target is sent nothing."""
    gaps = []
    for target in run.scenario.targets:
        instants = sorted(each.at for each in run.world.sent if each.target == target.name)
        gaps += [after - before for before, after in pairwise([0.0, *instants])]
        gaps.append(run.scenario.seconds - (instants[-1] if instants else 0.0))
    return max(gaps)


def held(run: Run) -> float | None:
    """The limit that the engine has learned of a target that lost capacity, over what it takes."""
    taken = [
        fault.capacity + run.scenario.service.queue
        for fault in run.scenario.faults
        if fault.target == run.sick and fault.capacity
    ]
    if not taken or run.sick is None:
        return None
    limit = run.world.engine.snapshot(run.world.now)[run.sick].learned_places
    return None if limit is None else limit / taken[0]


def flaps(run: Run) -> float | None:
    """How often anyone was ejected."""
    return float(run.world.ejections.total())


def overshoot(run: Run) -> float | None:
    """The most tokens that a target took and gave in any minute, over its limit."""
    most = 0.0
    for target in run.scenario.targets:
        facts = run.scenario.facts.get(target.name)
        if facts is None or not facts.limits.tokens:
            return None
        limit = facts.limits.tokens[0]
        sent = [each for each in run.world.sent if each.target == target.name]
        spent = [(each.at, each.input_tokens) for each in sent]
        spent += [(each.end, each.output_tokens) for each in sent]
        most = max(most, fullest(sorted(spent), limit.seconds) / limit.amount)
    return most


def fullest(spent: list[tuple[float, int]], seconds: float) -> int:
    """The most that was spent within any so many seconds."""
    most = total = oldest = 0
    for at, tokens in spent:
        total += tokens
        while spent[oldest][0] <= at - seconds:
            total -= spent[oldest][1]
            oldest += 1
        most = max(most, total)
    return most


def early(run: Run) -> float | None:
    """The share of a target that comes, or comes back, in six seconds from what it answers first;
    0 where it answers nothing.
    """
    if run.sick is None:
        return None
    answered = (
        each.at for each in run.sent if each.target == run.sick and each.outcome is Outcome.OK
    )
    begin = min(answered, default=None)
    return run.share(begin, begin + 6.0) if begin is not None else 0.0


def settled(run: Run) -> float | None:
    """Its share from a minute and a half on, over the fair one."""
    share = run.share(run.begin + SETTLED, run.scenario.seconds) if run.sick else None
    return None if share is None else share / run.scenario.fair


def step(run: Run) -> float | None:
    """The 99th percentile of the wait during the trouble, over that of before."""
    during = tail(run)
    before = [
        each.first for each in run.world.answered if each.first is not None and each.at < run.begin
    ]
    return during / p99(before) if during is not None and before else None


FIGURES: Mapping[str, Callable[[Run], float | None]] = {
    "wait": wait,
    "p99": tail,
    "answered": answered,
    "goodput": goodput,
    "sends": sends,
    "waste": waste,
    "sick": sick,
    "noticed": noticed,
    "back": back,
    "herd": herd,
}
"""What is told of every run, by the name that a report gives it."""
SPECIAL: Mapping[str, Callable[[Run], float | None]] = {
        each.__name__: each
        for each in (
            early, exposed, flaps, gap, held, late, longest, looks, overshoot, parked, refused,
            settled, spend, step, tenant, uneven, whole,
        )
    }  # fmt: skip
"""What is told only where a scenario asks for it."""
LATENCY = frozenset({"wait", "p99"})
"""What the wait is told by: where a scenario is judged by another figure, there is no regret."""
MORE_IS_BETTER = frozenset({"answered", "goodput", "tenant", "of most"})

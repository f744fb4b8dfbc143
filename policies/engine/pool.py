"""A route, running: what its requests share."""

from __future__ import annotations

from collections.abc import Callable

from policies.engine.learning.breaker import Others
from policies.engine.learning.estimates import Length
from policies.engine.limits.bill import Purse, guarded
from policies.engine.limits.budget import Curiosity, HedgeBudget, RetryBudget
from policies.engine.refusal import NEVER
from policies.engine.route import ANY_CLIMB, Route
from policies.engine.standing import Member
from policies.engine.waiting.queue import Queue
from policies.policy import Policy, Request

Learn = Callable[..., None]
"""See `Learner.learn`."""


class Pool:
    """Members, the policy's memory, the length of answers, the retry budget and the queue.

    `starts`: the route's policy says in which tier a request starts. `holds`: the route does not
    let every request leave a tier at once. `own` is the route's policy, with its memory. A request
    may bring another; `guests` are the memories of those. The driver decides which it takes, so
    there are as many as it knows policies. `fits` are the tokens of input that each member takes
    (-1 if one is drained), `limited` the groups with limits that bind any of them; `unbounded` the
    most tokens that any of them reserves for an answer to which the caller set no bound, whatever
    is expected of it.
    """

    __slots__ = (
        "budget", "curiosity", "fits", "guests", "hedges", "holds", "learn", "length", "limited",
        "members", "own", "purse", "queue", "route", "starts", "unbounded",
    )  # fmt: skip

    def __init__(
        self, route: Route, members: tuple[Member, ...], length: Length, queue: Queue, now: float
    ) -> None:
        self.route = route
        self.members = members
        self.length = length
        self.own: tuple[Policy, object] = route.policy, route.policy.fresh()
        self.learn = learning(route.policy)
        self.starts = hasattr(route.policy, "start")
        self.holds = (route.climb != ANY_CLIMB or route.patience > 0) and (
            len({member.tier for member in members}) > 1
        )
        self.fits = min([m.standing.context if m.weight else -1 for m in members], default=-1)
        groups = dict.fromkeys(group for member in members for group in member.standing.groups)
        self.limited = tuple(group for group in groups if group.quota.limits)
        self.unbounded = max([m.standing.facts.counting.unbounded or 0 for m in members], default=0)
        self.guests: dict[Policy, object] = {}
        self.budget = RetryBudget(route.retry.budget, now)
        self.curiosity = Curiosity(now)
        if len(members) < 2:
            self.curiosity.sleep(NEVER)  # whatever comes measures a target that is alone
        self.hedges = HedgeBudget(route.retry.hedge) if route.retry.hedge else None
        self.purse = Purse(now) if guarded(members) else None
        self.queue = queue

    def policy(self, request: Request) -> tuple[Policy, object]:
        """The policy that decides `request`, and its memory on this route."""
        policy = request.policy
        if policy is None:
            return self.own
        if policy not in self.guests:
            self.guests[policy] = policy.fresh()
        return policy, self.guests[policy]

    def measures(self, request: Request) -> bool:
        """Whether the policy that decides `request` goes by measurements."""
        return getattr(request.policy or self.route.policy, "measures", False)

    def others_failing(self, member: Member, now: float) -> Others | None:
        """The last outcomes of the other targets of its tier together, those that are ejected
        apart; None: nothing is known of any.
        """
        counts = [
            other.standing.breaker.failures(now)
            for other in self.members
            if other is not member and other.tier == member.tier and other.standing.breaker.admits()
        ]
        total = sum(count for _, count in counts)
        return Others(sum(bad for bad, _ in counts), total) if total else None

    def usual_late(self, *, stream: bool) -> float | None:
        """What the slowest of its targets calls late, in seconds; None if none was measured."""
        known = [
            late
            for member in self.members
            if (late := member.standing.latency.late(0, stream=stream)) is not None
        ]
        return max(known, default=None)


def learning(policy: Policy) -> Learn | None:
    """The policy's `learn`; None if it has none, as most."""
    learn: Learn | None = getattr(policy, "learn", None)
    return learn

"""A route, running: what its requests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from policies.engine.budget import RetryBudget
from policies.engine.latency import Length
from policies.engine.outcome import Report
from policies.engine.queue import Queue
from policies.engine.route import Route
from policies.engine.standing import Member
from policies.policy import Policy, Request

Learn = Callable[[str, Report, float, float | None, Any, float], None]


class Pool:
    """Members, the policy's memory, the length of answers, the retry budget and the queue.

    A request may bring its own policy; `guests` are the memories of those. The driver decides which
    it takes, so there are as many as it knows policies.
    """

    __slots__ = ("budget", "guests", "learn", "length", "members", "memory", "queue", "route")

    def __init__(
        self, route: Route, members: tuple[Member, ...], length: Length, queue: Queue, now: float
    ) -> None:
        self.route = route
        self.members = members
        self.length = length
        self.memory: object = route.policy.fresh()
        self.learn = learning(route.policy)
        self.guests: dict[Policy, object] = {}
        self.budget = RetryBudget(route.retry.budget, now)
        self.queue = queue

    def policy(self, request: Request) -> tuple[Policy, object]:
        """The policy that decides `request`, and its memory on this route."""
        policy = request.policy
        if policy is None:
            return self.route.policy, self.memory
        if policy not in self.guests:
            self.guests[policy] = policy.fresh()
        return policy, self.guests[policy]

    def others_failing(self, member: Member, now: float) -> float | None:
        """The failure share of the other targets together; None: nothing is known of them."""
        counts = [
            other.standing.breaker.failures(now) for other in self.members if other is not member
        ]
        total = sum(count for _, count in counts)
        return sum(bad for bad, _ in counts) / total if total else None


def learning(policy: Policy) -> Learn | None:
    """The policy's `learn`; None if it has none, as most."""
    learn: Learn | None = getattr(policy, "learn", None)
    return learn

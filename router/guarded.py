"""A user's policy, as the engine has it: measured, and not asked for a while where it takes long.

Why: it is synchronous, so while it thinks nobody is served. What it took is paid; what comes next
need not be. What it raises passes: the engine serves around it and reports it, as it does when a
policy is switched off here.
Must not: cost a built-in policy anything. Those are not wrapped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from time import perf_counter
from typing import Any

from policies import Candidate, LeastLatency, Policy, Request
from policies.starting.leash import Leash, Overran

Clock = Callable[[], float]
AROUND = LeastLatency()
"""Who chooses meanwhile."""


def guarded(policy: Policy, clock: Clock = perf_counter) -> Policy:
    """`policy`, under its own name and equal to what guards its equal."""
    kind: type[Guarded] = type(type(policy).__name__, (Guarded,), {})
    return kind(policy, clock)


class Guarded:
    """A `Policy` like the one inside; what that has beside the contract, this has as well."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock
        self._leash = Leash()
        self._unreported: Overran | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Guarded) and self._policy == other._policy

    def __hash__(self) -> int:
        return hash(self._policy)

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._policy, name)
        return self._measured(verb, name) if name in ABSENT else verb

    @property
    def rule(self) -> str:
        """See `Speaking.rule`."""
        if self._leash.away(self._clock()):
            return f"it took too long, and is not asked for a while; meanwhile {AROUND.rule}"
        return getattr(self._policy, "rule", "")

    @property
    def needs(self) -> frozenset[str]:
        """Whatever they are written in."""
        return frozenset(self._policy.needs)

    def fresh(self) -> Any:
        return self._policy.fresh()

    def choose(
        self,
        request: Request,
        candidates: Sequence[Candidate],
        memory: Any,
        now: float,
        rng: Random,
    ) -> Candidate:
        began = self._clock()
        if self._leash.away(began):
            if (error := self._unreported) is not None:
                self._unreported = None
                raise error
            return AROUND.choose(request, candidates, None, now, rng)
        try:
            return self._policy.choose(request, candidates, memory, now, rng)
        finally:
            ended = self._clock()
            self._leash.took(ended - began, ended)

    def _measured(self, verb: Callable[..., Any], name: str) -> Callable[..., Any]:
        def measured(*told: Any) -> Any:
            began = self._clock()
            if self._leash.away(began):
                return ABSENT[name](*told)
            try:
                return verb(*told)
            finally:
                ended = self._clock()
                try:
                    self._leash.took(ended - began, ended)
                except Overran as error:
                    if name not in SHOWING:
                        raise
                    self._unreported = error

        return measured


ABSENT: Mapping[str, Callable[..., Any]] = {
    "start": lambda *_: 0,
    "learn": lambda *_: None,
    "why": lambda *_: (),
    "odds": AROUND.odds,
    "terms": lambda _, candidates, *__: [""] * len(candidates),
}
"""The verbs that a policy may have besides, and who is asked in the place of one that is not."""
SHOWING = frozenset({"why", "odds", "terms"})
"""Those of whose failures nobody is told: what one of them overran, the next choice reports."""

"""The shadows of all routes: who is to be copied, and what all copies came to.

What it holds does not grow with traffic: a lane for every route that has a shadow, and the bytes of
requests that wait to be compared, within bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random

from policies import Engine
from router.caller import Caller
from router.dialects.contract import Call
from router.shadow.caps import Instances
from router.shadow.copies import hindered
from router.shadow.lane import Lane
from router.shadow.ledger import Ledger
from router.shadow.sinks import Memory
from router.shadow.terms import Terms
from router.shadow.twin import Twin
from router.telemetry.prometheus import Metric

NANO = 1_000_000_000
FOR_PRODUCTION = 0.8
"""Where so much of a limit is used, the rest is production's alone."""


class Shadows:
    """Draws by `rng` who is copied; of every cap an even part is this one's of so many
    `instances`. In `ledger` it is kept what copies have cost (None: a restart forgets it).
    """

    def __init__(
        self,
        rng: Random,
        clock: Callable[[], float],
        instances: Instances = lambda: 1,
        ledger: Ledger | None = None,
    ) -> None:
        self.memory = Memory()
        self.stopped = False
        self._rng, self._clock, self._instances = rng, clock, instances
        self._ledger = ledger
        self._lanes: dict[str, Lane] = {}

    def sample(
        self, terms: Terms, call: Call, caller: Caller, *, acts: bool, then: Callable[[Twin], None]
    ) -> Twin | None:
        """What is to be overheard of a request, if it is one of those that are copied; `then` is
        called once it is over.
        """
        if self._rng.random() >= terms.shadow.share or self.stopped:
            return None
        now, lane = self._clock(), self.lane(terms)
        lane.sample()
        why = hindered(call, acts=acts) or lane.shut(now)
        if not why and not self.memory.take(len(call.body)):
            why = "memory"
        if why:
            lane.hold(why)
            return None
        return Twin(lane, call, caller, self.memory, then)

    def lane(self, terms: Terms) -> Lane:
        """What there is of the shadow of a route."""
        lane = self._lanes.get(terms.model)
        if lane is None:
            lane = Lane(terms, self._instances, self._clock(), self._ledger)
            self._lanes[terms.model] = lane
        elif lane.terms is not terms:
            lane.renew(terms, self._clock())
        return lane

    def lanes(self, running: Mapping[str, Terms]) -> Iterator[Lane]:
        """Those of all shadows that are in force; the others are forgotten."""
        for name in self._lanes.keys() - running.keys():
            del self._lanes[name]
        for terms in running.values():
            yield self.lane(terms)

    def metrics(self, running: Mapping[str, Terms]) -> list[Metric]:
        """Name, kind, help and samples of what was copied, and of what that cost."""
        lanes = {lane.terms.model: lane.ever for lane in self.lanes(running)}
        return [
            (
                "shadow_sampled_total", "counter", "Requests that were to be copied.",
                [({"model": name}, one.sampled) for name, one in lanes.items()],
            ),
            (
                "shadow_held_total", "counter", "Those of them that were not, by the cause.",
                [
                    ({"model": name, "cause": cause}, count)
                    for name, one in lanes.items()
                    for cause, count in one.held.items()
                ],
            ),
            (
                "shadow_dollars_total", "counter", "What copies have cost.",
                [({"model": name}, one.spent / NANO) for name, one in lanes.items()],
            ),
        ]  # fmt: skip

    def crowded(self, engine: Engine, terms: Terms, now: float) -> bool:
        """Whether the limits of a shadow are needed for production."""
        used, among = engine.used(now), max(1, self._instances())
        names = (terms.shadow.to, *terms.groups)
        return any(used.get(name, 0.0) * among >= FOR_PRODUCTION for name in names)

"""The cascades of all routes: whose answers are checked, and what that has come to.

What it holds does not grow with traffic: a lane for every route that has a cascade.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from random import Random

from policies import Request
from router.begun import Begun
from router.caller import Caller
from router.cascade.auditing import Auditing
from router.cascade.checking import Checking
from router.cascade.climbing import Climbing, Trial, is_checked
from router.cascade.holding import Holding
from router.cascade.lane import Lane, skipping
from router.cascade.terms import Terms
from router.dialects.contract import Call
from router.passage import Passage
from router.runtime import Runtime
from router.shadow.caps import Instances
from router.shadow.ledger import Ledger


class Cascades:
    """Draws by `rng` what is looked at; of every budget an even part is this one's of so many
    `instances`. In `ledger` it is kept what was spent of them (None: a restart forgets it).
    """

    def __init__(
        self,
        checking: Checking,
        auditing: Auditing,
        rng: Random,
        instances: Instances,
        ledger: Ledger | None = None,
    ) -> None:
        self._checking, self._auditing = checking, auditing
        self._rng, self._instances, self._ledger = rng, instances, ledger
        self._lanes: dict[str, Lane] = {}

    def begin(self, call: Call, caller: Caller, request: Request, runtime: Runtime) -> Begun:
        """How a request for a model with a cascade is driven. One that is confined to some targets,
        wishes for another policy, or tries where the model's traffic moves, is served as without.
        """
        if request.only is not None or request.policy is not None or request.model != call.model:
            return Begun(request, Passage)
        lane = self.lane(runtime.cascades[call.model])
        checked = is_checked(call, request, lane.terms.head)
        skipped, look = lane.skips(checked=checked)
        request = skipping(request, skipped)
        if not checked:
            return Begun(request, Passage)
        trial = Trial(lane, self._checking, call, caller, request, skipped, look=look)
        passage = Holding if call.stream else Climbing
        return Begun(request, partial(passage, trial, self._auditing.begin))

    def lane(self, terms: Terms) -> Lane:
        """What there is of a route's cascade."""
        lane = self._lanes.get(terms.model)
        if lane is None:
            lane = self._lanes[terms.model] = Lane(
                terms, self._instances, self._rng.random, self._ledger
            )
        elif lane.terms is not terms:
            lane.renew(terms)
        return lane

    def lanes(self, running: Mapping[str, Terms]) -> Iterator[Lane]:
        """Those of all cascades that are in force; the others are forgotten."""
        for name in self._lanes.keys() - running.keys():
            del self._lanes[name]
        for terms in running.values():
            yield self.lane(terms)

    def of(self, model: str, running: Mapping[str, Terms]) -> Lane | None:
        """The cascade of `model`, where it has one."""
        terms = running.get(model)
        return None if terms is None else self.lane(terms)

    def stop(self) -> None:
        """Ask nothing more beside requests, and drop what is."""
        self._auditing.stop()

    async def close(self) -> None:
        """The same, and wait until it is dropped."""
        await self._auditing.close()

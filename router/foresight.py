"""What the engine would be asked for a request that may come: admitted as by the pipeline, with
nothing taken for it.

Must not: send anything, or count against anybody's limits.
"""

from __future__ import annotations

from collections.abc import Callable

from policies import Request
from router.caller import Caller
from router.dialects.contract import Call
from router.pipeline import admit
from router.runtime import Runtime
from router.stored.owners import Owners
from router.tokenizers.counting import Counting


class Foresight:
    """Foresees requests to what `runtime` gives, with `owners` of what they refer to."""

    def __init__(
        self, runtime: Callable[[], Runtime], owners: Owners, clock: Callable[[], float]
    ) -> None:
        self._runtime, self._owners, self._clock = runtime, owners, clock
        self._counting = Counting()

    async def request(self, call: Call, caller: Caller) -> Request:
        """What the engine is asked. Raises `ClientError` as the pipeline does, but for limits of
        the tenant.
        """
        runtime = self._runtime()
        tokenizers = runtime.tokenizers.get(call.model)
        if tokenizers is not None and runtime.admits(call.model, caller.tenant):
            call.counted = await self._counting.count(call, tokenizers)
            runtime = self._runtime()
        if call.bound or call.traces:
            await self._owners.learn((*call.bound, *call.traces))
        return admit(call, caller, runtime, self._clock(), self._owners)

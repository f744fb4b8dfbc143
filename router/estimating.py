"""What a request brings, as its route's policy goes by it; and what an estimator makes of its text.

Why: a text is read where the body is, once, and only for a route whose policy needs it. An
estimator is a user's code that reads it on the way of a request, so it is measured, served around
where it fails, and switched off for a while where it takes too long.
Must not: let the text come any further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from policies import Estimator, Task
from policies.affinity.prefix import PREFIX
from policies.policy import NO_FEATURES
from policies.starting.estimator import SCORE, TEXT
from policies.starting.leash import Leash, Overran
from router.caller import Caller
from router.dialects.beginning import beginning
from router.dialects.contract import Call
from router.telemetry.log import where

if TYPE_CHECKING:
    from router.runtime import Runtime


class Nonsense(ValueError):
    """What an estimator said is no score; the message does not quote it."""


class Estimating:
    """An estimator, measured by `clock`. `needs` is what is to be read for it."""

    def __init__(self, estimator: Estimator, clock: Callable[[], float] = perf_counter) -> None:
        self.estimator = estimator
        self.needs = frozenset({TEXT, *getattr(estimator, "needs", ())})
        self._clock = clock
        self._leash = Leash()

    def score(self, task: Task) -> float | None:
        """How hard it finds `task`; None: it is switched off. Raises what it raises, `Nonsense` for
        what is no score, and `Overran` where it is switched off for what it took.
        """
        began = self._clock()
        if self._leash.away(began):
            return None
        try:
            score: Any = self.estimator.score(task)
        finally:
            ended = self._clock()
            self._leash.took(ended - began, ended)
        if not isinstance(score, int | float) or isinstance(score, bool):
            raise Nonsense(f"it says a {type(score).__name__}, which is no number from 0 to 1")
        if not 0 <= score <= 1:
            raise Nonsense(f"it says {score:g}, which is no number from 0 to 1")
        return float(score)


def brought(
    call: Call,
    caller: Caller,
    needs: frozenset[str],
    runtime: Runtime,
    model: str,
) -> Mapping[str, Any]:
    """What `call` has of `needs`, asked for `model`: how its prompt begins; and with an estimate in
    the place of the text, where the route has somebody to make one and there is a text.
    """
    if PREFIX not in needs:
        return _said(call, caller, needs, runtime, model)
    dialect, tenant = caller.dialect, caller.tenant.name
    session, user = caller.wishes.session or "", dialect.user(call)
    found = beginning(call.fields, call.input_tokens, tenant, session, user)
    others = needs - {PREFIX}
    said = _said(call, caller, others, runtime, model) if others else NO_FEATURES
    return said if found is None else {**said, PREFIX: found}


def _said(
    call: Call, caller: Caller, needs: frozenset[str], runtime: Runtime, model: str
) -> Mapping[str, Any]:
    found = caller.dialect.features(call, needs)
    estimating = runtime.estimators.get(model)
    if estimating is None:
        return found
    text = found.get(TEXT)
    others = {name: value for name, value in found.items() if name != TEXT}
    if not text:
        return others
    features = MappingProxyType(others)
    tokens = call.input_tokens, call.output_tokens
    task = Task(model, text, *tokens, call.stream, caller.tenant.name, features)
    try:
        score = estimating.score(task)
    except (Nonsense, Overran) as error:
        runtime.engine.failed(estimating.estimator, error)
        return others
    except Exception as error:  # noqa: BLE001 - a door: a user's estimator must not fail a request
        # Where, and not what it says, which may quote the text.
        told = RuntimeError(f"{type(error).__name__} at {where(error)}")
        runtime.engine.failed(estimating.estimator, told)
        return others
    return others if score is None else {**others, SCORE: score}

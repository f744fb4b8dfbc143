"""How each target is taken to serve: as measured, as simulated, or as assumed, and which of these.

Why: a prediction is worth what it stands on, so that is said of every target.
Must not: measure anything itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from policies.simulate import Fault, Service
from router.config import Config, Simulation
from router.config.variants import identity_of
from router.planning.recorded import Measured

ASSUMED_FIRST = 0.5
ASSUMED_SPREAD = 0.5
"""Seconds to the first token at the median, and the deviation of their logarithm: what hosted
models of middling size took in public measurements (llmperf leaderboard, December 2023)."""
ASSUMED_PACE = 0.02


class Basis(NamedTuple):
    """How a target serves; the share of requests that fail there, after so many seconds; and
    where all that is from, in words.
    """

    service: Service
    errors: float
    error_after: float
    words: str

    def fault(self, target: str) -> Fault | None:
        """What is wrong with it all the time; None: nothing."""
        if not self.errors:
            return None
        return Fault(target, 0.0, errors=self.errors, error_after=self.error_after)


def bases(config: Config, measured: Mapping[str, Measured], of: Config) -> dict[str, Basis]:
    """How every target of `config` serves; what was `measured` was so on the targets `of` another
    file, and holds for those that this one leaves as they are.
    """
    found = {}
    for name in config.targets():
        provider, model = config.target(name)
        if not provider.enabled:
            continue
        if name in measured and _place(config, name) == _place(of, name):
            found[name] = _as_measured(measured[name])
        elif model.simulation is not None or provider.dialect == "simulated":
            found[name] = _as_simulated(model.simulation or Simulation())
        else:
            found[name] = ASSUMED
    return found


def _place(config: Config, name: str) -> object:
    """What makes it the same target; None where it is not declared."""
    if name not in set(config.targets()):
        return None
    provider, model = config.target(name)
    return provider.dialect, identity_of(provider, model), model.simulation


def _as_measured(measured: Measured) -> Basis:
    middle = measured.waits[len(measured.waits) // 2]
    words = f"measured: {_words(middle, measured.per_token, measured.errors)}, "
    words += f"in {measured.attempts:,} attempts"
    if measured.throttled:
        words += f"; that {measured.throttled:.1%} of them were throttled is not played"
    service = Service(per_token=measured.per_token, waits=measured.waits)
    return Basis(service, measured.errors, middle, words)


def _as_simulated(simulation: Simulation) -> Basis:
    first, jitter = simulation.first_token, simulation.jitter
    pace = 1 / simulation.tokens_per_second
    waits = (first * (1 - jitter), first * (1 + jitter))
    words = f"as the file simulates it: {_words(first, pace, simulation.error_rate)}"
    return Basis(Service(per_token=pace, waits=waits), simulation.error_rate, first, words)


def _words(first: float, pace: float, errors: float) -> str:
    speed = f"{1 / pace:.0f} tokens a second" if pace > 0 else "all of it at once"
    failing = f"{errors:.1%} fail" if errors else "none fail"
    return f"first token {first * 1000:.0f} ms, {speed}, {failing}"


ASSUMED = Basis(
    Service(first_token=ASSUMED_FIRST, spread=ASSUMED_SPREAD, per_token=ASSUMED_PACE),
    0.0,
    ASSUMED_FIRST,
    f"not measured: assumed {_words(ASSUMED_FIRST, ASSUMED_PACE, 0.0)}",
)

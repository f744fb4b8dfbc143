"""Limits and ways of counting, from a file's words, and what is known of its providers, into the
engine's.
"""

from __future__ import annotations

from collections.abc import Iterable

from policies import Charge, Counting, Limits, Rate
from router.config import Config, ProviderModel
from router.config import Limits as ConfigLimits
from router.config.counts import AS_WRITTEN, Counts
from router.config.values import Rate as ConfigRate
from router.midnight import SINCE_1970, Clocks

MINUTE, DAY = 60.0, 86_400.0


def limits_of(
    limits: ConfigLimits, counts: Counts = AS_WRITTEN, clocks: Clocks = SINCE_1970
) -> Limits:
    """The engine's words for a file's limits, as a provider means them that `counts` so."""

    def requests(rate: ConfigRate) -> Rate:
        if rate.seconds == MINUTE:
            return Rate(rate.amount, rate.seconds, counts.slice)
        if rate.seconds == DAY and counts.midnight is not None:
            return Rate(rate.amount, rate.seconds, resets=clocks.midnight(counts.midnight))
        return Rate(rate.amount, rate.seconds)

    return Limits(
        requests=tuple(requests(rate) for rate in limits.requests),
        tokens=_rates(limits.tokens),
        concurrent=limits.concurrent,
        input=_rates(limits.input_tokens),
        output=_rates(limits.output_tokens),
    )


def counting_of(model: ProviderModel) -> Counting:
    """How what a model is sent is counted."""
    counts = model.counts
    return Counting(
        Charge(counts.answers),
        cached=counts.cached,
        times=counts.times,
        unbounded=model.output if counts.longest else None,
    )


def by_midnight(config: Config) -> bool:
    """Whether any of its limits starts anew at a midnight."""
    return any(
        rate.seconds == DAY
        for provider in config.providers.values()
        for limits, counts in (
            (provider.limits, provider.counts),
            *((model.limits, model.counts) for model in provider.models.values()),
        )
        if counts.midnight is not None
        for rate in limits.requests
    )


def _rates(rates: Iterable[ConfigRate]) -> tuple[Rate, ...]:
    return tuple(Rate(rate.amount, rate.seconds) for rate in rates)

"""The configuration room: from `providers.yaml` to plain, resolved values, or to all its mistakes.

Why: `load` is the one door, and everything behind it is either right or was never let in.
Must not: know the network, or what a policy does.
"""

from router.config.cascade import Audit, Cascade, CheckSpec
from router.config.diff import needs_restart, words
from router.config.ladders import ladder
from router.config.load import load, server_of, written_at
from router.config.models import ABILITIES
from router.config.place import Only, Place, place_words
from router.config.problems import ConfigError, Problem
from router.config.rules import Asked, StartRule, Threshold
from router.config.schema import (
    Config,
    Defaults,
    Limits,
    PolicySpec,
    Price,
    Provider,
    ProviderModel,
    Retry,
    Route,
    Rung,
    Simulation,
    Tenant,
    Timeouts,
)
from router.config.server import faults, is_loopback
from router.config.shadow import Shadow
from router.config.shift import MARK, Guard, Shift
from router.config.startup import Decisions, Drain, Server, Shared, WhenDown
from router.config.values import Address, Rate, Secret, Tls, WeightedTarget
from router.config.watching import Watch

__all__ = [
    "ABILITIES",
    "MARK",
    "Address",
    "Asked",
    "Audit",
    "Cascade",
    "CheckSpec",
    "Config",
    "ConfigError",
    "Decisions",
    "Defaults",
    "Drain",
    "Guard",
    "Limits",
    "Only",
    "Place",
    "PolicySpec",
    "Price",
    "Problem",
    "Provider",
    "ProviderModel",
    "Rate",
    "Retry",
    "Route",
    "Rung",
    "Secret",
    "Server",
    "Shadow",
    "Shared",
    "Shift",
    "Simulation",
    "StartRule",
    "Tenant",
    "Threshold",
    "Timeouts",
    "Tls",
    "Watch",
    "WeightedTarget",
    "WhenDown",
    "faults",
    "is_loopback",
    "ladder",
    "load",
    "needs_restart",
    "place_words",
    "server_of",
    "words",
    "written_at",
]

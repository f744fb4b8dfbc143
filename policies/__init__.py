"""Pointsman's decisions as a library: pure, synchronous, standard library only.

`Engine` owns what is learned about every target; a `Policy` chooses among those that can serve; a
`Course` is one request's way through them, driven by whoever does the sending. Nothing here reads a
clock, draws from a global random, opens a socket or needs the `router` package.
"""

from policies.affinity.prefix import Prefix
from policies.cost_tiers import CostTiers
from policies.engine.actions import Fail, Send, Stop, TimeLimits, Wait
from policies.engine.attempt import Attempt
from policies.engine.course import Course
from policies.engine.engine import Engine
from policies.engine.learning.estimates import Tally
from policies.engine.limits.counting import Charge, Counting
from policies.engine.limits.headroom import Headroom, Measured, Measurement, Used
from policies.engine.news import News
from policies.engine.outcome import (
    Effect,
    Health,
    Next,
    Outcome,
    Phase,
    Report,
    Rest,
    Scope,
    SettledTwice,
)
from policies.engine.refusal import Cause, Refusal, Refused
from policies.engine.route import (
    Climb,
    Facts,
    Limits,
    Price,
    PromptCache,
    Rate,
    Retry,
    Route,
    Target,
)
from policies.engine.showing.explaining import Explained, ExplainedTarget
from policies.engine.showing.record import Record
from policies.engine.showing.views import TargetSnapshot
from policies.engine.standing import Factors
from policies.least_latency import LeastLatency
from policies.policy import Band, Candidate, Learner, Policy, Request, Starter
from policies.priority import Priority
from policies.starting.estimator import Estimator, Task
from policies.starting.rules import Rule, Threshold
from policies.weighed_latency import WeighedLatency
from policies.weighted_round_robin import WeightedRoundRobin

__all__ = [  # noqa: RUF022 - grouped by use, as a reader meets them
    # the engine and one request's way through it
    "Engine",
    "Course",
    "Send",
    "Stop",
    "Wait",
    "Fail",
    "TimeLimits",
    "Attempt",
    "SettledTwice",
    # what is said of an attempt that has ended
    "Report",
    "Outcome",
    "Effect",
    "Health",
    "Rest",
    "Next",
    "Phase",
    "Scope",
    # why a target cannot serve, why a course waits or fails
    "Refusal",
    "Refused",
    "Cause",
    # what the engine is configured with
    "Route",
    "Target",
    "Retry",
    "Climb",
    "Facts",
    "Limits",
    "Rate",
    "Counting",
    "Charge",
    "Price",
    "PromptCache",
    # policies, and the contract for one's own
    "Policy",
    "Learner",
    "Starter",
    "Candidate",
    "Request",
    "Band",
    "WeightedRoundRobin",
    "LeastLatency",
    "WeighedLatency",
    "Prefix",
    "Priority",
    "CostTiers",
    "Rule",
    "Threshold",
    "Estimator",
    "Task",
    # what the engine shows and is told
    "Explained",
    "ExplainedTarget",
    "Factors",
    "TargetSnapshot",
    "Tally",
    "Record",
    "Headroom",
    "Used",
    "Measurement",
    "Measured",
    "News",
]

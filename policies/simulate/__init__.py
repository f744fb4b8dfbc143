"""A world in virtual time, for judging policies by what they do.

It drives the engine and the courses that run in production; only targets, time and chance are made
up. Standard library and numpy only.
"""

from policies.simulate.arrivals import (
    CODE,
    CONVERSATION,
    Arrival,
    Crowd,
    Lengths,
    bursts,
    poisson,
)
from policies.simulate.baselines import BASELINES
from policies.simulate.ended import Answered, Sent
from policies.simulate.estimate import Bound, Estimate
from policies.simulate.judge import judge
from policies.simulate.replay import Replayed, replay
from policies.simulate.scenario import Scenario
from policies.simulate.scenarios import SCENARIOS
from policies.simulate.service import Fault, Service
from policies.simulate.tables import Verdict
from policies.simulate.terms import Clients, Rung, Terms
from policies.simulate.world import World

__all__ = [
    "BASELINES",
    "CODE",
    "CONVERSATION",
    "SCENARIOS",
    "Answered",
    "Arrival",
    "Bound",
    "Clients",
    "Crowd",
    "Estimate",
    "Fault",
    "Lengths",
    "Replayed",
    "Rung",
    "Scenario",
    "Sent",
    "Service",
    "Terms",
    "Verdict",
    "World",
    "bursts",
    "judge",
    "poisson",
    "replay",
]

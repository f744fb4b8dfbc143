"""A world in virtual time, for judging policies by what they do.

It drives the engine and the courses that run in production; only targets, time and chance are made
up. Standard library and numpy only.
"""

from policies.simulate.arrivals import CODE, CONVERSATION, Arrival, Lengths, bursts, poisson
from policies.simulate.baselines import BASELINES
from policies.simulate.judge import Verdict, judge
from policies.simulate.replay import Replayed, replay
from policies.simulate.scenarios import SCENARIOS, Scenario
from policies.simulate.service import Fault, Service
from policies.simulate.world import Answered, Sent, World

__all__ = [
    "BASELINES",
    "CODE",
    "CONVERSATION",
    "SCENARIOS",
    "Answered",
    "Arrival",
    "Fault",
    "Lengths",
    "Replayed",
    "Scenario",
    "Sent",
    "Service",
    "Verdict",
    "World",
    "bursts",
    "judge",
    "poisson",
    "replay",
]

"""Moving a route's traffic from its targets to others, in steps, and back at once where that hurts.

A shift has two *arms*: the control, which is the route as it is, and the canary, which is what it
shall be. Nothing here reads a clock or keeps anything: `advance` takes how far a shift has come and
what both arms have done, and says how far it comes; who gathers that and keeps it is the driver's
affair.
"""

from policies.shifting.advance import advance, rests, share
from policies.shifting.arms import in_canary, place
from policies.shifting.evidence import NOTHING, Evidence
from policies.shifting.operating import abort, pause, resume
from policies.shifting.progress import Progress, State, begin
from policies.shifting.spread import Spread
from policies.shifting.terms import Guards, Terms, revision
from policies.shifting.verdicts import Says, Verdict, verdicts

__all__ = [
    "NOTHING",
    "Evidence",
    "Guards",
    "Progress",
    "Says",
    "Spread",
    "State",
    "Terms",
    "Verdict",
    "abort",
    "advance",
    "begin",
    "in_canary",
    "pause",
    "place",
    "rests",
    "resume",
    "revision",
    "share",
    "verdicts",
]

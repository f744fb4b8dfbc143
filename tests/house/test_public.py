"""What `policies` and `router.testing` promise: these names, each explained; and `policies`
without anything else installed.
"""

import inspect
import subprocess
import sys

import pytest

import policies
from router import testing
from tests.house.source import ROOT

PUBLIC = {
    # the engine and one request's way through it
    "Engine", "Course", "Send", "Stop", "Wait", "Fail", "TimeLimits", "Attempt", "SettledTwice",
    # what is said of an attempt that has ended
    "Report", "Outcome", "Effect", "Health", "Rest", "Next", "Phase", "Scope",
    # why a target cannot serve, why a course waits or fails
    "Refusal", "Refused", "Cause",
    # what the engine is configured with
    "Route", "Target", "Retry", "Climb", "Facts", "Limits", "Rate", "Counting", "Charge",
    "Price",
    # policies, and the contract for one's own
    "Policy", "Learner", "Starter", "Candidate", "Request", "Band",
    "WeightedRoundRobin", "LeastLatency", "WeighedLatency", "Prefix", "PromptCache", "Priority",
    "CostTiers", "Rule", "Threshold", "Estimator", "Task",
    # what the engine shows and is told
    "Explained", "ExplainedTarget", "Factors", "TargetSnapshot", "Tally", "Record", "News",
    "Headroom", "Used", "Measurement", "Measured",
}  # fmt: skip
TESTING = {
    # servers and the network before them
    "Provider", "Chaos", "Authority",
    # what a provider says
    "Reply", "Said", "Saying", "Answer", "Embeddings", "Status", "Body", "Stream", "Raw", "Then",
    "Silence", "Reset", "HangUp", "ERROR_EVENT", "event",
    # which reply a request gets, and what came
    "Script", "stale", "flapping", "Request", "MalformedRequest",
}  # fmt: skip
ALONE = """
import sys
for name in ("aiohttp", "msgspec", "pydantic", "router", "uvloop", "yaml"):
    sys.modules[name] = None  # importing it fails
from random import Random
from policies import *
routes = {"chat": Route([Target("a/m", weight=3), Target("b/m")], WeightedRoundRobin())}
engine = Engine(routes, rng=Random(7), now=0.0)
answered = []
for second in range(8):
    course = engine.start(Request("chat", deadline=second + 5.0, input_tokens=10), float(second))
    match course.next(float(second)):
        case Send(attempt, target):
            attempt.sent(float(second))
            attempt.settle(Report(Outcome.OK, output_tokens=5), second + 0.5)
            answered.append(target)
    course.close(second + 0.5)
assert engine.in_flight == 0
print(answered.count("a/m"), answered.count("b/m"))
"""


def test_the_public_names_are_these_and_no_other():
    assert set(policies.__all__) == PUBLIC
    assert len(policies.__all__) == len(PUBLIC)
    assert set(testing.__all__) == TESTING
    assert len(testing.__all__) == len(TESTING)


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_name_says_what_it_means(name):
    public = getattr(policies, name)
    told = vars(public).get("__doc__") or ""
    assert told, "no docstring of its own"
    assert not told.startswith(f"{name}("), "the docstring is the one that its kind makes"


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_so_does_each_verb_of_it(name):
    silent = [
        verb
        for verb, member in vars(getattr(policies, name)).items()
        if not verb.startswith("_") and inspect.isfunction(member) and not member.__doc__
    ]
    # A policy's verbs are described by the contract.
    contract = vars(policies.Policy) if hasattr(getattr(policies, name), "choose") else {}
    assert [verb for verb in silent if verb not in contract] == []


@pytest.mark.parametrize("name", sorted(TESTING - {"ERROR_EVENT", "Script"}))
def test_what_tests_are_given_says_what_it_means_and_so_does_each_verb(name):
    public = getattr(testing, name)
    told = public.__doc__ or ""
    assert told
    assert not told.startswith(f"{name}("), "the docstring is the one that its kind makes"
    members = vars(public).items() if inspect.isclass(public) else ()
    assert not [
        verb
        for verb, member in members
        if not verb.startswith("_") and inspect.isfunction(member) and not member.__doc__
    ]


def test_a_course_runs_where_nothing_is_installed():
    ended = subprocess.run(
        [sys.executable, "-S", "-W", "error", "-c", ALONE],  # -S: no installed packages
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.stderr == ""
    assert ended.stdout == "6 2\n"

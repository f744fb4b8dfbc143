"""An estimator reads the text where it is, and what it says takes the rules' place; and where
nobody asks, no text is read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from policies import CostTiers, Request, Rule, Task, Threshold
from policies.policy import NO_FEATURES
from policies.starting.leash import LIMIT
from router.building.choosing import BuildFault, estimators_of
from router.caller import Caller, Wishes
from router.config import load
from router.dialects.contract import Call
from router.dialects.openai.dialect import OPENAI, OpenAI
from router.estimating import Estimating
from router.pipeline import admit
from router.stored.owners import Owners
from tests.router.clock import in_virtual_time
from tests.router.running import JSON, running, written
from tests.router.scene import ALL, Scene
from tests.router.scripted import answer

CODE = Rule(score=0.6, code=True)
HARD = {"messages": [{"role": "user", "content": "Is it hard? ```print(1)```"}]}


class Spy(OpenAI):
    """Keeps what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[frozenset[str]] = []

    def features(self, call: Call, needs: frozenset[str]) -> Mapping[str, Any]:
        self.asked.append(needs)
        return super().features(call, needs)


class Says:
    """An estimator that says what it is told to, and keeps what it was asked."""

    needs: ClassVar[frozenset[str]] = frozenset({"tools"})

    def __init__(self, *scores: Any) -> None:
        self.scores = list(scores)
        self.tasks: list[Task] = []

    def score(self, task: Task) -> float:
        self.tasks.append(task)
        said = self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]
        if isinstance(said, Exception):
            raise said
        score: float = said
        return score


def tiers(estimator: Says | None, clock: Any = None) -> Scene:
    estimated = estimator is not None
    policy = CostTiers((CODE,), tiers_at=(0.5,), estimated=estimated)
    estimators = {}
    if estimator is not None:
        estimating = Estimating(estimator) if clock is None else Estimating(estimator, clock)
        estimators = {"chat": estimating}
    return Scene({"a/m": [answer()]}, policy=policy, estimators=estimators)


def asked(scene: Scene, dialect: OpenAI = OPENAI, **fields: Any) -> Request:
    body = json.dumps({"model": "chat", **HARD, **fields}).encode()
    call = dialect.parse(body)
    caller = Caller("req_1", ALL, dialect, {}, Wishes())
    owners = Owners(lambda: 0.0)
    return admit(call, caller, scene.runtime, 0.0, owners)


@in_virtual_time
async def test_no_text_is_read_for_routes_that_do_not_need_it() -> None:
    spy = Spy()
    assert asked(Scene({"a/m": []}), spy).features is NO_FEATURES
    assert asked(Scene({"a/m": []}, policy=CostTiers()), spy).features is NO_FEATURES
    long = CostTiers((Rule(1, input_tokens=Threshold(">", 1)), Rule(score=0.1, tenant=("a",))))
    assert asked(Scene({"a/m": []}, policy=long), spy).features is NO_FEATURES
    assert spy.asked == []


@in_virtual_time
async def test_what_is_needed_is_read_once_and_no_text_comes_to_the_engine() -> None:
    spy = Spy()
    request = asked(tiers(Says(0.9)), spy)
    assert spy.asked == [frozenset({"code", "text", "tools"})]
    assert request.features == {"code": True, "tools": False, "score": 0.9}


@in_virtual_time
async def test_an_estimator_sees_one_request_frozen() -> None:
    estimator = Says(0.1)
    asked(tiers(estimator), max_tokens=7, stream=True)
    (task,) = estimator.tasks
    assert task.text == "Is it hard? ```print(1)```"
    assert (task.model, task.output_tokens, task.stream, task.tenant) == ("chat", 7, True, "all")
    assert task.input_tokens > 0
    assert task.features == {"code": True, "tools": False}
    with pytest.raises(TypeError):
        task.features["tools"] = True  # type: ignore[index]


@pytest.mark.parametrize(
    "said", [ValueError("no"), None, "0.5", -0.1, 1.1, float("nan"), True, [0.5]]
)
@in_virtual_time
async def test_one_that_raises_or_answers_nonsense_is_reported_and_the_rules_count(
    said: Any,
) -> None:
    scene = tiers(Says(said))
    told: list[tuple[str, Exception]] = []
    scene.engine._on_policy_error = lambda name, error: told.append((name, error))
    request = asked(scene)
    assert "score" not in request.features
    policy = scene.routes["chat"].policy
    assert isinstance(policy, CostTiers)
    assert policy.start(request) == 1
    ((name, error),) = told
    assert name == "Says"
    assert "ValueError at" in str(error) or "is no number from 0 to 1" in str(error)


def slowly(estimator: Says, now: list[float]) -> Callable[[], float]:
    """A clock by which each task takes twice what it may."""

    def clock() -> float:
        now[0] += LIMIT
        return now[0] + LIMIT * len(estimator.tasks)

    return clock


@in_virtual_time
async def test_after_three_overruns_it_is_not_asked_for_a_minute() -> None:
    now, estimator = [0.0], Says(0.0)
    scene = tiers(estimator, slowly(estimator, now))
    told: list[str] = []
    scene.engine._on_policy_error = lambda name, error: told.append(f"{name}: {error}")
    for _ in range(10):
        asked(scene)
    assert len(estimator.tasks) == 3
    (line,) = told
    assert line.startswith("Says: it took 20 ms, 3 times within a minute")
    now[0] += 61.0
    asked(scene)
    assert len(estimator.tasks) == 4


@in_virtual_time
async def test_one_that_takes_long_and_then_raises_is_not_asked_either_and_quotes_no_text() -> None:
    estimator = Says(ValueError("what the client wrote"))
    scene = tiers(estimator, slowly(estimator, [0.0]))
    told: list[str] = []
    scene.engine._on_policy_error = lambda name, error: told.append(f"{name}: {error}")
    for _ in range(10):
        asked(scene)
    assert len(estimator.tasks) == 3
    assert "wrote" not in " ".join(told)
    assert told[-1].startswith("Says: it took 20 ms, 3 times within a minute")


@in_virtual_time
async def test_where_there_is_no_text_nobody_estimates() -> None:
    estimator = Says(0.9)
    request = asked(tiers(estimator), messages=[{"role": "assistant", "content": "So?"}])
    assert estimator.tasks == []
    assert request.features == {"code": False, "tools": False}


SMART = """
smart:
  policy: cost_tiers
  tiers: [[sim/fast], [sim/other]]
  start: auto
  estimator: {name: "hardness:Words", each: 0.25}
"""
WORDS = """
class Words:
    def __init__(self, each):
        self.each = each

    def score(self, task):
        if "boom" in task.text:
            raise RuntimeError(task.text.split()[0])
        return min(1.0, self.each * len(task.text.split()))
"""


async def test_one_from_a_module_of_the_user_s_says_where_requests_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hardness.py").write_text(WORDS)
    monkeypatch.syspath_prepend(str(tmp_path))
    async with running(written(tmp_path, SMART, "plugins: [hardness]")) as router:

        async def target(text: str) -> str:
            asked = await router.chat("smart", messages=[{"role": "user", "content": text}])
            return str(asked.headers["x-router-target"])

        assert await target("one word") == "sim/other"
        assert await target("one") == "sim/fast"
        assert await target("boom one two three four") == "sim/fast"
        assert await router.says("policy=Words error=RuntimeError")
        question = {"model": "smart", "says": "one two three"}
        told = await router.ask_admin("POST", "/explain", json.dumps(question).encode(), JSON)
        assert told.told["start"][0] == (
            "starts in tier 2: its score by the estimator is 0.75 of 1, and tier 2 begins at 0.5"
        )
    monkeypatch.delitem(sys.modules, "hardness")


async def test_one_that_cannot_be_made_is_named_with_its_reason(tmp_path: Path) -> None:
    path = written(tmp_path, SMART.replace("hardness", "json"), "plugins: [json]")
    with pytest.raises(BuildFault, match="the estimator 'json:Words' cannot be made: "):
        estimators_of(load(path, {}))
    none = SMART.replace('{name: "hardness:Words", each: 0.25}', '"json:JSONDecoder"')
    with pytest.raises(BuildFault, match="it is no estimator, which has `score`"):
        estimators_of(load(written(tmp_path, none, "plugins: [json]"), {}))

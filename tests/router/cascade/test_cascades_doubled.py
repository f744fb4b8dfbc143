"""A cheap answer that is not good enough, while its request was asked twice: behind a probe."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

from policies import CostTiers, Outcome, Retry, Route, Target
from router.aside import Aside
from router.cascade.auditing import Auditing
from router.cascade.cascades import Cascades
from router.cascade.checking import Checking
from router.cascade.checks import BUILT_IN, Check
from router.cascade.terms import Terms
from router.stored.owners import Owners
from router.upstream.fetch import Fetcher
from tests.router.clock import in_virtual_time
from tests.router.scene import InOrder, Scene
from tests.router.scripted import answer, refusal

REFUSES = "I'm sorry, but I can't help with that."
SILENT = [1000.0]


def climbing(scene: Scene) -> None:
    """`a` and `b` are cheap, `dear` is asked where their answers are empty."""
    loop, routes = asyncio.get_running_loop(), dict(scene.routes)
    targets = [Target("a"), Target("b"), Target("dear", tier=1)]
    routes["chat"] = Route(targets, CostTiers((), InOrder()), Retry(attempts=3))
    scene.engine.replace(routes, {}, loop.time())
    tiers = {"a": 0, "b": 0, "dear": 1}
    refused = Check("refusal", BUILT_IN["refusal"])
    terms = Terms("chat", (refused,), (), False, tiers, {}, (None, None), None, None, "1")
    scene.runtime = replace(scene.runtime, cascades={"chat": terms})
    aside = Aside(lambda: scene.runtime, scene.pipeline._journal, loop, Fetcher(), None)
    cascades = Cascades(
        Checking(aside, Owners(loop.time)), Auditing(aside, print), Random(1), lambda: 1
    )
    scene.pipeline._runtime = lambda: scene.runtime
    scene.pipeline.cascade = cascades.begin


@in_virtual_time
async def test_a_climb_settles_what_was_doubled_and_asks_the_dear_tier_once() -> None:
    scripts = {
        "a": [*[refusal(500)] * 5, SILENT],
        "b": [*[answer()] * 10, answer(REFUSES)],
        "dear": [answer("dear")],
    }
    scene = Scene(scripts)
    climbing(scene)
    for _ in range(10):
        await scene.ask()
    await asyncio.sleep(70.0)
    before = len(scene.kept.attempts)
    client = await scene.ask()
    assert [(one.target, one.report.outcome) for one in scene.kept.attempts[before:]] == [
        ("b", Outcome.OK),
        ("a", Outcome.ABANDONED),
        ("dear", Outcome.OK),
    ]
    assert client.json["choices"][0]["message"]["content"] == "dear"
    assert client.headers["x-router-attempts"] == "3"
    assert client.headers["x-router-cascade"] == "climbed; b=refusal"

"""A file that was taken over is the one that runs: nothing of the one before it is left."""

import asyncio
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from router.app import App
from router.config import load, needs_restart, words
from router.runtime import Runtime
from router.telemetry.log import Log
from tests.router.config.test_round_trip import files


def without_tokenizers(drawn: Any) -> Any:
    """Vocabularies have to be there before anything runs: here there are none."""
    if isinstance(drawn, dict):
        return {key: without_tokenizers(one) for key, one in drawn.items() if key != "tokenizer"}
    return [without_tokenizers(one) for one in drawn] if isinstance(drawn, list) else drawn


FILES = files().map(lambda drawn: yaml.safe_dump(without_tokenizers(drawn[0])))


async def applied(folder: Path, before: str, after: str) -> None:
    path = folder / "providers.yaml"
    path.write_text(before)
    log = Log(StringIO(), "off")
    app, cold = App(load(path, {}), {}, log, Random(1)), None
    try:
        path.write_text(after)
        await app.reload()
        assert app.state.errors == ()
        config = load(path, {})
        assert words(app.state.config, config) == []
        assert needs_restart(app.state.config, config) == []
        assert app.state.config == config
        cold = App(config, {}, log, Random(1))
        warm, fresh = app.state.runtime, cold.state.runtime
        for name in ("revision", "deadlines", "targets", "off", "needs", "alike"):
            assert getattr(warm, name) == getattr(fresh, name)
        assert _measured(warm) == _measured(fresh)
        assert warm.upstreams.keys() == fresh.upstreams.keys()
        assert warm.engine.snapshot(0.0).keys() == fresh.engine.snapshot(0.0).keys()
    finally:
        await app.close()
        if cold is not None:
            await cold.close()
        log.close()


def _measured(runtime: Runtime) -> dict[str, tuple[str, dict[str, int]]]:
    """What is checked of whose answers."""
    return {name: (one.measured, dict(one.tiers)) for name, one in runtime.cascades.items()}


@settings(max_examples=20, deadline=None)
@given(before=FILES, after=FILES)
def test_what_is_applied_differs_in_nothing_from_the_file(before: str, after: str) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(applied(Path(folder), before, after))


WEIGHED = st.dictionaries(
    st.sampled_from(["sim/a", "sim/b", "sim/c"]), st.integers(1, 9), min_size=1
)
SHIFT = st.fixed_dictionaries(
    {"to": WEIGHED.map(lambda to: {name: weight + 10 for name, weight in to.items()})},
    optional={
        "steps": st.sampled_from([[10, 100], [1, 50, 100]]),
        "interval": st.sampled_from(["1s", "5m"]),
        "min_requests": st.integers(1, 99),
        "by": st.sampled_from(["session", "user", "request"]),
    },
)
SHADOW = st.fixed_dictionaries(
    {"to": st.sampled_from(["sim/d", "sim/e"]), "spend": st.just("none")},
    optional={"share": st.sampled_from(["5%", "all"]), "concurrent": st.integers(1, 9)},
)
CASCADE = st.fixed_dictionaries(
    {},
    optional={
        "checks": st.lists(
            st.sampled_from(["empty", "finish", {"judge": "judges"}, {"match": "^yes"}]),
            min_size=1,
            unique_by=str,
        ),
        "head": st.sampled_from(["1KiB", "8KiB"]),
        "audit": st.fixed_dictionaries(
            {"spend": st.just("none")}, optional={"share": st.sampled_from(["5%", "100%"])}
        ),
    },
)
TIERED = st.fixed_dictionaries(
    {
        "policy": st.just("cost_tiers"),
        "tiers": st.permutations(["sim/a", "sim/b", "sim/c"]).map(
            lambda each: [[one] for one in each]
        ),
    },
    optional={"cascade": st.just("auto") | CASCADE, "shadow": SHADOW},
)
MOVING = (
    st.fixed_dictionaries({"targets": WEIGHED}, optional={"shift": SHIFT, "shadow": SHADOW})
    | TIERED
).map(
    lambda route: yaml.safe_dump(
        {
            "version": 1,
            "providers": {"sim": {"dialect": "simulated", "models": [*"abcde"]}},
            "models": {"chat": route, "judges": {"targets": ["sim/e"]}},
        }
    )
)


@settings(max_examples=15, deadline=None)
@given(before=MOVING, after=MOVING)
def test_so_it_is_with_routes_whose_traffic_moves_is_copied_or_checked(
    before: str, after: str
) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(applied(Path(folder), before, after))

"""A file that was taken over is the one that runs: nothing of the one before it is left."""

import asyncio
from io import StringIO
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given, settings

from router.app import App
from router.config import load, needs_restart, words
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
        assert warm.upstreams.keys() == fresh.upstreams.keys()
        assert warm.engine.snapshot(0.0).keys() == fresh.engine.snapshot(0.0).keys()
    finally:
        await app.close()
        if cold is not None:
            await cold.close()
        log.close()


@settings(max_examples=40, deadline=None)
@given(before=FILES, after=FILES)
def test_what_is_applied_differs_in_nothing_from_the_file(before: str, after: str) -> None:
    with TemporaryDirectory() as folder:
        asyncio.run(applied(Path(folder), before, after))

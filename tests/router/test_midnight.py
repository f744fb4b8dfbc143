import asyncio
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import Outcome, Report, Request, Send
from router.midnight import Clocks
from tests.router.running import running

PACIFIC = "America/Los_Angeles"


def at(told: str, zone: str = PACIFIC) -> float:
    return datetime.fromisoformat(told).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "hours"),
    [
        ("2026-03-07T00:00", 24),
        ("2026-03-07T23:59:59", 1 / 3600),
        ("2026-03-08T00:00", 23),
        ("2026-11-01T00:00", 25),
        ("2026-11-01T12:00", 12),
    ],
)
def test_days_on_which_clocks_change_are_shorter_or_longer(now: str, hours: float) -> None:
    assert Clocks(100.0, at(now)).midnight(PACIFIC) == pytest.approx(100 + hours * 3600)


@given(st.floats(0, 4e9), st.floats(0, 1e7), st.sampled_from([PACIFIC, "UTC", "Asia/Kolkata"]))
def test_it_is_midnight_there_and_within_a_day(world: float, engine: float, zone: str) -> None:
    midnight = Clocks(engine, world).midnight(zone)
    assert midnight is not None
    assert 0 < midnight - engine <= 25 * 3600
    there = datetime.fromtimestamp(round(world + midnight - engine), ZoneInfo(zone))
    assert (there.hour, there.minute, there.second) == (0, 0, 0)


def test_a_zone_that_the_machine_does_not_know_has_none() -> None:
    assert Clocks().midnight("Nowhere/At_All") is None


GEMINI = """
providers:
  g: {preset: gemini, api_key: one, limits: {requests: 250/day}, models: [m]}
models: {chat: {targets: [g/m]}}
"""


async def test_a_router_says_anew_when_its_days_end_and_goes_on_counting(tmp_path: Path) -> None:
    file = tmp_path / "providers.yaml"
    server = "server: {listen: 127.0.0.1:0, admin: 127.0.0.1:0}"
    file.write_text(f"version: 1\n{server}\n{GEMINI}")
    loop = asyncio.get_running_loop()
    async with running(file) as router:
        engine = router.app.state.runtime.engine
        now = loop.time()
        course = engine.start(Request("chat", now + 5.0), now)
        action = course.next(now)
        assert isinstance(action, Send)
        action.attempt.settle(Report(Outcome.OK), now)
        course.close(now)
        router.app._aim()
        quota = engine._standings["g/m"].groups[0].quota
        midnight = Clocks(loop.time(), time.time()).midnight(PACIFIC)
        assert quota.room(loop.time()).requests == 249
        assert quota.limits.requests[0].resets == pytest.approx(midnight, abs=1)

"""What holds for every test. It must not hide anything: a skipped test is a claim unproven, and
what a test leaves open is a leak, in it or in what it tests.
"""

import asyncio
import gc
from asyncio import runners
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from policies import Engine

# A claim about values is no claim about this machine, nor about what else it does. What a few
# examples prove a little is proved by many in `make proof`.
ANYWHERE = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("claims", ANYWHERE, max_examples=50)
settings.register_profile("proof", ANYWHERE, max_examples=500)
settings.load_profile("claims")

EXPECTED_SKIPS = 0
GRACE = 0.2
"""Seconds for tasks that were told to end. Cancelling takes a few turns of the loop, no more."""
DESCRIPTORS = Path("/proc/self/fd")  # Linux only


def pytest_collection_finish() -> None:
    """Have what stays until the end, eleven thousand tests, not looked through for garbage over and
    over.
    """
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Turn the run red when more tests were skipped than anyone has agreed to."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    skipped = len(reporter.stats.get("skipped", []))
    if skipped > EXPECTED_SKIPS:
        reporter.write_sep("!", f"{skipped} skipped, {EXPECTED_SKIPS} expected: failed", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _nothing_is_left_open(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Fail a test that leaves an attempt, a waiting course, a task or a socket behind.

    The marker `leaves_open` excuses attempts and courses: some claims about the engine are about
    what is under way.
    """
    excused = request.node.get_closest_marker("leaves_open") is not None
    engines = [] if excused else _made(monkeypatch)
    tasks = _outliving(monkeypatch)
    sockets = _sockets()
    yield
    left = [f"{engine.in_flight} attempts open" for engine in engines if engine.in_flight]
    left += ["a course that waits" for engine in engines if engine._crowded]
    left += tasks
    if _sockets() - sockets:
        gc.collect()  # one that is only garbage says so itself, by a ResourceWarning
        left += sorted(_sockets() - sockets)
    assert not left, f"the test leaves behind: {', '.join(left)}"


def _made(monkeypatch: pytest.MonkeyPatch) -> list[Engine]:
    """Every engine made from now on. They are held: one that is let go with an attempt open has
    leaked it all the same.
    """
    engines: list[Engine] = []
    make: Callable[..., None] = Engine.__init__

    def made(engine: Engine, *args: object, **options: object) -> None:
        make(engine, *args, **options)
        engines.append(engine)

    monkeypatch.setattr(Engine, "__init__", made)
    return engines


def _outliving(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every task that outlives what its loop was run for, from now on.

    It is seen where a loop is closed, since there its tasks are cancelled without a word: by
    `asyncio.run` and `asyncio.Runner`, which is how pytest runs asynchronous tests too.
    """
    outliving: list[str] = []
    cancel: Callable[[asyncio.AbstractEventLoop], None] = runners._cancel_all_tasks  # type: ignore[attr-defined]

    def seen(loop: asyncio.AbstractEventLoop) -> None:
        deadline = loop.time() + GRACE
        while asyncio.all_tasks(loop) and loop.time() < deadline:
            loop.run_until_complete(asyncio.sleep(0.005))
        outliving.extend(f"a task: {task.get_coro()}" for task in asyncio.all_tasks(loop))
        cancel(loop)

    monkeypatch.setattr(runners, "_cancel_all_tasks", seen)
    return outliving


def _sockets() -> set[str]:
    """The open sockets of this process."""
    found = set()
    for descriptor in DESCRIPTORS.iterdir() if DESCRIPTORS.exists() else ():
        try:
            name = str(descriptor.readlink())
        except FileNotFoundError:  # it was the one that lists the others
            continue
        if name.startswith("socket:"):
            found.add(name)
    return found

"""Workers that die, that cannot start, that are told to leave: real processes, of a few lines."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import StringIO
from pathlib import Path

from router.config import Address
from router.telemetry.log import Log
from router.workers import crew as crews
from router.workers.crew import Crew, pause
from router.workers.doors import Doors

SERVES = """
import json, os, socket, sys
place = json.loads(os.environ["POINTSMAN_WORKER"])
line = socket.socket(fileno=place["line"])
for door in place["doors"]:
    socket.socket(fileno=door).listen()
line.send(b"{}\\n")
told = line.recv(1)
sys.exit(told[0] if told else 0)
"""
"""Ends with the number of the first signal that it is told of."""
FAILS = "import sys; sys.exit(3)"
ONCE = f"""
import json, os, sys
place = json.loads(os.environ["POINTSMAN_WORKER"])
seen = sys.argv[1] + str(place["number"])
if os.path.exists(seen):
    sys.exit(3)
open(seen, "w").close()
{SERVES}
"""
"""Serves the first time, and fails from then on."""
BRIEF = f"""
import json, os, socket, sys
place = json.loads(os.environ["POINTSMAN_WORKER"])
seen = sys.argv[1]
if place["number"] == 0 and not os.path.exists(seen):
    open(seen, "w").close()
    socket.socket(fileno=place["line"]).send(b"{{}}\\n")
    sys.exit(3)
{SERVES}
"""
"""The first one that serves dies at once."""


class Scene:
    """A crew with what it says."""

    def __init__(self, crew: Crew, log: StringIO) -> None:
        self.crew = crew
        self.log = log

    def pid(self, number: int) -> int:
        worker = self.crew.posts[number].worker
        assert worker is not None
        return worker.pid

    async def over(self) -> int:
        async with asyncio.timeout(10):
            return await self.crew.over()


@asynccontextmanager
async def crew(folder: Path, script: str, size: int = 2) -> AsyncIterator[Scene]:
    stream = StringIO()
    log = Log(stream, "text")
    doors = Doors(Address("127.0.0.1", 0))
    command = [sys.executable, "-S", "-c", script, str(folder / "seen")]
    one = Crew(size, command, os.environ, doors, folder, log)
    try:
        yield Scene(one, stream)
    finally:
        one.leave(signal.SIGTERM)
        one._end()
        await one.over()
        one.close()
        log.close()


async def eventually(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - it looks at processes, who tell nobody
            await asyncio.sleep(0.005)


def test_the_pause_grows_and_is_bounded():
    assert [pause(row) for row in range(6)] == [0.0, 0.0, 0.5, 1.0, 2.0, 4.0]
    assert pause(100) == 30.0


async def test_who_dies_is_replaced_at_once_and_the_others_are_left_alone(tmp_path):
    async with crew(tmp_path, SERVES) as scene:
        assert await scene.crew.start()
        first, killed = scene.pid(0), scene.pid(1)
        os.kill(killed, signal.SIGKILL)
        await eventually(lambda: scene.crew.posts[1].restarts == 1)
        await eventually(lambda: scene.crew.posts[1].serving)
        assert scene.pid(0) == first
        assert scene.pid(1) != killed
        assert scene.crew.posts[0].restarts == 0
    assert f"a worker has ended: worker=1 pid={killed} status=137" in scene.log.getvalue()


async def test_who_cannot_start_ends_it_before_anybody_else_tries(tmp_path):
    async with crew(tmp_path, FAILS) as scene:
        assert not await scene.crew.start()
        assert [post.status for post in scene.crew.posts] == [3, 0]
        assert scene.crew.posts[1].worker is None
    assert "a worker cannot start, so all leave: worker=0 status=3" in scene.log.getvalue()


async def test_who_dies_while_others_start_is_replaced_like_any_other(tmp_path):
    async with crew(tmp_path, BRIEF) as scene:
        assert await scene.crew.start()
        await eventually(lambda: all(post.serving for post in scene.crew.posts))
        assert [post.restarts for post in scene.crew.posts] == [1, 0]
    assert "a worker has ended: worker=0" in scene.log.getvalue()


async def test_a_row_of_bad_starts_ends_it_when_nobody_serves(tmp_path, monkeypatch):
    monkeypatch.setattr(crews, "SHORTEST", 0.01)
    async with crew(tmp_path, ONCE, size=1) as scene:
        assert await scene.crew.start()
        os.kill(scene.pid(0), signal.SIGKILL)
        assert await scene.over() == 3
        assert scene.crew.posts[0].restarts == crews.MOST_IN_A_ROW - 1
    assert "all leave" in scene.log.getvalue()


async def test_a_row_of_bad_starts_does_not_end_those_who_serve(tmp_path, monkeypatch):
    monkeypatch.setattr(crews, "SHORTEST", 0.01)
    async with crew(tmp_path, ONCE) as scene:
        assert await scene.crew.start()
        os.kill(scene.pid(1), signal.SIGKILL)
        await eventually(lambda: scene.crew.posts[1].restarts > crews.MOST_IN_A_ROW)
        assert scene.crew.posts[0].serving
        scene.crew.leave(signal.SIGTERM)
        assert await scene.over() == signal.SIGTERM
    assert "all leave" not in scene.log.getvalue()


async def test_while_a_post_is_empty_on_purpose_nobody_is_sent_to_its_door(tmp_path, monkeypatch):
    monkeypatch.setattr(crews, "SHORTEST", 60.0)
    async with crew(tmp_path, ONCE) as scene:
        assert await scene.crew.start()
        os.kill(scene.pid(1), signal.SIGKILL)
        await eventually(lambda: all(door.fileno() < 0 for door in scene.crew.posts[1].doors))
        assert not scene.crew.posts[1].serving
        scene.crew.leave(signal.SIGTERM)  # and whoever rests is not waited for
        assert await scene.over() == signal.SIGTERM


async def test_all_are_told_and_the_worst_of_their_ends_is_the_end(tmp_path):
    async with crew(tmp_path, SERVES) as scene:
        assert await scene.crew.start()
        scene.crew.leave(signal.SIGINT)
        assert await scene.over() == signal.SIGINT
        assert [post.restarts for post in scene.crew.posts] == [0, 0]


async def test_who_is_hurried_and_stays_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(crews, "LAST_SECONDS", 0.05)
    stays = SERVES.replace("told = line.recv(1)", "while True: line.recv(1)")
    async with crew(tmp_path, stays, size=1) as scene:
        assert await scene.crew.start()
        scene.crew.leave(signal.SIGTERM)
        scene.crew.leave(signal.SIGTERM)
        assert await scene.over() == 128 + signal.SIGKILL

"""What a worker is told, and its line to its parent."""

import asyncio
import json
import signal
import socket

from router.workers.place import VARIABLE, Line, Place


def test_a_place_is_read_from_the_environment_once():
    place = Place(2, 5, 6, (7, 8))
    environ = {"HOME": "/", **place.told()}
    assert Place.taken(environ) == place
    assert environ == {"HOME": "/"}
    assert Place.taken(environ) is None
    assert list(place.told()) == [VARIABLE]


async def test_a_worker_says_that_it_listens_and_heeds_its_parent_to_the_end():
    parent, worker = socket.socketpair()
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    with parent:
        line = Line(Place(0, worker.detach(), 0, ()), told.put_nowait)
        line.listening({"listen": "127.0.0.1:1"})
        assert json.loads(parent.recv(4096)) == {"listen": "127.0.0.1:1"}
        parent.send(bytes([signal.SIGHUP, signal.SIGTERM]))
        assert [await told.get() for _ in range(2)] == [signal.SIGHUP, signal.SIGTERM]
    # Without its parent it leaves, and waits for nobody.
    assert [await told.get() for _ in range(2)] == [signal.SIGTERM, signal.SIGTERM]
    line.close()
    assert told.empty()


async def test_a_parent_that_died_before_the_worker_listened_is_missed():
    parent, worker = socket.socketpair()
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    parent.close()
    line = Line(Place(0, worker.detach(), 0, ()), told.put_nowait)
    line.listening({})
    assert [await told.get() for _ in range(2)] == [signal.SIGTERM, signal.SIGTERM]
    line.close()

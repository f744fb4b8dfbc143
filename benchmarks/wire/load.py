"""Clients with prebuilt bytes, who count what they get.

All are closed loops: a client asks again when it has its answer, and a stream's next chunk is
written when its client has the one before. So what is measured is kept busy at its own pace, and
one chunk is one read and one write in it: chunks that lie in a buffer together would be cheaper the
slower it is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import cast

from benchmarks.wire.canned import CHUNKS

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CONTENT = b'{"content":" word"}'
"""Once in every chunk."""
OPENING = 100
"""Connections that are opened at once."""
PATIENCE = 60.0


@contextmanager
def awake() -> Iterator[None]:
    """Keep this process from sleeping. A write to a process that sleeps wakes it, on the writer's
    account (a request of 0.5 kB through the router: 113 µs so, 99 awake), and whoever is slower
    pays it for every request. In life both ends of a proxy are other machines.
    """
    loop = asyncio.get_running_loop()
    going = True

    def again() -> None:
        if going:
            loop.call_soon(again)

    again()
    try:
        yield
    finally:
        going = False


class Tally:
    """What came back. `open` clients are to stop once `stopping`."""

    def __init__(self) -> None:
        self.answers = 0
        self.chunks = 0
        self.errors = 0
        self.stopping = False
        self.open = 0
        self.first = 0
        self.all_gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def gone(self) -> None:
        self.open -= 1
        if self.stopping and not self.open and not self.all_gone.done():
            self.all_gone.set_result(None)


class Client(asyncio.Protocol):
    """A connection that asks `request` over and over."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        self._request = request
        self._tally = tally
        self._transport: asyncio.Transport
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._tally.open += 1
        self._ask()

    def connection_lost(self, error: Exception | None) -> None:
        if self._busy:
            self._tally.errors += 1
        self._tally.gone()

    def leave(self) -> None:
        """Without waiting for the rest."""
        self._busy = False
        self._transport.abort()

    def _ask(self) -> None:
        if self._tally.stopping:
            self._transport.close()
            return
        self._busy = True
        self._transport.write(self._request)

    def _answered(self) -> None:
        self._busy = False
        self._tally.answers += 1
        self._ask()

    def _wrong(self) -> None:
        self._transport.abort()


class Asking(Client):
    """Asks for answers in one piece."""

    def __init__(self, request: bytes, tally: Tally) -> None:
        super().__init__(request, tally)
        self._head = b""
        self._missing = 0

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            came = self._head + data
            end = came.find(b"\r\n\r\n")
            if end < 0:
                self._head = came
                return
            self._head = b""
            length = LENGTH.search(came, 0, end)
            if length is None or not came.startswith(b"HTTP/1.1 200 "):
                self._wrong()
                return
            self._missing = end + 4 + int(length[1]) - len(came)
        if not self._missing:
            self._answered()
        elif self._missing < 0:
            self._wrong()


class Streaming(Client):
    """Asks for streams; calls `go_on` whenever it has another chunk."""

    def __init__(self, request: bytes, tally: Tally, go_on: Callable[[], None]) -> None:
        super().__init__(request, tally)
        self._go_on = go_on
        self._begun = False
        self._chunks = 0

    def data_received(self, data: bytes) -> None:
        if not self._begun:
            self._begun = True
            if not data.startswith(b"HTTP/1.1 200 "):
                self._wrong()
                return
        chunks = data.count(CONTENT)
        if chunks:
            if not self._chunks:
                self._tally.first += 1
            self._chunks += chunks
            self._go_on()
        if data.endswith(b"0\r\n\r\n"):
            self._end()

    def _end(self) -> None:
        whole = self._chunks == CHUNKS
        self._begun, self._chunks = False, 0
        if whole:
            self._tally.chunks += CHUNKS
            self._answered()
        else:
            self._wrong()


Make = Callable[[int, Tally], Client]
"""A client by its number."""


async def run(port: int, clients: int, make: Make, seconds: float) -> Tally:
    """So many clients, for so long; those who have asked get their answers."""
    tally = Tally()
    made = await opened(port, range(clients), make, tally)
    await asyncio.sleep(seconds)
    tally.stopping = True
    if tally.open:
        await asyncio.wait([tally.all_gone], timeout=PATIENCE)
    for client in made:
        client.leave()
    tally.errors += tally.open
    return tally


async def opened(port: int, numbers: range, make: Make, tally: Tally) -> list[Client]:
    """Clients with these numbers that have begun to ask."""
    loop = asyncio.get_running_loop()
    made = [make(number, tally) for number in numbers]
    await asyncio.gather(
        *(loop.create_connection(partial(same, one), "127.0.0.1", port) for one in made)
    )
    return made


def same(client: Client) -> Client:
    return client


async def held(port: int, clients: int, make: Make, tally: Tally) -> list[Client]:
    """So many streams that have begun and go no further; the clients to let go of."""
    made: list[Client] = []
    loop = asyncio.get_running_loop()
    for begin in range(0, clients, OPENING):
        wanted = min(clients, begin + OPENING)
        made += await opened(port, range(begin, wanted), make, tally)
        until = loop.time() + PATIENCE
        while tally.first < wanted and loop.time() < until:  # noqa: ASYNC110 - some dozen times
            await asyncio.sleep(0.005)
    return made


async def wrk(port: int, clients: int, request: bytes, seconds: float, folder: Path) -> Tally:
    """The same by wrk, which costs the other core less: answers in one piece only."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    path = first.split(" ")[1]
    lines = ['wrk.method = "POST"', f"wrk.body = [==[{body.decode()}]==]"]
    for field in fields:
        name, _, value = field.partition(": ")
        if name not in ("content-length", "host"):
            lines.append(f"wrk.headers[{name!r}] = {value!r}")
    script = folder / "load.lua"
    script.write_text("\n".join(lines) + "\n")
    process = await asyncio.create_subprocess_exec(
        "wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds:.0f}s",
        "--script", str(script), f"http://127.0.0.1:{port}{path}",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    tally = Tally()
    tally.answers, tally.errors = counted(told.decode())
    return tally


def counted(told: str) -> tuple[int, int]:
    """Answers and errors, from what wrk says."""
    done = re.search(r"(\d+) requests in ", told)
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told
    )
    if done is None:
        raise RuntimeError(f"wrk failed: {told}")
    errors = int(wrong[1]) if wrong else 0
    lost = sum(int(one) for one in broken.groups()) if broken else 0
    return int(done[1]) - errors, errors + lost

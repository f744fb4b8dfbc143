"""One connection through the chaos proxy: two ways, on each of which bytes can be late or lost."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Protocol, cast

from router.testing.door import reset

HIGH_WATER = 262_144  # bytes under way on one way before its sender is held back
TICK = 0.02  # seconds; with a bandwidth, bytes are let through in pieces of about so long

END = b""
"""What stands on a way for the end of its bytes."""


class Weather(Protocol):
    """What goes wrong at the moment. See `Chaos`."""

    latency: float
    jitter: float
    bandwidth: float | None
    reset_after: int | None
    black_hole: bool
    rng: Random


class Way:
    """Bytes from one side of a line to the other, in their order, and then their end, or None: a
    reset.
    """

    def __init__(self, line: Line, source: Side, target: Side) -> None:
        self.over = False
        self._line = line
        self._source = source
        self._target = target
        self._loop = asyncio.get_running_loop()
        self._under_way: deque[tuple[float, bytes | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._held = 0
        self._full = False
        self._free_at = self._due = 0.0

    def take(self, data: bytes | None) -> None:
        """Bytes have come, or their end, or a reset."""
        weather = self._line.weather
        if self.over or weather.black_hole:
            return
        if not data or weather.bandwidth is None:
            self._send_off(data)
        else:
            size = max(1, int(weather.bandwidth * TICK))
            for start in range(0, len(data), size):
                self._send_off(data[start : start + size])
        self.let_through()

    def hold(self, *, full: bool) -> None:
        """Hold the sender back while who receives takes no more, or too much is under way."""
        self._full = full
        wire = self._source.transport
        if wire is None or wire.is_closing():
            return
        if full or self._held > HIGH_WATER:
            wire.pause_reading()
        else:
            wire.resume_reading()

    def stop(self) -> None:
        """Let nothing more through."""
        self.over = True
        self._under_way.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _send_off(self, data: bytes | None) -> None:
        weather, now = self._line.weather, self._loop.time()
        size = len(data or END)
        self._free_at = max(self._free_at, now)
        if weather.bandwidth is not None:
            self._free_at += size / weather.bandwidth
        late = weather.latency + weather.jitter * weather.rng.random()
        self._due = max(self._due, self._free_at + late)
        self._under_way.append((self._due, data))
        self._held += size

    def let_through(self) -> None:
        """Let through what is due, and come again for the rest."""
        if self._target.transport is None:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now = self._loop.time()
        while self._under_way and self._under_way[0][0] <= now:
            _, data = self._under_way.popleft()
            self._held -= len(data or END)
            self._line.arrived(self._target, data)
        if self._under_way:
            self._timer = self._loop.call_at(self._under_way[0][0], self.let_through)
        self.hold(full=self._full)


class Side(asyncio.Protocol):
    """One end of a line: what it sends goes on `outgoing`, what it is sent comes on `incoming`."""

    outgoing: Way
    incoming: Way

    def __init__(self, line: Line) -> None:
        self.transport: asyncio.Transport | None = None
        self.gone = False
        self._line = line

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self.transport = cast("asyncio.Transport", transport)
        self._line.made(self)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self.outgoing.take(data)

    def eof_received(self) -> bool:
        """One way has ended; the other may go on."""
        self.outgoing.take(END)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self.gone = True
        self.incoming.stop()
        self.outgoing.take(None if exc else END)
        self._line.lost()

    def pause_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.incoming.hold(full=True)

    def resume_writing(self) -> None:
        """See `asyncio.Protocol`."""
        self.incoming.hold(full=False)


class Line:
    """A client's connection to the proxy, and the proxy's to the server."""

    def __init__(
        self, weather: Weather, server: tuple[str, int], closed: Callable[[Line], None]
    ) -> None:
        self.weather = weather
        self.client, self.server = Side(self), Side(self)
        self._address = server
        self._closed = closed
        self._answered = 0
        self._connecting: asyncio.Task[None] | None = None

    def made(self, side: Side) -> None:
        """A side is connected: the client's first, then the server's."""
        if side is self.client:
            up, down = Way(self, self.client, self.server), Way(self, self.server, self.client)
            self.client.outgoing = self.server.incoming = up
            self.server.outgoing = self.client.incoming = down
            self._connecting = asyncio.get_running_loop().create_task(self._connect())
        else:
            self.client.outgoing.let_through()

    def lost(self) -> None:
        """A side is closed."""
        if self.server.transport is None:
            self._give_up()
        self._close_if_over()
        if all(side.gone or side.transport is None for side in self._sides()):
            self._closed(self)

    def arrived(self, target: Side, data: bytes | None) -> None:
        """Something has come all the way."""
        if data is None:
            self.reset()
        elif not data:
            self._end(target)
        elif target is self.client and self.weather.reset_after is not None:
            self._write(target, data[: max(self.weather.reset_after - self._answered, 0)])
            self._answered += len(data)
            if self._answered >= self.weather.reset_after:
                self.reset()
        else:
            self._answered += len(data) if target is self.client else 0
            self._write(target, data)

    def reset(self) -> None:
        """Reset both connections now; what is under way is lost."""
        self._give_up()
        for side in self._sides():
            side.incoming.stop()
            if side.transport is not None:
                reset(side.transport)

    def half_close(self) -> None:
        """Tell the client that nothing more comes; what it sends still arrives."""
        self._end(self.client)

    def close(self) -> None:
        """Close both connections now, in order; what is under way is lost."""
        for side in self._sides():
            side.incoming.stop()
        self._close_if_over()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.server, *self._address)
        except OSError:
            self.reset()

    def _give_up(self) -> None:
        if self._connecting is not None:
            self._connecting.cancel()

    def _write(self, target: Side, data: bytes) -> None:
        if target.transport is not None:
            target.transport.write(data)

    def _end(self, target: Side) -> None:
        target.incoming.stop()
        if target.transport is not None and not target.transport.is_closing():
            with suppress(OSError):  # the other end has reset it, which is told in a moment
                target.transport.write_eof()
        self._close_if_over()

    def _close_if_over(self) -> None:
        if all(side.incoming.over for side in self._sides()):
            for side in self._sides():
                if side.transport is not None:
                    side.transport.close()

    def _sides(self) -> tuple[Side, Side]:
        return self.client, self.server

"""`pointsman serve`: one process, its signals, its first line. It may be the parent of several, or
one of those.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import uvloop

from router.app import App
from router.building.choosing import BuildFault, find_plugins
from router.cli.address import address
from router.config import Config, ConfigError, Server, faults, load, written_at
from router.config.server import alone
from router.telemetry.log import Format, Log, where
from router.workers.place import Line, Place

MOST_FILES = 1 << 20
"""Linux's usual ceiling (fs.nr_open)."""
YOUNG = 20_000
"""Objects made and not let go, after which the youngest are looked through."""


def run(
    path: Path, listen: str | None, admin: str | None, form: Format, workers: int | None = None
) -> int:
    """Serve until told to stop; the exit code."""
    place = Place.taken(os.environ)
    if place is not None:
        place.bind_life()
    try:
        config = load(path, os.environ)
        server = at(config.server, listen, admin, workers)
        together(config, server)
        find_plugins(config)
        open_files()
    except (ConfigError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    log = Log(sys.stderr, form, worker=place.number if place is not None else None)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            if place is None and server.workers > 1:
                from router.cli.supervising import supervise

                return runner.run(supervise(config, server, log))
            return runner.run(serve(config, server, log, place))
    finally:
        log.close()


def open_files() -> None:
    """Let the process open as many files as it may: a request that is under way holds two. Shells
    commonly let it open 1,024.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def at(server: Server, listen: str | None, admin: str | None, workers: int | None = None) -> Server:
    """`server` at other addresses, by another number of workers. Raises ValueError for an address
    that is none, or that nothing would guard.
    """
    server = replace(
        server,
        listen=address(listen, "--listen") if listen else server.listen,
        admin=address(admin, "--admin") if admin else server.admin,
        workers=workers or server.workers,
    )
    if found := faults(server):
        raise ValueError("\n".join(f"{fault.what}; {fault.remedy}" for fault in found))
    return server


def together(config: Config, server: Server) -> None:
    """Raises ValueError for several workers that would share nothing."""
    if server.workers > 1 and config.shared.redis is None:
        what, remedy = alone(f"--workers {server.workers}")
        raise ValueError(f"{config.path}: {what}; {remedy}")


async def serve(config: Config, server: Server, log: Log, place: Place | None = None) -> int:
    """Start with these start-up keys, wait for a signal, drain. With a `place` it does so as one of
    several workers.
    """
    if place is not None:  # its parent alone reaches it, and asks for the token
        server = replace(server, admin_token=None)
    try:
        application = App(config, os.environ, log, Random(), server)
    except BuildFault as error:
        print(f"{written_at(config.path, os.environ, error.named)}: {error}", file=sys.stderr)
        return 2
    try:
        addresses = await application.start(*(place.sockets() if place is not None else ()))
    except OSError as error:
        print(cannot_listen(server, error), file=sys.stderr)
        await application.close()
        return 1
    asyncio.get_running_loop().set_exception_handler(partial(unforeseen, log))
    spare_what_stays()
    asked: asyncio.Queue[signal.Signals] = asyncio.Queue()

    def heed(number: signal.Signals) -> None:
        application.reload_soon() if number is signal.SIGHUP else asked.put_nowait(number)

    if place is not None:
        line = Line(place, heed)
        line.listening(addresses)
        await _until_told(application, asked)
        line.close()
        return 0
    heed_signals(heed)
    first_line(addresses)
    log.event(
        f"serving on http://{addresses['listen']}/v1:",
        models=",".join(application.state.runtime.listed),
    )
    note(config, log)
    await _until_told(application, asked)
    return 0


async def _until_told(application: App, asked: asyncio.Queue[signal.Signals]) -> None:
    """Wait for a signal and drain; a second one ends it at once."""
    loop = asyncio.get_running_loop()
    first = await asked.get()
    draining = loop.create_task(application.drain(announce=first is signal.SIGTERM))
    again = loop.create_task(asked.get())
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if not draining.done():
        draining.cancel()
        await application.close()


def unforeseen(log: Log, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what went wrong where nobody waits for it."""
    error = context.get("exception")
    if error is None:
        log.event("something failed inside the router:", what=context["message"])
        return
    log.event("something failed inside the router:", error=type(error).__name__, at=where(error))


def heed_signals(heed: Callable[[signal.Signals], None]) -> None:
    """Have the signals of a service heeded: SIGHUP, and those on which it leaves."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heed, number)


def first_line(addresses: Mapping[str, str]) -> None:
    """Say on the standard output where it listens."""
    print(json.dumps({**addresses, "pid": os.getpid()}), flush=True)


def note(config: Config, log: Log) -> None:
    """Say that the file has notes, if it has."""
    if config.notes:
        log.event(f"{len(config.notes)} notes on {config.path}: `pointsman check` shows them")


def cannot_listen(server: Server, error: OSError) -> str:
    """Why nobody can connect, and what that usually means."""
    where = " or ".join(str(each) for each in (server.listen, server.admin) if each.port)
    why = os.strerror(error.errno).lower() if error.errno else str(error)
    return f"cannot listen on {where}: {why}; is another router running?"


def spare_what_stays() -> None:
    """Have what was imported and configured not looked through for garbage over and over; nor, as
    often as otherwise, what requests leave behind, which seldom goes in circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 100)

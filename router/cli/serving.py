"""`pointsman serve`: one process, its signals, its first line."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import uvloop

from router.app import App
from router.choosing import BuildFault, find_plugins
from router.cli.address import address
from router.config import Config, ConfigError, Server, faults, load
from router.telemetry.log import Format, Log

MOST_FILES = 1 << 20
"""Linux's usual ceiling (fs.nr_open)."""
YOUNG = 20_000
"""Objects made and not let go, after which the youngest are looked through."""


def run(path: Path, listen: str | None, admin: str | None, form: Format) -> int:
    """Serve until told to stop; the exit code."""
    try:
        config = load(path, os.environ)
        server = at(config.server, listen, admin)
        find_plugins(config)
        open_files()
    except (ConfigError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    log = Log(sys.stderr, form)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(serve(config, server, log))
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


def at(server: Server, listen: str | None, admin: str | None) -> Server:
    """`server` at other addresses. Raises ValueError for one that is none, or that nothing
    would guard.
    """
    server = replace(
        server,
        listen=address(listen, "--listen") if listen else server.listen,
        admin=address(admin, "--admin") if admin else server.admin,
    )
    if found := faults(server):
        raise ValueError("\n".join(f"{fault.what}; {fault.remedy}" for fault in found))
    return server


async def serve(config: Config, server: Server, log: Log) -> int:
    """Start with these start-up keys, wait for a signal, drain."""
    loop = asyncio.get_running_loop()
    asked: asyncio.Queue[signal.Signals] = asyncio.Queue()
    try:
        application = App(config, os.environ, log, Random(), server)
    except BuildFault as error:
        print(f"{config.path}: {error}", file=sys.stderr)
        return 2
    try:
        addresses = await application.start()
    except OSError as error:
        where = " or ".join(str(each) for each in (server.listen, server.admin) if each.port)
        why = os.strerror(error.errno).lower() if error.errno else str(error)
        print(f"cannot listen on {where}: {why}; is another router running?", file=sys.stderr)
        await application.close()
        return 1
    spare_what_stays()
    loop.add_signal_handler(signal.SIGHUP, application.reload)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.put_nowait, number)
    print(json.dumps({**addresses, "pid": os.getpid()}), flush=True)
    log.event(
        f"serving on http://{addresses['listen']}/v1:",
        models=",".join(application.state.runtime.listed),
    )
    if config.notes:
        log.event(f"{len(config.notes)} notes on {config.path}: `pointsman check` shows them")
    first = await asked.get()
    draining = loop.create_task(application.drain(announce=first is signal.SIGTERM))
    again = loop.create_task(asked.get())
    await asyncio.wait({draining, again}, return_when=asyncio.FIRST_COMPLETED)
    again.cancel()
    if not draining.done():
        draining.cancel()
        await application.close()
    return 0


def spare_what_stays() -> None:
    """Have what was imported and configured not looked through for garbage over and over; nor, as
    often as otherwise, what requests leave behind, which seldom goes in circles.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 100)

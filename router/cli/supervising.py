"""`pointsman serve --workers N`: the parent. Operators connect to it, clients to its workers."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from router.admin.pages import Pages
from router.cli.serving import cannot_listen, first_line, heed_signals, note
from router.config import Config, Server
from router.front.guard import Guard
from router.front.listener import Listener
from router.telemetry.log import Log
from router.workers.crew import Crew
from router.workers.doors import Doors
from router.workers.view import View


async def supervise(config: Config, server: Server, log: Log) -> int:
    """Start the workers, and see to them until they have left; the exit code."""
    with ExitStack() as stack:
        try:
            doors = Doors(server.listen)
        except OSError as error:
            print(cannot_listen(server, error), file=sys.stderr)
            return 1
        stack.callback(doors.close)
        try:  # a folder of this user alone
            folder = Path(stack.enter_context(TemporaryDirectory(prefix="pointsman-")))
            crew = Crew(server.workers, command(), os.environ, doors, folder, log)
        except OSError as error:
            print(f"no room for the workers' sockets: {error}; set TMPDIR", file=sys.stderr)
            return 1
        stack.callback(crew.close)
        return await _lead(crew, doors.address, config, server, log)


def command() -> list[str]:
    """What started this process, with the interpreter's own options."""
    return [sys.executable, *sys.orig_argv[1:]]


async def _lead(crew: Crew, listen: str, config: Config, server: Server, log: Log) -> int:
    """Fill every post and answer for all of them."""
    pages = _pages(crew, config, server, log)
    try:
        admin = await pages.start()
    except OSError as error:
        print(cannot_listen(server, error), file=sys.stderr)
        return 1
    try:
        if not await crew.start():
            return max(post.status for post in crew.posts) or 1

        def heed(number: signal.Signals) -> None:
            crew.reload() if number is signal.SIGHUP else crew.leave(number)

        heed_signals(heed)
        first_line({"admin": admin, "listen": listen})
        log.event(f"serving on http://{listen}/v1:", workers=len(crew.posts))
        note(config, log)
        return await crew.over()
    finally:
        await pages.close()


def _pages(crew: Crew, config: Config, server: Server, log: Log) -> Listener:
    """The admin listener over all workers."""

    def failed(error: BaseException) -> None:
        log.event("a page failed inside the router:", error=type(error).__name__)

    return Listener(
        str(server.admin),
        View(crew.posts, server.admin_token, asyncio.get_running_loop().time),
        guard=Guard.of(str(server.admin), server.hosts),
        refuse=Pages.refuse,
        on_error=failed,
        max_body=server.max_body,
        client_write=config.defaults.timeouts.client_write,
    )

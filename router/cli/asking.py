"""`check`, `explain` and `status`: questions to a file or to a running router, answered on the
terminal.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from policies import Engine
from router.admin.explain import as_read, foretold, received
from router.admin.explain import explain as cold_explain
from router.admin.question import BadQuestion, Question, Sent, encoded, read, read_sent
from router.building import build, choosing
from router.building.shadowing import shadows_of
from router.cli.address import address
from router.config import Address, Config, ConfigError, load, server_of, written_at
from router.dialects.contract import ClientError
from router.tokenizers.opening import tokenizers_of

JSON = {"content-type": "application/json"}
STDIN = Path("-")
PATIENCE = 2.0
"""Seconds for a router on the same machine to answer."""


class Unanswered(Exception):
    """Why there is no answer."""


class Running(NamedTuple):
    """A router that may run: where its operators connect, and the token they need."""

    address: Address
    token: str | None


def check(path: Path, *, strict: bool) -> int:
    """Print what is wrong with a file; 0 if it can be served."""
    try:
        config = loaded(path)
    except Unanswered as error:
        print(error, file=sys.stderr)
        return 1
    for note in config.notes:
        print(f"{'error' if strict else 'note'}: {note}")
    if strict and config.notes:
        return 1
    targets = sum(1 for name in config.targets() if config.target(name)[0].enabled)
    live = len(build.serving(config))
    print(f"{path}: {live} of {len(config.models)} models can serve, on {targets} targets")
    if any(route.shift for route in config.models.values()):
        from router.cli.shifting import standing

        for line in standing(path, config):
            print(line)
    return 0


def explain(
    path: Path,
    asked: Mapping[str, object],
    admin: str | None,
    *,
    as_json: bool,
    body: Path | None = None,
) -> int:
    """Print how a request would be decided; `asked` are the fields of a `Question`, or (but for
    those that stand in a body) of what is `Sent`, whose body is in a file (`-`: stdin).
    """
    try:
        question = read(asked) if body is None else read_sent(_bytes(body), asked)
    except (BadQuestion, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    try:
        running = find(path, admin)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        source, told = _answered(path, running, question)
    except Unanswered as error:
        print(error, file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"source": source, **told}, indent=2))
    else:
        from router.cli.explained import explained

        explained(source, told)
    return 0


def status(path: Path, admin: str | None, *, watch: bool, as_json: bool) -> int:
    """Print the running router's status, once or every second."""
    try:
        running = find(path, admin)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    from router.cli.tables import overview

    while True:
        try:
            told = ask(running, "/status", None)
        except OSError as error:
            reason = (
                detail(error)
                if isinstance(error, urllib.error.HTTPError)
                else "is `pointsman serve` running?"
            )
            print(f"no status from {running.address}: {reason}", file=sys.stderr)
            return 1
        if as_json:
            print(json.dumps(told, indent=2))
        else:
            overview(told, clear=watch)
        if not watch:
            return 0
        try:
            time.sleep(1.0)
        except KeyboardInterrupt:
            return 0


def find(path: Path, admin: str | None) -> Running:
    """Where the running router is asked. The file says it, with the token, also where it is wrong
    elsewhere or its keys are not set here: it must not hide a router that runs, nor lead to
    another one. Raises ValueError for an `admin` that is no address.
    """
    try:
        server = load(path, os.environ).server
    except ConfigError as error:
        server = server_of(path, os.environ)
        if admin is None:
            first = f"{error.problems[0]}" if error.problems else str(error)
            print(f"{first}\n(asking {server.admin} all the same)", file=sys.stderr)
    token = server.admin_token.reveal() if server.admin_token is not None else None
    return Running(server.admin if admin is None else address(admin, "--admin"), token)


def loaded(path: Path) -> Config:
    """A file that can be served. Raises `Unanswered`."""
    try:
        config = load(path, os.environ)
        choosing.find_plugins(config)
        build.routes_of(config)
        choosing.estimators_of(config)
        shadows_of(config)
        tokenizers_of(config)
    except (ConfigError, choosing.BuildFault) as error:
        if isinstance(error, ConfigError):
            raise Unanswered(str(error)) from None
        raise Unanswered(f"{written_at(path, os.environ, error.named)}: {error}") from None
    return config


def ask(
    running: Running, path: str, body: bytes | None, method: str | None = None
) -> dict[str, Any]:
    """The admin listener's answer. Raises OSError when there is none."""
    request = urllib.request.Request(
        f"http://{running.address}{path}", data=body, method=method, headers=JSON
    )
    if running.token is not None:
        request.add_header("authorization", f"Bearer {running.token}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            told: dict[str, Any] = json.load(answer)
    except (HTTPException, ValueError) as error:
        raise ConnectionError("whoever listens there is no router") from error
    return told


def detail(error: urllib.error.HTTPError) -> str:
    """What the router says of a request that it refused."""
    try:
        told = json.load(error)
    except (HTTPException, OSError, ValueError):
        told = None
    return str(told["detail"] if isinstance(told, dict) and "detail" in told else error.reason)


def _answered(
    path: Path, running: Running, question: Question | Sent
) -> tuple[str, dict[str, Any]]:
    """Who answers a question, and what. Raises `Unanswered`."""
    source = f"the running router at {running.address}"
    try:
        return source, ask(running, "/explain", encoded(question))
    except urllib.error.HTTPError as error:
        raise Unanswered(f"{source}: {detail(error)}") from None
    except OSError:
        source = f"a cold start (no router answers at {running.address})"
    try:
        return source, _cold(loaded(path), question)
    except (BadQuestion, ClientError) as error:
        why = error.message if isinstance(error, ClientError) else error
        raise Unanswered(f"{source}: {why}") from None


def _bytes(path: Path) -> bytes:
    """Raises OSError."""
    return sys.stdin.buffer.read() if path == STDIN else path.read_bytes()


def _cold(config: Config, question: Question | Sent) -> dict[str, Any]:
    """The same question to a router that has seen nothing, and that reaches nobody. Raises what
    `cold_explain` does.
    """
    from router.building.assembly import runtime_of
    from router.foresight import Foresight
    from router.stored.owners import Owners

    routes = build.routes_of(config)
    engine = Engine(routes, facts=build.facts_of(config), rng=Random(0), now=0.0)
    runtime = runtime_of(config, routes, engine, {})
    if isinstance(question, Question):
        return cold_explain(runtime, config, 0.0, question)
    call, caller = received(runtime, question)
    foresight = Foresight(lambda: runtime, Owners(lambda: 0.0), lambda: 0.0)
    request = asyncio.run(foresight.request(call, caller))
    told = foretold(runtime, config, 0.0, request)
    return {**told, "request": as_read(call, caller, request)}

"""`check`, `explain` and `status`: questions to a file or to a running router, answered on the
terminal.
"""

from __future__ import annotations

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from random import Random
from typing import Any

from router.build import PolicyFault
from router.config import Config, ConfigError, load

PATIENCE = 2.0
"""Seconds for a router on the same machine to answer."""


def check(path: Path, *, strict: bool) -> int:
    """Print what is wrong with a file; 0 if it can be served."""
    config = _load(path)
    if config is None:
        return 1
    for note in config.notes:
        print(f"{'error' if strict else 'note'}: {note}")
    if strict and config.notes:
        return 1
    targets = sum(1 for name in config.targets() if config.target(name)[0].enabled)
    live = sum(1 for route in config.models.values() if config.live(route))
    print(f"{path}: {live} of {len(config.models)} models can serve, on {targets} targets")
    return 0


def explain(path: Path, model: str, *, tokens: int, stream: bool, as_json: bool) -> int:
    """Print how a request would be decided."""
    config = _load(path)
    if config is None:
        return 1
    question = {"model": model, "input_tokens": tokens, "stream": stream}
    source = f"the running router at {config.server.admin}"
    told: dict[str, Any] | None
    try:
        told = _ask(config, "/explain", question)
    except urllib.error.HTTPError as error:
        print(f"{source}: {_detail(error)}", file=sys.stderr)
        return 1
    except OSError:
        source = "a cold start (no router answers at " + str(config.server.admin) + ")"
        told = _cold(config, model, tokens, stream=stream)
    if told is None:
        print(f"no route {model!r} in {path} can serve", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"source": source, **told}, indent=2))
    else:
        from router.cli.tables import explained

        explained(source, told)
    return 0


def status(path: Path, *, watch: bool, as_json: bool) -> int:
    """Print the running router's status, once or every second."""
    config = _load(path)
    if config is None:
        return 1
    from router.cli.tables import overview

    while True:
        try:
            told = _ask(config, "/status", None)
        except OSError as error:
            reason = (
                _detail(error)
                if isinstance(error, urllib.error.HTTPError)
                else "is `pointsman serve` running?"
            )
            print(f"no status from {config.server.admin}: {reason}", file=sys.stderr)
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


def _load(path: Path) -> Config | None:
    from router.build import routes_of

    try:
        config = load(path, os.environ)
        routes_of(config)
    except (ConfigError, PolicyFault) as error:
        print(error if isinstance(error, ConfigError) else f"{path}: {error}", file=sys.stderr)
        return None
    return config


def _ask(config: Config, path: str, question: dict[str, Any] | None) -> dict[str, Any]:
    """The admin listener's answer. Raises OSError when there is none."""
    server = config.server
    body = json.dumps(question).encode() if question is not None else None
    request = urllib.request.Request(f"http://{server.admin}{path}", data=body)
    if server.admin_token is not None:
        request.add_header("authorization", f"Bearer {server.admin_token.reveal()}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=PATIENCE) as answer:
        told: dict[str, Any] = json.load(answer)
    return told


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error).get("detail", error.reason))
    except ValueError:
        return str(error.reason)


def _cold(config: Config, model: str, tokens: int, *, stream: bool) -> dict[str, Any] | None:
    """The same question to an engine that has seen nothing."""
    from policies import Engine
    from router import build
    from router.admin.pages import explained_by

    routes = build.routes_of(config)
    if model not in routes:
        return None
    engine = Engine(routes, facts=build.facts_of(config), rng=Random(0), now=0.0)
    return explained_by(engine, 0.0, model, input_tokens=tokens, stream=stream)

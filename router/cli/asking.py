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
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from policies import Engine
from router import build
from router.admin.explain import DEFAULT_POLICY, Question
from router.admin.explain import explain as cold_explain
from router.cli.address import address
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
    live = len(build.serving(config))
    print(f"{path}: {live} of {len(config.models)} models can serve, on {targets} targets")
    return 0


def explain(path: Path, question: Question, admin: str | None, *, as_json: bool) -> int:
    """Print how a request would be decided."""
    config = _load(path, admin)
    if config is None:
        return 1
    source = f"the running router at {config.server.admin}"
    told: dict[str, Any] | None
    try:
        told = _ask(config, "/explain", msgspec.json.encode(question))
    except urllib.error.HTTPError as error:
        print(f"{source}: {_detail(error)}", file=sys.stderr)
        return 1
    except OSError:
        source = f"a cold start (no router answers at {config.server.admin})"
        told = _cold(config, question)
    if told is None:
        why = build.off(config).get(question.model, "there is no such route")
        print(f"no route {question.model!r} in {path} can serve: {why}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps({"source": source, **told}, indent=2))
    else:
        from router.cli.tables import explained

        explained(source, told)
    return 0


def status(path: Path, admin: str | None, *, watch: bool, as_json: bool) -> int:
    """Print the running router's status, once or every second."""
    config = _load(path, admin)
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


def _load(path: Path, admin: str | None = None) -> Config | None:
    try:
        config = load(path, os.environ)
        build.find_plugins(config)
        build.routes_of(config)
        if admin is not None:
            config = replace(config, server=replace(config.server, admin=address(admin, "--admin")))
    except (ConfigError, build.PolicyFault, ValueError) as error:
        print(
            f"{path}: {error}" if isinstance(error, build.PolicyFault) else error, file=sys.stderr
        )
        return None
    return config


def _ask(config: Config, path: str, body: bytes | None) -> dict[str, Any]:
    """The admin listener's answer. Raises OSError when there is none."""
    server = config.server
    request = urllib.request.Request(f"http://{server.admin}{path}", data=body)
    if server.admin_token is not None:
        request.add_header("authorization", f"Bearer {server.admin_token.reveal()}")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            told: dict[str, Any] = json.load(answer)
    except (HTTPException, ValueError) as error:
        raise ConnectionError("whoever listens there is no router") from error
    return told


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        told = json.load(error)
    except (HTTPException, OSError, ValueError):
        told = None
    return str(told["detail"] if isinstance(told, dict) and "detail" in told else error.reason)


def _cold(config: Config, question: Question) -> dict[str, Any] | None:
    """The same question to an engine that has seen nothing."""
    routes = build.routes_of(config)
    if question.model not in routes:
        return None
    engine = Engine(routes, facts=build.facts_of(config), rng=Random(0), now=0.0)
    route = config.models.get(question.model)
    policy = route.policy.name if route is not None else DEFAULT_POLICY
    return cold_explain(engine, 0.0, question, policy)

"""`drain`, `pin`, `overrides` and `lift`: what an operator says to a running router, and its answer
on the terminal.
"""

from __future__ import annotations

import getpass
import json
import platform
import sys
import urllib.error
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from router.cli.asking import NOBODY, ask, detail, find

PATH = "/overrides"
Told = dict[str, Any]


def say(path: Path, asked: Mapping[str, object], admin: str | None, *, as_json: bool) -> int:
    """Say one more; `asked` are the fields of `POST /overrides`."""

    def printed(told: Told) -> None:
        _print_one(told)
        if told["replaces"]:
            print(f"instead of {', '.join(told['replaces'])}")

    body = msgspec.json.encode({**asked, "by": _who()})
    return exchange(path, admin, ("POST", PATH, body), printed, as_json=as_json)


def show(path: Path, admin: str | None, *, as_json: bool) -> int:
    """Show all that hold."""

    def printed(told: Told) -> None:
        from router.cli.tables import overrides

        overrides(told["overrides"])

    return exchange(path, admin, ("GET", PATH, None), printed, as_json=as_json)


def lift(path: Path, which: str | None, admin: str | None, *, as_json: bool) -> int:
    """End one, or (None) all."""

    def printed(told: Told) -> None:
        for one in told["lifted"]:
            print(f"{one['id']} lifted: {one['words']}")
        if not told["lifted"]:
            print("nothing to lift")

    place = PATH if which is None else f"{PATH}/{quote(which, safe='')}"
    whole = f"{place}?{urlencode({'by': _who()})}"
    return exchange(path, admin, ("DELETE", whole, None), printed, as_json=as_json)


def exchange(
    path: Path,
    admin: str | None,
    what: tuple[str, str, bytes | None],
    printed: Callable[[Told], None],
    *,
    as_json: bool,
) -> int:
    """Ask the router that runs on this file, and print what it answers."""
    try:
        running = find(path, admin)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    method, target, body = what
    try:
        told = ask(running, target, body, method)
    except urllib.error.HTTPError as error:
        print(f"the router at {running.address}: {detail(error)}", file=sys.stderr)
        return 1
    except OSError:
        print(
            f"no router answers at {running.address}: {NOBODY}",
            file=sys.stderr,
        )
        return 1
    if as_json:
        print(json.dumps(told, indent=2))
        return 0
    printed(told)
    if why := told["kept"]["why_not"]:
        print(f"(it is not kept over a restart: {why})", file=sys.stderr)
    return 0


def _print_one(told: Told) -> None:
    idle = f" (it changes nothing now: {told['idle']})" if told["idle"] else ""
    print(f"{told['id']}: {told['words']} until {told['until']}{idle}")


def _who() -> str:
    """Who says it, as this machine knows them."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):
        user = "unknown"
    return f"{user}@{platform.node()}"[:200]

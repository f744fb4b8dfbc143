"""`shadow`: what a running router's shadows came to, on the terminal."""

from __future__ import annotations

import json
import sys
import urllib.error
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from router.cli.asking import NOBODY, ask, detail, find

EXITS = {"safe": 0, "not safe": 2, "not enough": 3}


def run(path: Path, model: str | None, admin: str | None, *, as_json: bool) -> int:
    """Print the shadow of `model`, or of all; the exit code says whether to switch."""
    try:
        running = find(path, admin)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    page = "/shadow" if model is None else f"/shadow/{quote(model, safe='')}"
    try:
        told = ask(running, page, None)
    except urllib.error.HTTPError as error:
        print(f"the router at {running.address}: {detail(error)}", file=sys.stderr)
        return 1
    except OSError:
        print(f"no router answers at {running.address}: {NOBODY}", file=sys.stderr)
        return 1
    pages = told["shadows"] if model is None else {model: told}
    if as_json:
        print(json.dumps(told, indent=2))
    elif not pages:
        print("no model has a shadow that is switched on: write `shadow: {to: …}` under one")
    else:
        from router.cli.tables import compared

        for one in pages.values():
            compared(one)
    return _exit(pages)


def _exit(pages: Mapping[str, Any]) -> int:
    found = {one["verdict"] for one in pages.values()}
    if "not safe" in found:
        return EXITS["not safe"]
    return EXITS["not enough"] if "not enough" in found else 0

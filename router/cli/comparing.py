"""`shadow`: what a running router's shadows came to, on the terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from router.cli.asking import answer, answering, find

EXITS = {"safe": 0, "not safe": 2, "not enough": 3}


@answering
def run(path: Path, model: str | None, admin: str | None, *, as_json: bool) -> int:
    """Print the shadow of `model`, or of all; the exit code says whether to switch."""
    page = "/shadow" if model is None else f"/shadow/{quote(model, safe='')}"
    told = answer(find(path, admin), page)
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

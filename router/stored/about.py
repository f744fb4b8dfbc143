"""The paths at which clients ask about what is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

VERBS: Mapping[str, tuple[str, ...]] = {
    "": ("GET", "DELETE"),
    "/cancel": ("POST",),
    "/input_items": ("GET",),
}
"""What may be done, by what stands behind the id."""
_PATH = re.compile(r"/v1/responses/([A-Za-z0-9_-]{1,200})(|/cancel|/input_items)")


class About(NamedTuple):
    """What is asked about `id`: a method, and what stands behind it in the path and as a query."""

    method: str
    id: str
    rest: str = ""
    query: str = ""

    @property
    def path(self) -> str:
        """Below a provider's base URL."""
        query = f"?{self.query}" if self.query else ""
        return f"/responses/{self.id}{self.rest}{query}"


def verbs_at(path: str) -> tuple[str, ...]:
    """The methods that `path` takes; none: nothing kept can be there."""
    found = _PATH.fullmatch(path)
    return VERBS[found[2]] if found is not None else ()


def about(method: str, path: str, query: str) -> About:
    """What is asked at a path that has verbs."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise ValueError(path)
    return About("GET" if method == "HEAD" else method, found[1], found[2], query)

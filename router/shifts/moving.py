"""A shift as the file says it, and its name: what it is kept, counted and led under.

Pure. Must not: know how far it has come.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from policies.shifting import Terms, revision
from router.config import Config


class Moving(NamedTuple):
    """The traffic of `model` moves from its `targets` to other weighted ones, by these `terms`;
    `route` is the engine's name of the route to them.
    """

    model: str
    route: str
    targets: Mapping[str, float]
    to: Mapping[str, float]
    terms: Terms

    @property
    def revision(self) -> str:
        """The hash of both: a shift between other targets is another one."""
        return revision(self.targets, self.to)

    @property
    def name(self) -> str:
        """What it is kept under."""
        return f"{self.model}:{self.revision}"

    @property
    def line(self) -> str:
        """What to write into the file once it is done, instead of `targets` and `shift`."""
        weights = ", ".join(f"{target}: {weight:g}" for target, weight in self.to.items())
        return f"targets: {{{weights}}}"


def moving_of(config: Config) -> list[Moving]:
    """The shifts of a file whose models can serve."""
    return []

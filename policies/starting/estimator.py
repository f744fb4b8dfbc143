"""The contract for estimates of difficulty that are not made of rules.

An estimator reads the text and so is asked where the text is, by the driver, before the engine is;
what comes of it is one number among the request's features (`SCORE`). It is synchronous: whoever
waits for it lets everybody wait, so the driver measures it, and goes by the rules where it fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

SCORE = "score"
"""The feature that holds an estimate."""
TEXT = "text"
"""The feature that only estimators may have: the last message's words."""


class Task(NamedTuple):
    """One request, as an estimator sees it. `text` is the user's last message, its last 64 kB at
    most; `input_tokens` are estimated, `output_tokens` the caller's bound (None: none); `features`
    what the estimator's `needs` name.
    """

    model: str
    text: str
    input_tokens: int
    output_tokens: int | None
    stream: bool
    tenant: str
    features: Mapping[str, Any]


@runtime_checkable
class Estimator(Protocol):
    """Says how hard a request is. It may have an attribute `needs` as well, the names of features
    that it wants beside the text.
    """

    def score(self, task: Task) -> float:
        """From 0, anybody can do it, to 1, only the best can. Synchronous, without I/O, and quick:
        what it takes, every request of the process waits.
        """

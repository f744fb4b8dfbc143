"""How providers count what they are sent, as plain data: for their presets, and for models of them
that are counted otherwise.

Only what a company says, or what is known of it, stands here. A provider without a preset, and one
of which nothing is said, is taken to count all that is read and written, in any span of time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Literal

Answers = Literal["written", "bound", "whole", "larger", "nothing"]


@dataclass(frozen=True, slots=True)
class Counts:
    """How a provider counts.

    `answers` in limits on tokens: as `written`; the client's `bound` until it is written; the
    `whole` bound, whatever is written; the `larger` of the bound and the input, for both;
    `nothing`, where the input alone counts. `longest`: without a bound, the model's longest answer
    stands for it. `times` is what each token counts that was written. `cached`: input that is read
    from a cache counts. Requests of a minute may be counted in slices of `slice` seconds, and those
    of a day from `midnight` to midnight in a zone.
    """

    answers: Answers = "written"
    longest: bool = False
    times: int = 1
    cached: bool = True
    slice: float | None = None
    midnight: str | None = None


AS_WRITTEN = Counts()
BEDROCK = Counts("bound", longest=True, cached=False)
OF_MODELS: Mapping[str, tuple[tuple[str, Mapping[str, Any]], ...]] = {
    "anthropic": (("claude-3-5-haiku-*", {"cached": True}),),
    # What Claude writes burns five times its quota, from 3.7 on.
    "bedrock": (
        ("*anthropic.claude-3-7-*", {"times": 5}),
        ("*anthropic.claude-3-*", {}),
        ("*anthropic.claude-v2*", {}),
        ("*anthropic.claude-instant-*", {}),
        ("*anthropic.claude-*", {"times": 5}),
    ),
}
"""What models count otherwise than their preset, by patterns of names in lower case, without what
stands before their last slash; the first that fits."""


def counted(preset: str, counts: Counts, model: str) -> Counts:
    """How a model is counted of a provider with that preset, which counts so."""
    name = model.lower().rpartition("/")[2]
    patterns = OF_MODELS.get(preset, ())
    other = next((given for pattern, given in patterns if fnmatchcase(name, pattern)), {})
    return replace(counts, **other)

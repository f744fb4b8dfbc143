"""One request, answered twice: by production, and by the shadow. What each came to, in numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two came to, by its first attempt. `outcome` is that attempt's, in a word;
    `first` and `total` are in seconds since it was sent, `cost` in nano-dollars; None: there is
    none, or nobody knows. `characters` are those of the text and of the arguments of its calls.
    `form` is whether it is of the form that was asked for, `tools` whether its calls are of tools
    that were offered; None: nothing of the kind was asked.
    """

    outcome: str
    target: str
    first: float | None = None
    total: float | None = None
    tokens: int | None = None
    cost: int | None = None
    characters: int | None = None
    stopped: str = ""
    form: bool | None = None
    tools: bool | None = None

    @property
    def answered(self) -> bool:
        """Whether it was answered."""
        return self.outcome == "ok"


@dataclass(frozen=True, slots=True)
class Pair:
    """Both. `score` is the judge's, from -1 to 1; None: there was no judge, or it did not say."""

    control: Side
    shadow: Side
    score: float | None = None

"""How far a shift has come: one value that says all of it, and outlives who made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from policies.shifting.evidence import Evidence
from policies.shifting.guarding import FRESH, NAMES, NO_EVIDENCE, Arms, Weighed
from policies.shifting.spread import FARTHEST, counted
from policies.shifting.terms import Terms
from policies.shifting.weighing import HIGHEST, LOWEST


class State(Enum):
    """What a shift is doing."""

    RUNNING = "running"
    """On a step, until its time and its requests are enough."""
    HOLDING = "holding"
    """They are; but it is not sure enough yet that nothing gets worse."""
    PAUSED = "paused"
    """It stays where it is, as an operator wishes. It is still taken back when it fails."""
    FROZEN = "frozen"
    """It stays where it is: nobody leads the fleet. Only ever shown, never kept."""
    BACK = "back"
    """It failed: nobody is served by the canary until it has cooled down."""
    DONE = "done"
    """All are served by what was the canary."""
    ABORTED = "aborted"
    """Nobody is served by the canary, as an operator wishes."""


GOING = frozenset({State.RUNNING, State.HOLDING, State.PAUSED, State.FROZEN})
"""States in which the canary has its share."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The shift named `revision`. The canary has `share` of all requests since the instant
    `since`, on a clock that all instances share; 0 where it was taken back or aborted. `cause` says
    why it is in its state, in words. `until` is when it tries again (None: not by itself); `tries`
    counts those that were taken back.

    `counted` is the evidence that has been weighed, `began` what there was when the step began;
    `failing` is the share of the control's last requests that failed, `usual` the same over a
    longer time.
    """

    revision: str
    share: float
    since: float
    state: State = State.RUNNING
    cause: str = ""
    until: float | None = None
    tries: int = 0
    counted: Arms = NO_EVIDENCE
    began: Arms = NO_EVIDENCE
    weighed: Mapping[str, Weighed] = field(default_factory=lambda: FRESH)
    failing: float = 0.0
    usual: float = 0.01

    def plain(self) -> dict[str, Any]:
        """As JSON knows it."""
        return {
            "revision": self.revision,
            "share": self.share,
            "since": self.since,
            "state": self.state.value,
            "cause": self.cause,
            "until": self.until,
            "tries": self.tries,
            "counted": {name: arm.plain() for name, arm in self.counted._asdict().items()},
            "began": {name: arm.plain() for name, arm in self.began._asdict().items()},
            "weighed": {
                name: {"worse": list(each.worse), "no_worse": list(each.no_worse)}
                for name, each in self.weighed.items()
            },
            "failing": self.failing,
            "usual": self.usual,
        }

    @classmethod
    def of_plain(cls, plain: Mapping[str, Any]) -> Progress:
        """Back from `plain`. Raises `ValueError` for what it cannot have made."""
        try:
            until = plain["until"]
            progress = cls(
                str(plain["revision"]),
                _share(plain["share"]),
                _instant(plain["since"]),
                State(plain["state"]),
                str(plain["cause"]),
                None if until is None else _instant(until),
                counted(plain["tries"]),
                _arms(plain["counted"]),
                _arms(plain["began"]),
                {name: _weighed(plain["weighed"][name]) for name in NAMES},
                _share(plain["failing"]),
                _share(plain["usual"]),
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"no progress of a shift: {error!r}") from None
        if not progress.counted.holds(progress.began):
            raise ValueError("its step began with more than was counted")
        return progress


def begin(terms: Terms, revision: str, now: float, counted: Arms = NO_EVIDENCE) -> Progress:
    """A shift at its first step, `counted` being what both arms did before it."""
    share = terms.steps[0]
    state = State.DONE if share >= 1 else State.RUNNING
    return Progress(revision, share, now, state, counted=counted, began=counted)


def _within(least: float, value: Any, most: float) -> float:
    """A number, which is neither a truth nor a text."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError(f"a number from {least:g} to {most:g} is none, or is out of range")
    return float(value)


def _share(value: Any) -> float:
    return _within(0.0, value, 1.0)


def _instant(value: Any) -> float:
    return _within(-FARTHEST, value, FARTHEST)


def _arms(plain: Mapping[str, Any]) -> Arms:
    return Arms(Evidence.of_plain(plain["control"]), Evidence.of_plain(plain["canary"]))


def _weighed(plain: Mapping[str, Any]) -> Weighed:
    worse, no_worse = (
        tuple(_within(LOWEST, one, HIGHEST) for one in plain[side])
        for side in ("worse", "no_worse")
    )
    if len(worse) != len(Weighed().worse) or len(no_worse) != len(Weighed().no_worse):
        raise ValueError("a guard has other guesses")
    return Weighed(worse, no_worse)

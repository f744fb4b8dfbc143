"""Where prefixes are warm, and what that was found to be worth: the memory of one route.

What is known is only what was sent from here and what the answers to it said: a prefix is taken to
be warm where it was last read, for as long as that provider keeps it; how much of what should have
been warm was counted as cached there, and how long uncached tokens take, is measured. So where no
cache is reported, nothing is soon expected of one.
Bounded, without a text, and changed only by what is learned: to choose leaves no trace.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp
from typing import TYPE_CHECKING, Self

from policies.affinity.prefill import Prefill
from policies.affinity.prefix import BOUND, Mark, Prefix, placed
from policies.engine.outcome import Report
from policies.engine.refusal import NEVER
from policies.engine.route import PromptCache
from policies.policy import Candidate

if TYPE_CHECKING:
    from policies.engine.standing import Member

MOST_KEYS = 16_384
"""Prefixes that are remembered, the last ones used: some megabytes a route."""
MOST_TARGETS = 64
TRUST = 0.15
"""How far each answer moves what is believed of its target's cache: after a dozen that report
nothing, little is left.
"""
COUNTED = 60.0
"""Seconds in which what a target was sent loses 63 % of its weight."""

FEW = 30.0
"""Requests of late that are no load for anybody: who talks alone stays where they are."""
SIMILAR = 1.5
"""Who costs so many times as much as another, were nothing warm, is none to spill over to."""
LEAST_PART = 0.05
"""What is left of a predicted time, however much of it is saved."""
LEAST_LIKELY = 0.05
"""Of a prompt: where less of it can be expected to be warm, nothing is."""


def is_full(
    one: int, members: Sequence[Candidate], cold: Sequence[float], loads: Sequence[float]
) -> bool:
    """Whether that one of `members` was sent more than its fair share among those who would cost
    about as little as it, or less, were nothing warm.
    """
    bar, load = cold[one] * SIMILAR, loads[one]
    if load <= FEW:
        return False
    whole = weights = 0.0
    for cost, sent, peer in zip(cold, loads, members, strict=True):
        if cost <= bar:
            whole += sent
            weights += peer.weight
    return load > BOUND * (whole + 1.0) * members[one].weight / weights


class Known:
    """What was found out of one target: `trust` is the part of what should have been warm there
    that was reported as cached.
    """

    __slots__ = ("_at", "_load", "prefill", "trust")

    def __init__(self, now: float) -> None:
        self.prefill = Prefill()
        self.trust = 1.0
        self._load = 0.0
        self._at = now

    def load(self, now: float) -> float:
        """Requests of late, older ones for less."""
        return self._load * exp((self._at - now) / COUNTED)

    def served(self, now: float) -> None:
        """One more."""
        self._load = self.load(now) + 1.0
        self._at = now


class Warmth:
    """What is warm where."""

    __slots__ = ("_known", "_marks")

    def __init__(self) -> None:
        self._marks: dict[int, dict[str, Mark]] = {}
        self._known: dict[str, Known] = {}

    def __deepcopy__(self, memo: object) -> Self:
        """Itself: who only chooses changes nothing."""
        return self

    def __len__(self) -> int:
        return len(self._marks)

    def weigh(
        self,
        prefix: Prefix,
        tokens: int,
        members: Sequence[Member],
        costs: Sequence[float],
        seconds: Sequence[float],
        now: float,
    ) -> tuple[list[float], list[float], list[float]]:
        """`costs` of a prompt of so many `tokens`, which stand for predictions of so many
        `seconds`, if nothing of it is warm; how many tokens are expected to be; and the costs then.
        """
        marked = self._marked(prefix, tokens, members, now)
        least = LEAST_LIKELY * tokens
        cold, warm, found = [], [], []
        for cost, alone, member in zip(costs, seconds, members, strict=True):
            name = member.name
            known = self._known.get(name)
            if known is None or not 0.0 < alone < NEVER:
                cold.append(cost)
                warm.append(0.0)
                found.append(cost)
                continue
            # What the engine adds for length was learned from what was warm as well.
            prefill, slope = known.prefill, member.latency.prefill
            pace, mean = prefill.pace, prefill.mean
            more = 0.0 if mean is None else pace * (tokens - mean)
            if slope.pace:
                more -= slope.more(tokens)
            part = 1.0 + more / alone
            cold.append(cost * (part if part > LEAST_PART else LEAST_PART))
            there = marked[name] * known.trust if name in marked else 0.0
            if there >= least:
                warm.append(there)
                part -= pace * there / alone
            else:
                warm.append(0.0)
            found.append(cost * (part if part > LEAST_PART else LEAST_PART))
        return cold, warm, found

    def trust(self, name: str) -> float:
        """The part of what should have been warm at a target that it reported of late."""
        known = self._known.get(name)
        return 1.0 if known is None else known.trust

    def loads(self, members: Sequence[Candidate], now: float) -> list[float]:
        """How many requests each was sent of late."""
        known = self._known
        return [known[member.name].load(now) if member.name in known else 0.0 for member in members]

    def place(self, prefix: Prefix, among: Sequence[Candidate], now: float) -> Candidate:
        """To which of `among` a prefix belongs that is not warm at any: by the first of its keys
        that nobody knows, so that what begins alike is spread where it begins to differ.
        """
        for key in prefix.keys:
            if key not in self._marks:
                break
        loads = self.loads(among, now)
        fair = BOUND * (sum(loads) + 1.0) / sum([one.weight for one in among])
        free = [
            one for one, load in zip(among, loads, strict=True) if load + 1.0 <= fair * one.weight
        ]
        return placed(key, free or among)

    def _marked(
        self, prefix: Prefix, tokens: int, members: Sequence[Member], now: float
    ) -> dict[str, int]:
        """By the names of `members`, how many of a prompt's `tokens` should be warm there, where
        any ever were.
        """
        marked: dict[str, int] = {}
        caches: dict[str, PromptCache] = {}
        for key in reversed(prefix.keys):
            marks = self._marks.get(key)
            # Where more of it was read, this was as well: who is there already is all there is.
            if marks is None or len(marks) <= len(marked):
                continue
            if not caches:
                caches = {member.name: member.standing.facts.prompts for member in members}
            for name, (at, read) in marks.items():
                if name not in marked and name in caches and now - at < caches[name].life:
                    marked[name] = min(read, tokens) if read >= caches[name].least else 0
            if len(marked) == len(members):
                break
        return marked

    def learn(
        self,
        prefix: Prefix,
        tokens: int,
        member: Member,
        report: Report,
        first: float | None,
        now: float,
    ) -> None:
        """An answer to a prompt of `tokens` has begun to come from `member`, after `first` seconds
        (None: it came in one piece).
        """
        known = self._learned(member.name, now)
        known.served(now)
        read = report.input_tokens
        if read is not None and first is not None and not report.estimated:
            known.prefill.record(max(0, read - report.cached_tokens), first)
        if report.outcome.good and (
            warm := self._marked(prefix, tokens, (member,), now).get(member.name)
        ):
            part = min(1.0, report.cached_tokens / warm)
            known.trust += (part - known.trust) * TRUST
        self._mark(prefix, tokens if read is None else read, member.name, now)

    def _mark(self, prefix: Prefix, tokens: int, target: str, now: float) -> None:
        marked = self._marks
        last = len(prefix.keys) - 1
        for index, key in enumerate(prefix.keys):
            marks = marked.pop(key, None)
            if marks is None or len(marks) > MOST_TARGETS:
                marks = {}
            whole = prefix.open and index == last
            marks[target] = Mark(now, tokens if whole else (index + 1) * prefix.step)
            marked[key] = marks  # behind all others: the next to be forgotten stands first
        while len(marked) > MOST_KEYS:
            del marked[next(iter(marked))]

    def _learned(self, target: str, now: float) -> Known:
        if target not in self._known:
            if len(self._known) >= MOST_TARGETS:
                self._known.clear()
            self._known[target] = Known(now)
        return self._known[target]

"""Verdicts, and how they are told: every policy's figures, what was asked of the one that is
judged, and whether any baseline does better.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from statistics import fmean
from typing import NamedTuple

from policies.simulate.baselines import BASELINES
from policies.simulate.estimate import Bound, Estimate
from policies.simulate.figures import FIGURES, MORE_IS_BETTER
from policies.simulate.oracle import Oracle
from policies.simulate.scenario import Scenario

UNITS = {"wait": "wait s", "p99": "p99 s", "noticed": "noticed s", "back": "back s"}
EXACT = 1e-9


class Verdict(NamedTuple):
    """One policy in one scenario: its figures over the seeds, without those that have no meaning
    there, and each target's mean share of what was sent while the trouble lasted.
    """

    figures: dict[str, Estimate]
    shares: Mapping[str, float]


class Rank(NamedTuple):
    """How the judged policy stands to the best baseline: `gap` by which it is worse (negative:
    better), and the half of the interval of that baseline.
    """

    baseline: str
    estimate: Estimate
    gap: float

    @property
    def level(self) -> bool:
        """Whether it is the best, or within the interval of the best."""
        return self.gap <= self.estimate.half + EXACT

    def __str__(self) -> str:
        if self.gap <= EXACT:
            return "best"
        return "within the interval" if self.level else "behind"


class Judgement(NamedTuple):
    """All policies in one scenario; `name` is the one that is judged."""

    scenario: Scenario
    name: str
    verdicts: Mapping[str, Verdict]
    best: Oracle

    @property
    def judged(self) -> Verdict:
        """The policy that is judged."""
        return self.verdicts[self.name]

    def kept(self) -> list[tuple[Bound, bool | None]]:
        """Each bound and whether it is kept; None where its figure was not taken."""
        figures = self.judged.figures
        return [
            (bound, bound.holds(figures[bound.figure]) if bound.figure in figures else None)
            for bound in self.scenario.bounds
        ]

    def rank(self) -> Rank | None:
        """Its place among the baselines by the metric; None where it has no meaning."""
        metric = self.scenario.metric
        sign = -1.0 if metric in MORE_IS_BETTER else 1.0
        baselines = {
            name: each.figures[metric]
            for name, each in self.verdicts.items()
            if name in BASELINES and metric in each.figures
        }
        if not baselines or metric not in self.judged.figures:
            return None
        best = min(baselines, key=lambda name: sign * baselines[name].mean)
        gap = sign * (self.judged.figures[metric].mean - baselines[best].mean)
        return Rank(best, baselines[best], gap)


def table(judgement: Judgement) -> list[str]:
    """One scenario, as lines of text."""
    scenario = judgement.scenario
    columns = [figure for figure in columns_of(scenario) if figure in judgement.judged.figures]
    heads = "".join(f"{UNITS.get(column, column):>15}" for column in columns)
    lines = [f"{scenario.name:24}{heads}  shares %"]
    for name, each in judgement.verdicts.items():
        cells = "".join(f"{told(each.figures.get(column)):>15}" for column in columns)
        shares = " ".join(f"{100 * share:.0f}" for share in each.shares.values())
        lines.append(f"  {name:22}{cells}  {shares}")
    if isfinite(judgement.best.wait):
        lines.append(
            f"  no wait under {judgement.best.wait:.3f} s (p99 {judgement.best.tail:.3f} s)"
        )
    if judgement.best.sends > 1 + EXACT:
        lines.append(
            f"  no more answered than {judgement.best.answered:.4f}, in "
            f"{judgement.best.sends:.3f} sends"
        )
    if (rank := judgement.rank()) is not None:
        lines.append(
            f"  by {scenario.metric}: {rank}; of the baselines the best is {rank.baseline} "
            f"with {told(rank.estimate)}"
        )
    lines += [f"  {line}" for line in asked(judgement)]
    return lines


def asked(judgement: Judgement) -> list[str]:
    """What was asked of the policy, and whether it was kept."""
    lines = []
    for bound, kept in judgement.kept():
        if kept is None:
            why = "nothing to choose" if bound.figure == "regret" else "not taken"
            lines.append(f"{bound}: {why}")
        else:
            value = bound.of(judgement.judged.figures[bound.figure])
            lines.append(f"{bound}: {short(value)} {'pass' if kept else 'MISS'}")
    return lines


def summary(judgements: Sequence[Judgement]) -> list[str]:
    """A line for each scenario as a table in Markdown, and the regret over all."""
    lines = [
        "| scenario | policy | judged by | asked | measured | | beside the baselines |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in judgements:
        figures, kept = each.judged.figures, each.kept()
        bounds = "<br>".join(str(bound) for bound, _ in kept)
        values = "<br>".join(
            short(bound.of(figures[bound.figure])) if held is not None else "–"
            for bound, held in kept
        )
        marks = "<br>".join({True: "pass", False: "**MISS**", None: "–"}[held] for _, held in kept)
        rank = each.rank()
        place = "–" if rank is None else f"{rank} ({rank.baseline} {told(rank.estimate)})"
        metric = f"{each.scenario.metric} {told(figures.get(each.scenario.metric))}"
        lines.append(
            f"| {each.scenario.name} | {each.name} | {metric} | {bounds} | {values} | {marks} "
            f"| {place} |"
        )
    known = [each.judged.figures["regret"].mean for each in judgements if regretted(each)]
    if known:
        lines += [
            "",
            f"Mean regret where there is something to choose: {fmean(known):.3f} (≤ 0.15)",
        ]
    return lines


def beside(judgements: Sequence[Judgement]) -> list[str]:
    """Every policy by the metric of each scenario, as a table in Markdown."""
    names = list(BASELINES)
    lines = [
        "| scenario | by | judged | " + " | ".join(name.replace("_", " ") for name in names) + " |",
        "|---" * (len(names) + 3) + "|",
    ]
    for each in judgements:
        metric = each.scenario.metric
        found = [
            each.verdicts[name].figures.get(metric) if name in each.verdicts else None
            for name in names
        ]
        cells = " | ".join(told(estimate) for estimate in [each.judged.figures.get(metric), *found])
        lines.append(f"| {each.scenario.name} | {metric} | {cells} |")
    return lines


def regretted(judgement: Judgement) -> bool:
    """Whether there was something to choose."""
    return "regret" in judgement.judged.figures


def columns_of(scenario: Scenario) -> list[str]:
    """The figures that its table shows."""
    special = [scenario.metric, *(bound.figure for bound in scenario.bounds)]
    return list(dict.fromkeys([*FIGURES, "regret", *special]))


def told(estimate: Estimate | None) -> str:
    """Mean and half interval."""
    if estimate is None or not estimate.values:
        return "–"
    digits = places(estimate.mean)
    half = f"±{estimate.half:.{digits}f}" if estimate.half else ""
    return f"{estimate.mean:.{digits}f}{half}"


def short(value: float) -> str:
    """A value to its last digit that has any meaning."""
    return f"{value:.{places(value)}f}"


def places(value: float) -> int:
    """Digits after the point: a share to a hundredth of a percent, a minute to a tenth."""
    return 1 if abs(value) >= 10 else 3 if abs(value) >= 1 else 4
